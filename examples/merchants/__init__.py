"""Reference merchants: small integrations that owe nothing, one for each API."""
