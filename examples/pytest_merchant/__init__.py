"""Tests of a merchant's integration, as somebody writes them who knows Hypothesis.

pytest examples/pytest_merchant
"""
