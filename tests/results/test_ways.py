"""Ways of a shop that a run observed, and that its integration does not declare."""

from __future__ import annotations

from typing import Any

from conformance.results.ways import ObservedWay, observed_ways
from tests.stored import evidence_of, record_of, stored

DAY = 86_400


def event(word: str, at: int, by: str = "shop", amount: int = 1000) -> dict[str, Any]:
    return {"api": "epayment", "id": "p-1", "event": word, "amount": amount, "at": at, "by": by}


def played(number: int, *events: dict[str, Any], asked: tuple[tuple[str, int], ...] = ()) -> list[Any]:
    """A history with these events, and actions that the shop was asked for at a time."""
    name = f"epayment-{number}"
    history = {"steps": [{"do": "create"}], "profile": "epayment", "party": "merchant"}
    action = {
        "history": name,
        "step": 0,
        "order": 0,
        "number": 0,
        "ended": "returned",
        "told": "",
        "took": 0,
        "hook": "",
    }
    books = {"history": name, "step": 1, "order": 0, "view": {"status": "captured"}, "truth": None}
    return [
        stored(record_of("history", id=name, profile="epayment", source="systematic", history=history)),
        *({"kind": "action", **action, "action": word, "began": at} for word, at in asked),
        {"kind": "books", **books, "events": list(events)},
    ]


def ways(*histories: list[Any], declared: dict[str, Any] | None = None) -> tuple[ObservedWay, ...]:
    capabilities = {"kind": "capabilities", "profile": "epayment", "offered": [], "declared": declared or {}}
    records = [record for history in histories for record in history]
    return observed_ways(evidence_of([stored(record_of("run")), capabilities, *records]))


APPROVED = (event("create", 0, amount=1000), event("reserve", 10, "customer"))


def test_the_whole_amount_taken_at_approval_is_a_way():
    taken = (*APPROVED, event("capture", 12))
    shown = ways(played(1, *taken), played(2, *taken), played(3, *APPROVED))
    assert shown == (ObservedWay("captures_on_approval", "epayment", 2),)
    assert ways(played(1, *taken), declared={"captures_on_approval": True}) == ()


def test_what_happens_now_and_then_is_no_way():
    taken = (*APPROVED, event("capture", 12))
    assert ways(played(1, *taken), played(2, *APPROVED), played(3, *APPROVED)) == ()


def test_a_capture_that_was_asked_for_is_no_way():
    assert ways(played(1, *APPROVED, event("capture", 12), asked=(("capture", 11),))) == ()


def test_an_order_that_is_ended_after_a_week_is_a_way_with_its_time():
    ended = played(1, *APPROVED, event("release", 10 + 8 * DAY))
    sooner = played(2, *APPROVED, event("release", 10 + 7 * DAY))
    assert ways(ended, sooner) == (ObservedWay("ends_unshipped_after", "epayment", 2, 7 * DAY),)
    assert ways(played(1, *APPROVED, event("release", 60))) == ()
    assert ways(played(1, *APPROVED, event("release", 10 + 8 * DAY, "bank"))) == ()


def test_an_unpaid_order_that_is_ended_is_a_way():
    assert ways(played(1, APPROVED[0], event("stop", 1200))) == (ObservedWay("ends_unpaid_after", "epayment", 1, 1200),)
    assert ways(played(1, APPROVED[0], event("stop", 1200), asked=(("abandon", 1100),))) == ()


def test_a_refund_of_a_cancelled_order_is_a_way():
    refunded = (*APPROVED, event("capture", 12), event("refund", 30))
    shown = ways(played(1, *refunded, asked=(("cancel", 20),)))
    assert ObservedWay("refunds_on_cancel", "epayment", 1) in shown
    assert ways(played(1, *refunded, asked=(("capture", 11), ("refund", 20)))) == ()


def test_a_refund_of_what_was_shipped_is_no_way():
    refunded = (*APPROVED, event("capture", 12), event("refund", 30))
    assert ways(played(1, *refunded, asked=(("capture", 11), ("cancel", 20)))) == ()
