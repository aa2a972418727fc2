"""Shops in processes of their own, plugged in over HTTP or as a command, with the habits of real ones."""
