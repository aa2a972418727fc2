"""One thing that ``doctor`` looked at: how it stands, what was found, and what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from enum import StrEnum

from msgspec import Struct

from conformance.cli.exit_codes import ENVIRONMENT
from conformance.errors import USAGE


class Standing(StrEnum):
    """How a thing stands."""

    OK = "ok"
    ATTENTION = "attention"
    """A run can begin, and its result may not be what is wanted."""
    FAILED = "failed"
    """A run cannot begin."""


class Check(Struct, frozen=True, kw_only=True):
    """One thing that was looked at.

    ``code`` is what a run would exit with because of it: 2 for the configuration, 3 for the environment, 0 where it can
    begin. Nothing in it is the value of a credential.
    """

    name: str
    standing: Standing
    finding: str
    advice: str = ""
    code: int = 0


def passed(name: str, finding: str, advice: str = "") -> Check:
    """Return a check of a thing that is in order."""
    return Check(name=name, standing=Standing.OK, finding=finding, advice=advice)


def attention(name: str, finding: str, advice: str) -> Check:
    """Return a check of a thing that a run can live with."""
    return Check(name=name, standing=Standing.ATTENTION, finding=finding, advice=advice)


def misconfigured(name: str, finding: str, advice: str) -> Check:
    """Return a check of something that was asked for wrongly."""
    return Check(name=name, standing=Standing.FAILED, finding=finding, advice=advice, code=USAGE)


def unfit(name: str, finding: str, advice: str) -> Check:
    """Return a check of something in the environment that a run cannot do without."""
    return Check(name=name, standing=Standing.FAILED, finding=finding, advice=advice, code=ENVIRONMENT)


def exit_code_of(checks: Iterable[Check]) -> int:
    """Return 0 if a run can begin, 2 if its configuration is wrong, otherwise 3."""
    codes = {check.code for check in checks} - {0}
    return min(codes, default=0)


def render_text(checks: list[Check], width: int) -> str:
    """Return the checks as text: a line for each, and what to do below it."""
    return "\n".join(line for check in checks for line in _lines(check, width)) + "\n"


def _lines(check: Check, width: int) -> Iterator[str]:
    label = f"{check.standing.value:<10}"
    text = f"{label}{check.name}: {check.finding}"
    yield from textwrap.wrap(text, width, subsequent_indent=" " * 12, break_long_words=False, break_on_hyphens=False)
    if check.advice:
        indent = " " * len(label)
        yield from textwrap.wrap(
            f"-> {check.advice}", width, initial_indent=indent, subsequent_indent=f"{indent}   ",
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip


def ending_of(checks: list[Check]) -> str:
    """Return the line that sums the checks up."""
    failed = [check.name for check in checks if check.standing is Standing.FAILED]
    if failed:
        return f"A run cannot begin. Failed: {', '.join(failed)}."
    count = sum(check.standing is Standing.ATTENTION for check in checks)
    attention = f" Checks that need attention: {count} of {len(checks)}." if count else ""
    return f"A run can begin.{attention}"
