"""Hostile inputs: every kind of file that a user names, in every way in which a file can be hostile.

What is wrong with a file is either what its path leads to, or what is in it. The same contents are given to each kind:
JSON in the place of TOML is as hostile as TOML with a million brackets.
"""

from __future__ import annotations

import json
import os
import random
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.fuzzing import openapi

LONG = b"9" * 5_000
STORED = Path(__file__).parents[1] / "evidence" / "journals" / "format-2"
COUNTEREXAMPLE = STORED / "counterexamples" / "epayment-EP-05-1.json"


@dataclass(frozen=True)
class Kind:
    """A kind of file, and the command that reads it: ``{}`` stands for the file, ``{run}`` for a run."""

    name: str
    file: str
    words: tuple[str, ...]


KINDS = (
    Kind("config", "options.toml", ("schema", "config", "--config", "{}")),
    Kind("known", "known.toml", ("diff", "{run}", "{run}", "--known", "{}")),
    Kind("project", "pyproject.toml", ("schema", "config")),
    Kind("openapi-json", "api.json", ("fuzz", "--target", "embedded", "--openapi", "{}")),
    Kind("openapi-yaml", "api.yml", ("fuzz", "--target", "embedded", "--openapi", "{}")),
    Kind("ledger", "age-ledger.json", ("age", "calendar", "--ledger", "{}")),
    Kind("counterexample", "example.json", ("replay", "{run}", "{}")),
    Kind("page", "cancel.md", ("rules", "--docs", "{}")),
    Kind("bundle", "bundle.zip", ("verify", "{}")),
    Kind("bundles", "bundle.zip", ("diff", "{}", "{run}")),
    Kind("journal", "out/journal.jsonl", ("report", "out")),
    Kind("shard", "out/journal.jsonl", ("merge", "out", "out", "--out", "merged")),
    Kind("resumed", "out/journal.jsonl", ("run", "--resume", "out")),
    Kind("key", "key.pem", ("bundle", "{run}", "--to", "b.zip", "--sign", "{}")),
    Kind("certificates", "ca.pem", ("run", "--target", "https://127.0.0.1:9", "--profile", "ecom")),
)


# What a path leads to


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    # The name of a socket is short, so it is bound from its own folder.
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(5_000_000_000)


PLACES: dict[str, Callable[[Path], object]] = {
    "missing": Path.is_file,
    "a folder": lambda path: path.mkdir(),
    "a pipe": _fifo,
    "a socket": _socket,
    "an endless device": lambda path: path.symlink_to("/dev/zero"),
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "memory of a process": lambda path: path.symlink_to("/proc/self/mem"),
    "five gigabytes": _sparse,
}


# What is in it


def _laughs(width: int = 10, levels: int = 12) -> bytes:
    lines = [f"a0: &a0 [{','.join('x' * width)}]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines).encode()


def _merges(width: int = 10, levels: int = 8) -> bytes:
    lines = ["a0: &a0 {x: 1, y: 2}"]
    lines += [f"a{n}: &a{n} {{<<: [{','.join([f'*a{n - 1}'] * width)}]}}" for n in range(1, levels)]
    return "\n".join(lines).encode()


def _zip_bomb() -> bytes:
    """Return an archive that says it has four gigabytes in a few bytes, with the comment of a bundle."""
    import hashlib  # noqa: PLC0415
    import zlib  # noqa: PLC0415

    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(b"0" * 3_000_000) + packer.flush()
    name = b"journal.jsonl"
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 33, 0, len(packed), 0xFFFFFFF0, len(name), 0) + name
    entry = struct.pack(
        "<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 8, 0, 33, 0, len(packed), 0xFFFFFFF0, len(name), 0, 0, 0, 0, 0, 0
    )
    entry += name
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(entry), len(local) + len(packed), 71)
    body = local + packed + entry + end
    return body + b"sha256:" + hashlib.sha256(body).hexdigest().encode()


CONTENTS: dict[str, bytes] = {
    "nothing": b"",
    "one NUL": b"\0",
    "many NULs": b"\0" * 100_000,
    "no text": bytes(random.Random(1).randbytes(5_000)),
    "half a letter": b'{"a": "\xc3"}',
    "UTF-16": '{"openapi": "3.0.0"}'.encode("utf-16"),
    "lists in lists": b"[" * 400_000,
    "lists in lists, closed": b"[" * 50_000 + b"]" * 50_000,
    "objects in objects": b'{"a":' * 100_000,
    "YAML in YAML": b"{a: " * 100_000,
    "dashes": b"- " * 100_000 + b"x",
    "TOML in TOML": b"cancel-conformance = " + b"[" * 100_000,
    "tables in tables": b"a = " + b"{a = " * 20_000 + b"1" + b"}" * 20_000,
    "dotted keys": b"[" + b".".join([b"a"] * 100_000) + b"]\nx = 1\n",
    "many empty lists": b"[" + b"[]," * 300_000 + b"[]]",
    "many tables": b"[[cancel-conformance]]\n" * 40_000,
    "references to references": _laughs(),
    "merges of merges": _merges(),
    "a node in itself": b"a: &a [*a]",
    "a tag that runs code": b"!!python/object/apply:os.system [exit]",
    "a tag of no text": b"!!timestamp 2020-01-01: !!binary x\n!!set {a}: 1",
    "a key that is a list": b"? [a, b]\n: c",
    "a long whole number": b"[" + LONG + b"]",
    "a long number in TOML": b"cancel-conformance = " + LONG,
    "a long hexadecimal number": b"seed = 0x" + b"f" * 5_000,
    "a number with the base 60": b"a: " + b":".join([b"1"] * 50_000),
    "numbers that are none": b"[NaN, Infinity, -Infinity, 1e999]",
    "a list": b"[1, 2, 3]",
    "a text": b'"cancel-conformance"',
    "a number": b"1",
    "nothing in JSON": b"null",
    "an empty object": b"{}",
    "half a character": b'{"version": 1, "rule": "\\ud800", "signature": "\\udfff"}',
    "letters that a terminal obeys": b"[\x1b]0;x\x07\x1b[2J\xe2\x80\xae",
    "a key that a terminal obeys": '"\u202e\u001b[2J" = 1\ncancel-conformance = 1'.encode(),
    "a key with dots and brackets": b'"a.b[0]`c" = {"$" = 1}\n[run]\n"waive[...]" = [{"x.y" = 1}]',
    "one long line": b'{"a": "' + b"x" * 900_000 + b'"}',
    "comments without an end": b"<!--" * 200_000,
    "quotes without an end": b'"' * 300_001,
    "backslashes": b'"' + b"\\" * 300_001,
    "an archive that is a bomb": _zip_bomb(),
    "the end of an archive": b"PK\5\6" + b"\0" * 18,
    "an archive without the rest": _zip_bomb()[:60],
    "two of the first line": (STORED / "journal.jsonl").read_bytes().splitlines(keepends=True)[0] * 2,
    "a record without its end": (STORED / "journal.jsonl").read_bytes()[:200],
    "a format of the future": b'{"n":0,"kind":"run","prev":"' + b"0" * 64 + b'","format":' + b"9" * 400 + b"}\n{}\n",
    "records without a first": b"{}\n" * 50_000,
    "a key that is none": b"-----BEGIN PRIVATE KEY-----\neHh4eHh4eHg=\n-----END PRIVATE KEY-----\n",
}

VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "a list": [],
    "an object": {"a": {"b": [1]}},
    "a number": -(10**30),
    "a fraction": 1e300,
    "half a character": "\ud800",
    "a long text": "x" * 200_000,
    "a control": "\x1b[2J\u202e\0",
}


def _fields(node: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Iterate over the places in a document, the first item of each list only."""
    if path:
        yield path
    members = node.items() if isinstance(node, dict) else enumerate(node[:1]) if isinstance(node, list) else ()
    for name, member in members:
        yield from _fields(member, (*path, name))


def _replaced(node: Any, path: tuple[str | int, ...], value: Any) -> Any:
    copy = json.loads(json.dumps(node))
    holder = copy
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1]] = value
    return copy


def _description() -> dict[str, Any]:
    """Return a small description with something of everything that is read before anything is drawn."""
    data = json.loads(json.dumps(openapi.embedded().data))
    path = next(path for path in data["paths"] if path.endswith("/cancel") and "epayment" in path)
    return {
        "openapi": "3.0.3",
        "info": {"title": "x", "version": "1"},
        "servers": [{"url": "http://["}],
        "paths": {path: {"parameters": [{"$ref": f"#/{'9' * 5_000}"}], "post": {"responses": {"200": {}}}}},
    }


@dataclass(frozen=True)
class Hostile:
    """One hostile input: its kind, what is hostile about it, and how to make it."""

    kind: Kind
    way: str
    make: Callable[[Path], object]

    def __str__(self) -> str:
        return f"{self.kind.name}: {self.way}"


def _writing(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def _documents() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "counterexample", json.loads(COUNTEREXAMPLE.read_text(encoding="utf-8"))
    # The values that make it unusable are those in what it needs; in the rest it may be fuzzed.
    yield "openapi-json", _description()


def table() -> list[Hostile]:
    """Return every hostile input."""
    by_name = {kind.name: kind for kind in KINDS}
    inputs = [Hostile(kind, way, make) for kind in KINDS for way, make in PLACES.items()]
    inputs += [Hostile(kind, way, _writing(content)) for kind in KINDS for way, content in CONTENTS.items()]
    for name, document in _documents():
        for path in _fields(document):
            for way, value in VALUES.items():
                if name == "openapi-json" and path[0] != "paths":
                    continue
                text = json.dumps(_replaced(document, path, value))
                where = "/".join(str(part)[:20] for part in path)
                inputs.append(Hostile(by_name[name], f"{way} at {where}", _writing(text.encode())))
    return inputs
