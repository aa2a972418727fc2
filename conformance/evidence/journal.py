"""The evidence: an append-only file of records, each chained to the one before by SHA-256.

A record is one line of JSON: its number, its kind, the beginning of the SHA-256 of the line before, and what was
recorded. A line that repeats most of an earlier one says how it differs, as the module `line_packing` describes::

    {"n":0,"kind":"run","prev":"00000000","format":3,"command":"cancel-conformance run --target embedded",…}
    {"n":1,"kind":"exchange","prev":"3a19c2f0","history":"","step":0,…}
    {"like":1,"set":["2",1,"77ab01c4",5]}

The chain finds a line that was changed by mistake. What stands for the whole journal is its digest, the SHA-256 of the
file. Formats 1 and 2 have whole lines, and whole SHA-256s in them; their digest is that of the last line.

Every line is written in one piece as soon as its content is known, so that a process that is killed loses at most the
line being written. The file is locked while it is written. The module `records` defines the kinds, and
`journal.schema.json` does for readers in other languages. `Journal` writes, `read_journal` reads and checks the chain,
`Evidence` is what was read.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Final, Literal, Protocol, TypeVar

import msgspec

from conformance.evidence.file_lock import lock
from conformance.evidence.line_packing import LONGEST_LINE, LinePacker, LineUnpacker, PackingError
from conformance.evidence.private_files import FILE_MODE, make_private_folder
from conformance.evidence.record_parts import UNWRITTEN, Record, builtins_of, part_as_json, plain_value
from conformance.evidence.records import (
    Ending,
    ExchangeRecord,
    FinishRecord,
    JournalRecord,
    JudgementRecord,
    PartRecord,
    RunRecord,
)
from conformance.inputs.files import InputError, check_size, open_input

JOURNAL_VERSION: Final = 3
"""The format that is written.

Since 2, the run's record says how orders are named, and each API has its own letter. Since 3, lines are packed.
"""
READ_VERSIONS: Final = (1, 2, 3)
JOURNAL_NAME: Final = "journal.jsonl"
LARGEST: Final = 1_000_000_000
"""Bytes of a journal that is read, with all of its lines whole: what a few bytes of it stand for fills the memory."""
START: Final = "0" * 64
"""What the first record is chained to."""
MERCHANT_PARTY: Final = "merchant"
"""The stored ``party`` of a run, or of a history, that judges a merchant and not the provider."""

R = TypeVar("R", bound=Record)
_PLAIN: Final = frozenset({str, int, bool, type(None)})

_FIRST_PACKED: Final = 3
_FLAGS: Final = os.O_APPEND | getattr(os, "O_BINARY", 0)
_BEGINNING: Final = b'{"n":0,"kind":"run",'
_LINK: Final = 8
"""Digits of a SHA-256 that a line has in a packed journal. Digests that were published are always whole."""
_JOURNAL: Final = msgspec.json.Decoder(JournalRecord)
_PART: Final = msgspec.json.Decoder(PartRecord)
_encode: Final = msgspec.json.Encoder(enc_hook=plain_value).encode
# For text with half of a surrogate pair: a target can send one in JSON, and UTF-8 has none.
_encode_with_surrogates: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class JournalError(Exception):
    """The evidence cannot be read or written. The message says where and what to do."""


class FormatError(JournalError):
    """There is no journal, or it is one that this version does not read."""


class EmptyJournalError(FormatError):
    """The journal has no whole record.

    The run ended before its first record was written: nothing is known of it, not even what was tested, so there is no
    verdict to report.
    """


class ForeignJournalError(FormatError):
    """The file does not begin with the record of a run in the format that this version reads.

    It is another program's, another version's, or the beginning is missing. What it says cannot be judged by rules that
    it does not name.
    """


class BrokenChainError(JournalError):
    """A record is not chained to the one before it: something was changed, dropped, added or moved."""


class CutRecordError(BrokenChainError):
    """A line before the last one is not a whole record.

    A process that is killed can leave only its last line unfinished, so the file was cut or edited afterwards.
    """


class DuplicateRecordError(BrokenChainError):
    """A record, or the beginning of a history, is there twice.

    A check that stands in the evidence twice would be counted twice, and make a rule look better tested than it is.
    """


class InvalidRecordError(JournalError):
    """A record lacks a field of its kind, or has one of another type.

    Its chain is right, so it was written by another version, or by somebody who computed the chain anew. Nothing is
    concluded from a record that is not understood.
    """


class LockedJournalError(JournalError):
    """Another process writes the journal."""


class Journal:
    """Writes a run's evidence into a directory, as the only one who does.

    Args:
        directory: where `journal.jsonl` is written; made if it does not exist.
        name: the name of the file.
        keep: whether `evidence` is asked for: what is written is kept in memory then, and need not be read again.

    Raises:
        JournalError: the directory cannot be written to, or already holds a journal.

    """

    def __init__(self, directory: Path, name: str = JOURNAL_NAME, *, keep: bool = True) -> None:
        path = directory / name
        try:
            make_private_folder(directory)
            file = os.open(path, os.O_WRONLY | _FLAGS | os.O_CREAT | os.O_EXCL, FILE_MODE)
        except FileExistsError:
            raise JournalError(
                f"{path} already exists: evidence is never overwritten; name another --out directory."
            ) from None
        except OSError as error:
            raise JournalError(f"{path} cannot be written: {error.strerror}.") from None
        self._own(path, file)
        self._kept: list[Record] | None = [] if keep else None

    def _own(self, path: Path, file: int) -> None:
        """Take possession of an open file; what was written into it before is not known yet."""
        _lock(path, file)
        self.path, self._file, self._process = path, file, os.getpid()
        self.count = self._size = 0
        self._previous = START
        self._whole = hashlib.sha256()
        self._packer: LinePacker | None = None
        self._is_appending = False

    @classmethod
    def continued(cls, directory: Path, name: str = JOURNAL_NAME) -> tuple[Journal, Evidence, int]:
        """Open the journal of an interrupted run to append to it.

        Returns the journal, what stands in it, and the number of bytes of an unfinished last line. That line was never
        a record, and is removed.

        Raises:
            JournalError: there is none, or it cannot be written to.
            LockedJournalError: another process writes it.
            BrokenChainError: a record is not chained to the one before it.

        """
        journal = cls.__new__(cls)  # the constructor would refuse a file that exists
        path = directory / name
        try:
            file = os.open(path, os.O_RDWR | _FLAGS)
        except OSError as error:
            raise JournalError(f"{path} cannot be written: {error.strerror}.") from None
        journal._own(path, file)
        try:
            evidence = read_journal(directory, name)
            torn = journal._go_on_after(evidence)
        except BaseException:
            journal.close()
            raise
        return journal, evidence, torn

    def _go_on_after(self, evidence: Evidence) -> int:
        """Make evidence what was written before; return how many bytes of an unfinished last line were removed."""
        self._packer = LinePacker() if evidence.run.format >= _FIRST_PACKED else None
        self._kept = list(evidence.records)
        return self._look_at_file()

    def _look_at_file(self) -> int:
        """Go on after the last whole line of the file; return how many bytes of an unfinished one were removed."""
        data = self.path.read_bytes()
        self._size = data.rfind(b"\n") + 1
        try:
            os.ftruncate(self._file, self._size)
        except OSError as error:
            raise JournalError(f"{self.path} cannot be written: {error.strerror}.") from None
        lines = data[: self._size].split(b"\n")[:-1]
        self.count = len(lines)
        self._previous = hashlib.sha256(lines[-1]).hexdigest() if lines else START
        self._whole = hashlib.sha256(data[: self._size])
        # Nothing that comes later may be like a line that is perhaps not there.
        self._packer = None if self._packer is None else LinePacker()
        if self._kept is not None and len(self._kept) != self.count:
            # Reading the file says what it has.
            self._kept = None
        return len(data) - self._size

    @property
    def digest(self) -> str:
        """What a reader of the journal, as it is now, gets as its digest."""
        return self._previous if self._packer is None else self._whole.hexdigest()

    def append(self, record: Record) -> None:
        """Write one record, under the next number of this journal.

        Raises:
            JournalError: the line could not be written whole, for example because the disk is full.

        """
        if os.getpid() != self._process:
            raise LockedJournalError(f"{self.path} is written by process {self._process}, of which this is a copy.")
        if self._is_appending:
            # An interruption ended the last one somewhere, or the disk was full.
            self._look_at_file()
        self._is_appending = True
        if isinstance(record, RunRecord) and record.format >= _FIRST_PACKED:
            self._packer = LinePacker()
        packed = self._packer is not None
        line = _line(record, self.count, self._previous[:_LINK] if packed else self._previous)
        stored = line if self._packer is None else self._packer.pack(self.count, line)
        self._write(stored + b"\n")
        if self._kept is not None:
            self._keep(self._kept, record, line)
        self._previous = hashlib.sha256(stored).hexdigest()
        self.count += 1
        self._is_appending = False

    def _write(self, data: bytes) -> None:
        """Write a whole line, or none of it."""
        try:
            written = os.write(self._file, data)
        except OSError as error:
            raise JournalError(f"{self.path} cannot be written any further: {error.strerror}.") from None
        if written != len(data):
            os.ftruncate(self._file, self._size)
            raise JournalError(f"{self.path} cannot be written any further: the disk is full.")
        self._size += written
        self._whole.update(data)

    def _keep(self, records: list[Record], record: Record, line: bytes) -> None:
        """Keep a record as its line says it.

        Most of a journal says that of itself: to decode it would take time, and give each text a copy of its own.
        """
        if _is_plain(record):
            link = self._previous if self._packer is None else self._previous[:_LINK]
            records.append(msgspec.structs.replace(record, n=self.count, prev=link))
            return
        try:
            records.append(_parse(line, self.path, self.count))
        except JournalError:
            # Reading the file says what is wrong with it, and where.
            self._kept = None

    def evidence(self) -> Evidence:
        """Return what stands in the journal now.

        It is read only where it was not kept, or where the file is no longer what was written.

        Raises:
            JournalError: it has to be read, and cannot be.

        """
        if self._kept is None or not self.path.is_file() or self.path.stat().st_size != self._size:
            return read_journal(self.path.parent, self.path.name)
        return Evidence(tuple(self._kept), digest=self.digest)

    def close(self) -> None:
        """Close the file. What was appended is already there."""
        os.close(self._file)


def _is_plain(record: Record) -> bool:
    """Return whether a record is what its line says, down to the types of its values, as far as that is known."""
    if isinstance(record, ExchangeRecord):
        return record.wire is None and not record.lost and not record.crash
    if not isinstance(record, JudgementRecord) or record.findings or record.unexpected:
        return False
    return all(type(value) in _PLAIN for value in record.observed.values())


def check_unlocked(directory: Path) -> None:
    """Check that nobody writes the journal in a directory, if there is one.

    Raises:
        LockedJournalError: a process does.

    """
    path = directory / JOURNAL_NAME
    try:
        file = os.open(path, os.O_RDWR)
    except OSError:
        return
    _lock(path, file)
    os.close(file)


def _lock(path: Path, file: int) -> None:
    if not lock(file):
        os.close(file)
        raise LockedJournalError(
            f"{path} is being written by another process: wait until that run has ended, or stop it."
        )


def _line(record: Record, number: int, previous: str) -> bytes:
    """Return a record as one line of JSON: its number, its kind, what it is chained to, and then its content."""
    content = unwritten(record)
    try:
        text = _encode(content)
    except UnicodeEncodeError:
        text = _encode_with_surrogates(builtins_of(content)).encode("utf-8", "surrogatepass")
    kind = f'{{"kind":"{record.kind}"'.encode()
    return b'{"n":%d,%s,"prev":"%s"%s' % (number, kind[1:], previous.encode(), text[len(kind) :])


def unwritten(record: R) -> R:
    """Return a record without its place in a journal."""
    return record if record.n == UNWRITTEN else msgspec.structs.replace(record, n=UNWRITTEN, prev="")


def record_as_json(record: Record) -> dict[str, Any]:
    """Return a record's content as JSON, without its place in a journal."""
    content: dict[str, Any] = part_as_json(unwritten(record))
    return content


@dataclass(frozen=True)
class Evidence:
    """A journal as it was read.

    ``truncated`` says that its last line was cut off while it was being written. ``digest`` is what a next record would
    be chained to: it stands for everything before it.
    """

    records: tuple[Record, ...]
    truncated: bool = False
    digest: str = START

    @property
    def run(self) -> RunRecord:
        """The first record: what was asked for."""
        first = self.records[0]
        if not isinstance(first, RunRecord):
            raise ForeignJournalError("The evidence does not begin with a run.")
        return first

    @property
    def finish(self) -> FinishRecord | None:
        """The record of how the run ended, where it is the last one."""
        last = self.records[-1]
        return last if isinstance(last, FinishRecord) else None

    @property
    def ended(self) -> Ending | Literal[""]:
        """How the run ended; empty where its last record does not say."""
        return self.finish.ended if self.finish is not None else ""

    @property
    def was_stopped(self) -> bool:
        """Whether the run was stopped before its end: by its user, by trouble, or without a last record."""
        return self.ended != "complete"

    def of(self, kind: type[R]) -> Iterator[R]:
        """Iterate over the records of one kind, in order."""
        return iter(self._by_kind.get(kind, ()))

    def first(self, kind: type[R]) -> R | None:
        """Return the first record of a kind, or None."""
        return next(self.of(kind), None)

    def last(self, kind: type[R]) -> R | None:
        """Return the last record of a kind, or None."""
        return next(reversed(self._by_kind.get(kind, ())), None)

    @cached_property
    def _by_kind(self) -> Mapping[type[Any], Sequence[Any]]:
        """The records of each kind: a result and its reports ask for them dozens of times."""
        kinds: dict[type[Any], list[Any]] = {}
        for record in self.records:
            kinds.setdefault(type(record), []).append(record)
        return kinds


def journal_in(directory: Path, name: str = JOURNAL_NAME) -> Path:
    """Return the path of a run's journal, which may have been compressed with gzip since it was written."""
    path, compressed = directory / name, directory / f"{name}.gz"
    return compressed if compressed.is_file() and not path.exists() else path


def read_journal(directory: Path, name: str = JOURNAL_NAME) -> Evidence:
    """Read a run's evidence back and check its chain.

    Raises:
        FormatError: there is no journal, or it is not one of this version.
        BrokenChainError: a record is not chained to the one before it.
        InvalidRecordError: a record does not have the fields of its kind.

    """
    reader = _Reader(journal_in(directory, name))
    try:
        # Line by line: the whole text of a long run would take as much memory again as its records.
        with _opened(reader.path) as file:
            reader.read(iter(lambda: file.readline(LONGEST_LINE), b""))
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise FormatError(f"{reader.path} is no whole gzip file: compress the journal again.") from None
    except InputError as error:
        raise FormatError(f"{error} Name the --out directory of a run.") from None
    except OSError as error:
        raise FormatError(
            f"{reader.path} cannot be read: {error.strerror}. Name the --out directory of a run."
        ) from None
    if not reader.records:
        raise EmptyJournalError(f"{reader.path} is empty: the run was stopped before it began.")
    return Evidence(tuple(reader.records), truncated=reader.truncated, digest=reader.digest)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with open_input(path, LARGEST) as file:
        yield gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file  # type: ignore[misc]


class _Reader:
    """Reads the lines of one journal."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: list[Record] = []
        self.truncated = False
        self._size = 0
        self._previous = START
        self._whole = hashlib.sha256()
        self._unpacker: LineUnpacker | None = None

    @property
    def digest(self) -> str:
        """What stands for everything that was read."""
        return self._previous if self._unpacker is None else self._whole.hexdigest()

    def read(self, lines: Iterator[bytes]) -> None:
        """Read all whole lines of a file."""
        previous, records = self._previous, self.records
        for index, line in enumerate(lines):
            if not line.endswith(b"\n"):
                if not index and not _BEGINNING.startswith(line[: len(_BEGINNING)]):
                    raise _foreign(self.path, {})
                if len(line) == LONGEST_LINE:
                    raise CutRecordError(f"{self.path}, line {index + 1}: not a record (it is too long).")
                self.truncated = True
                break
            self._whole.update(line)
            record = self._record(line, index) if index else self._first(line, lines)
            if record.n != index or not self._follows(record.prev, previous):
                raise _broken(record, self.path, index)
            previous = hashlib.sha256(line[:-1]).hexdigest()
            records.append(record)
        self._previous = previous

    def _record(self, line: bytes, index: int) -> Record:
        if self._unpacker is not None:
            try:
                line = self._unpacker.unpack(index, line)
            except PackingError as error:
                where = f"{self.path}, line {index + 1}"
                if not _is_json(line):
                    raise CutRecordError(f"{where}: not a record.") from None
                raise BrokenChainError(f"{where}: the record does not follow the one before it ({error}).") from None
        self._size += len(line)
        check_size(self._size, LARGEST, str(self.path))
        return _parse(line, self.path, index)

    def _first(self, line: bytes, lines: Iterator[bytes]) -> Record:
        run = _parse_first(line, lines, self.path)
        if run.format >= _FIRST_PACKED:
            self._unpacker = LineUnpacker()
            self._unpacker.unpack(0, line)
        return run

    def _follows(self, link: str, previous: str) -> bool:
        if self._unpacker is None:
            return link == previous
        return len(link) >= _LINK and previous.startswith(link)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _broken(record: Record, path: Path, index: int) -> BrokenChainError:
    where = f"{path}, line {index + 1}: the record does not follow the one before it"
    if 0 <= record.n < index:
        return DuplicateRecordError(f"{where}: record {record.n} is there twice.")
    return BrokenChainError(f"{where}.")


def _parse_first(line: bytes, file: Iterator[bytes], path: Path) -> RunRecord:
    """Parse the first record, or raise the error that says what is wrong with it.

    A journal of another format is told from one that was changed by its second line, which is chained to the first.
    """
    try:
        record = _parse(line, path, 0)
    except InvalidRecordError:
        _check_second(line, next(file, b""), path)
        content = json.loads(line)
        if content["kind"] == "run" and content.get("format") in READ_VERSIONS:
            raise
        raise _foreign(path, content) from None
    if not isinstance(record, RunRecord):
        _check_second(line, next(file, b""), path)
        raise _foreign(path, {})
    return record


def _check_second(first: bytes, second: bytes, path: Path) -> None:
    try:
        content = json.loads(second)
    except (ValueError, RecursionError):
        return
    if not isinstance(content, dict) or "like" in content:
        return
    link, whole = str(content.get("prev")), hashlib.sha256(first[:-1]).hexdigest()
    if len(link) < _LINK or not whole.startswith(link):
        raise BrokenChainError(f"{path}, line 2: the record does not follow the one before it.")


def _foreign(path: Path, content: dict[str, Any]) -> ForeignJournalError:
    *others, latest = map(str, READ_VERSIONS)
    readable = f"{', '.join(others)} or {latest}"
    number, tool = content.get("format"), content.get("tool")
    if content.get("kind") == "run" and type(number) is int:
        return ForeignJournalError(
            f"{path} does not begin with a run of journal format {readable}, but of format {number}: "
            f"read it with version {tool} of cancel-conformance, which wrote it."
        )
    return ForeignJournalError(f"{path} does not begin with a run of journal format {readable}.")


def _parse(line: bytes, path: Path, index: int, decoder: msgspec.json.Decoder[Any] = _JOURNAL) -> Record:
    try:
        record: Record = decoder.decode(line)
    except (msgspec.DecodeError, RecursionError):
        record = _parse_slowly(line, path, index, decoder)
    return record


def _parse_slowly(line: bytes, path: Path, index: int, decoder: msgspec.json.Decoder[Any]) -> Record:
    """Parse a line that has text which is not UTF-8, or raise the error that says what is wrong with it."""
    where = f"{path}, line {index + 1}"
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        raise CutRecordError(f"{where}: not a record.") from None
    if not isinstance(content, dict) or not isinstance(content.get("kind"), str):
        raise CutRecordError(f"{where}: not a record.")
    try:
        record: Record = msgspec.convert(content, decoder.type)
    except (msgspec.ValidationError, RecursionError) as error:
        raise InvalidRecordError(f"{where}: not a record of a journal ({error}).") from None
    return record


def read_part(path: Path) -> Iterator[Record]:
    """Iterate over the records of a part of a run; an unfinished last line is left out.

    Raises:
        CutRecordError: a line is no record.
        InvalidRecordError: a record does not have the fields of its kind.

    """
    unpacker: LineUnpacker | None = None
    for index, line in enumerate(path.read_bytes().split(b"\n")[:-1]):
        try:
            whole = line if unpacker is None else unpacker.unpack(index, line)
        except PackingError as error:
            raise CutRecordError(f"{path}, line {index + 1}: not a record ({error}).") from None
        record = _parse(whole, path, index, _PART)
        if isinstance(record, RunRecord) and record.format >= _FIRST_PACKED:
            unpacker = LineUnpacker()
            unpacker.unpack(index, line)
        yield record


class RecordSink(Protocol):
    """Takes records: a journal, or a buffer in front of one."""

    def append(self, record: Record) -> None:
        """Write one record."""


class BufferedSink:
    """Keeps records until the first record of their journal can be written."""

    def __init__(self) -> None:
        self._records: list[Record] = []

    def append(self, record: Record) -> None:
        """Keep one record."""
        self._records.append(record)

    def pass_on(self, sink: RecordSink) -> None:
        """Write everything that was kept."""
        for record in self._records:
            sink.append(record)
        self._records.clear()


def is_merchant_run(run: RunRecord) -> bool:
    """Return whether a run judges a merchant."""
    return run.party == MERCHANT_PARTY
