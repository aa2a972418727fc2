"""Tests of an implementation of ePayment's Cancel, as somebody writes them who knows Hypothesis.

pytest examples/pytest_provider
"""
