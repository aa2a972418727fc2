"""Small providers as ASGI applications, to try `run --target asgi:MODULE:APP` on."""
