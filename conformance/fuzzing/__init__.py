"""The HTTP layer under malformed, unusual and linked requests.

What schemathesis draws, sent, answered and judged.
"""
