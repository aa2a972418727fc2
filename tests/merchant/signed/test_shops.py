"""Correct shops with a handler are accused of nothing, and of faulty ones the right obligation is named first."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from conformance.domain.order import Profile
from conformance.evidence.journal import read_journal
from conformance.judging.verdicts import RuleVerdict, RunVerdict
from conformance.merchant import failures
from conformance.merchant.api import run_merchant
from conformance.merchant.harness import CountingSink
from conformance.obligations.history import HANDLER, Fault
from conformance.obligations.judge import CAUSE_ORDER
from conformance.results.merchant_audit import recompute_merchant_findings
from conformance.strategies.merchant.grid import signed_merchant_cases
from conformance.strategies.merchant.plan import plan_merchant_cases
from examples.merchants import epayment
from tests.merchant.correct import Counting
from tests.merchant.helpers import harness_of, history, run_histories
from tests.merchant.signed import correct, faulty
from tests.merchant.signed.base import SignedShop
from tests.merchant.signed.callbacks import BelievesCallbacks, TokenChecked
from tests.merchant.signed.locked import Locked, LockedAsync
from tests.merchant.signed.service import running
from tests.reports.schemas import faults_of
from tests.stored import stored_records

WEBHOOKS = ("M37", "M38", "M39", "M40")
SHORT = (
    "signed: paid, notified",
    "signed: forge_unsigned, paid",
    "signed: deliver_spaced",
    "signed: paid, a cancel failed",
)


def broken_in(shop: Any, labels: Iterable[str] = ()) -> dict[str, str]:
    """Return what a shop breaks in the courses about signed notifications, or in some of them, the cause first."""
    broken: dict[str, str] = {}
    with harness_of(shop) as harness:
        offered = harness.open().actions
        for number, case in enumerate(signed_merchant_cases(Profile(shop.profiles[0]))):
            if case.history.needs <= offered and (not labels or case.label in labels):
                for rule, reason in harness.run(case.history, f"s-{number}", CountingSink()).broken.items():
                    broken.setdefault(rule, reason)
    return dict(sorted(broken.items(), key=lambda item: CAUSE_ORDER[item[0]]))


@pytest.mark.parametrize("shop", [correct.InMiddleware, correct.Careful, TokenChecked], ids=lambda shop: shop.__name__)
def test_a_correct_shop_is_accused_of_nothing_in_some_courses(shop: type[Any]):
    assert broken_in(shop, SHORT) == {}


@pytest.mark.thorough
@pytest.mark.parametrize("shop", [*correct.CORRECT, TokenChecked], ids=lambda shop: shop.__name__)
def test_a_correct_shop_is_conformant_also_when_recommendations_decide(shop: type[Any], tmp_path: Path):
    result = run_merchant(shop, budget="quick", strict=True, out=tmp_path / "run")
    assert result.verdict is RunVerdict.CONFORMANT, result.reason
    verdicts = {rule.rule.id: rule.verdict for rule in result.rules if rule.rule.id in WEBHOOKS}
    assert set(verdicts.values()) == {RuleVerdict.PASSED}


@pytest.mark.parametrize(
    "shop", [faulty.HashNotCompared, faulty.DecodedSecret, faulty.SerialisedAgain, BelievesCallbacks]
)
def test_a_faulty_shop_is_named_for_the_right_thing(shop: type[Any]):
    labels = (*SHORT, "signed: forge_body, paid")
    rule, reason = next(iter(broken_in(shop, labels).items()))
    assert rule == shop.first
    assert all(words in reason for words in shop.helps), reason


@pytest.mark.thorough
@pytest.mark.parametrize("shop", [*faulty.FAULTY, BelievesCallbacks], ids=lambda shop: shop.__name__)
def test_a_quick_run_names_the_right_obligation_first_in_words_that_help(
    shop: type[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(failures, "SHRINKING_SECONDS", -1.0)
    result = run_merchant(shop, budget="quick", strict=True, histories=0, out=tmp_path / "run")
    assert result.verdict is RunVerdict.NOT_CONFORMANT
    first = result.defects[0].result
    assert first.rule.id == shop.first, first.reason
    assert all(words in first.reason for words in shop.helps), first.reason


def test_a_true_delivery_that_could_not_be_handled_comes_again():
    (trial,) = run_histories(
        correct.IgnoresWhatIsNotGenuine, history("create approve deliver", Fault("read", "error-500"))
    )
    assert trial.broken == {}


def test_a_server_may_refuse_a_host_that_it_does_not_serve():
    steps = "create approve deliver create@1 deliver approve@1 deliver_proxied tick"
    (trial,) = run_histories(correct.KnowsItsHost, history(steps))
    assert trial.broken == {}


@pytest.mark.parametrize("shop", [Locked, LockedAsync], ids=lambda shop: shop.__name__)
def test_a_handler_may_wait_for_the_action_that_runs(shop: type[Any]):
    early = Fault("create", "approve-after"), Fault("create", "deliver-after")
    (trial,) = run_histories(shop, history("create deliver", *early))
    assert trial.broken == {}
    during = [each for each in trial.trace.actions if each.form == "during"]
    assert "epayments.payment.authorized.v1" in {each.webhook for each in during if each.ending == "returned"}
    assert trial.trace.snapshots[0].status == "authorized"


def test_without_a_handler_the_run_says_that_signatures_were_not_tested(tmp_path: Path):
    result = run_merchant(epayment.Adapter, budget="quick", histories=0, out=tmp_path / "run")
    assert result.verdict is RunVerdict.CONFORMANT
    for rule in (each for each in result.rules if each.rule.id in WEBHOOKS):
        assert rule.verdict is RuleVerdict.NOT_EXERCISED
        assert rule.reason.startswith("signatures were not tested: the integration has no handler")


def test_the_plan_of_a_shop_without_a_handler_is_as_it_was():
    with harness_of(Counting) as harness:
        offered = harness.open().actions
    usual = plan_merchant_cases(Profile.EPAYMENT, offered, 3, 20, 48)
    more = plan_merchant_cases(Profile.EPAYMENT, offered | {HANDLER, "deliver"}, 3, 0, 48)
    assert not [case for case in usual if HANDLER in case.history.needs]
    assert [case for case in usual if not case.generated] == [
        case for case in more if not case.label.startswith("signed") and case.history.needs <= offered
    ][: len([case for case in usual if not case.generated])]


def test_the_beginning_of_a_plan_has_what_matters_most():
    offered = frozenset({"create", "cancel", "local_view", "capture", "deliver", "tick", HANDLER})
    beginning = [case.label for case in plan_merchant_cases(Profile.EPAYMENT, offered, 0, 0, 48)[:24]]
    assert {"signed: paid, notified", "signed: forge_unsigned, paid", "signed: deliver_proxied"} <= set(beginning)


def test_the_evidence_of_a_run_can_be_read_judged_and_reported(tmp_path: Path):
    out = tmp_path / "run"
    result = run_merchant(faulty.VerifiesNothing, budget="quick", histories=0, out=out)
    evidence = read_journal(out)
    assert faults_of(stored_records(evidence)) == []
    recompute_merchant_findings(evidence)
    assert result.defects[0].result.rule.id == "M37"
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "A forged notification about the order arrives, without a signature" in page
    assert "signed deliveries to the shop’s handler" in page
    assert (out / "counterexamples" / "epayment-M37-1.json").exists()


@pytest.mark.parametrize("states", [False, True])
def test_deliveries_really_reach_a_handler_on_this_machine(states: bool):
    with running(SignedShop, states=states) as (address, service):
        trials = run_histories(
            address,
            history("create approve deliver deliver_proxied forge_body"),
            history("create approve deliver", profile="epayment"),
        )
        assert [trial.broken for trial in trials] == [{}, {}]
        plain = service.deliveries[0]
        assert plain.url == "/hook?shop=7"
        assert plain.header("Host") == f"127.0.0.1:{service.handler_port}"
        endings = [(each.action, each.ending) for each in trials[0].trace.actions if each.delivery is not None]
        assert ("deliver", "returned") in endings
        assert ("forge_body", "raised") in endings
        assert trials[1].trace.snapshots[-1].status == "authorized"


def test_the_token_of_a_callback_is_not_recorded():
    (trial,) = run_histories(TokenChecked, history("create approve deliver", profile="ecom"))
    (delivery,) = (each.delivery for each in trial.trace.actions if each.delivery)
    assert dict(delivery.request.headers)["Authorization"] == "[removed]"
    assert delivery.status == 200


def test_a_redirect_of_the_handler_is_not_followed():
    with running(SignedShop) as (address, service):
        service.redirect = "http://169.254.169.254/latest/meta-data"
        (trial,) = run_histories(address, history("create approve deliver"))
        assert service.deliveries
        assert {each.response_summary for each in trial.trace.actions if each.delivery} == {"HTTP 307"}


def test_another_address_is_refused_and_nothing_is_sent_there():
    class Elsewhere(SignedShop):
        def register(self, url: str) -> dict[str, str]:
            return super().register("https://shop.example/hook")

    with running(Elsewhere) as (address, _):
        (trial,) = run_histories(address, history("create approve deliver"))
    refused = next(each for each in trial.trace.requests if each.path == "/webhooks/v1/webhooks")
    assert "shop.example is not this machine" in refused.response_body.decode()
