"""The three ways to reach a merchant's integration: a Python class, a test hook over HTTP, a command per action."""
