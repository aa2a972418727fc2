"""Every merchant that the suite is tested with: the correct ones and the faulty ones."""

from __future__ import annotations

from typing import Any, Final

from examples.merchants import ecom, epayment, recurring
from tests.merchant.correct import CORRECT as SIMPLE
from tests.merchant.faulty import FAULTY as SIMPLE_FAULTY
from tests.merchant.independent import event_driven, faulty_clients, faulty_logic, patterns
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
)
CORRECT: Final[tuple[type[Any], ...]] = (*REFERENCES, *SIMPLE, *INDEPENDENT)
"""Merchants that break no required obligation; the references and the independent ones break none at all."""
FAULTY: Final[tuple[type[Any], ...]] = (*SIMPLE_FAULTY, *faulty_clients.FAULTY, *faulty_logic.FAULTY)
"""Each has ``first``, the obligation to be blamed first, and names its defect in its docstring."""


def name_of(adapter: type[Any]) -> str:
    """Return a merchant's name: its API, its module, and its class."""
    module = adapter.__module__.removeprefix("tests.merchant.").removeprefix("examples.")
    return f"{adapter.profiles[0]} {module.replace('.', ' ')} {adapter.__name__}"


def sentence_of(adapter: type[Any]) -> str:
    """Return a sentence that says what is wrong with a faulty merchant."""
    return (adapter.__doc__ or "").partition("\n\n")[0].replace("\n", " ").strip()


BY_NAME: Final = {name_of(adapter): adapter for adapter in (*CORRECT, *FAULTY)}
