"""Two triggers at the same moment: a button and a queue, or two people. Only who says that it can is asked for it."""

from __future__ import annotations

import threading
import uuid
from pathlib import Path
from typing import Any

import pytest

from conformance.domain.order import Profile
from conformance.merchant.api import run_merchant
from conformance.merchant.harness import CountingSink, MerchantHarness
from conformance.obligations.history import STEPS, TOGETHER, Step
from conformance.reports.wording.merchant import merchant_step_in_words
from conformance.results.merchant_audit import recompute_merchant_findings
from conformance.strategies.merchant.grid import systematic_merchant_cases
from examples.merchants import epayment
from tests.merchant.exhibits import STRANGERS
from tests.merchant.faulty_more import Counting
from tests.merchant.shapes import Synchronous, parsed
from tests.merchant.stage import history
from tests.reports.schemas import faults_of


class OneAtATime(Counting):
    """Lets one trigger in after the other."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.door = threading.Lock()

    def cancel(self, order_id: str) -> None:
        with self.door:
            super().cancel(order_id)


class LastOneWrites(Counting):
    """What the slower of two triggers is told is written last: it was refused, and a person has to look at it."""

    def end(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row["status"] in ("cancelled", "failed"):
            return
        got = self.send("POST", f"{self.path(order_id)}/cancel", None, str(uuid.uuid4()))
        said = parsed(got) if got.status_code == 200 else None
        if said is None or not self.learn(row, said):
            row["status"] = "failed"


def broken_at_once(made: type[Any]) -> set[str]:
    asked = type(made.__name__, (made,), {"concurrent": True, "__module__": made.__module__})
    stand = MerchantHarness(asked)
    try:
        offered = stand.open().actions
        assert TOGETHER in offered
        plan = [
            one
            for one in systematic_merchant_cases(Profile(made.profiles[0]))
            if TOGETHER in one.history.needs <= offered
        ]
        played = [stand.play(one.history, f"together-{number}", CountingSink()) for number, one in enumerate(plan)]
    finally:
        stand.close()
    assert played
    for one in played:
        at_once = [act for act in one.seen.acts if act.action == "cancel" and act.step < one.seen.last_step]
        assert len(at_once) == 2
    return {rule for one in played for rule in one.broken}


@pytest.mark.parametrize(
    "made", [*STRANGERS, OneAtATime, Synchronous, epayment.Adapter], ids=lambda made: made.__name__
)
def test_a_correct_shop_is_accused_of_nothing(made: type[Any]):
    assert broken_at_once(made) == set()


def test_its_report_says_what_was_done(tmp_path: Path):
    asked = type("Asked", (LastOneWrites,), {"concurrent": True})
    result = run_merchant(asked, histories=0, strict=True, out=tmp_path / "out")
    assert faults_of(result.evidence.records) == []
    recompute_merchant_findings(result.evidence)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "The shop cancels the order twice at the same time" in page


@pytest.mark.parametrize("do", STEPS)
def test_every_step_has_words(do: str):
    assert merchant_step_in_words(Step(do), history("create"), "NOK")


def test_the_slower_one_must_not_undo_what_the_faster_one_did():
    assert "M28" in broken_at_once(LastOneWrites)


def test_nobody_is_asked_who_does_not_say_that_he_can():
    stand = MerchantHarness(epayment.Adapter)
    try:
        assert TOGETHER not in stand.open().actions
    finally:
        stand.close()
