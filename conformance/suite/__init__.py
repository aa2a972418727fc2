"""The tests that a user runs with pytest: `pytest --pyargs conformance.suite --cancel-target ...`."""
