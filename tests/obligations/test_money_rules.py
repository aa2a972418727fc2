"""M31 and M36: what was taken against what was shipped."""

import pytest

from conformance.obligations.declarations import Declarations
from tests.obligations.stories import ENDED, PAID, Story, payment

SHIPPED = payment(captured=400)
CLOSED = payment(captured=400, cancelled=600)


def shipped_and_cancelled() -> Story:
    story = Story("create approve capture cancel").approved()
    story.sent("capture", PAID, SHIPPED, during="capture").asked("capture", 400).books("captured", SHIPPED).next()
    return story.sent("cancel", SHIPPED, CLOSED, during="cancel").asked("cancel")


def test_a_closed_order_is_paid_for_what_was_shipped():
    story = shipped_and_cancelled().books("captured", CLOSED).next().books("captured", CLOSED)
    assert not story.results()["M31"].finding.broken


def test_cancelling_the_rest_must_not_refund_what_was_shipped():
    refunded = payment(captured=400, cancelled=600, refunded=400)
    story = shipped_and_cancelled().sent("refund", CLOSED, refunded, during="cancel").next().books("captured", refunded)
    assert story.broken()["M31"] == (
        "the shop shipped 4.00 of 10.00 NOK, and only 0.00 NOK were taken: 4.00 NOK were refunded, which nobody "
        "asked for"
    )


def test_more_than_what_was_shipped_is_taken():
    twice = payment(captured=800)
    story = Story("create approve capture").approved()
    story.sent("capture", PAID, SHIPPED).sent("capture", SHIPPED, twice).asked("capture", 400).next()
    assert story.books("captured", twice).broken()["M31"] == (
        "the shop shipped 4.00 of 10.00 NOK, and 8.00 NOK were taken"
    )


def test_everything_is_captured_although_a_part_was_shipped():
    whole = payment(captured=1000)
    story = Story("create approve capture").approved()
    story.sent("capture", PAID, whole, during="capture").asked("capture", 400).next()
    assert "M31" in story.books("captured", whole).broken()


def test_a_capture_at_the_approval_is_a_way():
    whole = payment(captured=1000)
    story = Story("create approve tick").approved().sent("capture", PAID, whole).next().books("captured", whole)
    assert "M31" not in story.broken()


def test_a_shop_that_learns_late_of_the_approval_captures_late():
    whole = payment(captured=1000)
    story = Story("create approve capture").approved("open")
    story.sent("capture", PAID, whole, during="capture").asked("capture", 400).next()
    assert "M31" not in story.books("captured", whole).broken()


WHOLE = payment(captured=1000)
AT_APPROVAL = Declarations(captures_on_approval=True)


def shipped_and_looked(declared: Declarations | None = None) -> Story:
    """A part is shipped, and scheduled work reads the payment."""
    story = Story("create approve capture tick tick", declared=declared).approved()
    story.sent("capture", PAID, SHIPPED, during="capture").asked("capture", 400).books("captured", SHIPPED).next()
    return story.sent("read", SHIPPED).books("captured", SHIPPED).next()


def test_the_rest_is_taken_when_the_notification_comes_after_a_part_was_shipped():
    story = Story("create approve capture deliver").approved("open")
    story.sent("capture", PAID, SHIPPED, during="capture").asked("capture", 400).books("captured", SHIPPED).next()
    story.sent("capture", SHIPPED, WHOLE, during="deliver").next()
    assert "M31" not in story.books("captured", WHOLE).broken()


def test_a_capture_at_the_approval_that_failed_is_made_later():
    story = Story("create approve tick capture").approved().sent("capture", PAID, status=500).next()
    story.sent("capture", PAID, WHOLE, during="capture").asked("capture", 400).next()
    assert "M31" not in story.books("captured", WHOLE).broken()


@pytest.mark.parametrize(("declared", "is_broken"), [(None, True), (AT_APPROVAL, False)])
def test_only_who_declares_it_takes_the_rest_later(declared, is_broken):
    story = shipped_and_looked(declared).sent("capture", SHIPPED, WHOLE).books("captured", WHOLE)
    assert ("M31" in story.next().books("captured", WHOLE).broken()) is is_broken


def test_who_declares_to_capture_at_the_approval_still_takes_it_once():
    story = shipped_and_looked(AT_APPROVAL).sent("capture", SHIPPED, payment(captured=700)).next()
    assert "M31" in story.books("captured", payment(captured=700)).broken()


def test_what_was_captured_at_the_approval_comes_back_with_the_cancel():
    whole, back = payment(captured=1000), payment(captured=1000, refunded=1000)

    def captured_and_cancelled() -> Story:
        story = Story("create approve tick cancel").approved().sent("capture", PAID, whole).books("captured", whole)
        return story.next()

    refunded = captured_and_cancelled().sent("refund", whole, back, during="cancel").asked("cancel").next()
    kept = captured_and_cancelled().asked("cancel").next()
    assert refunded.books("cancelled", back).broken() == {}
    assert kept.books("captured", whole).broken() == {
        "M31": "nothing of 10.00 NOK was shipped, and 10.00 NOK were taken"
    }


def test_a_step_that_is_asked_for_three_times_is_shipped_once():
    story = Story("create approve capture cancel").approved()
    for ending in ("raised", "raised", "returned"):
        story.sent("capture", PAID, SHIPPED if ending == "returned" else None, during="capture")
        story.asked("capture", 400, ending=ending)
    story.books("captured", SHIPPED).next().sent("cancel", SHIPPED, CLOSED, during="cancel").asked("cancel").next()
    assert story.books("captured", CLOSED).broken() == {}


def test_what_is_shipped_after_the_end_counts_where_the_shop_agrees_and_is_not_owed_where_it_refuses():
    for ending, standing in (("returned", SHIPPED), ("raised", PAID)):
        story = Story("create approve cancel capture").approved().asked("cancel").books("cancelling", PAID).next()
        story.sent("capture", PAID, standing, during="capture").asked("capture", 400, ending=ending).next()
        assert "M31" not in story.books("captured" if standing is SHIPPED else "cancelling", standing).broken()


def test_a_shop_that_looks_before_it_captures_again_may_take_it_for_another_shipment():
    for looks in (True, False):
        story = Story("create approve capture cancel").approved()
        story.sent("capture", PAID, SHIPPED, status=None, during="capture").asked("capture", 400, ending="raised")
        if looks:
            story.sent("read", SHIPPED, during="capture")
        twice = payment(captured=800)
        story.sent("capture", SHIPPED, twice, during="capture").asked("capture", 400).books("captured", twice).next()
        closed = payment(captured=800, cancelled=200)
        story.sent("cancel", twice, closed, during="cancel").asked("cancel").next().books("captured", closed)
        assert ("M31" in story.broken()) is not looks


def test_a_hold_that_the_bank_released_is_no_missing_money():
    story = Story("create approve capture bank_release cancel").approved()
    story.asked("capture", 400).books("authorized", PAID).next().event("release", "bank").books("authorized", ENDED)
    story.next().asked("cancel").next().books("cancelled", ENDED)
    assert "M31" not in story.broken()


def test_a_refund_that_was_asked_for_is_right_gross_or_net():
    back = payment(captured=400, refunded=100)
    for captured in (400, 300):
        story = Story("create approve capture refund").approved()
        story.sent("capture", PAID, SHIPPED, during="capture").asked("capture", 400).books("captured", SHIPPED).next()
        story.sent("refund", SHIPPED, back, during="refund").asked("refund", 100).next()
        assert story.books("captured", back, captured=captured, refunded=100).broken() == {}


def test_a_reservation_is_released_and_not_refunded():
    story = Story("create approve cancel").approved()
    story.sent("refund", PAID, status=400, during="cancel", body={"modificationAmount": {"value": 1000}})
    story.asked("cancel").next().books("cancelled", PAID)
    results = story.results()
    assert "a reservation is released by a cancel" in story.broken()["M36"]
    assert results["M10"].follows == "M36"


def test_a_refused_refund_that_a_cancel_follows_is_no_harm():
    story = Story("create approve cancel").approved()
    story.sent("refund", PAID, status=400, during="cancel", body={"modificationAmount": {"value": 1000}})
    story.sent("cancel", PAID, ENDED, during="cancel").asked("cancel").next().books("cancelled", ENDED)
    assert not story.results()["M36"].finding.broken
