"""Faulty relatives of the strangers, in what they send and how they read what comes back.

One defect each, and ``first`` is the obligation that has to be blamed first.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx
import requests

from tests.merchant.strangers import asked, correct, gathered, tongues, wires
from tests.merchant.strangers.books import Row
from tests.merchant.strangers.tongues import Standing, Verdict, parsed


class NewKeyEachTime(correct.SourcedEpayment):
    """Makes a key for every request, and does not look in between."""

    first = "M7"

    def pursue(self, row: Row) -> bool:
        row.log = [one for one in row.log if one[0] != "sent"]
        if self.fold(row).wants_cancel:
            self.happened(row, "key spent", self.fresh())
        return super().pursue(row)

    def look(self, row: Row) -> Row:
        return self.fold(row) if self.fold(row).wants_cancel else super().look(row)


class NeverReleasesTheRest(correct.OutboxEcom):
    """The release flag was not known when this was written."""

    first = "M11"

    class tongue(tongues.Ecom):
        def cancel(self, row: Any, key: str, *, only_unapproved: bool = False) -> Verdict:
            return self.asked("PUT", self.path(row) + "/cancel", self._body(row))


class NotFoundIsOver(correct.ReconcilerEpayment):
    """A payment that cannot be found any more is over: what a wrong sales unit does to all of them."""

    first = "M18"

    class tongue(tongues.Epayment):
        def reading(self, path: str) -> Standing | None:
            status, _, raw = self.call("GET", path)
            if status in (403, 404):
                return Standing("ended")
            return self.standing(parsed(raw)) if status == 200 else None

    def tick(self, now: datetime) -> None:
        try:
            super().tick(now)
        except wires.Lost:
            return


class AcceptedIsDone(correct.SourcedRecurring):
    """202 is a success, and the charge is over."""

    first = "M22"

    class tongue(tongues.Recurring):
        def proof(self, status: int, found: Any) -> Standing | None:
            return Standing("ended") if status in (202, 204) and found is None else None


class GoesByTheState(correct.ReconcilerEpayment):
    """AUTHORIZED is payable, whatever the sums say."""

    first = "M20"

    class tongue(tongues.Epayment):
        def standing(self, found: Any) -> Standing | None:
            seen = super().standing(found)
            if seen is not None and seen.state == "ended" and found["state"] == "AUTHORIZED":
                return Standing("reserved", seen.authorized)
            return seen


class AnyTwoHundred(gathered.Gathered):
    """Whatever comes with 200 is a cancel."""

    first = "M19"

    def proves(self, got: httpx.Response) -> Standing | None:
        return Standing("ended") if got.is_success else None


class DoesNotKnowExpired(asked.FlagFirst):
    """EXPIRED is not in the list of states, and the payment stays open for ever."""

    first = "M21"

    class tongue(tongues.Epayment):
        def standing(self, found: Any) -> Standing | None:
            seen = super().standing(found)
            return None if seen is not None and found["state"] == "EXPIRED" else seen


class FlagAlways(asked.FlagFirst):
    """Every cancel says ``cancelTransactionOnly``, so that no reservation is ever released."""

    first = "M5"

    class tongue(tongues.Epayment):
        def cancel(self, row: Any, key: str, *, only_unapproved: bool = False) -> Verdict:
            return super().cancel(row, key, only_unapproved=True)


class ReferenceIsTheKey(correct.OutboxEpayment):
    """The reference is the key of everything."""

    first = "M8"

    class tongue(tongues.Epayment):
        def cancel(self, row: Any, key: str, *, only_unapproved: bool = False) -> Verdict:
            return super().cancel(row, row.reference, only_unapproved=only_unapproved)

        def capture(self, row: Any, amount: int, key: str) -> Verdict:
            return super().capture(row, amount, row.reference)


class KeyForEver(gathered.Gathered):
    """The key of the cancel is made from the order, also after a refusal."""

    first = "M9"

    async def send(self, client: Any, row: Row) -> None:
        await super().send(client, row)
        row.key = f"cancel-{row.reference}"[:50]


class SilenceIsConsent(correct.SourcedEpayment):
    """When no answer comes, the cancel will have been done."""

    first = "M25"

    class tongue(tongues.Epayment):
        def cancel(self, row: Any, key: str, *, only_unapproved: bool = False) -> Verdict:
            got = super().cancel(row, key, only_unapproved=only_unapproved)
            if got.kind == "unknown" and not got.status:
                return Verdict("done", seen=Standing("ended"))
            return got


class UpperCase(correct.OutboxEcom):
    """References are upper-cased by the shop's own records."""

    first = "M2"

    class tongue(tongues.Ecom):
        def path(self, row: Any) -> str:
            return super().path(row).replace(row.reference, row.reference.upper())


class DeafToRetryAfter(correct.OutboxEpayment):
    """The client hides Retry-After; it tries again after its own two seconds, three times."""

    first = "M27b"

    class tongue(tongues.Epayment):
        def cancel(self, row: Any, key: str, *, only_unapproved: bool = False) -> Verdict:
            got = super().cancel(row, key)
            for _ in range(2):
                if got.kind not in ("later", "unknown"):
                    break
                self.setup.sleep(2.0)
                got = super().cancel(row, key)
            return Verdict(got.kind, got.status, got.code, 0.0, got.seen)


class RefusedIsCancelled(asked.CallbackEcom):
    """A refusal means that there was nothing to cancel, so the order is cancelled."""

    first = "M18"

    def send(self, row: Row) -> bool:
        if self.must_wait(row):
            return False
        got = self.api.cancel(row, "")
        self.later(row, got.wait)
        if got.kind == "refused":
            row.state = "ended"
            return True
        row.learn(self.api.read(row))
        return row.over


class SecretEverywhere(correct.PollingRecurring):
    """The headers of the token call are those of every call."""

    first = "M3"

    class tongue(tongues.Recurring):
        def headers(self) -> dict[str, str]:
            return super().headers() | {
                "client_id": self.setup.client_id,
                "client_secret": self.setup.client_secret,
            }


class LongVersion(correct.OutboxEcom):
    """The version in the header has the name of the build in it, and is too long."""

    first = "M3b"

    class tongue(tongues.Ecom):
        def headers(self) -> dict[str, str]:
            return super().headers() | {"Vipps-System-Version": "4.12.1-rc.3+build.20260118.7f3c9a1"}


class AmountInTheCancel(asked.FlagFirst):
    """A part of the amount is believed to be cancellable."""

    first = "M4"

    class tongue(tongues.Epayment):
        def cancel(self, row: Any, key: str, *, only_unapproved: bool = False) -> Verdict:
            body = {"modificationAmount": {"currency": row.currency, "value": row.rest or row.amount}}
            return self.asked("POST", self.path(row) + "/cancel", body, **{"Idempotency-Key": key})


class WrongVerb(correct.PollingRecurring):
    """Cancels a charge with POST, as a guide once said."""

    first = "M1"

    class tongue(tongues.Recurring):
        def cancel(self, row: Any, key: str, *, only_unapproved: bool = False) -> Verdict:
            return self.asked("POST", self.path(row) + "/cancel", None, **{"Idempotency-Key": key})


class NoKeyOnDelete(correct.SourcedRecurring):
    """DELETE needs no key, it was thought."""

    first = "M6"

    class tongue(tongues.Recurring):
        def cancel(self, row: Any, key: str, *, only_unapproved: bool = False) -> Verdict:
            return self.asked("DELETE", self.path(row))


class OneKeyForTheBatch(gathered.Gathered):
    """All cancels of the night share the key of the batch."""

    first = "M8"

    async def cancel(self, order_id: str) -> None:
        self.rows[order_id].key = f"batch-{self.setup.now():%Y%m%d}"
        await super().cancel(order_id)


class Redirected(asked.CallbackEcom):
    """Follows a redirect, and the page that it leads to is a success."""

    first = "M18"

    class wire(wires.Requests):
        def __call__(self, method: str, path: str, headers: dict[str, str], body: Any = None) -> wires.Answered:
            try:
                got = self.session.request(method, self.base + path, headers=headers, json=body, timeout=6)
            except requests.RequestException as gone:
                raise wires.Lost(str(gone)) from gone
            return got.status_code, dict(got.headers), got.content

    def send(self, row: Row) -> bool:
        if self.must_wait(row):
            return False
        status, _, raw = self.api.call("PUT", self.api.path(row) + "/cancel", self.api._body(row))
        self.later(row)
        if status == 200 and parsed(raw) is None:
            row.state = "ended"
            return True
        row.learn(self.api.read(row))
        return row.over


FAULTY = (
    NewKeyEachTime,
    NeverReleasesTheRest,
    NotFoundIsOver,
    AcceptedIsDone,
    GoesByTheState,
    AnyTwoHundred,
    DoesNotKnowExpired,
    FlagAlways,
    ReferenceIsTheKey,
    KeyForEver,
    SilenceIsConsent,
    UpperCase,
    DeafToRetryAfter,
    RefusedIsCancelled,
    SecretEverywhere,
    LongVersion,
    AmountInTheCancel,
    WrongVerb,
    NoKeyOnDelete,
    OneKeyForTheBatch,
    Redirected,
)
