"""Twenty-five example tests for each API, such as a careful engineer writes from the documentation in a day.

An example is a short story whose last step is tested: whether it succeeds, and what a read says of its money then.
Everything before it must succeed. All twenty-five are played even when one has failed, as a test runner would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from benchmarks.apis import Api
from conformance.domain.order import Profile

AMOUNT = 1000


@dataclass(frozen=True)
class Example:
    """One test: what happens, whether its last step succeeds, and what is seen then.

    ``captured``, ``refunded`` and ``left`` are minor units of an order of ``AMOUNT``; ``left`` is what could still be
    captured, None where the API does not say. ``ends`` is the state or the newest entry that is seen.
    """

    story: str
    succeeds: bool
    captured: int = 0
    refunded: int = 0
    left: int | None = None
    ends: str = ""


def ecom() -> tuple[Example, ...]:
    """Return the examples of eCom, where partly captured money is released with the flag only."""
    return (
        Example("cancel", True, ends="CANCEL"),
        Example("cancel+", True, ends="CANCEL"),
        Example("approve cancel", True, left=0, ends="VOID"),
        Example("approve cancel+", True, left=0, ends="VOID"),
        Example("approve cancel-", True, left=0, ends="VOID"),
        Example("approve capture:400 cancel", False, captured=400, left=600),
        Example("approve capture:400 cancel-", False, captured=400, left=600),
        Example("approve capture:400 cancel+", True, captured=400, left=0, ends="VOID"),
        Example("approve capture:400 capture:300 cancel+", True, captured=700, left=0, ends="VOID"),
        Example("approve capture:999 cancel+", True, captured=999, left=0, ends="VOID"),
        Example("approve capture:1000 cancel", False, captured=1000, left=0),
        Example("approve capture:400 refund:400 cancel+", True, captured=400, refunded=400, left=0, ends="VOID"),
        Example("approve cancel capture:100", False, left=0, ends="VOID"),
        Example("approve cancel cancel", False, left=0, ends="VOID"),
        Example("approve capture:400 cancel+ capture:600", False, captured=400, left=0, ends="VOID"),
        Example("approve capture:400 cancel+ refund:400", True, captured=400, refunded=400, left=0),
        Example("cancel approve", False),
        Example("approve age:179 cancel", True, left=0, ends="VOID"),
        Example("approve age:181 cancel", False),
        Example("approve capture:400 age:179 cancel+", True, captured=400, left=0, ends="VOID"),
        Example("approve capture:400 age:181 cancel+", False, captured=400),
        Example("start_3ds cancel", False),
        Example("start_3ds finish_3ds cancel", True, left=0, ends="VOID"),
        Example("reject cancel", False),
        Example("approve cancel:unknown", False, left=1000),
    )


def epayment() -> tuple[Example, ...]:
    """Return the examples of ePayment, where the flag confines a cancel to what nobody approved."""
    return (
        Example("cancel", True, ends="TERMINATED"),
        Example("cancel+", True, ends="TERMINATED"),
        Example("cancel-", True, ends="TERMINATED"),
        Example("approve cancel", True, left=0, ends="AUTHORIZED"),
        Example("approve cancel-", True, left=0, ends="AUTHORIZED"),
        Example("approve cancel+", False, left=1000, ends="AUTHORIZED"),
        Example("approve capture:400 cancel", True, captured=400, left=0, ends="AUTHORIZED"),
        Example("approve capture:400 cancel+", False, captured=400, left=600, ends="AUTHORIZED"),
        Example("approve capture:400 capture:300 cancel", True, captured=700, left=0, ends="AUTHORIZED"),
        Example("approve capture:999 cancel", True, captured=999, left=0, ends="AUTHORIZED"),
        Example("approve capture:1000 cancel", False, captured=1000, left=0, ends="AUTHORIZED"),
        Example("approve capture:400 refund:400 cancel", True, 400, 400, 0, "AUTHORIZED"),
        Example("approve cancel capture:100", False, left=0, ends="AUTHORIZED"),
        Example("approve cancel cancel", False, left=0, ends="AUTHORIZED"),
        Example("approve capture:400 cancel capture:600", False, captured=400, left=0),
        Example("approve capture:400 cancel refund:400", True, captured=400, refunded=400, left=0),
        Example("cancel approve", False, ends="TERMINATED"),
        Example("approve age:179 cancel", True, left=0, ends="AUTHORIZED"),
        Example("approve age:181 cancel", False),
        Example("approve capture:400 age:179 cancel", True, captured=400, left=0),
        Example("start_3ds cancel", False, ends="CREATED"),
        Example("start_3ds finish_3ds cancel", True, left=0, ends="AUTHORIZED"),
        Example("reject cancel", False, ends="ABORTED"),
        Example("expire cancel", False, ends="EXPIRED"),
        Example("approve cancel:unknown", False, left=1000, ends="AUTHORIZED"),
    )


def recurring() -> tuple[Example, ...]:
    """Return the examples of Recurring, for a charge that is reserved when its agreement is accepted."""
    return (
        Example("cancel", True, left=0, ends="CANCELLED"),
        Example("capture:400 cancel", True, captured=400, left=0, ends="CHARGED"),
        Example("capture:1 cancel", True, captured=1, left=0, ends="CHARGED"),
        Example("capture:999 cancel", True, captured=999, left=0, ends="CHARGED"),
        Example("capture:400 capture:300 cancel", True, captured=700, left=0, ends="CHARGED"),
        Example("capture:200 capture:200 capture:200 cancel", True, captured=600, left=0, ends="CHARGED"),
        Example("capture:1000 cancel", False, captured=1000, left=0, ends="CHARGED"),
        Example("capture:400 capture:600 cancel", False, captured=1000, left=0, ends="CHARGED"),
        Example("capture:400 refund:400 cancel", True, captured=400, refunded=400, left=0),
        Example("capture:400 refund:100 cancel", True, captured=400, refunded=100, left=0),
        Example("capture:1000 refund:1000 cancel", False, 1000, 1000, 0, "REFUNDED"),
        Example("cancel capture:100", False, left=0, ends="CANCELLED"),
        Example("cancel refund:100", False, left=0, ends="CANCELLED"),
        Example("cancel cancel", False, left=0, ends="CANCELLED"),
        Example("capture:400 cancel capture:600", False, captured=400, left=0, ends="CHARGED"),
        Example("capture:400 cancel cancel", False, captured=400, left=0, ends="CHARGED"),
        Example("capture:400 cancel refund:400", True, captured=400, refunded=400, left=0),
        Example("capture:400 cancel refund:500", False, captured=400, left=0, ends="CHARGED"),
        Example("age:179 cancel", True, left=0, ends="CANCELLED"),
        Example("age:181 cancel", False),
        Example("capture:400 age:179 cancel", True, captured=400, left=0, ends="CHARGED"),
        Example("capture:400 age:181 cancel", False, captured=400),
        Example("age:30 cancel", True, left=0, ends="CANCELLED"),
        Example("capture:400 age:1 refund:400 cancel", True, captured=400, refunded=400, left=0),
        Example("cancel:unknown", False, left=1000, ends="RESERVED"),
    )


EXAMPLES: Mapping[Profile, Callable[[], tuple[Example, ...]]] = {
    Profile.ECOM: ecom,
    Profile.EPAYMENT: epayment,
    Profile.RECURRING: recurring,
}
FLAGS = {"": None, "+": True, "-": False}


@dataclass(frozen=True)
class Seen:
    """What a read says of an order."""

    captured: int
    refunded: int
    left: int | None
    ends: str


def look(api: Api, order: str) -> Seen:
    """Read an order, as its API shows it."""
    if api.profile is Profile.ECOM:
        details = api.ask("GET", f"/ecomm/v2/payments/{order}/details").json()
        sums, newest = details.get("transactionSummary", {}), details["transactionLogHistory"][0]
        left = sums.get("remainingAmountToCapture")
        return Seen(sums.get("capturedAmount", 0), sums.get("refundedAmount", 0), left, newest["operation"])
    if api.profile is Profile.EPAYMENT:
        payment = api.ask("GET", f"/epayment/v1/payments/{order}").json()
        sums = {name: money["value"] for name, money in payment["aggregate"].items()}
        left = sums["authorizedAmount"] - sums["capturedAmount"] - sums["cancelledAmount"]
        return Seen(sums["capturedAmount"], sums["refundedAmount"], left, payment["state"])
    charge = api.ask("GET", order).json()
    sums = charge["summary"]
    left = charge["amount"] - sums["captured"] - sums["cancelled"]
    return Seen(sums["captured"], sums["refunded"], left, charge["status"])


def step(api: Api, order: str, told: str) -> httpx.Response:
    """Let one step of a story happen."""
    name, _, number = told.partition(":")
    if name.rstrip("+-") == "cancel":
        unknown = f"{order}-unknown" if number else order
        return api.cancel(unknown, FLAGS[name.removeprefix("cancel")])
    if name == "capture":
        return api.capture(order, int(number))
    if name == "refund":
        return api.refund(order, int(number))
    if name == "age":
        return api.age(order, int(number))
    return api.control(order, "action", {"action": name})


def passes(api: Api, example: Example, number: int) -> bool:
    """Play one example; say whether it passes."""
    try:
        return _passes(api, example, number)
    except (AssertionError, KeyError, TypeError, ValueError, IndexError, AttributeError):
        # An answer that does not have the documented form fails the test that reads it.
        return False


def _passes(api: Api, example: Example, number: int) -> bool:
    order = api.create(number, AMOUNT)
    *before, last = example.story.split()
    if not all(step(api, order, one).is_success for one in before):
        return False
    answer = step(api, order, last)
    if answer.is_success is not example.succeeds or answer.is_server_error:
        return False
    if example.succeeds and last.startswith("cancel") and not _says_so(api, answer, example):
        return False
    seen = look(api, order)
    alike = (seen.captured, seen.refunded) == (example.captured, example.refunded)
    if example.left is not None and seen.left is not None:
        alike = alike and seen.left == example.left
    return alike and (not example.ends or seen.ends == example.ends)


def _says_so(api: Api, answer: httpx.Response, example: Example) -> bool:
    """Look at what the answer to a cancel that succeeded says, where its API says anything."""
    if api.profile is Profile.RECURRING:
        return answer.status_code in (202, 204)
    body: Any = answer.json()
    if api.profile is Profile.ECOM:
        info = body["transactionInfo"]
        return bool(info["status"] in ("Cancelled", "CANCELLED")) and bool(answer.status_code == 200)
    sums = body["aggregate"]
    return bool(answer.status_code == 200) and bool(sums["capturedAmount"]["value"] == example.captured)


def failures(api: Api) -> list[str]:
    """Play all examples of an API; return the stories that fail."""
    examples = EXAMPLES[api.profile]()
    return [one.story for number, one in enumerate(examples) if not passes(api, one, number)]
