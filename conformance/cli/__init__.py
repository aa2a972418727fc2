"""The command line: arguments, output, signals and one module for each command."""
