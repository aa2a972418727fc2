"""The words that the model speaks: the ways for a step to turn out, the fields that it claims, the readings it decides.

A field that no wire observes would be a claim that nothing fails, or that nothing meets. The names of the ways stand in
the evidence and in every report.
"""

import pytest

from conformance.expectation import Claim
from conformance.model import expect
from conformance.order import Order
from conformance.rulebook import load
from conformance.steps import Read

from .on_paper import OLD, PROFILES, E, P, R, arrive, final_steps, paths, walked, world

COMMON = {
    "accepted, but not done when we stopped asking",
    "captured",
    "lapsed",
    "not reserved when we stopped asking",
    "nothing happens",
    "older",
    "refunded",
    "refused",
    "repeated",
    "reserved",
    "same refusal again",
    "same success again",
    "the order was locked",
    "unchanged",
}
PAYMENT = {"expired", "in 3-D Secure", "no-op", "not in 3-D Secure when we stopped asking", "not now", "rejected"}
PAYMENT |= {"released", "timed out"}
WAYS = {
    E: COMMON | PAYMENT | {"cancelled", "flag rejected", "not guaranteed", "refused for its key", "remainder released"},
    P: COMMON | PAYMENT | {"terminated"},
    R: COMMON
    | {f"not {stage} when we stopped asking" for stage in ("charged", "due", "failed", "processing")}
    | {"cancelled", "charge cancelled", "charge kept", "charged", "due", "failed", "no effect", "pending", "processing"}
    | {"remainder released", "the charge run moved it on"},
}
BOOKS = {"view.captured", "view.refunded", "view.negative", "view.overdrawn", "view.overrefunded"}
LOG = {"view.log.captured", "view.log.refunded"}
ANSWER = {"answer.outcome", "answer.status", "answer.code"}
MONEY = {"answer.captured", "answer.refunded", "answer.order", "answer.state"}
FIELDS = {
    E: BOOKS
    | LOG
    | ANSWER
    | MONEY
    | {f"answer.{name}" for name in ("amount", "bank", "group", "instrument", "text", "to_capture", "to_refund")}
    | {f"view.{name}" for name in ("log.cancels", "log.newest", "log.order", "summary", "to_capture", "to_refund")},
    P: BOOKS
    | LOG
    | ANSWER
    | MONEY
    | {f"answer.{name}" for name in ("amount", "authorized", "cancelled", "currency", "psp")}
    | {
        f"view.{name}"
        for name in ("amount", "authorized", "cancelled", "currency", "log.cancelled", "log.terminated", "state")
    },
    R: BOOKS
    | LOG
    | ANSWER
    | {"answer.detail"}
    | {f"view.{name}" for name in ("cancelled", "currency", "log.cancelled", "log.cancels", "state")},
}
READINGS = {
    E: {("C7", "rejected"), ("C8", "no-op"), ("C8", "reject")},
    P: {("C13", "sales-unit-scope"), ("C15", "refuse-6060"), ("C15", "unchanged-200")},
    R: {("C13", "operation-scope"), ("C13", "sales-unit-scope")},
}
EVERYWHERE = {("C10", "reject"), ("C10", "replay"), ("C20", "auto-cancelled")}


def branches(profile):
    for order, step, expectation in walked(profile, world(), (None, OLD)):
        for branch in expectation.branches:
            yield order, step, branch


@pytest.mark.parametrize("profile", PROFILES)
def test_every_way_field_and_reading_is_a_known_one_and_is_met(profile):
    found = [branch for _, _, branch in branches(profile)]
    assert {branch.name for branch in found} == WAYS[profile]
    assert {claim.field for branch in found for claim in branch.claims} == FIELDS[profile]
    readings = {reading for branch in found for reading in branch.readings}
    assert readings == READINGS[profile] | EVERYWHERE
    assert all(choice in load().switch(switch).names for switch, choice in readings)


@pytest.mark.parametrize("profile", PROFILES)
def test_what_can_follow_is_the_same_order_and_every_claim_of_it_is_whole(profile):
    for order, _, branch in branches(profile):
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
        belief = arrive(profile, steps, start=start)
        (order,), (unchanged,) = belief, expect(belief, Read(), world()).branches
        for step in final_steps(profile):
            for branch in expect(belief, step, world()).branches:
                if branch.name == "nothing happens":
                    impossible += 1
                    assert branch.after == order
                    assert view_of(branch) == view_of(unchanged)
                    irreversible = {"KB-15", "INV-5"} if order.cancelled else set()
                    assert set(branch.rules) == irreversible
    assert impossible > 9


def view_of(branch):
    return {claim.field: claim.permitted for claim in branch.claims if claim.field.startswith("view.")}
