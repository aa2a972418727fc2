"""Idempotency keys: the request that was sent with a key, and its response.

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
    """What makes two requests the same: method, path and body.

    JSON bodies are compared by value.
    """

    method: str
    path: str
    body: bytes

    def same_as(self, other: Fingerprint) -> bool:
        """Return whether both ask for the same thing."""
        if (self.method, self.path) != (other.method, other.path):
            return False
        return self.body == other.body or _json_equal(self.body, other.body)


def _json_equal(first: bytes, second: bytes) -> bool:
    try:
        return _canonical(first) == _canonical(second)
    except (ValueError, RecursionError):
        return False


def _canonical(raw: bytes) -> str:
    return json.dumps(json.loads(raw.decode("utf-8")), sort_keys=True)


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A request that was sent with a key, and its response."""

    fingerprint: Fingerprint
    response: Response


class KeyStore:
    """Stores responses by key.

    The caller adds to the key whatever it has to be unique within.
    """

    def __init__(self) -> None:
        self._answers: dict[Hashable, StoredResponse] = {}

    def find(self, key: Hashable) -> StoredResponse | None:
        """Return what is stored under a key, or None."""
        return self._answers.get(key)

    def keep(self, key: Hashable, fingerprint: Fingerprint, response: Response) -> None:
        """Store a response."""
        self._answers[key] = StoredResponse(fingerprint, response)


def is_worth_keeping(response: Response, *, sticky_4xx: bool, transient: bool) -> bool:
    """Return whether a response is repeated for its key.

    A success is, a refusal only if it is final.
    """
    if response.status < 300:
        return True
    return sticky_4xx and not transient and response.status < 500 and response.status not in _TRANSIENT
