"""The words that the model speaks: the ways for a step to turn out, the fields that it claims, the readings it decides.

A field that no wire observes would be a claim that nothing fails, or that nothing meets. The names of the ways stand in
the evidence and in every report.
"""

import pytest

from conformance.expectation import Claim
from conformance.model import expect
from conformance.order import Order
from conformance.rulebook import load
from conformance.steps import Addressee, Cancel, Key, Read

from .on_paper import DAY, OLD, PROFILES, E, P, R, arrive, final_steps, paths, references, walked, world

COMMON = {
    "accepted, but not done when we stopped asking",
    "captured",
    "lapsed",
    "not reserved when we stopped asking",
    "nothing happens",
    "older",
    "refunded",
    "refused",
    "refused for its key",
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
    E: COMMON | PAYMENT | {"cancelled", "flag rejected", "not guaranteed", "remainder released"},
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


OUTCOMES = {"answer.outcome": {"accepted", "broken", "pending", "refused"}}
CURRENCY = {"view.currency": {"NOK"}}
TEXTS = {
    E: OUTCOMES
    | {
        "answer.code": {"35", "51", "73", "94", "96", "98", "merchantInfo", "merchantSerialNumber", "transaction"},
        "answer.group": {"InvalidRequest", "Merchant", "Payment"},
        "answer.order": {"same"},
        "answer.state": {"Cancelled"},
        "answer.text": {"same"},
        "view.log.newest": {"CANCEL", "INITIATE", "RESERVE", "VOID"},
        "view.log.order": {"newest-first", "one-entry"},
    },
    P: OUTCOMES
    | CURRENCY
    | {
        "answer.code": {"5090", "6030", "6040", "6060", "6100", "6160", "6250"},
        "answer.currency": {"NOK"},
        "answer.order": {"same"},
        "answer.psp": {"creation"},
        "answer.state": {"AUTHORIZED", "TERMINATED"},
        "view.state": {"ABORTED", "AUTHORIZED", "CREATED", "EXPIRED", "TERMINATED"},
    },
    R: OUTCOMES
    | CURRENCY
    | {
        "answer.code": {"cancel-charge-failed", "conflict", "idempotency-conflict", "invalid-agreement-id"}
        | {"operation-failed", "resource-not-found"},
        "answer.detail": {"CHARGED", "FAILED", "REFUNDED"},
        "view.state": {"CANCELLED", "CHARGED", "DUE", "FAILED", "PARTIALLY_CAPTURED", "PARTIALLY_REFUNDED"}
        | {"PENDING", "PROCESSING", "REFUNDED", "RESERVED"},
    },
}
TO_OTHERS = [Cancel(to=to, key=Key.SAME) for to in (Addressee.UNKNOWN, Addressee.FOREIGN)]


def expected(profile):
    """Return every order of the grid with every step that can come next, and what is expected of it."""
    found, orders = [], {}
    for order, _, expectation in walked(profile, world(), (None, DAY, OLD)):
        found.append((order, expectation))
        orders[order] = None
    return found + [(order, expect((order,), step, world())) for order in orders for step in TO_OTHERS]


def branches(profile):
    return [(order, branch) for order, expectation in expected(profile) for branch in expectation.branches]


@pytest.mark.parametrize("profile", PROFILES)
def test_every_text_that_is_claimed_is_a_word_of_the_documentation(profile):
    found = {}
    for _, branch in branches(profile):
        for claim in branch.claims:
            texts = {value for value in getattr(claim.permitted, "values", ()) if isinstance(value, str)}
            if texts:
                found.setdefault(claim.field, set()).update(texts)
    assert found == TEXTS[profile]


@pytest.mark.parametrize("profile", PROFILES)
def test_every_rule_that_is_cited_governs_the_api(profile):
    governing = {rule.id: rule for rule in load().governing(profile)}
    for reference in set().union(*(references(expectation) for _, expectation in expected(profile))):
        name, slash, side = reference.partition("/")
        assert name in governing
        assert not slash or side in governing[name].sides


@pytest.mark.parametrize("profile", PROFILES)
def test_every_way_field_and_reading_is_a_known_one_and_is_met(profile):
    found = [branch for _, branch in branches(profile)]
    assert {branch.name for branch in found} == WAYS[profile]
    assert {claim.field for branch in found for claim in branch.claims} == FIELDS[profile]
    readings = {reading for branch in found for reading in branch.readings}
    assert readings == READINGS[profile] | EVERYWHERE
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
