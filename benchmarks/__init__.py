"""How fast the suite plays histories, beside the two things that a user could do without it.

``python -m benchmarks`` measures and never judges: no time makes it fail.
"""
