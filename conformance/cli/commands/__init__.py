"""The commands, one module each: ``main(arguments)`` does the work and returns the exit code."""
