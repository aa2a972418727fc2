"""Waivers: rules that do not decide, each with a reason and, if it has one, its last day.

A waiver comes from the command line (``RULE=REASON``) or from a file of known failures, where each has a last day and
is reported as soon as it is out of date.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from msgspec import Struct, convert, to_builtins

from conformance.domain.names import did_you_mean
from conformance.domain.order import Profile
from conformance.domain.toml import Text
from conformance.errors import UsageError
from conformance.evidence.record_parts import WaiverRecord
from conformance.judging.run_verdicts import needless_waivers
from conformance.judging.verdicts import RuleResult, RuleVerdict, RunVerdict
from conformance.results.toml_file import read_toml
from conformance.rulebook import Rule, RuleStatus, load, load_http_rules, load_obligations

FORM: Final = "RULE=REASON, or RULE@2026-12-31=REASON with its last day"

_COMPLETED: Final = (RunVerdict.CONFORMANT, RunVerdict.NOT_CONFORMANT, RunVerdict.INCOMPLETE)
_SATISFIED: Final = (RuleVerdict.PASSED, RuleVerdict.RECORDED)


class Waiver(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A rule that does not decide, why, and the last day (UTC) on which it does not."""

    rule: Text
    reason: Text
    until: date | None = None

    def holds(self, day: date) -> bool:
        """Whether the waiver has not ended on that day."""
        return self.until is None or day <= self.until

    def as_record(self) -> WaiverRecord:
        """Return the waiver for the journal."""
        return convert(to_builtins(self), WaiverRecord)

    def as_text(self) -> str:
        """Return the waiver as the command line has it."""
        return f"{self.rule}{'' if self.until is None else f'@{self.until}'}={self.reason}"


class _KnownFailure(Struct, frozen=True, forbid_unknown_fields=True):
    rule: Text
    reason: Text
    expires: date


class _KnownFailures(Struct, frozen=True, forbid_unknown_fields=True):
    known: tuple[_KnownFailure, ...]


def today() -> date:
    """Return the current day, in UTC."""
    return datetime.now(UTC).date()


def waiver_from_record(record: WaiverRecord) -> Waiver:
    """Return a waiver that the journal has.

    Raises:
        ValueError: it has no reason, or its last day is none.

    """
    return convert(to_builtins(record), Waiver)


def parse_waivers(
    waive: Mapping[str, str] | Iterable[str],
    profiles: Iterable[Profile] | None = None,
    day: date | None = None,
    *,
    merchant: bool = False,
) -> tuple[Waiver, ...]:
    """Return waivers from the command line or from a Python call.

    Args:
        waive: texts of the form ``RULE=REASON`` or ``RULE@2026-12-31=REASON``, or reasons by rule.
        profiles: which APIs are tested, where that is known already.
        day: the day of the run; today's by UTC when left out.
        merchant: the rules are a merchant's obligations, and not a provider's.

    Raises:
        UsageError: one of them makes no sense, has ended, or could not be needed.

    """
    if isinstance(waive, Mapping):
        texts = [f"{rule}={reason}" for rule, reason in waive.items()]
    else:
        texts = [waive] if isinstance(waive, str) else list(waive)
    tested = None if profiles is None else tuple(profiles)
    waivers: dict[str, Waiver] = {}
    for text in texts:
        waiver = _parse(text)
        if waiver.rule in waivers:
            raise UsageError(f"{waiver.rule} is waived twice: give one reason.")
        _check(waiver, tested, day or today(), merchant=merchant)
        waivers[waiver.rule] = waiver
    return tuple(waivers.values())


def read_expected_failures(path: Path) -> tuple[Waiver, ...]:
    """Return the waivers in a file of known failures: a table ``[[known]]`` of ``rule``, ``reason``, ``expires`` each.

    Raises:
        UsageError: it cannot be read, or is not such a file; the message says where.

    """
    entries = read_toml(path, _KnownFailures).known
    waivers: dict[str, Waiver] = {}
    for entry in entries:
        if entry.rule in waivers:
            raise UsageError(f"{path} names {entry.rule} twice.")
        if _rule(entry.rule, merchant=False) is None:
            raise UsageError(
                f"{path}, known {entry.rule}: there is no rule {entry.rule!r}."
                f"{did_you_mean(entry.rule, _rule_ids(merchant=False))} `cancel-conformance rules` lists them."
            )
        waivers[entry.rule] = Waiver(entry.rule, entry.reason, entry.expires)
    return tuple(waivers.values())


def run_waivers(expected: Iterable[Waiver], day: date) -> list[str]:
    """Return the expected failures that hold as waivers of a run, in the form of the command line.

    Their last day stands in the reason: ``outdated`` reports its end, and it does not end the run's own waiver.
    """
    return [f"{waiver.rule}=known until {waiver.until}: {waiver.reason}" for waiver in expected if waiver.holds(day)]


def outdated(
    expected: Iterable[Waiver], results: Sequence[RuleResult], verdict: RunVerdict, day: date
) -> Iterator[str]:
    """Yield a sentence for each expected failure that has ended, does not fail any more, or decides nothing.

    A run that did not reach a rule, or did not complete, shows neither of the last two.
    """
    for waiver in expected:
        concerned = [result for result in results if result.rule.id == waiver.rule]
        verdicts = list(dict.fromkeys(result.verdict for result in concerned))
        failure = f"{waiver.rule} is known to fail ({waiver.reason})"
        if verdicts and all(each in _SATISFIED for each in verdicts):
            yield f"{failure}, and does not fail any more: take it out"
        elif verdict in _COMPLETED and verdicts and needless_waivers(concerned, [waiver.rule]):
            names = ", ".join(each.value.lower() for each in verdicts)
            yield f"{failure}, and decides nothing in this run ({names}): take it out"
        elif not waiver.holds(day):
            yield f"{waiver.rule} was to be mended by {waiver.until} ({waiver.reason}): it has expired"


def _parse(text: str) -> Waiver:
    subject, equals, reason = text.partition("=")
    if not equals:
        raise UsageError(f"{text!r} is not a waiver: write {FORM}.")
    rule, at, day = (part.strip() for part in subject.partition("@"))
    try:
        until = date.fromisoformat(day) if at else None
    except ValueError:
        raise UsageError(f"The waiver of {rule} has {day!r} for its last day: write {FORM}.") from None
    return Waiver(rule, reason.strip(), until)


def _check(waiver: Waiver, profiles: tuple[Profile, ...] | None, day: date, *, merchant: bool) -> None:
    name = waiver.rule
    rule = _rule(name, merchant=merchant)
    if rule is None:
        what, where = ("obligation", " --party merchant") if merchant else ("rule", "")
        raise UsageError(
            f"There is no {what} {name!r} to waive.{did_you_mean(name, _rule_ids(merchant=merchant))} "
            f"`cancel-conformance rules{where}` lists them."
        )
    if not waiver.reason:
        raise UsageError(f"The waiver of {name} has no reason: write {name}=REASON.")
    if not waiver.holds(day):
        raise UsageError(
            f"The waiver of {name} ended on {waiver.until} ({waiver.reason}): "
            f"take it away, or give it another last day if its reason still holds."
        )
    if rule.status is RuleStatus.EXCLUDED:
        raise UsageError(f"{name} is not tested and decides nothing: take its waiver away.")
    if profiles and not set(profiles) & set(rule.profiles):
        tested = ", ".join(profile.value for profile in profiles)
        raise UsageError(f"{name} does not govern {tested}, which is all that is tested: take its waiver away.")


def _rule(name: str, *, merchant: bool) -> Rule | None:
    """Return the rule with this id of those that a run against a provider, or a merchant, can waive."""
    return next((rule for rule in _rules(merchant=merchant) if rule.id == name), None)


def _rule_ids(*, merchant: bool) -> list[str]:
    return [rule.id for rule in _rules(merchant=merchant)]


def _rules(*, merchant: bool) -> Iterator[Rule]:
    for book in (load_obligations(),) if merchant else (load(), load_http_rules()):
        yield from book.rules
