"""Examples that machines share: what one of them found is tried first on all.

They are kept in Hypothesis's own example databases. A key stands for an API and a market, a value is one history as
JSON, the smallest that showed a defect. The databases say what is played first and nothing else: what they hold is
played and judged like everything else, and a database that cannot be used changes no verdict.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import socket
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from hypothesis.database import (
    DirectoryBasedExampleDatabase,
    ExampleDatabase,
    GitHubArtifactDatabase,
    MultiplexedDatabase,
    ReadOnlyDatabase,
)

from conformance.evidence.redaction import EVERYWHERE

READ_ONLY: Final = "ro:"
PASSWORD: Final = "CANCEL_EXAMPLES_PASSWORD"
"""The environment variable with a Redis server's password."""
SECONDS: Final = 10.0
"""How long a server is waited for."""
MOST: Final = 200
"""So many examples of one API are tried at most, the shortest first."""
LONGEST: Final = 65_536
"""Bytes of the longest value that is read."""
LABEL: Final = "shared example"
"""What a history that another run found is called."""
CACHE: Final = Path(".hypothesis") / "github-artifacts"
_GITHUB: Final = re.compile(r"github:(?P<owner>[\w-][\w.-]*)/(?P<repo>[\w-][\w.-]*)(/(?P<artifact>[\w-][\w.-]*))?")


class LocationError(ValueError):
    """A place for examples is not spelled as one, or cannot be one. The message says what would be."""


@dataclass
class _TolerantDatabase(ExampleDatabase):
    """A database whose trouble is told once, and which is left alone then."""

    place: str
    inner: ExampleDatabase
    writable: bool
    troubles: list[str]
    resting: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def fetch(self, key: bytes) -> Iterable[bytes]:
        """Return the values of a key; nothing where they cannot be had."""
        if not self.resting:
            with self._watched("read"):
                return list(self.inner.fetch(key))
        return []

    def save(self, key: bytes, value: bytes) -> None:
        """Keep a value, and see that it is there: a directory that cannot be written to does not complain."""
        if self.resting:
            return
        with self._watched("written"):
            self.inner.save(key, value)
            if self.writable and value not in set(self.inner.fetch(key)):
                raise OSError("what was saved is not there")

    def delete(self, key: bytes, value: bytes) -> None:
        """Drop a value."""
        if self.resting:
            return
        with self._watched("written"):
            self.inner.delete(key, value)

    @contextmanager
    def _watched(self, what: str) -> Iterator[None]:
        before = socket.getdefaulttimeout()
        socket.setdefaulttimeout(SECONDS)
        try:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                yield
            told = [str(one.message) for one in said if type(one.message).__name__ == "HypothesisWarning"]
        except Exception as error:
            # Whatever a server does, it is no matter of the target's.
            told, self.resting = [str(error) or type(error).__name__], True
        finally:
            socket.setdefaulttimeout(before)
        if told:
            words = EVERYWHERE.clean(" ".join(" ".join(told).split()))[:300].rstrip(". ")
            self.troubles.append(f"{self.place} could not be {what} ({words})")


@dataclass(frozen=True)
class StoredExample:
    """What a place held: histories as JSON, and how many entries are none that this version reads."""

    histories: tuple[dict[str, Any], ...]
    unread: int


@dataclass
class StoredExamples:
    """The databases of a run, as one."""

    places: tuple[str, ...]
    troubles: list[str] = field(default_factory=list)
    """What could not be used, each in a few words."""

    def __post_init__(self) -> None:
        made = [_TolerantDatabase(place, *_made(place), self.troubles) for place in self.places]
        self._database = MultiplexedDatabase(*made)

    def found(self, key: bytes) -> StoredExample:
        """Return what is kept under a key, the shortest first."""
        histories: list[dict[str, Any]] = []
        unread = 0
        for value in sorted(set(self._database.fetch(key)), key=lambda one: (len(one), one)):
            history = _read(value)
            if history is None:
                unread += 1
            elif len(histories) < MOST:
                histories.append(history)
        return StoredExample(tuple(histories), unread)

    def change(self, key: bytes, saved: Iterable[str], dropped: Iterable[str]) -> None:
        """Keep some histories, and drop others."""
        for text in saved:
            self._database.save(key, text.encode())
        for text in dropped:
            self._database.delete(key, text.encode())

    def told(self) -> list[str]:
        """Return what could not be used since this was last asked."""
        told, self.troubles[:] = list(dict.fromkeys(self.troubles)), []
        return told


def key_of(party: str, profile: str, market: str) -> bytes:
    """Return the key of an API's examples; ``party`` is who is tested."""
    return f"cancel-conformance/1/{party}/{profile}/{market}".encode()


def text_of(history: Mapping[str, Any]) -> str:
    """Return a history's JSON in its one form, which is what is kept."""
    return json.dumps(history, sort_keys=True, separators=(",", ":"))


def check_locations(places: Iterable[str]) -> tuple[str, ...]:
    """Return places for examples as they are spelled.

    Raises:
        PlaceError: one is not spelled as a place, or cannot be one. No server is asked.

    """
    chosen = tuple(dict.fromkeys(places))
    for place in chosen:
        _made(place)
    return chosen


def _read(value: bytes) -> dict[str, Any] | None:
    try:
        history = json.loads(value) if len(value) <= LONGEST else None
    except (ValueError, RecursionError):
        return None
    return history if isinstance(history, dict) and text_of(history).encode() == value else None


def _made(place: str) -> tuple[ExampleDatabase, bool]:
    """Return a place's database, and whether it can be written to."""
    named = place.removeprefix(READ_ONLY)
    reading = named != place
    if named.startswith("github:"):
        return ReadOnlyDatabase(_github(named)), False
    database = _redis(named) if "://" in named else _directory(named, reading=reading)
    return (ReadOnlyDatabase(database), False) if reading else (database, True)


def _directory(named: str, *, reading: bool) -> ExampleDatabase:
    path = Path(named)
    if not named:
        raise LocationError("--examples names no place: a directory, redis://HOST:PORT/N or github:OWNER/REPO.")
    if path.exists() and not path.is_dir():
        raise LocationError(f"--examples {named} is a file: name a directory.")
    if reading and not path.exists():
        raise LocationError(
            f"--examples {READ_ONLY}{named} is not there to be read: make it, or leave {READ_ONLY} out."
        )
    return DirectoryBasedExampleDatabase(path)


def _github(named: str) -> ExampleDatabase:
    parts = _GITHUB.fullmatch(named)
    if parts is None:
        raise LocationError(f"--examples {named} is no place: write github:OWNER/REPO or github:OWNER/REPO/ARTIFACT.")
    artifact = parts["artifact"] or "hypothesis-example-db"
    EVERYWHERE.learn(os.environ.get("GITHUB_TOKEN", ""))
    # Hypothesis's own cache is by the artifact's name alone, which is the same in most repositories.
    cache = CACHE / parts["owner"] / parts["repo"] / artifact
    return GitHubArtifactDatabase(parts["owner"], parts["repo"], artifact, path=cache)


def _redis(named: str) -> ExampleDatabase:
    url = urlsplit(named)
    if url.scheme not in ("redis", "rediss") or not url.hostname:
        raise LocationError(f"--examples {named.partition('@')[2] or named} is no place: write redis://HOST:PORT/N.")
    if url.password is not None or "password" in url.query:
        raise LocationError(f"--examples must not carry a password: leave it in the environment as {PASSWORD}.")
    try:
        # An extra, which not everybody has.
        keeping = importlib.import_module("hypothesis.extra.redis").RedisExampleDatabase
        client = importlib.import_module("redis").Redis
    except ImportError:
        raise LocationError(
            f"--examples {named} needs the package redis: install cancel-conformance[redis], or name a directory."
        ) from None
    password = os.environ.get(PASSWORD)
    EVERYWHERE.learn(password or "")
    try:
        server = client.from_url(named, password=password, socket_connect_timeout=SECONDS, socket_timeout=SECONDS)
    except ValueError as error:
        raise LocationError(f"--examples {named} is no place ({error}): write redis://HOST:PORT/N.") from None
    database: ExampleDatabase = keeping(server)
    return database
