"""Correct merchants of very different shapes are accused of nothing."""

import pytest

from examples.merchants import ecom, epayment, recurring
from tests.merchant.shapes import (
    SHAPES,
    EcomThroughEPayment,
    FlagFirst,
    NeverLooks,
    NoAmounts,
    Queue,
    Sockets,
    Synchronous,
)
from tests.merchant.stage import broken_by

KNOWN_WARNINGS = {
    Synchronous: {"M13"},
    NoAmounts: {"M13"},
    FlagFirst: {"M13"},
    Queue: {"M13"},
    Sockets: {"M13"},
    EcomThroughEPayment: {"M13"},
    NeverLooks: {"M26"},
}
"""They send a cancel although they captured everything (M13), or never look (M26): that is recommended otherwise."""


@pytest.mark.parametrize("shape", SHAPES)
def test_a_correct_merchant_is_accused_of_nothing(shape):
    found = broken_by(shape, drawn=12, seed=5)
    assert {rule: why for rule, why in found.items() if rule not in KNOWN_WARNINGS.get(shape, ())} == {}


@pytest.mark.parametrize("seed", [11, 12])
@pytest.mark.parametrize("merchant", [ecom, epayment, recurring], ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_reference_merchant_owes_nothing(merchant, seed):
    assert broken_by(merchant.Adapter, first=0, drawn=60, seed=seed) == {}
