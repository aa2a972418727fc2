"""What a Python caller uses: a run, and histories, assertions and a state machine for tests of one's own."""

from conformance.api.provider_run import Observer, Result, RunOptions, UsageError, run

__all__ = ["Observer", "Result", "RunOptions", "UsageError", "run"]
