"""Faulty ePayment: idempotency keys."""

from __future__ import annotations

import dataclasses

from conformance.rulebook import Readings
from conformance.sandbox import EPayment

from ..fault import BLATANT, NARROW, TWO_FACED, faulty
from ..steps import again, approve, cancel, flagged, spent

HONOURED = Readings.choose(["C13=sales-unit-scope,operation-scope"])
"""The reading in which a key of a cancel is honoured; by another it is no parameter of it."""


def is_cancel(handler):
    return handler == "carry_out_cancel_request"


@faulty(TWO_FACED, "EP-22 INV-3 INV-4", approve, cancel, again)
class ReplayReleasesAgain(EPayment):
    """A cancel that is sent again with its key gets its answer again, and is counted once more."""

    def replay(self, call, key, handler, earlier):
        if is_cancel(handler) and earlier.status == 200:
            order = self.need(call)
            if order.is_reserved:
                order.cancelled += order.authorized - order.captured
        return earlier


@faulty(NARROW, "EP-22 INV-3", approve, cancel, again, again)
class SecondReplayIsLogged(EPayment):
    """The second time that a cancel is sent again with its key it leaves one more event."""

    def __init__(self, shared):
        super().__init__(shared)
        self.replays = {}

    def replay(self, call, key, handler, earlier):
        if is_cancel(handler) and earlier.status == 200:
            self.replays[key] = self.replays.get(key, 0) + 1
            order = self.need(call)
            if self.replays[key] == 2 and order.is_reserved:
                order.entries.append(order.latest)
        return earlier


@faulty(BLATANT, "EP-22", cancel, again, readings=HONOURED)
class ReplayAnswersConflict(EPayment):
    """A cancel that succeeded and is sent again with its key is refused as a conflict."""

    def replay(self, call, key, handler, earlier):
        if is_cancel(handler) and earlier.status == 200:
            return self.refuse(call, self.key_conflict(key))
        return earlier


@faulty(BLATANT, "EP-24", approve, flagged, dataclasses.replace(again, flag=True), readings=HONOURED)
class RefusalNotRepeated(EPayment):
    """A cancel that was refused and is sent again with its key is said to be about an unknown payment."""

    def replay(self, call, key, handler, earlier):
        if is_cancel(handler) and earlier.status >= 400:
            return self.refuse(call, self.unknown())
        return earlier


@faulty(BLATANT, "EP-23", cancel, dataclasses.replace(again, flag=True), readings=HONOURED)
class OtherBodyGetsTheFirstAnswer(EPayment):
    """A cancel with a used key gets the first answer again, whatever its body."""

    def is_same_request(self, now, earlier):
        return (now.method, now.path) == (earlier.method, earlier.path)


@faulty(NARROW, "EP-23", flagged, again, readings=HONOURED)
class KeyKeptWithoutItsField(EPayment):
    """A key that comes again without the field counts as the same request, and what was refused is carried out."""

    def is_same_request(self, now, earlier):
        if now.path.endswith("/cancel") and b"true" in earlier.body and b"true" not in now.body:
            return True
        return super().is_same_request(now, earlier)

    def replay(self, call, key, handler, earlier):
        if is_cancel(handler) and earlier.status >= 400 and b"true" not in call.request.body:
            return self.carry_out_cancel_request(call, key)
        return earlier


@faulty(
    BLATANT,
    "EP-01 EP-03 EP-04 EP-05 EP-06 EP-07 EP-08 EP-09 EP-29 EP-30 EP-32 INV-10 INV-2 INV-3 KB-05 KB-08 EP-42",
    spent,
)
class KeySwallowsAnotherPaymentsCancel(EPayment):
    """A key that cancelled one payment answers the cancel of another, which is not carried out."""

    def is_same_request(self, now, earlier):
        return now.path.endswith("/cancel") and earlier.path.endswith("/cancel")
