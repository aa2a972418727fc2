"""Which histories a provider is tested with."""
