"""Frozen values without I/O, clock or randomness; see docs/development.md."""
