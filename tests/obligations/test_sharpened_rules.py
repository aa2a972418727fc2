"""Failed captures, undocumented routes, refusals that pass, and whose consequence a violation is."""

import pytest

from tests.obligations.stories import ENDED, PAID, UNPAID, Story, payment

WHOLE = payment(captured=1000)
RECURRING_PROBLEM = "https://developer.vippsmobilepay.com/docs/APIs/recurring-api/recurring-api-problems#"


def test_a_capture_that_failed_is_outstanding():
    story = Story("create approve capture cancel").approved()
    story.sent("capture", PAID, status=500, fault="error-500", during="capture")
    story.asked("capture", 400, ending="raised").books("authorized", PAID).next()
    story.sent("cancel", PAID, ENDED, during="cancel").event("release").asked("cancel").next()
    reason = story.books("cancelled", ENDED).broken()["M12"]
    assert reason.startswith("the capture was answered with an error of the server (500): POST ")
    assert "released 10.00 NOK while only 0.00 NOK of the 4.00 NOK" in reason


def test_a_shop_that_waits_for_a_failed_capture_may_keep_the_rest():
    story = Story("create approve capture cancel").approved()
    story.sent("capture", PAID, status=500, fault="error-500", during="capture")
    story.asked("capture", 400, ending="raised").books("authorized", PAID).next()
    assert "M10" not in story.asked("cancel", ending="raised").next().books("authorized", PAID).broken()


def test_an_undocumented_route_is_an_attempt_and_its_refusal_the_cause():
    story = Story("create approve tick cancel").approved()
    story.sent("read", status=404, fault="missing-404").books("authorized", PAID).next()
    story.sent("unknown", status=405, during="cancel").asked("cancel").next().books("cancelled", PAID)
    results = story.results()
    assert list(story.broken()) == ["M1"]
    assert results["M18"].follows == "M1"
    assert "got HTTP 405" in results["M18"].finding.reason


def test_a_failed_read_is_no_cause_where_the_shop_asked_for_the_end():
    story = Story("create approve tick cancel").approved()
    story.sent("read", status=404, fault="missing-404").books("authorized", PAID).next()
    story.asked("cancel").next().books("cancelled", PAID)
    assert "M18" not in story.broken()
    assert "M16" in story.broken()


def test_a_failed_read_that_cancels_an_order_is_the_cause():
    story = Story("create approve tick").approved()
    story.sent("read", status=404, fault="missing-404").books("cancelled", PAID).next().books("cancelled", PAID)
    assert list(story.broken()) == ["M18"]
    assert story.results()["M33"].follows == "M18"


@pytest.mark.parametrize(("code", "broken"), [("conflict", False), ("idempotency-conflict", True)])
def test_a_conflict_that_passes_keeps_its_key(code, broken):
    story = Story("create approve cancel tick", profile="recurring").approved()
    refusal = {"type": RECURRING_PROBLEM + code}
    story.sent("cancel", PAID, status=409, during="cancel", answer=refusal, key="k").asked("cancel", ending="raised")
    story.books("cancelling", PAID).next().sent("cancel", PAID, ENDED, status=204, key="k").event("release").next()
    assert ("M9" in story.books("cancelled", ENDED).broken()) is broken


def test_a_refusal_of_the_gateway_stores_nothing_under_the_key():
    story = Story("create approve cancel tick").approved()
    story.sent("cancel", PAID, status=403, fault="forbidden-403", during="cancel", answer={"result": {}}, key="k")
    story.asked("cancel", ending="raised").books("cancelling", PAID).next()
    story.sent("cancel", PAID, ENDED, key="k").event("release").next().books("cancelled", ENDED)
    assert "M9" not in story.broken()


@pytest.mark.parametrize(("ending", "status", "broken"), [
    ("returned", "captured", False), ("raised", "captured", True), ("returned", "failed", True),
])  # fmt: skip
def test_a_refused_cancel_harms_no_paid_order(ending, status, broken):
    story = Story("create approve capture cancel").approved()
    story.sent("capture", PAID, WHOLE, during="capture").asked("capture", 1000).books("captured", WHOLE).next()
    story.sent("cancel", WHOLE, status=400, during="cancel").asked("cancel", ending=ending).next()
    story.books(status, WHOLE)
    assert ("M13b" in story.broken()) is broken
    assert story.results()["M13"].follows == ("M13b" if broken else "")


def test_a_payment_read_as_authorized_with_everything_cancelled_is_not_payable():
    read = {
        "state": "AUTHORIZED",
        "aggregate": {"authorizedAmount": {"value": 1000}, "cancelledAmount": {"value": 1000}},
    }
    story = Story("create approve portal_cancel tick").approved().event("release", "portal")
    story.asked("portal_cancel").books("authorized", ENDED).next()
    story.sent("read", ENDED, answer=read).next().books("authorized", ENDED)
    assert list(story.broken()) == ["M20"]


def test_a_conflict_of_keys_is_one_defect():
    story = Story("create approve capture cancel").approved()
    shipped = payment(captured=400)
    story.sent("capture", PAID, shipped, during="capture", key="k").asked("capture", 400).books("captured", shipped)
    story.next().sent("cancel", shipped, status=409, during="cancel", key="k").asked("cancel").next()
    story.books("cancelled", shipped)
    assert list(story.broken()) == ["M8"]
    assert story.results()["M18"].follows == "M8"


def test_one_cancel_is_enough_to_keep_the_limit():
    story = Story("create approve cancel").approved()
    story.sent("cancel", PAID, ENDED, during="cancel").event("release").asked("cancel").next()
    assert not story.books("cancelled", ENDED).results()["M27"].finding.broken


def test_a_consequence_is_written_down_with_its_cause():
    story = Story("create approve tick").approved("open")
    story.sent("cancel", PAID, ENDED).event("release").next().books("cancelled", ENDED)
    record = story.results()["M33"].as_record(story.trace, "h")
    assert (record.status, [finding.follows for finding in record.findings]) == ("violates", ["M32"])


def test_nothing_is_said_of_an_order_that_is_open():
    assert Story("create").event("create").next().books("open", UNPAID).broken() == {}


def test_an_order_that_is_completed_is_captured_before_it_is_released():
    story = Story("create approve complete").approved()
    story.sent("cancel", PAID, ENDED, during="complete").event("release").asked("complete", 400, ending="raised")
    assert "released 10.00 NOK" in story.next().books("cancelled", ENDED).broken()["M12"]


def test_an_older_cancel_may_be_carried_out_where_a_capture_is_refused():
    story = Story("create approve cancel capture").approved()
    story.sent("cancel", PAID, fault="lost-before", status=None, during="cancel").asked("cancel").next()
    story.books("cancelling", PAID)
    story.sent("cancel", PAID, ENDED, during="capture").event("release").asked("capture", 400, ending="raised").next()
    assert "M12" not in story.books("cancelled", ENDED).broken()


def test_a_capture_of_less_than_was_shipped_is_no_outstanding_one():
    little = payment(captured=100)
    story = Story("create approve capture cancel").approved()
    story.sent("capture", PAID, little, during="capture").event("capture", amount=100).asked("capture", 400)
    story.books("captured", little).next()
    ended = payment(captured=100, cancelled=900)
    story.sent("cancel", little, ended, during="cancel").event("release", amount=900).asked("cancel").next()
    broken = story.books("captured", ended).broken()
    assert "M12" not in broken
    assert broken["M31"] == "the shop shipped 4.00 of 10.00 NOK, and only 1.00 NOK were taken"


def _calls_with_an_old_token(renewed: bool) -> Story:
    story = Story("create approve live").approved()
    story.sent("read", PAID)
    for _ in range(6):
        story.at += 120
        if renewed:
            story.sent("token", None)
        story.sent("read", PAID, status=401)
    return story.next().books("authorized", PAID)


def test_a_token_that_is_refused_is_not_sent_for_ever():
    assert "the merchant gets no new one" in _calls_with_an_old_token(renewed=False).broken()["M3"]
    assert "M3" not in _calls_with_an_old_token(renewed=True).broken()


def test_books_that_have_more_than_was_captured_have_not_lost_a_capture():
    taken, ended = payment(captured=400), payment(captured=400, cancelled=600)
    story = Story("create approve capture bank_release capture").approved()
    story.sent("capture", PAID, taken, during="capture").event("capture", amount=400).asked("capture", 400)
    story.books("captured", taken, captured=400).next().event("release", "bank", amount=600)
    story.books("captured", taken, captured=400).next()
    story.sent("capture", ended, status=400, during="capture").asked("capture", 300).next()
    broken = story.books("captured", ended, captured=700).broken()
    assert "M23" not in broken
    assert "M34" in broken
