"""Lines of a journal that say only how they differ from an earlier line.

Most lines of a journal repeat another one, apart from a few words: an order number, an amount, a time. Such a line is
stored as the number of the line that it is like, and the words that differ::

    {"like":21353,"set":["21463",1,"1a2b3c4d",5,"ecom-00356",7,41]}

Words are runs of ASCII letters, digits and underscores, counted from 0 over the whole line. In ``set``, each new word
is followed by the places where it stands. A line is likened to once at most: the next one like it names the latest.
"""

from __future__ import annotations

import re
from itertools import compress, count
from operator import ne
from typing import Annotated, Final

import msgspec

KNOWN_FORMS: Final = 3000
"""Forms of lines that a writer remembers. Each takes about 10 kB."""
LONGEST_FORM: Final = 100_000
"""Bytes of a line that others may be like."""
LONGEST_LINE: Final = 64_000_000
"""Characters of a line. The largest response that is read makes a line of less than half as many."""
_SHORT: Final = 16_000
"""Bytes of a stored line that cannot make a line of twice the longest."""
_BEGINNING: Final = b'{"like":'
_WORD: Final = re.compile("([0-9A-Za-z_]+)")


class _Change(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    like: int
    set: list[str | Annotated[int, msgspec.Meta(ge=0)]]


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(_Change).decode


class PackingError(ValueError):
    """A line cannot be restored; the message says why."""


class LinePacker:
    """Packs the lines of one journal, in their order."""

    def __init__(self) -> None:
        self._forms: dict[str, tuple[int, list[str]]] = {}

    def pack(self, number: int, line: bytes) -> bytes:
        """Return a line as it is stored, under its number in the journal."""
        if len(line) > LONGEST_FORM:
            return line
        pieces = _WORD.split(line.decode("utf-8", "surrogatepass"))
        words = pieces[1::2]
        # JSON escapes the separator: two lines of one form have the same characters between the same number of words.
        form = "\0".join(pieces[::2])
        earlier = self._forms.pop(form, None)
        if earlier is None and len(self._forms) >= KNOWN_FORMS:
            del self._forms[next(iter(self._forms))]
        self._forms[form] = number, words
        if earlier is None:
            return line
        like, before = earlier
        places: dict[str, list[int]] = {}
        for place in compress(count(), map(ne, words, before)):
            places.setdefault(words[place], []).append(place)
        changes: list[str | int] = []
        for word, at in places.items():
            changes += [word, *at]
        packed = _encode(_Change(like, changes))
        return packed if len(packed) < len(line) else line


class LineUnpacker:
    """Restores the lines of one journal, in their order."""

    def __init__(self) -> None:
        self._latest: dict[int, bytes | list[str]] = {}

    def unpack(self, number: int, stored: bytes) -> bytes:
        """Return the line that was packed, from the line as it is stored.

        Raises:
            PackingError: it is like a line that is not there or was likened to before, or its words do not fit there.

        """
        if not stored.startswith(_BEGINNING):
            if len(stored) <= LONGEST_FORM:
                self._latest[number] = stored
            return stored
        try:
            change = _decode(stored)
        except msgspec.DecodeError as error:
            raise PackingError(str(error)) from None
        pieces = self._latest.pop(change.like, None)
        if pieces is None:
            raise PackingError(f"no line is numbered {change.like}, or another one is like it already")
        if isinstance(pieces, bytes):
            pieces = _WORD.split(pieces.decode("utf-8", "surrogatepass"))
        self._latest[number] = pieces
        word = ""
        try:
            for item in change.set:
                if isinstance(item, str):
                    word = item
                else:
                    pieces[2 * item + 1] = word
        except IndexError:
            raise PackingError(f"line {change.like} has fewer words") from None
        return _joined(pieces, short=len(stored) <= _SHORT).encode("utf-8", "surrogatepass")


def _joined(pieces: list[str], *, short: bool) -> str:
    """Return pieces as one text, unless a few long words in many places make it too long."""
    if short or sum(map(len, pieces)) <= LONGEST_LINE:
        text = "".join(pieces)
        if len(text) <= LONGEST_LINE:
            return text
    raise PackingError(f"it is longer than {LONGEST_LINE:,} characters")
