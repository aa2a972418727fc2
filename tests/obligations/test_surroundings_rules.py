"""M41: the time zone and the currency change nothing."""

from conformance.obligations.history import Behaviour
from tests.obligations.stories import ENDED, PAID, UNPAID, Story, payment


def two_lives(second: object, status: str) -> Story:
    story = Story("create approve tick zone_kiritimati create@1 approve@1 tick", orders=2).approved()
    story.books("authorized", PAID).next().books("authorized", PAID).next()
    story.event("create", id_="b", order=1).books("open", UNPAID, order=1).next()
    story.event("reserve", "customer", id_="b", order=1).books("authorized", PAID, order=1).next()
    if second is ENDED:
        story.sent("cancel", PAID, ENDED, id_="b", order=1).event("release", id_="b", order=1)
    story.books(status, second, order=1).next()
    return story.books("authorized", PAID).books(status, second, order=1)


def test_an_order_ends_in_one_zone_as_in_another():
    story = two_lives(ENDED, "cancelled")
    assert list(story.broken()) == ["M41"]
    assert "in the time zone Pacific/Kiritimati" in story.broken()["M41"]
    assert {result.follows for rule, result in story.results().items() if rule in ("M32", "M33")} == {"M41"}
    assert not two_lives(PAID, "authorized").results()["M41"].finding.broken


def test_a_request_names_the_currency_of_the_payment():
    paid = payment(currency="DKK")
    body = {"modificationAmount": {"value": 400, "currency": "NOK"}}
    story = Story("create approve capture", behaviour=Behaviour(market="dk")).approved()
    story.sent("capture", paid, status=400, during="capture", body=body).asked("capture", 400, ending="raised").next()
    assert "names NOK, and the payment is in DKK" in story.books("authorized", paid).broken()["M41"]
