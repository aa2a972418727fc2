"""A run recomputed from its own exchanges, bundles and signatures."""
