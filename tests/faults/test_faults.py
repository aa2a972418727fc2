"""A correct provider behind a bad network is accused of nothing; a wrong one is found out all the same."""

import os
import random

import pytest

from conformance.domain.order import Profile
from conformance.runner.campaign import Campaign
from conformance.sandbox import EPayment, Options
from tests.museum.exhibits import FAULTS
from tests.targets.loopback import play_few

from .__main__ import detected
from .disturbed import Plan, Provider, play, running_server
from .proxy import KINDS

PLANS = int(os.environ.get("CANCEL_FAULT_PLANS", "9"))
"""How many plans are tried; `python -m tests.faults --plans 500` tries all."""


class Forgetful(EPayment):
    """Says that it cancelled, and changes nothing."""

    def carry_out_cancel(self, order, key):
        return self.repeat_cancel(order)


@pytest.fixture(scope="module")
def correct():
    with running_server(Provider(Options(rate_limit=False))) as url:
        yield url


@pytest.mark.parametrize("seed", range(PLANS))
def test_a_correct_provider_is_accused_of_nothing(tmp_path, correct, seed):
    came = play(tmp_path, Plan(seed), list(Profile)[seed % 3], correct)
    assert not came.violated, came.reasons
    assert came.disturbed.total() > came.disturbed["passed on"] > 0
    assert came.judgements["conforms"] or came.verdict == "ENVIRONMENT ERROR"


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_of_trouble_alone_accuses_it(tmp_path, correct, kind):
    plan = Plan(1, share=0.3)
    plan.only(kind)
    came = play(tmp_path, plan, Profile.EPAYMENT, correct)
    assert not came.violated, came.reasons
    assert came.disturbed[kind] > 0
    assert came.judgements["conforms"]


@pytest.mark.parametrize("seed", range(PLANS))
def test_a_faulty_provider_is_found_in_each_plan(tmp_path, seed):
    fault = random.Random(seed).choice(FAULTS)
    came = detected(fault, seed, tmp_path)
    assert came.violated & fault.red, came


def test_a_faulty_provider_is_detected_when_half_of_the_responses_are_disturbed(tmp_path, monkeypatch):
    play_few(monkeypatch)
    with running_server(Provider(Options(rate_limit=False), epayment=Forgetful)) as url:
        came = play(tmp_path / "half", Plan(2, share=0.5), Profile.EPAYMENT, url, Campaign, histories=0)
        calm = play(tmp_path / "none", Plan(2, share=0.0), Profile.EPAYMENT, url, Campaign, histories=0)
    assert came.violated, came
    assert came.violated <= calm.violated
    assert came.disturbed["passed on"] < 0.6 * came.disturbed.total()
    assert came.verdict == "NOT CONFORMANT"


def test_a_storm_of_errors_stops_the_run_and_keeps_what_was_seen(tmp_path, monkeypatch, correct):
    play_few(monkeypatch)
    plan = Plan(3, share=0.0)
    plan.break_down(after=150)
    came = play(tmp_path, plan, Profile.EPAYMENT, correct, Campaign, histories=0)
    assert came.verdict == "ENVIRONMENT ERROR"
    assert not came.violated
    assert came.judgements["conforms"]
    assert came.disturbed["500 before"] < 200
