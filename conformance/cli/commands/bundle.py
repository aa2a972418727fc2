"""The command ``bundle``: puts a run into one file, to keep, sign and verify."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from conformance.cli.arguments import Bundle
from conformance.cli.output import output
from conformance.errors import UsageError
from conformance.reports import write_reports
from conformance.results.result import Result
from conformance.verification.bundle import BUNDLE_NAME, write_bundle

_SUBJECT: Final = re.compile(r"(?P<name>.+)@(?P<algorithm>[A-Za-z0-9]+):(?P<digest>[0-9a-f]{40,128})")


def main(arguments: Bundle) -> int:
    """Write the reports and the bundle of a run; return 0."""
    directory = Path(arguments.directory)
    result = write_reports(directory)
    to = None if arguments.to is None else Path(arguments.to)
    bundle = make(directory, result, to=to, tested=arguments.subject, key=arguments.sign)
    output().say(f"SHA-256 of the journal: {bundle['journal']}")
    output().answer_json({**bundle, "exit_code": 0})
    return 0


def make(
    directory: Path, result: Result, *, to: Path | None = None, tested: Iterable[str] = (), key: str | None = None
) -> dict[str, str]:
    """Write the bundle of a run, and print where it is.

    Returns the path as ``bundle``, its SHA-256 as ``sha256``, and the journal's as ``journal``.

    Raises:
        UsageError: a subject is not of the form NAME@ALGORITHM:DIGEST.
        JournalError: a file cannot be read or written.
        SigningError: the key cannot be used.

    """
    path = to or directory / BUNDLE_NAME
    signing = None if key is None else Path(key)
    digest = write_bundle(directory, result, path, tested=subjects(tuple(tested)), key=signing)
    output().say(f"Bundle: {path}", f"SHA-256 of the bundle: {digest}")
    return {"bundle": str(path), "sha256": digest, "journal": result.evidence.digest}


def subjects(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return what was tested, as in-toto describes resources.

    Raises:
        UsageError: a text is not of the form NAME@ALGORITHM:DIGEST.

    """
    resources = []
    for text in texts:
        match = _SUBJECT.fullmatch(text)
        if match is None:
            raise UsageError(
                f"{text!r} is not a subject: write NAME@sha256:DIGEST, the digest in lower-case hexadecimal."
            )
        resources.append({"name": match["name"], "digest": {match["algorithm"]: match["digest"]}})
    return resources
