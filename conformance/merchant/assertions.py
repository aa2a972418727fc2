"""``assert_handles``: plays one history against a merchant's integration in a user's own test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import count
from typing import Any, Final

from hypothesis import currently_in_test_context, event
from hypothesis.strategies import SearchStrategy

from conformance.domain.order import Profile
from conformance.errors import NotTestedError, UsageError, ViolationError, violation_class
from conformance.evidence.record_parts import Record
from conformance.evidence.records import MerchantRecord
from conformance.merchant.harness import MerchantHarness, MerchantTrialResult
from conformance.obligations.history import MerchantHistory
from conformance.reports.wording.merchant import AT_REST, exchange_in_words, fault_in_words, merchant_step_in_words
from conformance.rulebook import Level
from conformance.strategies.left_out import leave_out
from conformance.strategies.merchant import histories as strategies

OPTIONAL_ACTIONS: Final = frozenset({"abandon", "capture", "deliver", "restart", "tick"})
"""The actions that an integration may have or not."""
_HINT: Final = "Such histories are left out; merchant_histories(..., actions=...) does not draw them."

_warned: set[str] = set()
_numbers: Iterator[int] = count(1)


class _Records:
    """The records of one history in memory."""

    def __init__(self) -> None:
        self.count = 0
        self.records: list[Record] = []

    def append(self, record: Record) -> None:
        self.records.append(record)
        self.count += 1


def merchant_histories(profile: str, *, actions: frozenset[str] | None = None) -> SearchStrategy[MerchantHistory]:
    """Return a strategy for the histories of a merchant's orders, with faults on the way to the provider.

    A history is one plain value. It is printed as it is written: ``merchant_history('epayment', 'create', 'cancel')``.

    Args:
        profile: the API: ``ecom``, ``epayment`` or ``recurring``.
        actions: the optional actions that the integration has: ``abandon``, ``capture``, ``deliver``, ``restart`` and
            ``tick``; all of them when left out.

    Raises:
        UsageError: there is no such API, or no such action.

    """
    if profile not in {each.value for each in Profile}:
        known = ", ".join(each.value for each in Profile)
        raise UsageError(f"There is no profile {profile!r}: the ones to choose from are {known}.")
    offered = OPTIONAL_ACTIONS if actions is None else frozenset(actions)
    if not offered <= OPTIONAL_ACTIONS:
        unknown = ", ".join(sorted(offered - OPTIONAL_ACTIONS))
        raise UsageError(f"There is no action {unknown}: there are {', '.join(sorted(OPTIONAL_ACTIONS))}.")
    return strategies.merchant_histories(Profile(profile), offered)


def assert_handles(
    history: MerchantHistory, integration: str | Any, *, market: str = "no", strict: bool = False
) -> None:
    """Play a history of a merchant's orders, with the suite as the provider and the customer, and judge the merchant.

        @given(merchant_histories("epayment"))
        def test_my_shop(history):
            assert_handles(history, Adapter)

    What the integration has no action for is not tested: in a Hypothesis test the example is rejected, an event counts
    it, and the first one is a `NotTestedWarning`; elsewhere `NotTestedError` is raised.

    Args:
        history: what to play: drawn by `merchant_histories`, or written with `merchant_history`.
        integration: an adapter class, or a text as ``--integration`` takes it.
        market: ``no``, ``dk`` or ``fi``.
        strict: whether recommendations decide, too; otherwise an event counts those that are not followed.

    Raises:
        ViolationError: obligations are broken. There is one subclass for each.
        NotTestedError: the integration has no action that the history needs.
        TargetError: the integration cannot be reached or tested.
        TargetUsageError: the integration makes no sense.

    """
    __tracebackhide__ = True
    # One for each history: while it is open, every call of httpx in this process goes to the provider that it plays.
    with closing(MerchantHarness(integration, market=market, first=history.profile)) as harness:
        missing = sorted(history.needs - harness.open().actions)
        if missing:
            reasons = (f"{harness.integration.name} has no {action}." for action in missing)
            leave_out(NotTestedError(*reasons), _warned, _HINT)
        records = _Records()
        trial = harness.run(history, f"{history.profile.value}-t{next(_numbers):05d}", records)
        _count_events(history, trial)
        deciding = [rule for rule in trial.broken if strict or harness.book.rule(rule).level is Level.REQUIRED]
        if deciding:
            raise _violation_error(history, trial, records, deciding, harness)


def _count_events(history: MerchantHistory, trial: MerchantTrialResult) -> None:
    if not currently_in_test_context():
        return
    for fault in history.faults or (None,):
        event(f"fault: {'none' if fault is None else f'{fault.on} {fault.kind}'}")
    for rule in trial.broken:
        event(f"not met: {rule}")


def _violation_error(
    history: MerchantHistory, trial: MerchantTrialResult, records: _Records, rules: list[str], harness: MerchantHarness
) -> ViolationError:
    first, *others = rules
    title = harness.book.rule(first).title
    lines = [f"{first} is violated: {title}." + (f" Also: {', '.join(others)}." if others else ""), ""]
    lines += [f"Fault: {fault_in_words(fault)}" for fault in history.faults]
    sentences = [merchant_step_in_words(step, history, harness.currency) for step in history.steps]
    for number, sentence in enumerate([*sentences, AT_REST]):
        lines.append(f"{number + 1}. {sentence}")
        at_step = [each for each in records.records if isinstance(each, MerchantRecord) and each.step == number]
        lines += [f"   {line}" for record in at_step for line in exchange_in_words(record)]
        broken = [result for result in trial.results if result.counts and result.finding.step == number]
        lines += [f"   {result.rule}: {result.finding.reason}" for result in broken]
    lines.append("")
    for rule in map(harness.book.rule, rules):
        places = (f"{harness.book.source(source.source).title}: {source.place}" for source in rule.sources)
        lines += [f"{rule.id} ({rule.level.value}): {rule.statement}", f"   Source: {'; '.join(places)}"]
    lines += ["", f"Play it again: @example({history!r})"]
    return violation_class(first)("\n".join(lines), tuple(rules))
