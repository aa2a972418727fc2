"""The command ``verify``: recomputes every verdict of a run from its exchanges.

It needs no network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress

from conformance.cli.arguments import Verify
from conformance.cli.output import Tone, output
from conformance.verification.progress import progress_shown
from conformance.verification.verify import as_json, lines, verify

_TONES: Final[Mapping[int, Tone]] = {0: "good", 1: "bad"}


def main(arguments: Verify) -> int:
    """Verify a directory or a bundle.

    Returns 0 where everything follows from the evidence, 1 where something does not, 4 where it cannot be known.
    """
    with _progress_bar():
        verification = verify(
            Path(arguments.path),
            digest=arguments.digest,
            keys=tuple(map(Path, arguments.public_key)),
            require_attestation=arguments.require_attestation,
        )
    if arguments.format == "json":
        output().answer_json(as_json(verification))
    else:
        verdict, *details = lines(verification)
        output().conclude(verdict, _TONES.get(verification.exit_code, "open"))
        output().say(*details)
    return verification.exit_code


@contextmanager
def _progress_bar() -> Iterator[None]:
    """Show the progress on a terminal, beside what the command prints."""
    console = Console(stderr=True)
    if output().quiet or not console.is_terminal or console.is_dumb_terminal:
        yield
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("Verifying", total=None)
        with progress_shown(lambda done, total: bar.update(task, completed=done, total=total)):
            yield
