"""Frozen values without I/O, clock or randomness, and the table of what distinguishes one API from another."""
