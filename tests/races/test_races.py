"""Two requests at the same time, over a real port: who has a race in it is caught, and nobody else is."""

import random
import time
from functools import partial

import pytest

from conformance.domain.messages import Response
from conformance.domain.order import Profile
from conformance.domain.steps import Approve, Cancel, Capture, Refund, Reserve, name_of
from conformance.evidence.counterexamples import read_counterexample
from conformance.judging.verdicts import RuleVerdict, RunVerdict
from conformance.runner.confirmation import SUFFIXES
from conformance.sandbox import EPayment, Provider
from tests.stored import stored_records

from .faults import FAULTS
from .running import races, races_of, rule_of, run
from .threads import threaded

RIVALS = {"approve": Approve, "cancel": Cancel, "capture": Capture, "refund": Refund, "reserve": Reserve}
BOOKS = {"INV-4", "INV-10"}
"""What a race breaks as well where its books do not add up."""


@pytest.mark.parametrize("fault", [pytest.param(fault, id=f"{fault.profile.value}-{fault.name}") for fault in FAULTS])
def test_a_check_that_is_apart_from_its_act_is_caught(fault, tmp_path, monkeypatch):
    monkeypatch.setattr("conformance.runner.schedule.plan_cases", partial(races, rivals=RIVALS[fault.rival]))
    with threaded(fault.provider().handle) as url:
        result = run(url, fault.profile, tmp_path)
    violated = {rule.rule.id for rule in result.rules if rule.verdict is RuleVerdict.VIOLATED}
    assert result.verdict is RunVerdict.NOT_CONFORMANT, result.reason
    assert "INV-11" in violated <= {"INV-11", "EC-02", *BOOKS}
    examples = [
        read_counterexample(tmp_path / record["file"]) for record in stored_records(result.evidence, "counterexample")
    ]
    assert examples
    for example in examples:
        (race,) = races_of(example.history)
        assert name_of(race.second) == fault.rival
        assert example.history.steps[-1] is race


def violating(result):
    return [record for record in stored_records(result.evidence, "judgement") if record["status"] == "violates"]


def test_money_that_was_released_and_captured_is_out_of_the_books(tmp_path):
    (fault,) = (fault for fault in FAULTS if fault.name == "CapturesLate" and fault.profile is Profile.EPAYMENT)
    with threaded(fault.provider().handle) as url:
        result = run(url, fault.profile, tmp_path)
    both = [judgement for judgement in violating(result) if judgement["seen"] == "accepted 200; accepted 200"]
    assert both
    for judgement in both:
        observed = judgement["observed"]
        assert observed["view.captured"] + observed["view.cancelled"] > observed["view.authorized"]
        assert {"INV-11", "INV-4"} <= {finding["rule"] for finding in judgement["findings"]}


def slowed(provider, seed):
    """Answer as a provider does, with a random delay before and after."""
    chance = random.Random(seed)

    def answer(request):
        before, after = chance.uniform(0, 0.003), chance.uniform(0, 0.003)
        time.sleep(before)
        response = provider.handle(request)
        time.sleep(after)
        return response

    return answer


@pytest.mark.parametrize("seed", range(20))
def test_a_correct_provider_passes_however_long_it_takes(seed, tmp_path):
    profile = list(Profile)[seed % 3]
    with threaded(slowed(Provider(seed=seed), seed)) as url:
        result = run(url, profile, tmp_path, seed=seed, histories=24)
    races = rule_of(result, "INV-11")
    assert races.verdict is RuleVerdict.PASSED, races.reason
    assert {record["status"] for record in stored_records(result.evidence, "judgement")} <= {"conforms", "recorded"}


class Impatient:
    """A provider that turns a request down while another one for the same payment is under way."""

    def __init__(self, status, body):
        self.provider, self.busy, self.turned_down = Provider(), set(), 0
        self.status, self.body = status, body

    def __call__(self, request):
        payment = next((part for part in request.path.split("/") if part.startswith(("cctest", "chr"))), "")
        if request.method == "GET" or not payment:
            return self.provider.handle(request)
        if payment in self.busy:
            self.turned_down += 1
            return Response(self.status, (("Content-Type", "application/json"),), self.body)
        self.busy.add(payment)
        try:
            time.sleep(0.01)
            return self.provider.handle(request)
        finally:
            self.busy.discard(payment)


CODE_94 = b'[{"errorGroup":"VippsError","errorCode":"94","errorMessage":"Locked"}]'
CODE_6160 = b'{"title":"Busy","status":400,"extraDetails":[{"name":"ErrorCode","reason":"6160"}]}'


@pytest.mark.parametrize(
    ("profile", "status", "body"),
    [
        (Profile.ECOM, 423, b""),
        (Profile.ECOM, 400, CODE_94),
        (Profile.EPAYMENT, 409, b"{}"),
        (Profile.EPAYMENT, 400, CODE_6160),
        (Profile.RECURRING, 423, b""),
        (Profile.RECURRING, 409, b"{}"),
    ],
)
def test_who_turns_one_of_two_down_for_the_moment_conforms(profile, status, body, tmp_path):
    impatient = Impatient(status, body)
    with threaded(impatient) as url:
        result = run(url, profile, tmp_path)
    assert impatient.turned_down > 10
    assert rule_of(result, "INV-11").verdict is RuleVerdict.PASSED
    assert not violating(result)
    assert status in {record["response"]["status"] for record in stored_records(result.evidence, "exchange")}


class Half(EPayment):
    """A payment is released by half. That is no race."""

    def releasable(self, order):
        return order.remaining // 2


def test_a_failure_without_a_race_is_not_reported_as_one(tmp_path):
    with threaded(Provider(epayment=Half).handle) as url:
        result = run(url, Profile.EPAYMENT, tmp_path)
    assert result.verdict is RunVerdict.NOT_CONFORMANT
    assert rule_of(result, "INV-11").verdict is not RuleVerdict.VIOLATED
    alone = {judgement["history"] for judgement in violating(result)}
    assert alone
    assert all(name[-1] in f"xy{SUFFIXES}" or "-s" in name for name in alone)
    superseded = [record for record in stored_records(result.evidence, "judgement") if record.get("superseded")]
    assert all("one after the other" in judgement["cause"] for judgement in superseded)


def test_both_requests_are_recorded_in_the_order_of_the_step(tmp_path):
    with threaded(slowed(Provider(), 1)) as url:
        result = run(url, Profile.EPAYMENT, tmp_path)
    raced = [
        record for record in stored_records(result.evidence, "exchange") if "began" in record and record["history"]
    ]
    assert len(raced) >= 36 * 2
    for first, second in zip(raced[::2], raced[1::2], strict=True):
        assert (first["history"], first["step"]) == (second["history"], second["step"])
        assert first["request"]["path"].endswith("/cancel")
        assert 0.0 in (first["began"], second["began"])
