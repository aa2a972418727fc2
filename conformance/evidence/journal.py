"""The evidence: an append-only file of records, each chained to the one before by SHA-256.

A record is one line of JSON. Every line is written in one piece as soon as its content is known, so that a process that
is killed loses at most the line being written. What may stand in a record is fixed by `journal.schema.json`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

JOURNAL_VERSION: Final = 1
JOURNAL_NAME: Final = "journal.jsonl"
START: Final = "0" * 64
"""What the first record is chained to."""

SHARED: Final = 24
"""Letters of the longest text that is looked for among those that were read before."""

Record = dict[str, Any]

# Made once: an encoder with options of its own is otherwise made anew for every record.
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class JournalError(Exception):
    """The evidence cannot be read or written. The message says where and what to do."""


class FormatError(JournalError):
    """There is no journal, or it is one that this version does not read."""


class BrokenChainError(JournalError):
    """A record is not chained to the one before it: something was changed, dropped, added or moved."""


class Journal:
    """Writes a run's evidence into a directory.

    Args:
        directory: where `journal.jsonl` is written; made if it does not exist.

    Raises:
        JournalError: the directory cannot be written to, or already holds a journal.

    """

    def __init__(self, directory: Path, name: str = JOURNAL_NAME) -> None:
        self.path = directory / name
        self.count = 0
        self._previous = START
        try:
            directory.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
            self._file = os.open(self.path, flags, 0o644)
        except FileExistsError:
            raise JournalError(
                f"{self.path} already exists: evidence is never overwritten; name another --out directory."
            ) from None
        except OSError as error:
            raise JournalError(f"{self.path} cannot be written: {error.strerror}.") from None

    @classmethod
    def continued(cls, directory: Path, name: str = JOURNAL_NAME) -> tuple[Journal, Evidence, int]:
        """Open the journal of a run that was interrupted, to write on in it.

        Returns the journal, what stands in it, and of how many bytes its last line was that was cut off while it was
        being written. That line was never a record, and is taken away.

        Raises:
            JournalError: there is none, or it cannot be written to.
            BrokenChainError: a record is not chained to the one before it.

        """
        evidence = read_journal(directory, name)
        journal = cls.__new__(cls)
        journal.path = directory / name
        journal.count, journal._previous = len(evidence.records), evidence.digest
        try:
            data = journal.path.read_bytes()
            whole = data.rfind(b"\n") + 1
            journal._file = os.open(journal.path, os.O_WRONLY | os.O_APPEND)
            os.ftruncate(journal._file, whole)
        except OSError as error:
            raise JournalError(f"{journal.path} cannot be written: {error.strerror}.") from None
        return journal, evidence, len(data) - whole

    def append(self, kind: str, **content: Any) -> None:
        """Write one record.

        Raises:
            JournalError: the line could not be written whole, for example because the disk is full.

        """
        record = {"n": self.count, "kind": kind, "prev": self._previous, **content}
        line = _encode(record).encode("utf-8", "surrogatepass")
        try:
            written = os.write(self._file, line + b"\n")
        except OSError as error:
            raise JournalError(f"{self.path} cannot be written any further: {error.strerror}.") from None
        if written != len(line) + 1:
            raise JournalError(f"{self.path} cannot be written any further: the disk is full.")
        self._previous = hashlib.sha256(line).hexdigest()
        self.count += 1

    def close(self) -> None:
        """Close the file. What was appended is already there."""
        os.close(self._file)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A journal as it was read.

    ``truncated`` says that its last line was cut off while it was being written. ``digest`` is what a next record would
    be chained to: it stands for everything before it.
    """

    records: tuple[Record, ...]
    truncated: bool = False
    digest: str = START

    def of_kind(self, kind: str) -> Iterator[Record]:
        """Iterate over the records of one kind, in order."""
        return (record for record in self.records if record["kind"] == kind)

    def last(self, kind: str) -> Record | None:
        """Return the last record of a kind, or None."""
        return next((record for record in reversed(self.records) if record["kind"] == kind), None)

    def first(self, kind: str) -> Record | None:
        """Return the first record of a kind, or None."""
        return next(self.of_kind(kind), None)


def read_journal(directory: Path, name: str = JOURNAL_NAME) -> Evidence:
    """Read a run's evidence back and check its chain.

    Raises:
        FormatError: there is no journal, or it is not one of this version.
        BrokenChainError: a record is not chained to the one before it.

    """
    path = directory / name
    records: list[Record] = []
    previous, tail = START, b""
    pool = _Pool()
    try:
        # Line by line: the text of a long run is as large again as everything that is made of it.
        with path.open("rb") as file:
            for index, line in enumerate(file):
                if not line.endswith(b"\n"):
                    tail = line
                    break
                record = _parsed(line, path, index, pool)
                if record.get("prev") != previous or record.get("n") != index:
                    raise BrokenChainError(f"{path}, line {index + 1}: the record does not follow the one before it.")
                previous = hashlib.sha256(line[:-1]).hexdigest()
                records.append(record)
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror}. Name the --out directory of a run.") from None
    if not records:
        raise FormatError(f"{path} is empty: the run was stopped before it began.")
    first = records[0]
    if first["kind"] != "run" or first.get("format") != JOURNAL_VERSION:
        raise FormatError(f"{path} does not begin with a run of journal format {JOURNAL_VERSION}.")
    return Evidence(tuple(records), truncated=bool(tail), digest=previous)


class _Pool:
    """Texts and headers that stand in many records, each kept once: a long run says the same thing a hundred times."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._headers: dict[tuple[str, ...], list[str]] = {}

    def shared(self, pairs: list[tuple[str, Any]]) -> Record:
        """Return an object whose names, short texts and headers are shared with those of others."""
        texts, found = self._texts, {}
        for name, value in pairs:
            if type(value) is str and len(value) <= SHARED:
                value = texts.setdefault(value, value)  # noqa: PLW2901 - the same value, kept once
            elif name == "headers" and type(value) is list:
                value = [self._header(one) for one in value]  # noqa: PLW2901
            found[texts.setdefault(name, name)] = value
        return found

    def _header(self, header: Any) -> Any:
        try:
            return self._headers.setdefault(tuple(header), header)
        except TypeError:
            return header


def _parsed(line: bytes, path: Path, index: int, pool: _Pool) -> Record:
    try:
        record = json.loads(line, object_pairs_hook=pool.shared)
    except (ValueError, RecursionError):
        raise BrokenChainError(f"{path}, line {index + 1}: not a record.") from None
    if not isinstance(record, dict) or not isinstance(record.get("kind"), str):
        raise BrokenChainError(f"{path}, line {index + 1}: not a record.")
    return record


def body_as_json(body: bytes) -> str | dict[str, str]:
    """Return a body for a record: text where it is UTF-8, ``{"base64": ...}`` where it is not."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode("ascii")}


def body_from_json(stored: str | dict[str, str]) -> bytes:
    """Return the bytes of a recorded body."""
    return stored.encode("utf-8") if isinstance(stored, str) else base64.b64decode(stored["base64"])


class RecordSink(Protocol):
    """Where records are written: a journal, or what is to become one."""

    def append(self, kind: str, **content: Any) -> None:
        """Write one record."""


class BufferedSink:
    """Records that wait for their journal: what is said before it is known what a run's first record must say."""

    def __init__(self) -> None:
        self._records: list[tuple[str, dict[str, Any]]] = []

    def append(self, kind: str, **content: Any) -> None:
        """Keep one record."""
        self._records.append((kind, content))

    def pass_on(self, ledger: RecordSink) -> None:
        """Write everything that was kept."""
        for kind, content in self._records:
            ledger.append(kind, **content)
        self._records.clear()


def is_merchant_run(run: Record) -> bool:
    """Whether a run judges a merchant; its first record says so."""
    return bool(run.get("party") == PARTY)


PARTY: Final = "merchant"
