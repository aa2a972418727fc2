"""Providers that check first and act later, with room for another request in between.

One request at a time they are right about everything.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from conformance.domain.order import Profile
from conformance.sandbox import Ecom, EPayment, Provider, Recurring
from conformance.sandbox.api_base import ApiBase as Api
from conformance.sandbox.payment import EntryKind, Stage

WINDOW = 0.15
"""Seconds between the check and the act."""


class Unlocked(Provider):
    """A provider that answers as many requests at once as it is asked."""

    def turn(self) -> AbstractContextManager[object]:
        return nullcontext()


class SlowToRelease(Api):
    """A release begins a moment after the cancel arrived: whoever asks beside it has looked at the order by then."""

    def release(self, order, *, text="", key=None):
        time.sleep(WINDOW / 3)
        return super().release(order, text=text, key=key)


class CapturesLate(SlowToRelease):
    """A capture is checked against what is reserved, and takes the money a moment later, whatever happened since."""

    def capture_money(self, order, amount, **named):
        time.sleep(WINDOW)
        return super().capture_money(order, amount, **named)


class ReleasesLate(Api):
    """A cancel looks at the payment, and a moment later releases what it saw: twice where two cancels saw it."""

    def release(self, order, *, text="", key=None):
        stage, amount = order.stage, self.releasable(order)
        time.sleep(WINDOW)
        if stage is Stage.RESERVED:
            order.cancelled += amount
            return self.record(order, EntryKind.RELEASE, amount, text=text, key=key)
        order.stage = Stage.CANCELLED
        order.cancelled += order.amount
        return self.record(
            order, EntryKind.STOP, order.amount, reference=self.stop_reference(order), text=text, key=key
        )


class ReservesLate(SlowToRelease):
    """An approval looks at the payment, and a moment later writes back what it saw, now reserved: no cancel is left."""

    def reserve(self, order):
        cancelled = order.cancelled
        time.sleep(WINDOW)
        super().reserve(order)
        order.cancelled = cancelled


class RefundsLate(SlowToRelease):
    """A refund is checked against what was captured, and writes back the released amount it saw a moment before."""

    def refund_money(self, order, amount, **named):
        cancelled = order.cancelled
        time.sleep(WINDOW)
        order.cancelled = cancelled
        return super().refund_money(order, amount, **named)


@dataclass(frozen=True, slots=True)
class Fault:
    """A provider with one race in it, and what is sent beside a cancel to see it."""

    name: str
    profile: Profile
    provider: Callable[[], Provider]
    rival: str


APIS: dict[Profile, type[Any]] = {Profile.ECOM: Ecom, Profile.EPAYMENT: EPayment, Profile.RECURRING: Recurring}


def made(fault: type[Any], profile: Profile) -> Callable[[], Provider]:
    """Return what makes a provider whose one API has a fault."""
    api = type(fault.__name__, (fault, APIS[profile]), {"__doc__": fault.__doc__})
    named: dict[str, Any] = {profile.value: api}
    return lambda: Unlocked(**named)


RIVALS: dict[type[Any], str] = {
    CapturesLate: "capture",
    ReleasesLate: "cancel",
    ReservesLate: "approve",
    RefundsLate: "refund",
}
FAULTS = [
    # A charge is reserved by the charge run, and not by its user's approval.
    Fault(
        fault.__name__,
        profile,
        made(fault, profile),
        "reserve" if (profile, rival) == (Profile.RECURRING, "approve") else rival,
    )
    for fault, rival in RIVALS.items()
    for profile in Profile
]
