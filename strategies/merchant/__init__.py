"""Which histories a merchant is tested with."""
