"""The texts that a text stands for: what its escapes, its base64 and its bytes mean, and where in it that is."""

from __future__ import annotations

import binascii
import html
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Final

LARGEST: Final = 2_000_000
"""Bytes that are decompressed."""
DEEPEST: Final = 4
"""How many encodings on top of each other are undone."""
SHORTEST_WORD: Final = 16
"""Letters of base64 that twelve bytes take."""
CACHED: Final = 20_000
"""How many words are remembered that stand for nothing."""

Span = tuple[int, int]
"""Where a part of a text begins and ends."""

_ESCAPE: Final = re.compile(
    r"\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8}|\\x[0-9A-Fa-f]{2}|\\[0-7]{1,3}|\\[^ux0-9]"
    r"|%u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2}|&#[0-9]{1,7};?|&#[xX][0-9A-Fa-f]{1,6};?|&[A-Za-z][A-Za-z0-9]{1,31};?"
)
_LETTERS: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_JOINT: Final = re.compile(r"\0|[ \t]*[\r\n]+[ \t]*")
"""What lies between the letters of a text in UTF-16 that is read as bytes, and between the lines of base64."""
_WORD: Final = re.compile(rf"[A-Za-z0-9+/_-]{{{SHORTEST_WORD},}}")
_DIGITS: Final = re.compile(r"[0-9A-Fa-f]{12,}")
_PAIRS: Final = re.compile(r"[0-7][0-9A-Fa-f](?:, ?|[ :;._|-])(?:(?:0x)?[0-7][0-9A-Fa-f](?:, ?|[ :;._|-])?){5,}")
"""Letters in hexadecimal, each apart."""
_DIGIT: Final = re.compile(r"(?!0x)[0-9A-Fa-f]")
_LEGIBLE: Final = re.compile(rb"[\x00\t\n\r -~]{8,}")
"""What decoded bytes have if they are text, or can be decoded once more: ids and digests have not."""
_BASE64: Final = re.compile(r"(?:[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]){3}")
"""ASCII in base64: the first bit of every byte is 0. Few ids look like that, so that few are decoded."""
_COMPRESSED: Final = re.compile(r"(?:H4sI|eJ|eN|eA|eF)[A-Za-z0-9+/_-]{14,}")
"""Compressed bytes in base64: how gzip and zlib begin, and at least 14 characters more."""
_STANDARD: Final = str.maketrans("-_", "+/")


@dataclass(frozen=True, slots=True)
class Layer:
    """A text that another stands for, and how a part of it is located in that other one.

    ``is_joined`` says that its lines were joined: what stands behind a name is then perhaps not its value.
    """

    text: str
    locate: Callable[[int, int], Span]
    is_joined: bool = False


_Decoded = Callable[[str, int], Iterator[Layer]]


class Decoder:
    """Undoes the encodings of texts. It remembers the words of a run that stand for nothing: most occur again.

    Args:
        spans_in: says where something is in a text that is not decoded any further, whose lines may be joined.

    """

    def __init__(self, spans_in: Callable[[str, bool], list[Span]]) -> None:
        self._spans_in = spans_in
        self._encodings: list[tuple[re.Pattern[str], _Decoded, set[str]]] = [
            (_WORD, _from_word, set()),
            (_PAIRS, _from_hex, set()),
        ]

    def find(self, text: str, depth: int = 0, *, is_joined: bool = False) -> list[Span]:
        """Return where in a text something is, in whatever form, in order; what touches or overlaps is one."""
        spans = self._spans_in(text, is_joined)
        if depth < DEEPEST:
            for layer in self._layers(text):
                inside = self.find(layer.text, depth + 1, is_joined=layer.is_joined)
                spans += [layer.locate(*span) for span in inside]
        return _merged(spans) if len(spans) > 1 else spans

    def _layers(self, text: str) -> list[Layer]:
        """Return what a text, and each of its words, stands for. It is nothing for most texts of a run."""
        layers = _rewritten(text)
        for pattern, decoded, idle in self._encodings:
            for match in pattern.finditer(text):
                word = match[0]
                if word not in idle:
                    of_word = list(decoded(word, match.start()))
                    layers += of_word
                    if not of_word and len(idle) < CACHED:
                        idle.add(word)
        return layers


def _merged(spans: list[Span]) -> list[Span]:
    spans.sort()
    merged = spans[:1]
    for first, last in spans[1:]:
        if first <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], last)
        else:
            merged.append((first, last))
    return merged


def decompressed(data: bytes) -> bytes | None:
    """Return what gzip or zlib compressed into bytes, as far as it can be read.

    The result is None if they are neither.
    """
    for bits in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):
        try:
            content = zlib.decompressobj(bits).decompress(data, LARGEST)
        except zlib.error:
            continue
        if content:
            return content
    return None


def _rewritten(text: str) -> list[Layer]:
    """Return a text without its escapes, without what separates its letters, and as the bytes that it was read from."""
    layers: list[Layer] = []
    if "\\" in text or "%" in text or "&" in text:
        layers += _substituted(text, _ESCAPE, _unescaped)
    if "\0" in text or "\n" in text or "\r" in text:
        layers += _substituted(text, _JOINT, _nothing, is_joined="\0" not in text)
    # A decoded byte is a letter below 256; above, bytes were read as UTF-16.
    if not text.isascii() and any(letter > "\xff" for letter in text):
        for encoding in ("utf-16-le", "utf-16-be"):
            units = text.encode(encoding, "surrogatepass").decode("latin-1")
            places = [number for number, letter in enumerate(text) for _ in range(2 + 2 * (letter > "\uffff"))]
            layers.append(Layer(units, partial(_between, places, places)))
    return layers


def _substituted(
    text: str, pattern: re.Pattern[str], replacement: Callable[[re.Match[str]], str], *, is_joined: bool = False
) -> Iterator[Layer]:
    result = pattern.sub(replacement, text)
    if result == text:
        return

    @cache
    def places() -> list[Span]:
        """Return where each letter of the result is from. Few texts have anything to be located."""
        spans: list[Span] = []
        end = 0
        for match in pattern.finditer(text):
            spans += [(place, place + 1) for place in range(end, match.start())]
            spans += [match.span()] * len(replacement(match))
            end = match.end()
        return spans + [(place, place + 1) for place in range(end, len(text))]

    def locate(first: int, last: int) -> Span:
        return places()[first][0], places()[last - 1][1]

    yield Layer(result, locate, is_joined)


def _nothing(_: re.Match[str]) -> str:
    return ""


def _unescaped(match: re.Match[str]) -> str:
    escape = match[0]
    if escape[0] == "&":
        return html.unescape(escape)
    if escape[0] == "\\" and escape[1].isdecimal():
        return chr(int(escape[1:], 8))
    if escape[0] == "\\" and len(escape) == 2:
        return _LETTERS.get(escape[1], escape[1])
    number = int(escape.lstrip("\\%uUx"), 16)
    return chr(number) if number <= sys.maxunicode else escape


def _from_word(word: str, start: int) -> Iterator[Layer]:
    """Yield what a word stands for in base64, with and without compression, and in hexadecimal."""
    for match in _DIGITS.finditer(word):
        yield from _from_hex(match[0], start + match.start())
    if _BASE64.search(word):
        yield from _from_base64(word.translate(_STANDARD), start)
    for match in _COMPRESSED.finditer(word):
        content = decompressed(_bytes_of(match[0].translate(_STANDARD))) or b""
        place = start + match.start(), start + match.end()
        yield Layer(content.decode("utf-8", "replace"), partial(_whole, place))


def _from_base64(standard: str, start: int) -> Iterator[Layer]:
    for offset in range(4):
        content = _bytes_of(standard[offset:])
        if _LEGIBLE.search(content):
            yield Layer(content.decode("latin-1"), partial(_in_base64, start + offset))


def _bytes_of(standard: str) -> bytes:
    """Return what base64 stands for, also where its end is missing."""
    missing = -len(standard) % 4
    return binascii.a2b_base64(standard[:-1] if missing == 3 else standard + "=" * missing)


def _from_hex(word: str, start: int) -> Iterator[Layer]:
    places = [start + match.start() for match in _DIGIT.finditer(word)]
    digits = "".join(word[place - start] for place in places) if len(places) < len(word) else word
    for offset in range(2):
        content = binascii.unhexlify(digits[offset : len(digits) - (len(digits) - offset) % 2])
        if _LEGIBLE.search(content):
            yield Layer(content.decode("latin-1"), partial(_between, places[offset::2], places[offset + 1 :: 2]))


def _between(begins: Sequence[int], ends: Sequence[int], first: int, last: int) -> Span:
    return begins[first], ends[last - 1] + 1


def _in_base64(start: int, first: int, last: int) -> Span:
    """Return which letters have some of the bytes: three bytes are four letters."""
    return start + first * 8 // 6, start + (last * 8 - 1) // 6 + 1


def _whole(place: Span, *_: int) -> Span:
    return place
