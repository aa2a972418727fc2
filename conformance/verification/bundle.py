"""A run in one file.

A zip with the evidence, the rules it was judged by, the reports, and the digests of all. The same run gives the same
bytes (with the same zlib). The archive's comment is the SHA-256 of everything before it, so that a change of any byte
shows, whether or not the byte belongs to a file.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from conformance.evidence.counterexamples import FOLDER
from conformance.evidence.journal import JOURNAL_NAME, JournalError
from conformance.evidence.private_files import write_private
from conformance.evidence.records import CounterexampleRecord
from conformance.inputs.files import InputError, read_bytes
from conformance.reports.formats.statement import CONFIGURATION, READINGS, RULEBOOK, context_texts, statement_text
from conformance.results.result import Result, book_of
from conformance.verification.attestation import ATTESTATIONS
from conformance.verification.signing import Signer

BUNDLE_NAME: Final = "bundle.zip"
MANIFEST: Final = "manifest.json"
STATEMENT: Final = "statement.json"
SIGNATURE: Final = "statement.dsse.json"
REPORTS: Final = ("report.html", "report.json", "junit.xml", "summary.md", "results.sarif", "badge.svg")
CONTEXT: Final = (RULEBOOK, READINGS, CONFIGURATION)
MANIFEST_VERSION: Final = 1
LARGEST: Final = 4_000_000_000
"""Bytes that a bundle may have, packed or unpacked."""
LARGEST_FILE: Final = 200_000_000
"""Bytes that a file of a run may have, apart from its journal."""
_LARGEST_DIRECTORY: Final = 1_000_000
"""Bytes of the list of files at the end of an archive, from which an object is made for each file."""
_END: Final = struct.Struct("<4s4H2LH")
"""What stands at the very end, before the comment: its signature, numbers, the size of the list, where it begins."""
_DIGEST: Final = b"sha256:"
_COMMENT: Final = len(_DIGEST) + 64
_NAMES: Final = frozenset({JOURNAL_NAME, MANIFEST, STATEMENT, SIGNATURE, *REPORTS, *CONTEXT, *ATTESTATIONS})
_EXAMPLE: Final = re.compile(rf"{FOLDER}/[A-Za-z0-9][A-Za-z0-9._-]*\.json")


class ChangedError(JournalError):
    """The archive was changed after it was written."""


def write_bundle(
    directory: Path, result: Result, path: Path, *, tested: Sequence[Mapping[str, Any]] = (), key: Path | None = None
) -> str:
    """Write the bundle of a run, whose reports must exist.

    Returns the file's SHA-256 in hex.

    Args:
        directory: the directory of the run.
        result: its result.
        path: the file to write.
        tested: what was tested, as in-toto resources: each with ``name`` and ``digest``.
        key: a file with an Ed25519 private key, to sign the statement; None for no signature.

    Raises:
        JournalError: a file cannot be read or written.
        SigningError: the key cannot be used.

    """
    files = {JOURNAL_NAME: _read(directory / JOURNAL_NAME)}
    files |= {name: _read(directory / name) for name in REPORTS}
    files |= {name: _read(directory / name) for name in ATTESTATIONS if (directory / name).is_file()}
    for record in result.evidence.of(CounterexampleRecord):
        files[record.file] = _read(directory / record.file)
    files |= {name: text.encode() for name, text in context_texts(result, book_of(result.evidence)).items()}
    files[MANIFEST] = manifest_text(files, result.run.tool).encode()
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    files[STATEMENT] = statement_text(result, digests, tested).encode()
    if key is not None:
        files[SIGNATURE] = Signer(key).envelope(files[STATEMENT]).encode()
    data = _zipped(files)
    try:
        write_private(path, data)
    except OSError as error:
        raise JournalError(f"{path} cannot be written: {error.strerror}.") from None
    return hashlib.sha256(data).hexdigest()


def manifest_text(files: Mapping[str, bytes], tool: str) -> str:
    """Return the manifest of files as JSON: the size and the SHA-256 of each."""
    listed = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in sorted(files.items())
    }
    return json.dumps({"version": MANIFEST_VERSION, "tool": tool, "files": listed}, indent=2) + "\n"


def unpack(path: Path, directory: Path) -> None:
    """Check that a bundle was not changed, and unpack it into a directory.

    Raises:
        ChangedError: a byte was changed, or it has files that no bundle has.
        JournalError: it cannot be read, or is not a bundle.

    """
    data = _read(path)
    if not data.startswith(b"PK"):
        raise JournalError(f"{path} is neither the --out directory of a run nor a bundle of one.")
    comment = data[-_COMMENT:]
    if comment != _DIGEST + hashlib.sha256(data[:-_COMMENT]).hexdigest().encode():
        raise ChangedError(f"{path} is not as it was written: a byte of the archive was changed, added or lost.")
    try:
        names = _extract(data, path, directory)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise ChangedError(f"{path} cannot be unpacked: {error}.") from None
    missing = sorted({JOURNAL_NAME, MANIFEST, STATEMENT} - set(names))
    if missing:
        raise ChangedError(f"{path} has no {', '.join(missing)}.")


def _extract(data: bytes, path: Path, directory: Path) -> list[str]:
    """Unpack an archive into a directory; return the names of its files."""
    _check_directory(data, path)
    with zipfile.ZipFile(BytesIO(data)) as archive:
        infos = archive.infolist()
        names = [info.filename for info in infos]
        unknown = [name for name in names if name not in _NAMES and not _EXAMPLE.fullmatch(name)]
        if unknown or len(names) != len(set(names)) or sum(info.file_size for info in infos) > LARGEST:
            raise ChangedError(f"{path} has files that no bundle has, one twice, or too much of them.")
        for info in infos:
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ChangedError(f"{path} has {info.filename} packed in a way that no bundle uses.")
            target = directory / info.filename
            target.parent.mkdir(exist_ok=True)
            # No more than its size is unpacked, whatever the packed bytes would give.
            with archive.open(info) as packed, target.open("wb") as file:
                shutil.copyfileobj(packed, file)
    return names


def _check_directory(data: bytes, path: Path) -> None:
    """Check the size of the archive's list of files, before it is read."""
    before, end = data[: -_COMMENT - _END.size], data[-_COMMENT - _END.size : -_COMMENT]
    if len(end) < _END.size:
        raise ChangedError(f"{path} is no whole archive.")
    signature, *_, size, _, _ = _END.unpack(end)
    # A larger list would be named by a record of its own, which stands before the end.
    if signature != b"PK\x05\x06" or size > _LARGEST_DIRECTORY or before[-20:].startswith(b"PK\x06\x07"):
        raise ChangedError(f"{path} lists more files than a bundle has, or has no list of them.")


def content_of(path: Path) -> bytes:
    """Return the content of a file of a run.

    Raises:
        InputError: it is no regular file, or too large.

    """
    return read_bytes(path, LARGEST if path.name == JOURNAL_NAME else LARGEST_FILE)


def manifest_complaints(directory: Path) -> Iterator[str]:
    """Yield what differs between files and manifest, a sentence each."""
    try:
        manifest = json.loads(content_of(directory / MANIFEST))
        listed = {name: (entry["bytes"], entry["sha256"]) for name, entry in manifest["files"].items()}
        version = manifest["version"]
    except (InputError, ValueError, KeyError, TypeError, AttributeError):
        yield f"{MANIFEST} is not a manifest"
        return
    if version != MANIFEST_VERSION:
        yield f"{MANIFEST} is of version {version!r}, which is not known here"
    files = _files(directory)
    own = {name for name in files if name in _NAMES or name.startswith(f"{FOLDER}/")}
    for name in sorted((listed.keys() | own) - {MANIFEST, STATEMENT, SIGNATURE}):
        if name not in listed:
            yield f"{name} is there, and the manifest does not list it"
        elif name not in files:
            yield f"{name} is in the manifest, and is not there"
        else:
            data = content_of(files[name])
            if (len(data), hashlib.sha256(data).hexdigest()) != listed[name]:
                yield f"{name} is not the file whose digest the manifest has"


def _files(directory: Path) -> dict[str, Path]:
    """Return a directory's files, by their names in a bundle."""
    paths = (*directory.glob("*"), *(directory / FOLDER).glob("*"))
    return {path.relative_to(directory).as_posix(): path for path in paths if path.is_file()}


def _zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        # The comment has its final length now, since the length is part of what the digest covers.
        archive.comment = b"-" * _COMMENT
        for name, data in sorted(files.items()):
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, 0o100644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data, compresslevel=6)
    body = buffer.getvalue()[:-_COMMENT]
    return body + _DIGEST + hashlib.sha256(body).hexdigest().encode()


def _read(path: Path) -> bytes:
    try:
        return read_bytes(path, LARGEST)
    except InputError as error:
        raise JournalError(str(error)) from None
