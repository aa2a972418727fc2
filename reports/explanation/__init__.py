"""One rule, obligation or interpretation explained: what the package knows of it, as values and as text."""
