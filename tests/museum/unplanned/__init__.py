"""Faulty providers that the plan was not made for, and amounts by class."""
