"""The commands, one module each.

``main(arguments)`` runs the command and returns the exit code.
"""
