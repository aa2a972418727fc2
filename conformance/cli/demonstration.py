"""What is tested where no target is named: the built-in simulator, for a person at a terminal, and nothing in CI."""

from __future__ import annotations

import os
from typing import Final

from conformance.cli.output import output
from conformance.errors import UsageError

DEMONSTRATION: Final = (
    "Demonstration against the built-in simulator: it says nothing about your software; name yours with --target, "
    "such as --target http://127.0.0.1:9701."
)
_MISSING: Final = (
    "--target is missing: name what to test, such as --target http://127.0.0.1:9701. --target embedded gives the "
    "demonstration against the built-in simulator."
)


def chosen_target(target: str | None) -> str:
    """Return the target of a run; where none is named, the built-in simulator, and say so first and last.

    Raises:
        UsageError: none is named, and nobody would see that this is a demonstration.

    """
    if target is not None:
        return target
    out = output()
    if not out.is_terminal or os.environ.get("CI", "").lower() not in ("", "0", "false"):
        raise UsageError(_MISSING)
    out.say(DEMONSTRATION)
    out.last.append(DEMONSTRATION)
    return "embedded"
