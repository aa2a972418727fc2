"""Which histories a merchant's run uses."""

import json
from functools import cache

import pytest

from conformance.domain.order import Profile
from conformance.obligations.history import (
    CLOCK,
    KINDS,
    OPERATIONS,
    STEPS,
    ZONE,
    ZONES,
    merchant_history_as_json,
    merchant_history_from_json,
)
from conformance.strategies.merchant.grid import lives_on, systematic_merchant_cases
from conformance.strategies.merchant.plan import SYSTEMATIC, draw_merchant_cases, plan_merchant_cases
from conformance.strategies.merchant.surroundings import of_second_order
from tests.strategies.merchant_histories import EVERY_ACTION, contradictions

QUICK = SYSTEMATIC["quick"]
RARE = {"twice", "error-502-html", "unauthorized-401", "timeout-408"}
"""Faults that come late in the set: each is much like another one, or met in what is drawn."""
IN_REAL_TIME = 48
"""How many histories of the set a quick run has where every action takes real time."""
OF_AGREEMENTS = {"customer_stop", "stop_agreement"}
OF_APPROVALS = {"expire"}


def shown_by(histories):
    """Return the words of steps, the operations of faults and the kinds of faults that histories have."""
    steps = {step.do for history in histories for step in history.steps}
    faults = [fault for history in histories for fault in history.faults]
    return steps, {fault.on for fault in faults}, {fault.kind for fault in faults}


@cache
def drawn_of(profile):
    """Return histories of several seeds, for a merchant with every action."""
    return [history for seed in range(4) for history in draw_merchant_cases(profile, EVERY_ACTION, seed, 40)]


@pytest.mark.parametrize("profile", Profile)
class TestSystematicSet:
    @pytest.fixture
    def cases(self, profile):
        return systematic_merchant_cases(profile)

    @pytest.fixture
    def histories(self, cases):
        return [case.history for case in cases]

    def test_it_is_the_same_every_time(self, profile, cases):
        assert systematic_merchant_cases(profile) == cases

    def test_no_history_and_no_label_occurs_twice(self, cases):
        assert len({case.history for case in cases}) == len(cases) == len({case.label for case in cases})

    def test_every_history_survives_json(self, histories):
        for history in histories:
            assert merchant_history_from_json(json.loads(json.dumps(merchant_history_as_json(history)))) == history

    def test_every_history_can_be_interpreted(self, histories):
        assert not [(history, problem) for history in histories for problem in contradictions(history)]

    def test_it_has_every_step_operation_and_fault(self, profile, histories):
        missing = OF_APPROVALS if profile is Profile.RECURRING else OF_AGREEMENTS
        steps, operations, kinds = shown_by(histories)
        assert steps == {*STEPS} - missing - {"zone_utc"}
        assert operations == {*OPERATIONS}
        assert kinds == {*KINDS}

    def test_a_third_of_every_beginning_are_orders_that_nobody_ends(self, histories):
        for length in (12, 24, IN_REAL_TIME, 120, QUICK, len(histories)):
            assert sum(map(lives_on, histories[:length])) >= length // 3

    def test_its_beginning_has_the_most_telling_of_each_kind(self, profile, cases):
        first = [case.history for case in cases[:IN_REAL_TIME]]
        steps, operations, _ = shown_by(first)
        assert {"complete", "refund", "pay_again", "bank_release", "lose", "live", "capture", "abandon"} <= steps
        assert operations >= {"cancel", "read", "capture", "create"}
        assert sum(not history.faults for history in first) >= IN_REAL_TIME // 2
        assert ("stop_agreement" in steps) == (profile is Profile.RECURRING)
        assert any(history.behaviour.market for history in first) == (profile is not Profile.ECOM)

    def test_the_quick_part_has_every_step_operation_and_fault(self, histories):
        steps, operations, kinds = shown_by(histories)
        assert shown_by(histories[:QUICK])[:2] == (steps, operations)
        assert shown_by(histories[:QUICK])[2] >= kinds - RARE

    def test_an_order_has_the_same_life_in_another_time_zone(self, histories):
        in_zones = [history for history in histories if ZONE in history.needs]
        assert {step.do for history in in_zones for step in history.steps} >= ZONES.keys() - {"zone_utc"}
        for history in in_zones:
            (at,) = (number for number, step in enumerate(history.steps) if step.do in ZONES)
            assert tuple(map(of_second_order, history.steps[:at])) == history.steps[at + 1 :]

    def test_lives_have_every_length(self, histories):
        lengths = {step.number // 86_400 for history in histories for step in history.steps if step.do == "live"}
        assert {0, 1, 8, 14, 31, 170, 181} <= lengths

    def test_most_lives_need_no_clock_in_common(self, histories):
        without = [history for history in histories if CLOCK not in history.needs]
        assert sum(map(lives_on, without)) > sum(map(lives_on, histories)) / 2


@pytest.mark.parametrize("profile", Profile)
class TestDrawnHistories:
    @pytest.mark.parametrize("offered", [EVERY_ACTION, frozenset(), frozenset({"capture", "tick"})])
    def test_they_need_no_more_than_what_is_offered(self, profile, offered):
        for history in draw_merchant_cases(profile, offered, 5, 40):
            assert history.needs <= offered
            assert not list(contradictions(history))

    @pytest.fixture
    def histories(self, profile):
        return drawn_of(profile)

    def test_they_have_what_the_systematic_set_has(self, profile, histories):
        steps, operations, _ = shown_by(histories)
        assert operations == {*OPERATIONS}
        assert steps >= {"complete", "refund", "pay_again", "bank_release", "portal_cancel", "lose", "live", "abandon"}
        assert steps & ZONES.keys()
        assert ("stop_agreement" in steps) == (profile is Profile.RECURRING)
        markets = {history.behaviour.market for history in histories}
        assert markets == ({""} if profile is Profile.ECOM else {"", "dk", "fi"})

    def test_a_third_live_on_or_end_late(self, histories):
        assert sum(lives_on(history) or CLOCK in history.needs for history in histories) >= len(histories) / 3

    def test_what_is_refunded_is_captured_in_the_end(self, histories):
        refunding = [history for history in histories if "refund" in {step.do for step in history.steps}]
        faults = [fault for history in refunding for fault in history.faults]
        assert not [fault for fault in faults if fault.on == "capture" and fault.times == 0]


def test_the_same_seed_draws_the_same_histories():
    offered = frozenset({"capture"})
    assert draw_merchant_cases(Profile.ECOM, offered, 1, 20) == draw_merchant_cases(Profile.ECOM, offered, 1, 20)
    assert draw_merchant_cases(Profile.ECOM, offered, 1, 20) != draw_merchant_cases(Profile.ECOM, offered, 2, 20)


def test_a_history_needs_the_actions_that_it_asks_for():
    cases = systematic_merchant_cases(Profile.EPAYMENT)
    without_actions = {case.label for case in cases if not case.history.needs}
    assert "partly shipped, then closed" not in without_actions
    assert "approved, then cancelled" in without_actions


def test_a_quick_plan_is_the_beginning_of_the_whole_one():
    whole = plan_merchant_cases(Profile.EPAYMENT, EVERY_ACTION, 1, 0)
    quick = plan_merchant_cases(Profile.EPAYMENT, EVERY_ACTION, 1, 5, QUICK)
    assert quick[:-5] == whole[:QUICK]
    assert [case.source for case in quick[-5:]] == ["generated"] * 5


def test_a_plan_has_only_what_the_merchant_can_do():
    offered = frozenset({"capture", "deliver"})
    cases = plan_merchant_cases(Profile.RECURRING, offered, 1, 10)
    assert all(case.history.needs <= offered for case in cases)
    assert any(lives_on(case.history) for case in cases)
