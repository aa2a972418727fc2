"""``--operator``: a person at the terminal does what the target does not offer."""

from __future__ import annotations

import argparse
import sys

from conformance.errors import UsageError
from conformance.runner.operator import SECONDS, OperatedTarget, Operator, Terminal
from conformance.targets.target import Target


def operated(arguments: argparse.Namespace, target: Target) -> Target:
    """Return the seat, with a person beside it where one is asked for.

    Raises:
        UsageError: nobody can be asked here, or nothing be approved there.

    """
    if not arguments.operator:
        if arguments.operator_timeout is not None:
            raise UsageError("--operator-timeout says how long to wait for a person: add --operator.")
        return target
    if not sys.stdin.isatty():
        raise UsageError("--operator asks at the terminal, and there is none: start it where somebody can answer.")
    if not target.over_http:
        raise UsageError(f"{target.name} is called without HTTP: nobody can approve there; leave --operator out.")
    return OperatedTarget(target, Operator(Terminal(float(arguments.operator_timeout or SECONDS))))
