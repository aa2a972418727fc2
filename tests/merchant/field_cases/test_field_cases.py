"""The defect of every field case is found, the right obligation is named first, and its sentence would have helped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.judging.verdicts import RunVerdict
from conformance.merchant.api import run_merchant
from tests.merchant.field_cases.shops import CASES
from tests.merchant.independent import desk, queues, ways

SENSIBLE = (
    ways.CapturesAtOnce, ways.CapturesAtOnceAndSaysSo, ways.CapturesAtOnceEcom, desk.OnlySigned, desk.Nightly,
    desk.NightlyEcom, desk.PollsEveryHalfHour, desk.ReadsLists, queues.ReplacesBasket, desk.KeepsKeyOfABusyCharge,
    desk.KeepsKeyAtTheGateway, queues.NetBooks, desk.StopsShipping, queues.WakesEveryFiveMinutes,
    queues.HardlyEverSends, queues.NumbersOfItsOwn,
)  # fmt: skip
"""The correct shops of the field cases: each was, or could have been, accused."""


@pytest.mark.thorough
@pytest.mark.parametrize("shop", CASES, ids=lambda shop: shop.defect)
def test_the_defect_is_named_first_in_words_that_help(shop: type[Any], tmp_path: Path):
    result = run_merchant(shop, budget="quick", out=tmp_path / "run")
    assert result.verdict is RunVerdict.NOT_CONFORMANT
    first = result.defects[0].result
    assert first.rule.id == shop.first
    assert all(words in first.reason for words in shop.helps), first.reason


@pytest.mark.thorough
@pytest.mark.parametrize("shop", SENSIBLE, ids=lambda shop: shop.__name__)
def test_a_sensible_shop_is_conformant_also_when_recommendations_decide(shop: type[Any], tmp_path: Path):
    result = run_merchant(shop, budget="quick", strict=True, out=tmp_path / "run")
    assert result.verdict is RunVerdict.CONFORMANT, result.reason
