"""What is probably wrong where a target's first responses are not as they should be."""

import json

import pytest

from conformance.domain.messages import NoResponse, Response
from conformance.targets.http import likely_causes
from conformance.targets.http.likely_causes import LIKELY_CAUSES, LONGEST, Place, advice_on, described

URL = "https://sandbox.example"


def refusal(status, body=b"", kind="application/json", **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, (("Content-Type", kind), *headers.items()), content)


PAGE = refusal(200, b"<html>Welcome</html>", "text/html")

SEEN = [
    (NoResponse("the application raised KeyError: 'x'"), Place.API, "asgi:shop:app", "correct the application."),
    (NoResponse("the connection was refused"), Place.TOKEN, URL, "is it running, and is the address right?"),
    (NoResponse("the connection was refused"), Place.CONTROL, URL, "check --control-url."),
    (
        NoResponse("the connection was refused, through the proxy that the environment names"),
        Place.TOKEN,
        URL,
        "NO_PROXY",
    ),
    (NoResponse("its certificate is not trusted"), Place.TOKEN, URL, "SSL_CERT_FILE"),
    (NoResponse("no encrypted connection could be made"), Place.TOKEN, URL, "write http://"),
    (NoResponse("the answer is not HTTP"), Place.TOKEN, URL, "write https://"),
    (NoResponse("the host's name is not known"), Place.TOKEN, URL, "is the host spelled right?"),
    (refusal(500), Place.CONTROL, URL, "check --control-url."),
    (PAGE, Place.TOKEN, URL, "that is a web page"),
    (refusal(302, Location="/login"), Place.TOKEN, URL, "give the address that it redirects to"),
    (refusal(404), Place.TOKEN, URL + "/epayment", "leave the API's own path out of --target"),
    (refusal(404), Place.TOKEN, URL + "/recurring/v3", "leave the API's own path out of --target"),
    (refusal(404), Place.TOKEN, URL + "/proxy", "the base URL must be the one"),
    (refusal(405), Place.API, "wsgi:shop:app", "the application must answer at the API's own paths"),
    (
        refusal(401, {"error_description": "AADSTS7000215: Invalid client secret provided."}),
        Place.TOKEN,
        URL,
        "check VIPPS_CLIENT_SECRET.",
    ),
    (
        refusal(400, {"error_description": "AADSTS700016: Application with identifier 'x' was not found"}),
        Place.TOKEN,
        URL,
        "check VIPPS_CLIENT_ID.",
    ),
    (
        refusal(401, {"message": "Access denied due to missing subscription key."}),
        Place.TOKEN,
        URL,
        "check VIPPS_SUBSCRIPTION_KEY:",
    ),
    (refusal(401, {"message": "Subscription not found."}), Place.API, URL, "check VIPPS_SUBSCRIPTION_KEY:"),
    (
        refusal(401, {"result": {"message": "Client credentials or subscription key are wrong"}}),
        Place.TOKEN,
        URL,
        "check VIPPS_CLIENT_ID, VIPPS_CLIENT_SECRET and VIPPS_SUBSCRIPTION_KEY.",
    ),
    (refusal(401), Place.TOKEN, URL, "check VIPPS_CLIENT_ID, VIPPS_CLIENT_SECRET and VIPPS_SUBSCRIPTION_KEY."),
    (
        refusal(401, {"message": "Something went wrong, please try again later"}),
        Place.API,
        URL,
        "check VIPPS_ACCESS_TOKEN, which may have expired",
    ),
    (refusal(401), Place.API, URL, "check VIPPS_ACCESS_TOKEN, VIPPS_SUBSCRIPTION_KEY and VIPPS_MSN."),
    (refusal(403), Place.API, URL, "not permitted to do this; check VIPPS_MSN"),
    (
        refusal(400, {"extraDetails": [{"name": "MerchantSerialNumber", "reason": "unknown"}]}),
        Place.API,
        URL,
        "check VIPPS_MSN:",
    ),
    (refusal(400, {"title": "User unknown"}), Place.API, URL, "check VIPPS_TEST_PHONE"),
    (refusal(422, {"title": "Currency not supported"}), Place.API, URL, "check --market"),
    (refusal(400), Place.API, URL, "correct what it refuses"),
    (refusal(429), Place.API, URL, "too many requests"),
    (refusal(503), Place.API, URL, "not healthy"),
    (refusal(200, {}), Place.API, URL, "that is not what the API answers"),
]


@pytest.mark.parametrize(("answer", "place", "target", "words"), SEEN)
def test_the_advice_fits_what_was_seen(answer, place, target, words):
    advice = advice_on(answer, place, target)
    assert words in advice
    assert advice[-1] in ".?"


def test_who_has_no_credentials_is_told_so_first():
    answer = refusal(401, {"message": "Access denied due to invalid subscription key."})
    assert "none are set in the environment" in advice_on(answer, Place.TOKEN, URL, own=False)


def test_every_row_of_the_table_decides_something(monkeypatch):
    """A row that is hidden by those before it would be dead."""
    decided = set()
    for cause in LIKELY_CAUSES:
        monkeypatch.setattr(likely_causes, "LIKELY_CAUSES", tuple(row for row in LIKELY_CAUSES if row is not cause))
        without = [_advice(*row[:3]) for row in SEEN] + [_advice(refusal(401), Place.TOKEN, URL, own=False)]
        monkeypatch.undo()
        with_all = [_advice(*row[:3]) for row in SEEN] + [_advice(refusal(401), Place.TOKEN, URL, own=False)]
        if without != with_all:
            decided.add(cause.advice)
    # The row that names three variables for any refused token stands twice, once for a body that names them all.
    assert decided == {cause.advice for cause in LIKELY_CAUSES}


def _advice(answer, place, target, *, own=True):
    try:
        return advice_on(answer, place, target, own=own)
    except StopIteration:
        return None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (NoResponse("the connection broke off"), "was not answered (the connection broke off)"),
        (PAGE, "answered 200 with 20 bytes (text/html)"),
        (refusal(400, b"{broken"), "answered 400 with 7 bytes (application/json)"),
        (
            refusal(400, {"title": "Bad Request", "extraDetails": [{"name": "amount", "reason": "too low"}]}),
            "answered 400 (Bad Request; amount: too low)",
        ),
        (refusal(402, [{"errorCode": "41", "errorMessage": "User has no card"}]), "answered 402 (User has no card)"),
        (refusal(400, {"title": 5, "extraDetails": "?"}), "answered 400 with 33 bytes (application/json)"),
    ],
)
def test_a_sentence_quotes_what_a_response_says(answer, words):
    assert described(answer) == words


def test_what_is_quoted_is_cut():
    assert len(described(refusal(400, {"title": "no " * 5000}))) < LONGEST + 30
