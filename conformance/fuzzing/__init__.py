"""Malformed, unusual and linked requests, drawn from an OpenAPI description."""
