"""Correct merchants of very different designs are accused of nothing."""

from typing import Any

import pytest

from examples.merchants import ecom, epayment, recurring
from tests.merchant.correct import CORRECT, Counting
from tests.merchant.correct.asynchronous import Queue
from tests.merchant.correct.synchronous import (
    EcomThroughEPayment,
    FlagFirst,
    NeverLooks,
    NoAmounts,
    Sockets,
    Synchronous,
)
from tests.merchant.helpers import broken_by

KNOWN_WARNINGS: dict[type[Any], set[str]] = {
    Synchronous: {"M13"},
    NoAmounts: {"M13"},
    FlagFirst: {"M13"},
    Queue: {"M13"},
    Sockets: {"M13"},
    EcomThroughEPayment: {"M13"},
    NeverLooks: {"M26"},
}
"""Recommendations that they do not follow: a cancel after everything was captured (M13), or never a look (M26)."""


@pytest.mark.parametrize("adapter", [adapter for adapter in CORRECT if adapter is not Counting])
def test_a_correct_merchant_is_accused_of_nothing(adapter: type[Any]):
    broken = broken_by(adapter, drawn=12, seed=5)
    assert {rule: reason for rule, reason in broken.items() if rule not in KNOWN_WARNINGS.get(adapter, ())} == {}


@pytest.mark.parametrize("seed", [11, 12])
@pytest.mark.parametrize("merchant", [ecom, epayment, recurring], ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_reference_merchant_breaks_nothing(merchant: Any, seed: int):
    assert broken_by(merchant.Adapter, first=0, drawn=60, seed=seed) == {}
