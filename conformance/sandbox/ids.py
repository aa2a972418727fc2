"""Identifiers that are the same for the same seed."""

from __future__ import annotations

import random
import string

_ALPHABET = string.ascii_letters + string.digits


class Ids:
    """A seeded source of identifiers. Not for secrets: it is predictable on purpose."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def uuid(self) -> str:
        """Return an RFC 4122 UUID of version 4, in lower case."""
        bits = self._random.getrandbits(128)
        bits = bits & ~(0xF << 76) | (4 << 76)
        bits = bits & ~(0x3 << 62) | (2 << 62)
        text = f"{bits:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def digits(self, count: int = 10) -> str:
        """Return a number of exactly ``count`` digits, such as a transaction id."""
        return str(self._random.randrange(10 ** (count - 1), 10**count))

    def word(self, count: int) -> str:
        """Return ``count`` letters and digits."""
        return "".join(self._random.choices(_ALPHABET, k=count))
