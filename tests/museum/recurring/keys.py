"""Faulty Recurring: idempotency keys."""

from __future__ import annotations

import dataclasses

from conformance.sandbox import Recurring

from ..fault import BLATANT, NARROW, TWO_FACED, faulty
from ..steps import again, broken, cancel, capture, spent


def is_cancel(handler):
    return handler == "carry_out_cancel_request"


@faulty(BLATANT, "RE-10", cancel, again)
class ReplayExecutesAgain(Recurring):
    """A cancel that is sent again with its key is carried out as a new one."""

    def replay(self, call, key, handler, earlier):
        if is_cancel(handler):
            return self.carry_out_cancel_request(call, key)
        return earlier


@faulty(NARROW, "RE-10", cancel, again, again)
class SecondReplayAnswersConflict(Recurring):
    """The second time that a cancel is sent again with its key it is refused as a conflict."""

    def __init__(self, shared):
        super().__init__(shared)
        self.replays = {}

    def replay(self, call, key, handler, earlier):
        self.replays[key] = self.replays.get(key, 0) + 1
        if is_cancel(handler) and earlier.status == 204 and self.replays[key] == 2:
            return self.refuse(call, self.key_conflict(key))
        return earlier


@faulty(TWO_FACED, "RE-10 INV-3", cancel, again)
class ReplayIsLogged(Recurring):
    """A cancel that is sent again with its key gets its answer again, and leaves one more event."""

    def replay(self, call, key, handler, earlier):
        if is_cancel(handler) and earlier.status == 204:
            charge = self.need_charge(call)
            charge.entries.append(charge.latest)
        return earlier


@faulty(BLATANT, "RE-12", capture(1000), cancel, again)
class RefusalNotRepeated(Recurring):
    """A cancel that was refused and is sent again with its key is said to be about an unknown charge."""

    def replay(self, call, key, handler, earlier):
        if is_cancel(handler) and earlier.status >= 400:
            return self.refuse(call, self.unknown())
        return earlier


@faulty(
    BLATANT,
    "RE-11 INV-2 INV-9 KB-08 RE-01 RE-02 RE-03 RE-04 RE-05 RE-06 RE-07 RE-09 RE-21 RE-29",
    spent,
)
class KeySwallowsAnotherChargesCancel(Recurring):
    """A key that cancelled one charge answers the cancel of another, which is not carried out."""

    def is_same_request(self, now, earlier):
        return now.method == "DELETE" == earlier.method


@faulty(NARROW, "RE-11", spent)
class ConflictAnswers400(Recurring):
    """A key that was used for another request is refused with 400 where 409 is documented."""

    def key_conflict(self, key):
        return dataclasses.replace(super().key_conflict(key), status=400)


@faulty(TWO_FACED, "INV-1 RE-11", spent)
class ConflictAndCancelled(Recurring):
    """A cancel of a reserved charge with another charge's key is refused as a conflict, and carried out."""

    def once(self, call, key, handler):
        response = super().once(call, key, handler)
        if is_cancel(handler) and response.status == 409 and b"idempotency-conflict" in response.body:
            charge = self.need_charge(call)
            if charge.remaining and not self.is_too_old(charge):
                self.release(charge)
        return response


@faulty(BLATANT, "RE-13", broken("no-key"))
class KeyNotRequired(Recurring):
    """A cancel without an idempotency key is carried out."""

    def key(self, call):
        if call.request.method == "DELETE" and "idempotency-key" not in call.headers:
            return self.ids.uuid()
        return super().key(call)


@faulty(NARROW, "RE-13", broken("long-key"))
class LongKeyAccepted(Recurring):
    """An idempotency key may have any length."""

    def key(self, call):
        if "idempotency-key" in call.headers:
            call.headers["idempotency-key"] = call.headers["idempotency-key"][:40]
        return super().key(call)


@faulty(NARROW, "RE-13", broken("illegal-key"))
class AnyCharacterAccepted(Recurring):
    """An idempotency key may have any characters."""

    def key(self, call):
        if "idempotency-key" in call.headers:
            kept = (one for one in call.headers["idempotency-key"] if one not in "#?/\\")
            call.headers["idempotency-key"] = "".join(kept) or "none"
        return super().key(call)
