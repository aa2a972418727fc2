"""Every defect class has a faulty merchant that a run catches, or a reason why it cannot be seen."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.merchant import failures
from conformance.merchant.api import run_merchant
from conformance.results.result import Result
from tests.merchant.correct import Counting
from tests.merchant.faulty import FAULTY
from tests.merchant.faulty.outcome_rules import EveryErrorIsACancel
from tests.merchant.faulty.request_rules import NoKey, OneKeyForAll
from tests.merchant.faulty.timing_rules import ReleasedAfterAFailedCapture
from tests.merchant.helpers import BOOK, broken_by, required

CLASSES = 40
LAST_OF_EACH = list({adapter.first: adapter for adapter in FAULTY}.values())
"""One faulty merchant for each obligation that is blamed first."""

BLAMED_ELSEWHERE = {"B11", "B14", "B25", "B28", "B30", "B36"}
"""Defects of merchants that break another obligation before the one that is documented to catch the defect."""


def violated(result: Result) -> list[str]:
    """Return the obligations that lead the defects of a run, the plainest first."""
    return [defect.result.rule.id for defect in result.defects if defect.decides]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setattr(failures, "SHRINKING_SECONDS", -1.0)
    return lambda adapter, **options: run_merchant(adapter, strict=True, out=tmp_path / "run", **options)


@pytest.mark.thorough
@pytest.mark.parametrize("adapter", LAST_OF_EACH, ids=lambda adapter: adapter.__name__)
def test_a_run_blames_the_right_obligation_first(adapter: type[Any], run: Callable[..., Result]):
    """The systematic part of a quick run is enough for each of them; drawn histories come on top of it."""
    assert violated(run(adapter, budget="quick", histories=0))[:1] == [adapter.first]


def test_the_merchant_without_their_defects_is_conformant(run: Callable[..., Result]):
    assert violated(run(Counting, budget="quick", histories=0)) == []


def test_every_defect_class_has_a_merchant_or_a_reason():
    classes = {f"B{number}" for number in range(1, CLASSES + 1)}
    caught = {adapter.defect for adapter in FAULTY}
    assert classes <= caught
    assert len(caught) >= 25
    assert all(adapter.__doc__ for adapter in FAULTY)


def test_the_defect_is_one_that_its_obligation_is_documented_to_catch():
    known = [adapter for adapter in FAULTY if re.fullmatch(r"B\d+", adapter.defect)]
    undocumented = {adapter.defect for adapter in known if adapter.defect not in BOOK.rule(adapter.first).defects}
    assert undocumented == BLAMED_ELSEWHERE


def test_a_plain_defect_breaks_nothing_else():
    assert list(broken_by(NoKey, first=12)) == ["M6"]
    assert required(broken_by(EveryErrorIsACancel, first=40)) == ["M18"]
    assert "M8" in broken_by(OneKeyForAll, first=6)
    assert required(broken_by(ReleasedAfterAFailedCapture))[0] == "M12"
