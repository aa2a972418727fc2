"""Every merchant that the suite is tested with: the correct ones and the faulty ones."""

from __future__ import annotations

from typing import Any, Final

from examples.merchants import ecom, epayment, recurring
from tests.merchant.correct import CORRECT as SIMPLE
from tests.merchant.faulty import FAULTY as SIMPLE_FAULTY
from tests.merchant.field_cases.shops import CASES
from tests.merchant.independent import desk, event_driven, faulty_clients, faulty_logic, patterns, queues, ways
from tests.merchant.independent.async_merchant import AsyncMerchant

REFERENCES: Final[tuple[type[Any], ...]] = (ecom.Adapter, epayment.Adapter, recurring.Adapter)
INDEPENDENT: Final[tuple[type[Any], ...]] = (
    patterns.OutboxEpayment,
    patterns.OutboxEcom,
    patterns.SourcedEpayment,
    patterns.SourcedRecurring,
    patterns.ReconcilerEpayment,
    patterns.PollingRecurring,
    event_driven.CallbackEcom,
    event_driven.FlagFirst,
    event_driven.WaitsForTheEnd,
    event_driven.BareEcom,
    AsyncMerchant,
    queues.QueueEpayment,
    queues.QueueEcom,
    queues.QueueRecurring,
    queues.WakesEveryFiveMinutes,
    queues.WakesEveryFiveMinutesEcom,
    queues.HardlyEverSends,
    queues.NetBooks,
    queues.NetBooksEcom,
    queues.ReplacesBasket,
    queues.ReplacesBasketRecurring,
    queues.NumbersOfItsOwn,
    desk.Desk,
    desk.WebhookOnly,
    desk.WebhookOnlyEcom,
    desk.WebhookOnlyRecurring,
    desk.OnlySigned,
    desk.PollsEveryHalfHour,
    desk.Nightly,
    desk.NightlyEcom,
    desk.NightlyRecurring,
    desk.KeepsKeyAtTheGateway,
    desk.KeepsKeyOfABusyCharge,
    desk.ReadsLists,
    desk.StopsShipping,
    ways.CapturesAtOnce,
    ways.CapturesAtOnceAndSaysSo,
    ways.CapturesAtOnceEcom,
    ways.CapturesAtOnceRecurring,
    ways.EndsAfterAWeek,
    ways.EndsUnpaid,
    ways.EndsUnpaidUnsaid,
)
UNDECLARED: Final[tuple[type[Any], ...]] = (ways.EndsAfterAWeekUnsaid,)
"""Merchants whose way is sensible and should be declared: a warning names the declaration."""
CORRECT: Final[tuple[type[Any], ...]] = (*REFERENCES, *SIMPLE, *INDEPENDENT, *UNDECLARED)
"""Merchants that break no required obligation; the references and the independent ones break none at all."""
FAULTY: Final[tuple[type[Any], ...]] = tuple(
    dict.fromkeys((*SIMPLE_FAULTY, *CASES, *faulty_clients.FAULTY, *faulty_logic.FAULTY))
)
"""Each has ``first``, the obligation to be blamed first, and names its defect in its docstring."""


def name_of(adapter: type[Any]) -> str:
    """Return a merchant's name: its API, its module, and its class."""
    module = adapter.__module__.removeprefix("tests.merchant.").removeprefix("examples.")
    return f"{adapter.profiles[0]} {module.replace('.', ' ')} {adapter.__name__}"


def sentence_of(adapter: type[Any]) -> str:
    """Return a sentence that says what is wrong with a faulty merchant."""
    return (adapter.__doc__ or "").partition("\n\n")[0].replace("\n", " ").strip()


BY_NAME: Final = {name_of(adapter): adapter for adapter in (*CORRECT, *FAULTY)}
