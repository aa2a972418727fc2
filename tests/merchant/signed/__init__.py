"""Shops with a handler of signed notifications: correct ones, and one for every wrong way to verify or to keep."""
