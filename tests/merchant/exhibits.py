"""All merchants that are played: the faulty ones, and the correct ones."""

from __future__ import annotations

from typing import Any, Final

from examples.merchants import ecom, epayment, recurring
from tests.merchant.faulty import FAULTY
from tests.merchant.faulty_more import MORE, Counting
from tests.merchant.shapes import SHAPES
from tests.merchant.strangers import asked, correct, faulty, faulty_shops
from tests.merchant.strangers.gathered import Gathered

REFERENCES: Final[tuple[type[Any], ...]] = (ecom.Adapter, epayment.Adapter, recurring.Adapter)
STRANGERS: Final[tuple[type[Any], ...]] = (
    correct.OutboxEpayment,
    correct.OutboxEcom,
    correct.SourcedEpayment,
    correct.SourcedRecurring,
    correct.ReconcilerEpayment,
    correct.PollingRecurring,
    asked.CallbackEcom,
    asked.FlagFirst,
    asked.WaitsForTheEnd,
    asked.BareEcom,
    Gathered,
)
CORRECT: Final[tuple[type[Any], ...]] = (*REFERENCES, *SHAPES, Counting, *STRANGERS)
"""Accused of nothing that decides; the references and the strangers of nothing at all."""
WRONG: Final[tuple[type[Any], ...]] = (*FAULTY, *MORE, *faulty.FAULTY, *faulty_shops.FAULTY)
"""Each has ``first``, the obligation that has to be blamed first, and says its defect in its docstring."""


def name_of(made: type[Any]) -> str:
    """Return a merchant's name: its API, its folder or module, and its class."""
    module = made.__module__.removeprefix("tests.merchant.").removeprefix("examples.")
    return f"{made.profiles[0]} {module.replace('.', ' ')} {made.__name__}"


def sentence_of(made: type[Any]) -> str:
    """Return what is wrong with a faulty merchant, in a sentence."""
    return (made.__doc__ or "").partition("\n\n")[0].replace("\n", " ").strip()


BY_NAME: Final = {name_of(made): made for made in (*CORRECT, *WRONG)}
