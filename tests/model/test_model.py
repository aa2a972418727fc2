"""What the model says of every order: what is recorded and remembered, and that its words are the rulebook's."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from conformance.domain.expectation import Claim
from conformance.domain.order import Kind, Order, Stage
from conformance.domain.steps import Cancel, Read
from conformance.model import ModelContext, advance, expect
from conformance.rulebook import load
from tests.model.on_paper import (
    DAY,
    OLD,
    PROFILES,
    E,
    R,
    arrive,
    context,
    final_steps,
    paths,
    references,
    walked,
)
from tests.model.oracle import TO_OTHERS

CHARGE = Order(R, Kind.INITIAL_RESERVE, 1000, "NOK", Stage.RESERVED, since_reserved=14 * DAY)


def test_what_is_recorded_of_any_order_that_is_still_possible_is_recorded():
    reserved = Order(E, Kind.PAYMENT, 1000, "NOK", Stage.RESERVED, since_reserved=timedelta())
    ended = replace(reserved, stage=Stage.CANCELLED, cancelled=1000)
    assert expect((reserved, ended), Cancel(), ModelContext()).records == ("EC-14",)
    assert expect((reserved, ended), Cancel(flag=True), ModelContext()).records == ("EC-04", "EC-14")


def test_of_an_answer_only_a_status_and_a_code_that_are_some_are_remembered():
    order = replace(CHARGE, since_reserved=timedelta())
    (way, *_) = expect((order,), Cancel(), ModelContext()).branches
    odd = {"answer.outcome": "refused", "answer.status": "400", "answer.code": 7}
    (after,) = advance(Cancel(), (order,), (way,), odd)
    assert after.attempt is not None
    assert (after.attempt.status, after.attempt.code) == (None, None)


def expected(profile):
    """Return every order of the grid with every step that can come next, and what is expected of it."""
    found, orders = [], {}
    for order, _, expectation in walked(profile, context(), (None, DAY, OLD)):
        found.append((order, expectation))
        orders[order] = None
    return found + [(order, expect((order,), step, context())) for order in orders for step in TO_OTHERS]


def branches(profile):
    return [(order, branch) for order, expectation in expected(profile) for branch in expectation.branches]


@pytest.mark.parametrize("profile", PROFILES)
def test_every_rule_that_is_cited_governs_the_api(profile):
    governing = {rule.id: rule for rule in load().governing(profile)}
    for reference in set().union(*(references(expectation) for _, expectation in expected(profile))):
        name, slash, side = reference.partition("/")
        assert name in governing
        assert not slash or side in governing[name].sides


@pytest.mark.parametrize("profile", PROFILES)
def test_every_reading_that_is_decided_is_one_that_the_rulebook_has(profile):
    readings = {reading for _, branch in branches(profile) for reading in branch.readings}
    assert readings
    assert all(choice in load().switch(switch).names for switch, choice in readings)


@pytest.mark.parametrize("profile", PROFILES)
def test_what_can_follow_is_the_same_order_and_every_claim_of_it_is_whole(profile):
    for order, branch in branches(profile):
        assert isinstance(branch.after, Order)
        assert (branch.after.profile, branch.after.kind) == (order.profile, order.kind)
        assert (branch.after.amount, branch.after.currency) == (order.amount, order.currency)
        for claim in branch.claims:
            assert isinstance(claim, Claim)
            assert isinstance(claim.permitted.permits(None), bool)
            assert isinstance(claim.rules, tuple)


@pytest.mark.parametrize("profile", PROFILES)
def test_what_cannot_happen_leaves_the_order_as_it_is_and_says_what_it_looks_like(profile):
    impossible = 0
    for start, steps in paths(profile).values():
        possible = arrive(profile, steps, start=start)
        (order,), (unchanged, *ended) = possible, expect(possible, Read(), context()).branches
        released = {branch.after for branch in ended}
        for step in final_steps(profile):
            for branch in expect(possible, step, context()).branches:
                if branch.name == "nothing happens" and branch.after not in released:
                    impossible += 1
                    assert branch.after == order
                    assert view_of(branch) == view_of(unchanged)
                    irreversible = {"KB-15", "INV-5"} if order.cancelled else set()
                    assert set(branch.rules) == irreversible
    assert impossible > 9


def view_of(branch):
    return {claim.field: claim.permitted for claim in branch.claims if claim.field.startswith("view.")}
