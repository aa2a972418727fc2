"""Every defect class of the obligations' list has a faulty merchant that is caught, or a reason why it cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.judging.verdicts import RuleVerdict
from conformance.merchant import campaign
from conformance.merchant.api import run_merchant
from conformance.results.result import Result
from tests.merchant.faulty import FAULTY
from tests.merchant.faulty_more import MORE, UNSEEN, Counting

CLASSES = 40


def violated(result: Result) -> list[str]:
    """The obligations that are violated, the one that is blamed first in front."""
    found = [one for one in result.rules if one.verdict is RuleVerdict.VIOLATED]
    return [one.rule.id for one in sorted(found, key=lambda one: one.rank)]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(campaign, "SHRINKING_SECONDS", -1.0)
    return lambda made, **more: run_merchant(made, strict=True, out=tmp_path / "run", **more)


@pytest.mark.parametrize("made", MORE, ids=lambda made: made.__name__)
def test_it_is_caught_and_the_right_obligation_is_blamed_first(made: type[Any], run: Any):
    """The systematic set is enough for each of them; what is drawn besides comes on top of it in every budget."""
    assert violated(run(made, histories=0))[:1] == [made.first]


def test_what_they_are_made_from_is_conformant(run: Any):
    assert violated(run(Counting, histories=0)) == []


def test_every_class_has_one_or_a_reason():
    named = {f"B{number}" for number in range(1, CLASSES + 1)}
    caught = {made.defect for made in (*FAULTY, *MORE)}
    assert caught <= named
    assert named - caught == {one for one in UNSEEN if "," not in one}
    assert len(caught) >= 25
    assert all(made.__doc__ for made in (*FAULTY, *MORE))
