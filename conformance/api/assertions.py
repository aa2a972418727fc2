"""``assert_conforms``: plays one history in a user's own test, and fails it with an explanation."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from conformance.api.explanation import inconclusive_text, violation_error
from conformance.api.open_targets import AnyTarget, OpenTarget, PlayedHistory, opened
from conformance.api.statistics import count_events
from conformance.domain.steps import History
from conformance.errors import InconclusiveError, NotTestedError
from conformance.runner.trial import TrialStatus
from conformance.strategies.left_out import leave_out

_HINT: Final = "Such histories are left out; histories(..., target=...) does not draw them."


def assert_conforms(
    history: History,
    target: AnyTarget,
    *,
    control_url: str | None = None,
    market: str = "no",
    interpretations: Iterable[str] = (),
) -> None:
    """Play a history on an order of its own, and raise where the target does not do what is documented.

        @given(histories("epayment"))
        def test_my_provider(history):
            assert_conforms(history, "asgi:shop.payments:app")

    A target that is not open is opened, and kept open for the next history; name its options the same every time.

    What a target does not offer, such as a way to let time pass, is not tested: in a Hypothesis test the example is
    rejected, an event counts it, and the first one is a `NotTestedWarning`; elsewhere `NotTestedError` is raised.

    Args:
        history: what to play: drawn by `histories`, or written with `history`.
        target: an `open_target`, or what it takes.
        control_url: as in `open_target`.
        market: as in `open_target`.
        interpretations: as in `open_target`.

    Raises:
        ViolationError: rules are violated. There is one subclass for each rule.
        InconclusiveError: the history proved nothing, three times in a row.
        NotTestedError: the target does not offer what the history needs.
        TargetError: the target cannot be reached or tested.
        UsageError: an option makes no sense.
        ReadingError: an interpretation makes no sense.
        TargetUsageError: the target makes no sense.

    """
    __tracebackhide__ = True
    open_target = opened(target, control_url, market, interpretations)
    try:
        played = open_target.play(history)
    except NotTestedError as error:
        leave_out(error, open_target.left_out, _HINT)
    _raise_if_wrong(played, open_target)


async def assert_conforms_async(
    history: History,
    target: AnyTarget,
    *,
    control_url: str | None = None,
    market: str = "no",
    interpretations: Iterable[str] = (),
) -> None:
    """Do what `assert_conforms` does, and let the running asyncio event loop go on meanwhile.

    It is needed where the target itself is served by that loop.
    """
    __tracebackhide__ = True
    open_target = opened(target, control_url, market, interpretations)
    try:
        played = await asyncio.to_thread(open_target.play, history)
    except NotTestedError as error:
        leave_out(error, open_target.left_out, _HINT)
    _raise_if_wrong(played, open_target)


def _raise_if_wrong(played: PlayedHistory, target: OpenTarget) -> None:
    __tracebackhide__ = True
    history, trial = played.history, played.trial
    context = target.context(history.profile.value)
    count_events(history, played.records, context, complete=target.over_http)
    if trial.ending is TrialStatus.VIOLATES:
        raise violation_error(history, played.records, target.market)
    if trial.ending is TrialStatus.INCONCLUSIVE:
        raise InconclusiveError(inconclusive_text(history, played.records, target.market, trial.cause))
