"""The command ``completion``: prints what lets a shell complete this program's lines.

As JSON it has ``shell`` and ``script``.
"""

from __future__ import annotations

from click.shell_completion import get_completion_class

from conformance.cli.arguments import COMPLETE, PROGRAM, Completion, cli
from conformance.cli.output import output
from conformance.errors import UsageError


def main(arguments: Completion) -> int:
    """Print click's script for a shell; return 0."""
    kind = get_completion_class(arguments.shell)
    if kind is None:
        raise UsageError(f"{arguments.shell} cannot be completed.")
    script = kind(cli, {}, PROGRAM, COMPLETE).source()
    if output().is_json:
        output().answer_json({"shell": arguments.shell, "script": script})
    else:
        output().answer(f"{script}\n")
    return 0
