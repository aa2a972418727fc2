"""What was never captured is not passed: the obligations about captures are not exercised, and the report says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.judging.verdicts import RuleVerdict, RunVerdict
from conformance.merchant import campaign
from conformance.merchant.api import run_merchant
from conformance.strategies.merchant.plan import plan_merchant_cases
from tests.merchant.strangers import correct, tongues
from tests.merchant.strangers.books import NotDone
from tests.merchant.strangers.tongues import Verdict

ABOUT_CAPTURES = ("M11", "M12", "M23")


class WithoutRequestId(correct.OutboxEcom):
    """Captures lack the header without which none is accepted."""

    class tongue(tongues.Ecom):
        def capture(self, row: Any, amount: int, key: str) -> Verdict:
            return self.asked("POST", self.path(row) + "/capture", self._body(row, amount=amount))


class NoStock(correct.OutboxEcom):
    """Has the action, and never does it."""

    def capture(self, order_id: str, amount: int) -> None:
        raise NotDone("nothing in stock")


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (WithoutRequestId, "the provider refused the integration's captures, with HTTP 400"),
        (NoStock, "the integration was asked to capture, and sent no capture"),
    ],
)
def test_refused_captures_are_the_reason(made: type[Any], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(campaign, "planned_shop", lambda *given: plan_merchant_cases(*given)[:14])
    result = run_merchant(made, histories=0, out=tmp_path / "out")
    about = {one.rule.id: one for one in result.rules if one.rule.id in ABOUT_CAPTURES}
    assert {one.verdict for one in about.values()} == {RuleVerdict.NOT_EXERCISED}
    assert all(told in one.reason for one in about.values()), about
    assert result.verdict is RunVerdict.INCOMPLETE
    assert told in (tmp_path / "out" / "report.html").read_text(encoding="utf-8").replace("&#39;", "'")
