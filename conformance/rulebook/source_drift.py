"""Whether the page that the rules were read from still says the same.

A rule that rests on sentences of the SEED page keeps their digests, never the sentences, and `seed_page.toml` has the
digests of the whole page in their order. Any copy of the page is split the same way. A rule with a digest that no
sentence has is stale: somebody has to read the page again. What else was changed, added or taken out is noticed, too,
and named by what the page says there now.

How a page is split, so that layout never matters and wording always does:

1. The front matter (a first line ``---`` up to the next), HTML comments and fenced code are left out.
2. Lines form blocks. A blank line, or one that is only drawn (``---``, ``===``), ends a block; so do a heading, an
   admonition's fence (``:::note``) and a table row, which are blocks of their own; a list marker begins a new one.
   Heading, quote, list and table markers at a line's beginning are dropped.
3. Inside a block every run of white space, soft line breaks included, is one space.
4. A block is cut after ``.``, ``!`` or ``?`` (and what closes there: quotes, brackets, emphasis) where a space
   follows and no lower-case letter does.

The digest of a sentence is the SHA-256 of its UTF-8 text, in hex.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from typing import Final

from msgspec import Struct

from conformance.domain.toml import parse_toml
from conformance.inputs.files import InputError, read_text
from conformance.rulebook.loader import SEED, read_files
from conformance.rulebook.rules import Digest, Rule, Rulebook

_FRONT_MATTER = re.compile(r"\A\s*---[ \t]*\n.*?\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_FENCE = re.compile(r"\s*(```|~~~)")
_LINE = re.compile(r"\s*(?:(?:-\s*){3,}|(?:\*\s*){3,}|=+)$")
_QUOTE = re.compile(r"^\s*(?:>\s?)+")
_OWN_BLOCK = re.compile(r"\s*(?:#{1,6}\s+|:::+|\|)")
_MARKER = re.compile(r"\s*(?:#{1,6}\s+|:::+\s*\w*\s*|\|\s*|[-*+]\s+|\d{1,3}[.)]\s+)")
_LIST_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,3}[.)])\s+")
_CUT = re.compile(r"""(?<=[.!?])(["'”’)\]*_]*) (?![a-z])""")
_HTML = re.compile(r"\s*<(?:!doctype|html)\b", re.IGNORECASE)


_SAME_PAGE: Final = 0.25
"""A copy with a smaller share of the page's sentences is of another page."""


class _SeedPage(Struct, frozen=True, forbid_unknown_fields=True):
    """The data file of the page."""

    sentences: tuple[Digest, ...]


class PageError(ValueError):
    """A file that cannot be compared with the rulebook."""


@dataclass(frozen=True, slots=True)
class PageChange:
    """A place of the page that says something else now.

    Attributes:
        after: the sentence before it, which is unchanged; empty at the beginning of the page.
        gone: how many sentences are no longer there.
        new: the sentences that are there now, and were not before.
        rules: the ids of the rules that rest on the sentences that are gone.

    """

    after: str
    gone: int
    new: tuple[str, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Staleness:
    """What a copy of the page means for the rules.

    ``fresh`` are the ids of the rules that rest on the page and have all their sentences there, ``stale`` those of the
    rules that have not. ``changes`` are the places that say something else, whether rules rest on them or not.
    """

    fresh: tuple[str, ...]
    stale: tuple[str, ...]
    changes: tuple[PageChange, ...] = ()


def digest(sentence: str) -> str:
    """Return the digest of a sentence, whatever its white space."""
    return hashlib.sha256(" ".join(sentence.split()).encode()).hexdigest()


def split_sentences(page_text: str) -> list[str]:
    """Return the sentences of a Markdown page, in order."""
    return [sentence for block in _blocks(page_text) for sentence in _cut(block)]


def stale_rules(page_text: str, rulebook: Rulebook) -> Staleness:
    """Compare a copy of the page with the digests that the rules keep.

    Raises:
        PageError: the text is empty, an HTML page, or another page than the one that the rules rest on.

    """
    if _HTML.match(page_text):
        raise PageError("This is an HTML page: give its Markdown source, as it is in the repository.")
    sentences = split_sentences(page_text)
    if not sentences:
        raise PageError("The page has no sentences: nothing can be compared with it.")
    digests, known = list(map(digest, sentences)), seed_page()
    shared = len(set(digests) & set(known))
    if shared < len(known) * _SAME_PAGE:
        source = rulebook.source(SEED)
        raise PageError(
            f"This is another page: it has {shared} of the {len(known)} sentences of {source.title}, {source.version}. "
            f"Give a copy of that page ({source.published}), or of a later version of it."
        )
    rules = [rule for rule in rulebook.rules if rule.sentences]
    return Staleness(
        fresh=tuple(rule.id for rule in rules if set(digests).issuperset(rule.sentences)),
        stale=tuple(rule.id for rule in rules if not set(digests).issuperset(rule.sentences)),
        changes=tuple(_changes(known, digests, sentences, rules)),
    )


@cache
def seed_page() -> tuple[str, ...]:
    """Return the digests of the sentences of the page that the rules rest on, in their order."""
    return parse_toml(read_files(("seed_page",))["seed_page"], _SeedPage, "seed_page.toml").sentences


def _changes(
    known: Sequence[str], digests: Sequence[str], sentences: Sequence[str], rules: Sequence[Rule]
) -> Iterator[PageChange]:
    """Yield the places where the page differs. A sentence that only stands elsewhere is no change."""
    matcher = SequenceMatcher(None, known, digests, autojunk=False)
    for kind, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if kind == "equal":
            continue
        gone = set(known[old_from:old_to]) - set(digests)
        new = [sentences[place] for place in range(new_from, new_to) if digests[place] not in known]
        resting = tuple(rule.id for rule in rules if gone.intersection(rule.sentences))
        if gone or new:
            yield PageChange(sentences[new_from - 1] if new_from else "", len(gone), tuple(new), resting)


def read_page(path: Path) -> str:
    """Return the text of a page.

    Raises:
        PageError: the file cannot be read or is not UTF-8 text.

    """
    try:
        return read_text(path, "a page", encoding="utf-8-sig")
    except InputError as error:
        raise PageError(str(error)) from None


def _blocks(page_text: str) -> Iterator[str]:
    """Yield the blocks of a page, markers dropped and white space folded."""
    text = page_text.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(_outside_comments(_FRONT_MATTER.sub("", text, count=1)))
    block: list[str] = []
    in_code = False
    for line_text in [*text.split("\n"), ""]:
        line = _QUOTE.sub("", line_text)
        if _LINE.match(line):
            line = ""
        if _FENCE.match(line):
            in_code = not in_code
        alone = _OWN_BLOCK.match(line) is not None
        ends = in_code or not line.strip() or alone or _FENCE.match(line) or _LIST_ITEM.match(line)
        if ends and block:
            yield " ".join(" ".join(block).split())
            block = []
        if in_code or _FENCE.match(line):
            continue
        content = _MARKER.sub("", line, count=1).strip() if ends else line
        if content and alone:
            yield " ".join(content.split())
        elif content:
            block.append(content)


def _outside_comments(text: str) -> Iterator[str]:
    """Yield what is outside of HTML comments; one that does not end is no comment."""
    start = 0
    while (begin := text.find("<!--", start)) >= 0 and (end := text.find("-->", begin + 4)) >= 0:
        yield text[start:begin]
        start = end + 3
    yield text[start:]


def _cut(block: str) -> Iterator[str]:
    start = 0
    for match in _CUT.finditer(block):
        yield block[start : match.end(1)]
        start = match.end()
    yield block[start:]
