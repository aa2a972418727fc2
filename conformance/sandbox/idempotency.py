"""Idempotency keys: what was asked under a key, and what was answered.

A retry with the same key and the same request gets the first answer again and has no second effect; the same key with
another request is a conflict.
"""

from __future__ import annotations

import json
from collections.abc import Hashable
from dataclasses import dataclass

from conformance.domain.messages import Response

_TRANSIENT = frozenset({401, 423, 429})


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What makes two requests the same: method, path and body, the body by its JSON value where it has one."""

    method: str
    path: str
    body: bytes

    def same_as(self, other: Fingerprint) -> bool:
        """Whether both ask for the same thing."""
        if (self.method, self.path) != (other.method, other.path):
            return False
        return self.body == other.body or _json_equal(self.body, other.body)


def _json_equal(first: bytes, right: bytes) -> bool:
    try:
        return _canonical(first) == _canonical(right)
    except (ValueError, RecursionError):
        return False


def _canonical(raw: bytes) -> str:
    return json.dumps(json.loads(raw.decode("utf-8")), sort_keys=True)


@dataclass(frozen=True, slots=True)
class Remembered:
    """One request that was answered under a key."""

    fingerprint: Fingerprint
    response: Response


class KeyStore:
    """Remembers answers by key. The caller chooses what the key is unique in by what it puts beside it."""

    def __init__(self) -> None:
        self._answers: dict[Hashable, Remembered] = {}

    def find(self, key: Hashable) -> Remembered | None:
        """Return what was answered under the key."""
        return self._answers.get(key)

    def keep(self, key: Hashable, fingerprint: Fingerprint, response: Response) -> None:
        """Remember an answer."""
        self._answers[key] = Remembered(fingerprint, response)


def is_worth_keeping(response: Response, *, sticky_4xx: bool, transient: bool) -> bool:
    """Whether an answer is repeated for its key: successes are, refusals only when they are final."""
    if response.status < 300:
        return True
    return sticky_4xx and not transient and response.status < 500 and response.status not in _TRANSIENT
