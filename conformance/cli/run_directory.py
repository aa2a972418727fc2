"""Where a command writes its run: never over another one, unless it is told to replace it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from conformance.cli.options import DEFAULT_OUT
from conformance.cli.output import output
from conformance.domain.order import Profile
from conformance.errors import UsageError
from conformance.evidence.counterexamples import FOLDER
from conformance.evidence.journal import JOURNAL_NAME, check_unlocked, journal_in
from conformance.runner.blocks import PARTS
from conformance.verification.attestation import ATTESTATIONS
from conformance.verification.bundle import BUNDLE_NAME, REPORTS

RUN_FILES: Final = (JOURNAL_NAME, *REPORTS, BUNDLE_NAME, *ATTESTATIONS)
"""The files of a run, apart from its counterexamples."""


def run_directory(out: str | None, *, force: bool, needed: Iterable[Path] = ()) -> Path:
    """Return a directory without evidence: the one that is named, the same with a number, or the one that is emptied.

    Args:
        out: the directory that is named, if one is.
        force: whether a run that is there already is replaced: its own files are removed, and all others stay.
        needed: directories whose runs are read, and must not be replaced.

    Raises:
        UsageError: no number can be put to the name, it is needed, or the files there cannot be removed.
        JournalError: the run that is to be replaced still goes on.

    """
    if out == "":
        raise UsageError("--out names no directory.")
    named = Path(DEFAULT_OUT if out is None else out)
    if any(path.is_file() for path in (named, *named.parents)):
        raise UsageError(f"{named} is a file, or below one: name a directory with --out.")
    if not journal_in(named).exists():
        return named
    if force:
        if named.resolve() in {path.resolve() for path in needed}:
            raise UsageError(f"{named} is read by this command and cannot be replaced: name another --out directory.")
        check_unlocked(named)
        _remove(named)
        output().warn(f"{named} held a run, which is replaced.")
        return named
    if named.name in ("", ".."):
        raise UsageError(f"{named} already holds a run: name another --out directory, or replace the run with --force.")
    directory = next(path for path in _numbered(named) if not journal_in(path).exists())
    output().warn(f"{named} already holds a run: writing to {directory} (--force replaces the old one).")
    return directory


def files_of(directory: Path) -> dict[str, str]:
    """Return the files of a run that are there, as paths by name."""
    return {name: str(directory / name) for name in RUN_FILES if (directory / name).is_file()}


def remove_reports(directory: Path) -> None:
    """Remove the reports of a run that goes on: should it be killed, they would not say what its journal does.

    Raises:
        UsageError: one cannot be removed.

    """
    try:
        for name in REPORTS:
            (directory / name).unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be removed: {error.strerror}.") from None


def _numbered(named: Path) -> Iterator[Path]:
    number = 2
    while True:
        yield named.with_name(f"{named.name}-{number}")
        number += 1


def _remove(directory: Path) -> None:
    """Remove what the suite has written into a directory, and leave what somebody else has put there.

    A folder that is a symbolic link is somebody else's.
    """
    examples, parts = directory / FOLDER, directory / PARTS
    patterns = [(examples, f"{profile.value}-*-*.json") for profile in Profile] + [(parts, "*.jsonl")]
    own = [directory / name for name in (*RUN_FILES, f"{JOURNAL_NAME}.gz")]
    own += [path for folder, pattern in patterns if not folder.is_symlink() for path in folder.glob(pattern)]
    try:
        for path in own:
            path.unlink(missing_ok=True)
        for folder in (examples, parts):
            if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
                folder.rmdir()
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be removed: {error.strerror}.") from None
