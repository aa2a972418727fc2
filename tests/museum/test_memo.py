"""What is remembered of the model and the verdict is what they say."""

import asyncio

from conformance.domain.expectation import Claim, Expectation, OneOf
from conformance.domain.order import Profile
from conformance.domain.steps import Approve, Initiate
from conformance.judging.judge import Judged, judge
from conformance.model import World, expect, open_order
from conformance.model.claims import branch
from conformance.runner import trial

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
    monkeypatch.setattr(trial, "expect", expect)
    monkeypatch.setattr(trial, "judge", judge)
    afresh = played()
    memo.remember()
    assert trial.expect is not expect
    assert played() == played() == afresh
    assert all(any(findings) for findings in afresh)


def opened():
    world = World()
    (only,) = open_order(Profile.ECOM, Initiate(), world).branches
    return only.after, world


def test_an_expectation_is_made_once():
    order, world = opened()
    one = Memo()
    first = one.expect((order,), Approve(), world)
    assert first == expect((order,), Approve(), world)
    assert one.expect((order,), Approve(), world) is first


def test_one_and_true_are_not_the_same_observation(monkeypatch):
    order, world = opened()
    claimed = Expectation((branch("one", (Claim("x", OneOf((1,)), ("EC-01",)),), (), order),))
    monkeypatch.setattr(memo, "expect", lambda *_: claimed)
    one = Memo()
    assert one.expect((order,), Approve(), world) is claimed
    assert one.judge(claimed, {"x": 1})[0].status is Judged.CONFORMS
    assert one.judge(claimed, {"x": True})[0].status is Judged.VIOLATES


def test_too_much_is_forgotten(monkeypatch):
    order, world = opened()
    monkeypatch.setattr(memo, "MOST", 1)
    one = Memo()
    first = one.expect((order,), Approve(), world)
    one.expect((order, order), Approve(), world)
    assert one.expect((order,), Approve(), world) is not first
    assert one.judge(first, {})[0] == judge(first, {})[0]
