"""Registries: what every API has of one kind, found by API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Generic, TypeVar

from conformance.domain.order import Profile

Entry = TypeVar("Entry")


class Registry(Mapping[Profile, Entry], Generic[Entry]):
    """One entry for each API, in the order in which they were registered.

    Each floor has one for what it needs of an API (its row, its wire, its model, …), so that an API is added by
    registering its parts and not by editing the code that uses them.
    """

    def __init__(self, kind: str) -> None:
        """Name what an entry is, for error messages: ``wire``."""
        self._kind = kind
        self._entries: dict[Profile, Entry] = {}

    def register(self, profile: Profile, entry: Entry) -> None:
        """Add an API's entry.

        Raises:
            ValueError: the API has one already.

        """
        if profile in self._entries:
            raise ValueError(f"The API {profile.value} has a {self._kind} already.")
        self._entries[profile] = entry

    @contextmanager
    def registered(self, profile: Profile, entry: Entry) -> Iterator[None]:
        """Add an API's entry for as long as the block lasts."""
        self.register(profile, entry)
        try:
            yield
        finally:
            del self._entries[profile]

    def __getitem__(self, profile: Profile) -> Entry:
        """Return an API's entry.

        Raises:
            KeyError: the API has none.

        """
        try:
            return self._entries[profile]
        except KeyError:
            raise KeyError(f"The API {profile} has no {self._kind}.") from None

    def __iter__(self) -> Iterator[Profile]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
