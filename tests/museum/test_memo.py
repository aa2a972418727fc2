"""What is remembered of the model and the verdict is what they say."""

import asyncio

from conformance.domain.expectation import Branch, Claim, Expectation, OneOf
from conformance.domain.order import Profile
from conformance.domain.steps import Approve, Initiate
from conformance.judging import tracker
from conformance.judging.judge import StepStatus, judge
from conformance.model import ModelContext, expect, initial_expectation

from . import memo, stage
from .exhibits import FAULTS
from .memo import Memo

SOME = ("ecom-RefusedAndReleasedAllTheSame", "epayment-ThirdCaptureKeepsAHalf", "recurring-StopKeepsDueCharges")


def played():
    async def play(fault):
        on = await stage.stage_for(fault.provider(), fault.profile, fault.readings, fault.market)
        return [await on.findings(one.history) for one in on.plan(0, 0)[:60]]

    return [asyncio.run(play(fault)) for fault in FAULTS if fault.id in SOME]


def test_whoever_remembers_finds_the_same(monkeypatch):
    # Put back what `remember` replaces.
    monkeypatch.setattr(tracker, "expect", expect)
    monkeypatch.setattr(tracker, "judge", judge)
    afresh = played()
    memo.remember()
    assert tracker.expect is not expect
    assert played() == played() == afresh
    assert all(any(findings) for findings in afresh)


def opened():
    context = ModelContext()
    (only,) = initial_expectation(Profile.ECOM, Initiate(), context).branches
    return only.after, context


def test_an_expectation_is_made_once():
    order, context = opened()
    one = Memo()
    first = one.expect((order,), Approve(), context)
    assert first == expect((order,), Approve(), context)
    assert one.expect((order,), Approve(), context) is first


def test_one_and_true_are_not_the_same_observation(monkeypatch):
    order, context = opened()
    claimed = Expectation((Branch("one", (Claim("x", OneOf((1,)), ("EC-01",)),), order),))
    monkeypatch.setattr(memo, "expect", lambda *_: claimed)
    one = Memo()
    assert one.expect((order,), Approve(), context) is claimed
    assert one.judge(claimed, {"x": 1})[0].status is StepStatus.CONFORMS
    assert one.judge(claimed, {"x": True})[0].status is StepStatus.VIOLATES


def test_too_much_is_forgotten(monkeypatch):
    order, context = opened()
    monkeypatch.setattr(memo, "MOST", 1)
    one = Memo()
    first = one.expect((order,), Approve(), context)
    one.expect((order, order), Approve(), context)
    assert one.expect((order,), Approve(), context) is not first
    assert one.judge(first, {})[0] == judge(first, {})[0]
