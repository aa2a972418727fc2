"""Where nothing is captured the obligations about captures are not exercised, and the report says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.judging.verdicts import RuleVerdict, RunVerdict
from conformance.merchant import campaign
from conformance.merchant.api import run_merchant
from conformance.strategies.merchant.plan import plan_merchant_cases
from tests.merchant.independent import api_clients, patterns
from tests.merchant.independent.api_clients import CallResult
from tests.merchant.independent.base import ActionFailed

ABOUT_CAPTURES = ("M11", "M12", "M23")


class WithoutRequestId(patterns.OutboxEcom):
    """Captures without the header that the provider requires."""

    class client_class(api_clients.Ecom):
        def capture(self, row: Any, amount: int, key: str) -> CallResult:
            return self.change("POST", self.path(row) + "/capture", self._body(row, amount=amount))


class NoStock(patterns.OutboxEcom):
    """Has the action, and never sends a capture."""

    def capture(self, order_id: str, amount: int) -> None:
        raise ActionFailed("nothing in stock")


@pytest.mark.parametrize(
    ("adapter", "reason", "verdict"),
    [
        (
            WithoutRequestId,
            "the provider refused the integration's captures, with HTTP 400",
            RunVerdict.NOT_CONFORMANT,
        ),
        (NoStock, "the integration was asked to capture, and sent no capture", RunVerdict.INCOMPLETE),
    ],
)
def test_the_report_says_why_captures_were_missed(
    adapter: type[Any], reason: str, verdict: RunVerdict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(campaign, "plan_merchant_cases", lambda *arguments: plan_merchant_cases(*arguments)[:14])
    result = run_merchant(adapter, histories=0, out=tmp_path / "out")
    rules = {rule.rule.id: rule for rule in result.rules if rule.rule.id in ABOUT_CAPTURES}
    assert {rule.verdict for rule in rules.values()} == {RuleVerdict.NOT_EXERCISED}
    assert all(reason in rule.reason for rule in rules.values()), rules
    assert result.verdict is verdict
    assert reason in (tmp_path / "out" / "report.html").read_text(encoding="utf-8").replace("&#39;", "'")
