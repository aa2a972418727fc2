"""Orders that are made now and judged when they have grown old: for targets whose clock nobody can turn."""
