"""Targets that speak HTTP: over the network, in process as ASGI or WSGI, or embedded."""
