"""Targets that are Python adapters: called without HTTP."""
