"""Two cancels of one order at the same moment; only a merchant that says that it can is asked for them."""

from __future__ import annotations

import threading
import uuid
from pathlib import Path
from typing import Any

import pytest

from conformance.domain.order import Profile
from conformance.merchant.api import run_merchant
from conformance.merchant.harness import CountingSink
from conformance.obligations.history import STEPS, TOGETHER, MerchantStep
from conformance.reports.wording.merchant import merchant_step_in_words
from conformance.results.merchant_audit import recompute_merchant_findings
from conformance.strategies.merchant.grid import systematic_merchant_cases
from examples.merchants import epayment
from tests.merchant.catalogue import INDEPENDENT
from tests.merchant.correct.synchronous import Counting, Synchronous, payment_in
from tests.merchant.helpers import harness_of, history
from tests.reports.schemas import faults_of
from tests.stored import stored_records


class OneAtATime(Counting):
    """Lets one cancel in after the other."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.lock = threading.Lock()

    def cancel(self, order_id: str) -> None:
        with self.lock:
            super().cancel(order_id)


class LastOneWrites(Counting):
    """Writes last what the slower of two cancels learns: it was refused, and a person has to look at it."""

    def end(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row["status"] in ("cancelled", "failed"):
            return
        response = self.send("POST", f"{self.path(order_id)}/cancel", None, str(uuid.uuid4()))
        payment = payment_in(response) if response.status_code == 200 else None
        if payment is None or not self.update_row(row, payment):
            row["status"] = "failed"


def broken_together(adapter: type[Any]) -> set[str]:
    """Return what an adapter breaks when it is asked for two cancels at the same time."""
    concurrent = type(adapter.__name__, (adapter,), {"concurrent": True, "__module__": adapter.__module__})
    with harness_of(concurrent) as harness:
        offered = harness.open().actions
        assert TOGETHER in offered
        histories = [case.history for case in systematic_merchant_cases(Profile(adapter.profiles[0]))]
        histories = [each for each in histories if TOGETHER in each.needs <= offered]
        trials = [harness.run(each, f"together-{number}", CountingSink()) for number, each in enumerate(histories)]
    assert trials
    for trial in trials:
        cancels = [action for action in trial.trace.actions if action.action == "cancel"]
        assert sum(action.step < trial.trace.last_step for action in cancels) == 2
    return {rule for trial in trials for rule in trial.broken}


@pytest.mark.parametrize(
    "adapter", [*INDEPENDENT, OneAtATime, Synchronous, epayment.Adapter], ids=lambda adapter: adapter.__name__
)
def test_a_correct_merchant_is_accused_of_nothing(adapter: type[Any]):
    assert broken_together(adapter) == set()


def test_the_report_says_that_the_order_was_cancelled_twice_at_once(tmp_path: Path):
    concurrent = type("Concurrent", (LastOneWrites,), {"concurrent": True})
    result = run_merchant(concurrent, histories=0, strict=True, out=tmp_path / "out")
    assert faults_of(stored_records(result.evidence)) == []
    recompute_merchant_findings(result.evidence)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "The shop cancels the order twice at the same time" in page


@pytest.mark.parametrize("do", STEPS)
def test_every_step_has_words(do: str):
    assert merchant_step_in_words(MerchantStep(do), history("create"), "NOK")


def test_the_slower_cancel_must_not_undo_the_faster_one():
    assert "M28" in broken_together(LastOneWrites)


def test_a_merchant_that_does_not_declare_it_is_not_asked_for_two_actions_at_once():
    with harness_of(epayment.Adapter) as harness:
        assert TOGETHER not in harness.open().actions
