"""``bundle``: a run in one file, which can be sent, kept, signed and verified."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from conformance.errors import UsageError
from conformance.reports import write_reports
from conformance.results.result import Result
from conformance.verification.bundle import BUNDLE_NAME, write_bundle

_SUBJECT: Final = re.compile(r"(?P<name>.+)@(?P<algorithm>[A-Za-z0-9]+):(?P<digest>[0-9a-f]{40,128})")


def main(arguments: argparse.Namespace) -> int:
    """Write the reports of a run again and put everything into a bundle; return 0."""
    directory = Path(arguments.directory)
    result = write_reports(directory)
    to = None if arguments.to is None else Path(arguments.to)
    make(directory, result, to=to, tested=arguments.subject, key=arguments.sign)
    return 0


def make(
    directory: Path, result: Result, *, to: Path | None = None, tested: Iterable[str] = (), key: str | None = None
) -> None:
    """Write the bundle of a run, and say where it is.

    Raises:
        UsageError: what was tested is not named as it has to be.
        JournalError: a file cannot be read or written.
        SigningError: the key cannot be used.

    """
    path = to or directory / BUNDLE_NAME
    signing = None if key is None else Path(key)
    digest = write_bundle(directory, result, path, tested=subjects(tuple(tested)), key=signing)
    sys.stdout.write(
        f"Bundle: {path}\nSHA-256 of the bundle: {digest}\nDigest of the journal: {result.evidence.digest}\n"
    )


def subjects(given: Sequence[str]) -> list[dict[str, Any]]:
    """Return what was tested, as in-toto describes resources.

    Raises:
        UsageError: one is not of the form NAME@ALGORITHM:DIGEST.

    """
    out = []
    for one in given:
        match = _SUBJECT.fullmatch(one)
        if match is None:
            raise UsageError(
                f"{one!r} is not a subject: write NAME@sha256:DIGEST, the digest in lower-case hexadecimal."
            )
        out.append({"name": match["name"], "digest": {match["algorithm"]: match["digest"]}})
    return out
