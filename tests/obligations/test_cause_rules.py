"""M32 and M42: nothing is sent that nobody asked for."""

from datetime import timedelta

from conformance.obligations.declarations import Declarations
from conformance.obligations.history import Behaviour
from tests.obligations.stories import ENDED, PAID, UNPAID, Story, payment

WEEK = 8 * 86_400
PAYMENT_A = "chr-1"


def test_a_clean_up_job_cancels_a_paid_order():
    story = Story("create approve tick").approved("open")
    story.sent("cancel", PAID, ENDED).event("release").next().books("cancelled", ENDED)
    assert "nobody had asked for its end and the payment had not been read" in story.broken()["M32"]
    assert story.results()["M33"].follows == "M32"


def test_a_clean_up_job_may_end_what_was_not_paid():
    stopped = payment(0, payable=False, cancelled=1000)
    story = Story("create tick").event("create").books("open", UNPAID).next()
    story.sent("cancel", UNPAID, stopped).event("stop").next().books("cancelled", stopped)
    assert story.broken() == {}


def test_a_cancel_that_crosses_the_approval_has_its_cause():
    story = Story("create tick").event("create").books("open", UNPAID).next().event("reserve", "customer")
    story.sent("cancel", PAID, ENDED).event("release").next().books("cancelled", ENDED)
    assert "M32" not in story.broken()


def test_a_cancel_begun_before_the_approval_may_be_sent_again():
    story = Story("create tick approve tick").event("create").books("open", UNPAID).next()
    story.sent("cancel", UNPAID, status=500, fault="error-500").books("cancelling", UNPAID).next()
    story.event("reserve", "customer").books("cancelling", PAID).next()
    story.sent("cancel", PAID, ENDED).event("release").next().books("cancelled", ENDED)
    assert "M32" not in story.broken()
    assert "M33" not in story.broken()


def test_a_queue_cancels_what_the_shop_asked_for():
    story = Story("create approve cancel tick").approved().asked("cancel").books("cancelling", PAID).next()
    story.sent("cancel", PAID, ENDED).event("release").next().books("cancelled", ENDED)
    assert story.broken() == {}


def ended_after_a_week(declared: Declarations) -> Story:
    story = Story("create approve live", declared=declared).approved()
    story.at += WEEK
    return story.sent("cancel", PAID, ENDED).event("release").next().books("cancelled", ENDED)


def test_an_ending_after_days_asks_for_its_declaration():
    assert list(ended_after_a_week(Declarations()).broken()) == ["M32b"]
    assert "declare it: ends_unshipped_after" in ended_after_a_week(Declarations()).broken()["M32b"]
    assert ended_after_a_week(Declarations(ends_unshipped_after=timedelta(days=7))).broken() == {}


def test_a_second_charge_after_a_cancel_is_called_one():
    story = Story("create approve cancel tick", profile="recurring")
    story.sent("create", None, during="create", status=201, answer={"chargeId": PAYMENT_A}).asked("create")
    story.event("create", id_=PAYMENT_A).books("open", UNPAID).next()
    story.event("reserve", "customer", id_=PAYMENT_A).books("authorized", PAID).next()
    story.sent("cancel", PAID, ENDED, status=204, during="cancel", id_=PAYMENT_A).event("release", id_=PAYMENT_A)
    story.asked("cancel").books("cancelled", ENDED).next()
    story.sent("create", ENDED, status=201, answer={"chargeId": "chr-2"}).event("create", id_="chr-2").next()
    story.books("cancelled", ENDED, PAID, ids=(PAYMENT_A, "chr-2"), reference=PAYMENT_A)
    assert list(story.broken()) == ["M32"]
    assert "made a second charge after the order had been cancelled" in story.broken()["M32"]


def test_cancelling_a_charge_leaves_the_agreement():
    active, stopped = payment(agreement="ACTIVE"), payment(cancelled=1000, agreement="STOPPED")
    story = Story("create approve cancel", profile="recurring")
    story.event("create").books("open", UNPAID).next().event("reserve", "customer").books("authorized", active).next()
    story.sent("stop", active, stopped, during="cancel").event("release").asked("cancel").next()
    assert "cancelling a charge does not end a subscription" in story.books("cancelled", stopped).broken()["M42"]


def test_an_agreement_that_was_to_stop_may_stop():
    active, stopped = payment(agreement="ACTIVE"), payment(cancelled=1000, agreement="STOPPED")
    story = Story("create approve stop_agreement", profile="recurring")
    story.event("create").books("open", UNPAID).next().event("reserve", "customer").books("authorized", active).next()
    story.sent("stop", active, stopped, during="stop_agreement").event("release").asked("stop_agreement").next()
    assert story.books("cancelled", stopped).broken() == {}


def test_an_agreement_that_is_to_stop_stops():
    active = payment(captured=1000, agreement="ACTIVE")
    for ending, is_broken in (("returned", True), ("raised", False)):
        story = Story("create approve stop_agreement", profile="recurring")
        story.event("create").books("open", UNPAID).next().event("reserve", "customer").books("captured", active).next()
        story.asked("stop_agreement", ending=ending).next()
        assert ("it is active" in story.books("captured", active).broken().get("M42", "")) is is_broken


def test_another_charge_of_the_agreement_stays():
    story = Story("create create@1 cancel", profile="recurring", orders=2, behaviour=Behaviour(one_agreement=True))
    for order, id_ in enumerate(("chr-1", "chr-2")):
        story.event("create", id_=id_, order=order).books("open", UNPAID, order=order)
        story.event("reserve", "customer", id_=id_, order=order)
        story.books("authorized", payment(agreement="ACTIVE"), order=order).next()
    ended = payment(cancelled=1000, agreement="ACTIVE")
    for order, id_ in enumerate(("chr-1", "chr-2")):
        story.sent("cancel", PAID, ended, status=204, during="cancel", id_=id_, order=order)
        story.event("release", id_=id_, order=order)
    story.asked("cancel").next()
    for order in (0, 1):
        story.books("cancelled", ended, order=order)
    assert "ended another charge of the agreement" in story.broken()["M42"]
    assert story.results()["M32"].follows == "M42"
