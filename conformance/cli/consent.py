"""Nothing that a file names is run or talked to unless the user agrees: a run's folder may come from somebody else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from conformance.cli.output import write
from conformance.domain.visible_text import visible
from conformance.errors import UsageError
from conformance.targets.production_guard import base_address
from conformance.targets.transport import TargetUsageError

_RUNS: Final = frozenset({"python", "asgi", "wsgi", "exec"})


def require_consent(place: Path, names: tuple[str | None, ...], *, yes: bool, remedy: str) -> None:
    """Return if what a file names may be used: it is harmless, ``--yes`` stands there, or the user agrees.

    The embedded provider and addresses of this machine are harmless. At a terminal, the user is asked.

    Args:
        place: the file that names it.
        names: what would be used, such as a target and its test control API; None for what the file does not name.
        yes: whether the user has agreed on the command line.
        remedy: what to type instead, as the end of a sentence.

    Raises:
        UsageError: nobody agrees.

    """
    risks = [f"{visible(name)}, {risk}" for name in names if name and (risk := _risk(name))]
    if yes or not risks:
        return
    sentence = f"{place} names {' and '.join(risks)}"
    if sys.stdin.isatty() and sys.stdout.isatty():
        write(sys.stdout, f"{sentence}. Type yes and Enter to go on: ")
        if sys.stdin.readline().strip().lower() in ("y", "yes"):
            return
        raise UsageError(f"Nothing was done: {place} may be somebody else's.")
    raise UsageError(f"{sentence}: {remedy}, or agree with --yes.")


def _risk(name: str) -> str:
    kind, colon, _ = name.strip().partition(":")
    if colon and kind.lower() in _RUNS:
        return "which runs code on this machine"
    if colon and kind.lower() in ("http", "https") and not _is_here(name.strip()):
        return "which would get requests from this machine, with the credentials of the environment"
    return ""


def _is_here(url: str) -> bool:
    try:
        return base_address(url).loopback
    except TargetUsageError:
        return False
