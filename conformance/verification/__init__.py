"""A run replayed from its own exchanges, its claims compared, bundles and signatures; see docs/development.md."""
