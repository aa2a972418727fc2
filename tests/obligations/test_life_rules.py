"""M33 to M35: orders that live, holds that are gone, and several payments."""

from datetime import timedelta

import pytest

from conformance.obligations.declarations import Declarations
from tests.obligations.stories import ENDED, PAID, UNPAID, Story, payment

APPROVED = "epayments.payment.authorized.v1"


def test_an_approval_that_was_notified_is_known():
    story = Story("create approve deliver").approved("open").asked("deliver", webhook=APPROVED).next()
    assert "the merchant was told" in story.books("open", PAID).broken()["M33"]


def test_a_shop_that_declares_an_ending_still_has_to_learn_of_approvals():
    declared = Declarations(ends_unshipped_after=timedelta(days=7))
    story = Story("create approve deliver", declared=declared).approved("open").asked("deliver", webhook=APPROVED)
    assert "M33" in story.next().books("open", PAID).broken()
    ended = Story("create approve deliver tick", declared=declared).approved().asked("deliver", webhook=APPROVED).next()
    ended.sent("cancel", PAID, ENDED).event("release", "shop").next()
    assert "M33" not in ended.books("cancelled", ENDED).results()


def test_without_a_notification_polling_has_to_show_it():
    assert "M33" in Story("create approve lose").approved("open").next().books("open", PAID).broken()


@pytest.mark.parametrize("offered", [(), ("tick",)])
def test_a_shop_that_cannot_learn_of_approvals_is_not_judged(offered):
    story = Story("create approve tick", offered=offered).approved("open").next().books("open", PAID)
    assert "M33" not in story.results()


def test_a_list_is_a_read_of_every_charge_in_it():
    listed = [{"id": "order-1", "status": "RESERVED"}, {"id": "other", "status": "CANCELLED"}]
    story = Story("create approve tick", profile="recurring", offered=("tick",)).approved("open")
    story.sent("list", None, during="cancel", order=0, answer=listed).next().books("open", PAID)
    assert "M33" in story.broken()


def test_a_list_without_the_charge_shows_nothing_of_it():
    story = Story("create approve cancel", profile="recurring").approved()
    story.sent("list", None, during="cancel", answer=[{"id": "other", "status": "CANCELLED"}])
    story.sent("cancel", PAID, status=None, fault="lost-before", during="cancel").asked("cancel").next()
    assert "decided without a look" in story.books("cancelled", PAID).broken()["M25"]


def test_a_list_shows_that_a_lost_cancel_was_done():
    story = Story("create approve cancel tick", profile="recurring").approved()
    story.sent("cancel", PAID, ENDED, status=None, fault="lost-after", during="cancel").event("release")
    story.asked("cancel", ending="raised").books("cancelling", ENDED).next()
    story.sent("list", None, during="cancel", order=0, answer=[{"id": "order-1", "status": "CANCELLED"}]).next()
    assert story.books("cancelled", ENDED).broken() == {}


def gone(status: str, *, refused: bool, **view: int) -> Story:
    story = Story("create approve bank_release capture").approved()
    story.event("release", "bank").books("authorized", ENDED).next()
    if refused:
        story.sent("capture", ENDED, status=400, during="capture")
    return story.asked("capture", 400).next().books(status, ENDED, **view)


def test_a_refused_capture_is_not_done():
    assert "was refused (400)" in gone("captured", refused=True, captured=400).broken()["M34"]
    assert "M34" in gone("authorized", refused=True).broken()
    assert "M34" not in gone("failed", refused=True).broken()
    assert "M34" not in gone("authorized", refused=False).broken()


@pytest.mark.parametrize(("ending", "is_broken"), [("returned", True), ("raised", False)])
def test_only_an_accepted_notification_shows_that_the_hold_is_gone(ending, is_broken):
    story = Story("create approve live").approved().event("release", "bank")
    story.asked("deliver", ending=ending, webhook="epayments.payment.cancelled.v1")
    story = story.books("authorized", ENDED).next().books("authorized", ENDED)
    assert ("M34" in story.broken()) is is_broken


def two_payments(first: object, second: object, *, end: bool) -> Story:
    story = Story("create approve pay_again approve cancel")
    story.event("create", id_="a").books("open", UNPAID, reference="a").next()
    story.event("reserve", "customer", id_="a").books("authorized", PAID, reference="a").next()
    story.asked("pay_again").event("create", id_="b").books("open", PAID, UNPAID, ids=("a", "b"), reference="b").next()
    story.event("reserve", "customer", id_="b").books("authorized", PAID, PAID, ids=("a", "b"), reference="b").next()
    if end:
        story.sent("cancel", PAID, ENDED, during="cancel", id_="b").event("release", id_="b").asked("cancel")
    return story.next().books("cancelled" if end else "authorized", first, second, ids=("a", "b"), reference="b")


def test_a_payment_that_was_replaced_has_to_end():
    assert "still holds 10.00 NOK" in two_payments(PAID, PAID, end=False).broken()["M35"]
    assert "still holds 10.00 NOK" in two_payments(PAID, ENDED, end=True).broken()["M35"]
    assert two_payments(ENDED, PAID, end=False).broken() == {}
    assert two_payments(ENDED, ENDED, end=True).broken() == {}


def test_limits_are_those_of_a_payment():
    story = Story("create approve pay_again tick")
    story.event("create", id_="a").event("create", id_="b").asked("pay_again").next()
    for id_ in ("a", "a", "a", "b", "b", "b"):
        story.sent("cancel", PAID, status=503, fault="error-503", id_=id_, key=f"key-{id_}")
    story.asked("cancel").next().next().next().books("cancelling", PAID, PAID, ids=("a", "b"), reference="b")
    assert "M27" not in story.broken()
    assert "M7" not in story.broken()


def test_a_payment_whose_checkout_failed_is_not_forgotten():
    story = Story("create approve").asked("create", ending="raised").event("create").books("", UNPAID).next()
    story.event("reserve", "customer").books("", PAID).next()
    assert "the shop does not know of it" in story.books("", PAID).broken()["M35"]
    expired = payment(0, payable=False, stage="expired")
    unpaid = Story("create").asked("create", ending="raised").event("create").next().books("", expired)
    assert unpaid.broken() == {}
