"""Adapters: called without HTTP, judged on what they speak of."""

import asyncio
import time

import pytest

from conformance.adapter import OrderView
from conformance.domain.order import Market, Profile
from conformance.domain.order_naming import OrderNaming
from conformance.domain.steps import Addressee, Cancel, Defect, Initiate, Key, StopAgreement, Together
from conformance.judging.verdicts import RuleVerdict, RunVerdict
from conformance.runner.campaign import Campaign, Settings
from conformance.runner.settings import nonce_for
from conformance.targets.adapter.driver import view_of
from conformance.targets.resolve import resolve_target
from conformance.targets.transport import TargetError, TargetUsageError
from tests.stored import stored_records

from .loopback import ignored, play_few, probed

HERE = "python:tests.targets.sample"
EXAMPLE = "python:examples.adapter_example:InMemoryEpayment"


@pytest.fixture
def few(monkeypatch):
    play_few(monkeypatch)


def campaign(name, directory, profile=Profile.EPAYMENT, timeout=5.0, histories=20):
    target = resolve_target(name, environment={}, timeout=timeout)
    settings = Settings((profile,), budget="quick", histories=histories, nonce=nonce_for(target, 0))
    return asyncio.run(Campaign(target, settings, directory).run())


def open_rules(result):
    return {rule.rule.id for rule in result.rules if rule.verdict in (RuleVerdict.NOT_EXERCISED, RuleVerdict.THIN)}


def shown_rules(result):
    return {name.partition("/")[0] for record in of_kind(result, "conforms") for name in record.get("examples", ())}


def of_kind(result, status):
    return [record for record in stored_records(result.evidence, "judgement") if record["status"] == status]


@pytest.mark.parametrize("name", [EXAMPLE, f"{HERE}:Asynchronous", f"{HERE}:Statuses"])
def test_the_example_conforms(name, tmp_path):
    result = campaign(name, tmp_path)
    assert result.verdict is RunVerdict.CONFORMANT, result.reason
    assert not of_kind(result, "violates")
    assert not of_kind(result, "inconclusive")
    assert open_rules(result) == {"EP-17", "EP-18", "EP-19", "EP-20", "EP-32", "INV-11"}


def test_an_adapter_with_the_least_methods_leaves_more_open(tmp_path):
    result = campaign(f"{HERE}:Least", tmp_path, histories=5)
    assert result.verdict is RunVerdict.INCOMPLETE
    assert not of_kind(result, "violates")
    assert {"EP-05", "EP-06", "EP-14"} <= open_rules(result)
    assert {"EP-01", "EP-02", "EP-29"} <= shown_rules(result)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("name", "profile", "own"),
    [("Recurring", Profile.RECURRING, "RE-"), ("Ecom", Profile.ECOM, "EC-")],
)
def test_the_other_apis_have_adapters_too(name, profile, own, tmp_path):
    result = campaign(f"{HERE}:{name}", tmp_path, profile, histories=5)
    assert not of_kind(result, "violates")
    assert not of_kind(result, "inconclusive")
    assert any(rule.startswith(own) for rule in shown_rules(result))


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(("name", "rule"), [("ForgetsTheRemainder", "EP-06"), ("CancelsNothing", "EP-01")])
def test_a_faulty_adapter_violates_the_rule(name, rule, tmp_path, monkeypatch):
    monkeypatch.setattr("conformance.targets.adapter.driver.PAUSE", 0.0)
    result = campaign(f"{HERE}:{name}", tmp_path, histories=0)
    assert result.verdict is RunVerdict.NOT_CONFORMANT
    assert rule in {rule.rule.id for rule in result.rules if rule.verdict is RuleVerdict.VIOLATED}


@pytest.mark.parametrize(
    ("name", "cause"),
    [("RaisesLater", "cancel() raised KeyError"), ("HangsLater", "cancel() did not return within 0.3 seconds")],
)
@pytest.mark.usefixtures("few")
def test_what_an_adapter_does_not_answer_proves_nothing(name, cause, tmp_path):
    result = campaign(f"{HERE}:{name}", tmp_path, timeout=0.3, histories=0)
    assert not of_kind(result, "violates")
    assert len(of_kind(result, "inconclusive")) == 1
    assert cause in of_kind(result, "inconclusive")[0]["cause"]


@pytest.mark.usefixtures("few")
def test_an_adapter_that_refuses_without_a_code_violates_the_rule(tmp_path):
    result = campaign(f"{HERE}:RefusesInSilence", tmp_path, histories=0)
    assert result.verdict is RunVerdict.NOT_CONFORMANT


SMOKE = {
    "Raises": "cancel() raised ValueError: no such column",
    "Exits": "cancel() raised SystemExit: 2",
    "Hangs": "read() did not return within 0.3 seconds",
    "Blocks": "read() did not return within 0.3 seconds",
    "CancelsItself": "read() raised CancelledError",
    "ReturnsNone": "initiate() returned None where Accepted, Refused or Pending is meant",
    "ReturnsABody": "cancel() returned a value of type str where Accepted, Refused or Pending is meant",
    "AnswersElsewhere": "cancel() refused with the status 302, which is not 400 to 599",
    "ReturnsADict": "read() returned a value of type dict where an OrderView or Refused is meant",
    "ReturnsAnotherStatus": "cancel() refused with the status 200, which is not 400 to 599",
    "ReturnsKroner": "read() returned 'captured' as a value of type float where whole minor units are meant",
    "ReturnsNoState": "read() returned a state that is None where text is meant",
    "ReturnsOtherEvents": "read() returned 'events' that are not a list of Event(name, amount)",
    "RefusesOrders": "initiate() refused the first order",
    "RefusesReads": "read() refused an order that initiate() had accepted",
}


@pytest.mark.parametrize(("name", "words"), SMOKE.items(), ids=SMOKE)
def test_an_adapter_that_cannot_be_tested(name, words):
    before = time.monotonic()
    with pytest.raises(TargetError) as error:
        probed(f"{HERE}:{name}", timeout=0.3)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert time.monotonic() - before < 3


USAGE = {
    "NoProfiles": "does not say which APIs it implements: give it 'profiles', a list from 'ecom', 'epayment'",
    "TextForProfiles": "does not say which APIs it implements",
    "UnknownProfile": "names the profile 'epayments', which is none",
    "BothPayments": "write one adapter for each",
    "NoMethods": "it has no cancel and no read",
    "OtherParameters": "it is called as cancel(order_id, *, flag, key)",
    "NoMethodButAName": "has a 'approve' that cannot be called",
    "NotMade": "could not be made without arguments: it raised TypeError",
    "NeverMade": "was not made within 0.3 seconds",
    "missing": "has no 'missing'",
    "not_callable": "is no adapter: name a class",
}


@pytest.mark.parametrize(("name", "words"), USAGE.items(), ids=USAGE)
def test_an_adapter_that_is_none(name, words):
    with pytest.raises(TargetUsageError) as error:
        resolve_target(f"{HERE}:{name}", timeout=0.3)
    assert words in str(error.value)


def test_options_that_an_adapter_has_no_use_for():
    with pytest.raises(TargetUsageError, match="leave --control-url out"):
        resolve_target(EXAMPLE, control_url="http://127.0.0.1:1")
    with pytest.raises(TargetUsageError, match="leave --concurrency out"):
        resolve_target(EXAMPLE, concurrency=2)


def test_an_adapter_that_was_made_already_is_used_as_it_is():
    target = resolve_target(f"{HERE}:instance")
    assert (target.kind, target.over_http, target.private, target.concurrency, target.control) == (
        "python",
        False,
        False,
        1,
        None,
    )
    assert target.profiles == (Profile.EPAYMENT,)
    asyncio.run(target.close())


def test_a_profile_that_the_adapter_does_not_name():
    with pytest.raises(TargetError, match="does not implement ecom"):
        probed(EXAMPLE, Profile.ECOM)


def test_what_an_adapter_offers_are_its_methods():
    probe = probed(EXAMPLE)
    assert probe.offered == {"approve", "reject", "expire", "start_3ds", "finish_3ds", "fail_3ds", "age"}
    assert probe.unplayable == {"stop-agreement"}
    least = probed(f"{HERE}:Least")
    assert (least.offered, least.unplayable) == (frozenset(), {"capture", "refund", "stop-agreement"})


def test_steps_that_take_an_http_target_prove_nothing():
    target = resolve_target(EXAMPLE)

    async def play():
        await target.open(Market.DK, OrderNaming("cctest"), ignored, ignored)
        driver = target.worker().driver(Profile.EPAYMENT, "cctest-1", ignored)
        await driver.perform(Initiate(500))
        steps = (Cancel(defect=Defect.NO_TOKEN), Cancel(to=Addressee.FOREIGN), StopAgreement(with_other_change=True))
        steps += (Together(Cancel(), Cancel()),)
        results = [await driver.perform(step) for step in (*steps, StopAgreement(), Cancel(key=Key.SPENT))]
        results.append(await driver.look("read", log=True))
        await target.close()
        return results

    *lost, spent, view = asyncio.run(play())
    assert [result["answer.outcome"] for result in lost] == ["lost"] * 5
    assert spent == {"answer.outcome": "accepted", "answer.code": None}
    assert (view["view.currency"], view["view.cancelled"], view["view.log.terminated"]) == ("DKK", 500, 1)


def test_what_is_left_out_of_a_view_is_not_spoken_of():
    observed = view_of(Profile.RECURRING, OrderView("PENDING", 0, 0, 0))
    assert set(observed) == {
        *("view.outcome", "view.state", "view.captured", "view.refunded", "view.cancelled"),
        *("view.negative", "view.overrefunded", "view.overdrawn"),
    }
