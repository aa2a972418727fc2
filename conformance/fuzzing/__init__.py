"""The HTTP layer under malformed, unusual and linked requests: what schemathesis draws, sent, answered and judged."""
