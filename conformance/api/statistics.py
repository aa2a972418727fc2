"""What ``--hypothesis-show-statistics`` shows of the histories of a test: the situations of cancels, and the responses.

`hypothesis.target` is not used: with the number of questions that a history asks as its score, 100 examples showed 10
of 36 faults, and 11 without (docs/explanation/exploration.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from hypothesis import currently_in_test_context, event

from conformance.domain.order import Order, Stage
from conformance.domain.steps import Age, Cancel, Capture, History, Key, Read, Refund, Together, parts_of
from conformance.evidence.record_parts import Record
from conformance.evidence.records import HistoryRecord, JudgementRecord
from conformance.judging.tracker import Tracker
from conformance.model import ModelContext
from conformance.model.context import AgeLimit, age_for_cancel

_REPEATED: Final = (Key.SAME, Key.FIRST)
_FEATURES: Final = {"time": Age, "a refund": Refund}
_STAGES: Final = {Stage.IN_3DS: "in 3-D Secure"}
_AGES: Final = {AgeLimit.WITHIN: "", AgeLimit.OPEN: ", near the age limit", AgeLimit.BEYOND: ", too old"}


def count_events(history: History, records: Iterable[Record], context: ModelContext, *, complete: bool) -> None:
    """Count what a played history showed, if a Hypothesis test is running.

    ``complete`` says whether the target reports every field, as one over HTTP does.
    """
    if not currently_in_test_context():
        return
    for feature in features_of(history):
        event(f"with {feature}")
    tracker = Tracker(history.profile, context, complete=complete)
    for step, record in zip(history.all_steps, _last_attempt(records), strict=False):
        if any(isinstance(part, Cancel) for part in parts_of(step)):
            count_cancel(tracker.orders, record.seen, context)
        tracker.observe(step, record.observed)


def features_of(history: History) -> Iterator[str]:
    """Yield what a history has beside one cancel, such as ``a key repeated after something else``."""
    parts = [part for step in history.steps for part in parts_of(step)]
    keys = [place for place, part in enumerate(parts) if isinstance(part, Cancel) and part.key in _REPEATED]
    yield from (words for words, kind in _FEATURES.items() if any(isinstance(part, kind) for part in parts))
    if sum(isinstance(part, Capture) for part in parts) > 1:
        yield "several captures"
    if sum(isinstance(part, Cancel) for part in parts) > 1:
        yield "several cancels"
    if keys:
        between = any(not isinstance(parts[place - 1], Cancel | Read) for place in keys)
        yield "a key repeated after something else" if between else "a repeated key"
    if any(isinstance(step, Together) for step in history.steps):
        yield "two requests at the same time"


def count_cancel(possible: Iterable[Order], response: str, context: ModelContext) -> None:
    """Count one cancel: how the order stood, and what came of it in words such as ``refused 400``."""
    for situation in dict.fromkeys(situation_in_words(order, context) for order in possible):
        event(f"situation: {situation}")
    event(f"cancel {response}")


def situation_in_words(order: Order, context: ModelContext) -> str:
    """Return how an order stands when a cancel arrives, such as ``reserved, partly captured, too old``."""
    stage = _STAGES.get(order.stage, order.stage.value)
    age = "" if order.since_reserved is None else _AGES[age_for_cancel(order, context)]
    return ", ".join([stage, *_money_in_words(order)]) + age


def _money_in_words(order: Order) -> Iterator[str]:
    if order.captured:
        yield "fully captured" if order.captured == order.amount else "partly captured"
    if order.refunded:
        yield "all of it refunded" if order.refunded == order.captured else "partly refunded"
    if order.cancelled and order.captured:
        yield "remainder released"


def _last_attempt(records: Iterable[Record]) -> list[JudgementRecord]:
    """Return the judgements of the first history in the records, in its last attempt."""
    listed = list(records)
    names = [record.id for record in listed if isinstance(record, HistoryRecord)]
    judged = [record for record in listed if isinstance(record, JudgementRecord)]
    attempts = [[record for record in judged if record.history == name] for name in names]
    return max(attempts, key=len, default=[])
