"""What is probably wrong where a target's first responses are not as they should be, and what to do: one table.

The first row that fits decides. What the provider itself writes into such responses is from its documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from conformance.domain.messages import NoResponse, Response, ResponseOrNone
from conformance.targets.crash import cut_between_words
from conformance.wire.base import is_page, json_body

LONGEST: Final = 240
"""Characters that are quoted of what a response says."""
_NONE: Final = range(1)
"""The status of a request without a response."""
_REFUSED: Final = range(400, 500)
_TELLING: Final = ("title", "error", "responseMessage", "error_description", "detail", "message", "errorMessage")
"""Fields in which the body of a refusal says what is wrong."""
_DETAILS: Final = ("extraDetails", "invalidParams", "errors", "responseInfo", "result")
"""Fields that hold more of the same."""


class Place(StrEnum):
    """What was asked: the token endpoint, the API itself, or the test control API."""

    TOKEN = "token"
    API = "api"
    CONTROL = "control"


_OF_THE_API: Final = frozenset({Place.TOKEN, Place.API})


@dataclass(frozen=True, slots=True)
class LikelyCause:
    """A row: what to do where a response comes from one of the places, has the status, and says one of the words.

    ``base`` is a pattern that the target's name must fit, ``page`` whether the response is a web page, and ``own``
    whether the credentials are the user's own; None where that does not matter.
    """

    advice: str
    places: frozenset[Place] = frozenset(Place)
    statuses: range = range(600)
    words: tuple[str, ...] = ()
    base: str = ""
    page: bool | None = None
    own: bool | None = None


_ONLY_ITS_APIS: Final = "and --profile must name only the APIs that the target implements"
_BASE: Final = f"the base URL must be the one under which the API's own paths begin, {_ONLY_ITS_APIS}"

LIKELY_CAUSES: Final = (
    # Nothing came back.
    LikelyCause("correct the application", statuses=_NONE, words=("the application ",)),
    LikelyCause(
        "name its certificate authority in SSL_CERT_FILE, or correct the address",
        statuses=_NONE,
        words=("certificate",),
    ),
    LikelyCause(
        "does it speak https at this port? If not, write http://", statuses=_NONE, words=("no encrypted connection",)
    ),
    LikelyCause(
        "does it speak http at this port? If not, write https://", statuses=_NONE, words=("the answer is not http",)
    ),
    LikelyCause(
        "name a proxy that runs in HTTPS_PROXY or HTTP_PROXY, or the target's host in NO_PROXY",
        statuses=_NONE,
        words=("proxy",),
    ),
    LikelyCause("is the host spelled right?", statuses=_NONE, words=("host's name is not known",)),
    LikelyCause("check --control-url", frozenset({Place.CONTROL}), _NONE),
    LikelyCause("is it running, and is the address right?", statuses=_NONE),
    # Something else than the API came back.
    LikelyCause("check --control-url", frozenset({Place.CONTROL})),
    LikelyCause("give the address that it redirects to as --target, if that is the API's", statuses=range(300, 400)),
    LikelyCause(
        "that is a web page, so this address is not the API's: give the API's as --target",
        statuses=range(200, 404),
        page=True,
    ),
    LikelyCause(
        "the application must answer at the API's own paths, such as /accesstoken/get and /epayment/v1/payments, "
        f"{_ONLY_ITS_APIS}",
        statuses=range(404, 406),
        base=r"^(asgi|wsgi):",
    ),
    LikelyCause(
        "leave the API's own path out of --target: it ends before /accesstoken, /epayment, /ecomm and /recurring",
        statuses=range(404, 406),
        base=r"/(accesstoken|epayment|ecomm|recurring)(/.*)?$",
    ),
    LikelyCause(_BASE, statuses=range(404, 406)),
    # The credentials are refused.
    LikelyCause(
        "none are set in the environment, so the embedded provider's own were tried; set VIPPS_CLIENT_ID and so on",
        _OF_THE_API,
        range(401, 404),
        own=False,
    ),
    LikelyCause(
        "check VIPPS_CLIENT_ID, VIPPS_CLIENT_SECRET and VIPPS_SUBSCRIPTION_KEY",
        frozenset({Place.TOKEN}),
        range(400, 404),
        ("client credentials or subscription key",),
    ),
    LikelyCause(
        "check VIPPS_SUBSCRIPTION_KEY: it must be of the same sales unit and environment as the other credentials",
        _OF_THE_API,
        range(400, 404),
        ("subscription key", "subscription-key", "subscription not found"),
    ),
    LikelyCause(
        "check VIPPS_CLIENT_SECRET", frozenset({Place.TOKEN}), range(400, 404), ("client secret", "client_secret")
    ),
    LikelyCause(
        "check VIPPS_CLIENT_ID",
        frozenset({Place.TOKEN}),
        range(400, 404),
        ("client id", "client_id", "application with identifier"),
    ),
    LikelyCause(
        "check VIPPS_CLIENT_ID, VIPPS_CLIENT_SECRET and VIPPS_SUBSCRIPTION_KEY",
        frozenset({Place.TOKEN}),
        range(400, 404),
    ),
    LikelyCause(
        "check VIPPS_MSN: the credentials must be those of this sales unit",
        _OF_THE_API,
        range(400, 404),
        ("merchant serial", "merchantserialnumber", "merchant-serial-number", "msn", "sales unit"),
    ),
    LikelyCause(
        "check VIPPS_ACCESS_TOKEN, which may have expired, or leave it out and set VIPPS_CLIENT_ID and "
        "VIPPS_CLIENT_SECRET",
        frozenset({Place.API}),
        range(401, 402),
        ("access token", "jwt", "expired", "something went wrong"),
    ),
    LikelyCause(
        "the credentials were refused; check VIPPS_ACCESS_TOKEN, VIPPS_SUBSCRIPTION_KEY and VIPPS_MSN",
        frozenset({Place.API}),
        range(401, 402),
    ),
    LikelyCause(
        "the credentials are known, and not permitted to do this; check VIPPS_MSN and VIPPS_SUBSCRIPTION_KEY, and that "
        "the sales unit has this API",
        frozenset({Place.API}),
        range(403, 404),
    ),
    # The request is refused.
    LikelyCause(
        "check VIPPS_TEST_PHONE, the phone number of a test user",
        _OF_THE_API,
        _REFUSED,
        ("phone", "msisdn", "user unknown", "unknown user"),
    ),
    LikelyCause("check --market, which decides the currency", _OF_THE_API, _REFUSED, ("currency",)),
    LikelyCause("that is too many requests: try again later", statuses=range(429, 430)),
    LikelyCause(
        "correct what it refuses; of the request, VIPPS_MSN, VIPPS_TEST_PHONE and --market are yours",
        _OF_THE_API,
        _REFUSED,
    ),
    LikelyCause("the target is not healthy; try again when it is", statuses=range(500, 600)),
    LikelyCause("that is not what the API answers; is this address the API's?"),
)


def advice_on(answer: ResponseOrNone, place: Place, target: str, *, own: bool = True) -> str:
    """Return what is probably to be done about an answer, as the end of a sentence with its full stop.

    Args:
        answer: the answer that is not as it should be.
        place: what was asked.
        target: the target's name.
        own: whether the credentials are the user's own.

    """
    status, text, page = _signs_of(answer)
    advice = next(
        cause.advice
        for cause in LIKELY_CAUSES
        if place in cause.places
        and status in cause.statuses
        and (not cause.words or any(word in text for word in cause.words))
        and (not cause.base or re.search(cause.base, target) is not None)
        and cause.page in (None, page)
        and cause.own in (None, own)
    )
    return advice if advice.endswith("?") else f"{advice}."


def _signs_of(answer: ResponseOrNone) -> tuple[int, str, bool]:
    if isinstance(answer, NoResponse):
        return 0, answer.cause.lower(), False
    return answer.status, answer.body.decode("utf-8", "replace").lower(), is_page(answer)


def described(answer: ResponseOrNone) -> str:
    """Return what an answer is, and what it says of itself, for a sentence about one that is wrong.

    >>> described(Response(404, (("Content-Type", "text/html"),), b"nothing here"))
    'answered 404 with 12 bytes (text/html)'
    >>> described(Response(401, (), b'{"message": "Subscription not found."}'))
    'answered 401 (Subscription not found)'
    """
    if isinstance(answer, NoResponse):
        return f"was not answered ({answer.cause})"
    words = said_by(answer)
    return f"answered {answer.status} ({words})" if words else f"answered {describe(answer)}"


def said_by(response: Response) -> str:
    """Return what a JSON response says in words, such as a problem's title and details; else an empty text."""
    if response.status < 300:
        return ""
    words = dict.fromkeys(word.strip().rstrip(".") for word in _words_in(json_body(response)))
    return cut_between_words("; ".join(" ".join(word.split()) for word in words if word), LONGEST)


def _words_in(value: Any) -> Iterator[str]:
    """Yield the words of a refusal's body: its fields, and every detail."""
    if isinstance(value, list):
        for item in value[:3]:
            yield from _words_in(item)
    if not isinstance(value, dict):
        return
    yield from (value[name] for name in _TELLING if isinstance(value.get(name), str))
    name, reason = value.get("name"), value.get("reason")
    if isinstance(reason, str):
        yield f"{name}: {reason}" if isinstance(name, str) else reason
    for details in _DETAILS:
        yield from _words_in(value.get(details))


def describe(response: Response) -> str:
    """Return what a response is, for a sentence about one that is wrong.

    >>> describe(Response(404, (("Content-Type", "text/html"),), b"nothing here"))
    '404 with 12 bytes (text/html)'
    """
    kind = (response.header("content-type") or "no content type").partition(";")[0]
    location = response.header("location")
    if location:
        return f"{response.status}, a redirect to {location}"
    size = f"{len(response.body)} bytes" if response.body else "an empty body"
    return f"{response.status} with {size} ({kind})"
