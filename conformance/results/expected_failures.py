"""Known failures: a file that names rules that may fail for now, each with a reason and the day on which that ends.

They are waivers that cannot be forgotten: one that has expired does not count, one that fails no more is an error.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from conformance.errors import UsageError
from conformance.judging.verdicts import RuleVerdict, RunVerdict, needless_waivers
from conformance.results.result import Result
from conformance.rulebook import load

_NAMES: Final = ("rule", "reason", "expires")


@dataclass(frozen=True, slots=True)
class ExpectedFailure:
    """A rule that may fail until the day ``expires`` is over, in UTC."""

    rule: str
    reason: str
    expires: date

    def holds(self, today: date) -> bool:
        """Whether it still counts."""
        return today <= self.expires

    @property
    def waiver(self) -> str:
        """The reason as a run writes it down."""
        return f"known until {self.expires.isoformat()}: {self.reason}"


def today() -> date:
    """Return the day it is, in UTC."""
    return datetime.now(UTC).date()


def read_expected_failures(path: Path) -> tuple[ExpectedFailure, ...]:
    """Read the file: TOML, with a table ``[[known]]`` of ``rule``, ``reason`` and ``expires`` for each.

    Raises:
        UsageError: it cannot be read, or is not such a file; the message says where.

    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise UsageError(f"{path} is not TOML: {error}.") from None
    listed = data.pop("known", None)
    if data or not isinstance(listed, list):
        raise UsageError(f"{path} has to consist of tables [[known]], each with {', '.join(_NAMES)}.")
    found = [_known(path, number, one) for number, one in enumerate(listed, 1)]
    twice = [one.rule for number, one in enumerate(found) if one.rule in [each.rule for each in found[:number]]]
    if twice:
        raise UsageError(f"{path} names {twice[0]} twice.")
    return tuple(found)


def _known(path: Path, number: int, one: object) -> ExpectedFailure:
    where = f"{path}, known failure {number}"
    if not isinstance(one, dict) or set(one) != set(_NAMES):
        raise UsageError(f"{where}: it has to have {', '.join(_NAMES)}, and nothing else.")
    rule, reason, expires = (one[name] for name in _NAMES)
    try:
        load().rule(rule)
    except (KeyError, TypeError):
        raise UsageError(f"{where}: there is no rule {rule!r}; `cancel-conformance rules` lists them.") from None
    if not isinstance(reason, str) or not reason.strip():
        raise UsageError(f"{where} ({rule}): the reason has to be a text that says why.")
    if not isinstance(expires, date) or isinstance(expires, datetime):
        raise UsageError(f"{where} ({rule}): expires has to be a day, such as 2027-01-31, without quotation marks.")
    return ExpectedFailure(rule, reason.strip(), expires)


def unexpected_results(known: Sequence[ExpectedFailure], result: Result, day: date) -> Iterator[str]:
    """Say which known failures have expired, fail no more, or decide nothing.

    It is the same that makes a waiver needless. What a run did not come to, or not to the end, says nothing.
    """
    ended = result.verdict in (RunVerdict.CONFORMANT, RunVerdict.NOT_CONFORMANT, RunVerdict.INCOMPLETE)
    for one in known:
        found = [each for each in result.rules if each.rule.id == one.rule]
        said = list(dict.fromkeys(each.verdict for each in found))
        if said and all(verdict in (RuleVerdict.PASSED, RuleVerdict.RECORDED) for verdict in said):
            yield f"{one.rule} is known to fail ({one.reason}), and does not fail any more: take it out"
        elif ended and said and needless_waivers(found, [one.rule]):
            named = ", ".join(verdict.value.lower() for verdict in said)
            yield f"{one.rule} is known to fail ({one.reason}), and decides nothing in this run ({named}): take it out"
        elif not one.holds(day):
            yield f"{one.rule} was to be mended by {one.expires.isoformat()} ({one.reason}): it has expired"
