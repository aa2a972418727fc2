"""Faulty variants of the independent merchants: they send wrong requests or misread responses.

Each has one defect; ``first`` is the obligation to be blamed first.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx
import requests

from tests.merchant.independent import api_clients, async_merchant, event_driven, patterns, transports
from tests.merchant.independent.api_clients import CallResult, PaymentState, parsed
from tests.merchant.independent.base import Row


class NewKeyEachTime(patterns.SourcedEpayment):
    """Makes a key for every request, and does not look in between."""

    first = "M7"

    def send_cancel(self, row: Row) -> bool:
        row.log = [event for event in row.log if event[0] != "sent"]
        if self.folded(row).cancel_wanted:
            self.append_event(row, "key spent", self.new_key())
        return super().send_cancel(row)

    def read_payment(self, row: Row) -> Row:
        return self.folded(row) if self.folded(row).cancel_wanted else super().read_payment(row)


class NeverReleasesTheRest(patterns.OutboxEcom):
    """The release flag was not known when this was written."""

    first = "M11"

    class client_class(api_clients.Ecom):
        def cancel(self, row: Any, key: str, *, only_unapproved: bool = False) -> CallResult:
            return self.change("PUT", self.path(row) + "/cancel", self._body(row))


class NotFoundIsOver(patterns.ReconcilerEpayment):
    """A payment that cannot be found any more is over: what a wrong sales unit does to all of them."""

    first = "M18"

    class client_class(api_clients.Epayment):
        def state_at(self, path: str) -> PaymentState | None:
            status, _, raw = self.call("GET", path)
            if status in (403, 404):
                return PaymentState("ended")
            return self.payment_state(parsed(raw)) if status == 200 else None

    def tick(self, now: datetime) -> None:
        try:
            super().tick(now)
        except transports.NoResponse:
            return


class AcceptedIsDone(patterns.SourcedRecurring):
    """202 is a success, and the charge is over."""

    first = "M22"

    class client_class(api_clients.Recurring):
        def proof(self, status: int, content: Any) -> PaymentState | None:
            return PaymentState("ended") if status in (202, 204) and content is None else None


class GoesByTheState(patterns.ReconcilerEpayment):
    """AUTHORIZED is payable, whatever the sums say."""

    first = "M20"

    class client_class(api_clients.Epayment):
        def payment_state(self, content: Any) -> PaymentState | None:
            payment = super().payment_state(content)
            if payment is not None and payment.state == "ended" and content["state"] == "AUTHORIZED":
                return PaymentState("reserved", payment.authorized)
            return payment


class AnyTwoHundred(async_merchant.AsyncMerchant):
    """Whatever comes with 200 is a cancel."""

    first = "M19"

    def proves(self, response: httpx.Response) -> PaymentState | None:
        return PaymentState("ended") if response.is_success else None


class DoesNotKnowExpired(event_driven.FlagFirst):
    """EXPIRED is not in the list of states, and the payment stays open for ever."""

    first = "M21"

    class client_class(api_clients.Epayment):
        def payment_state(self, content: Any) -> PaymentState | None:
            payment = super().payment_state(content)
            return None if payment is not None and content["state"] == "EXPIRED" else payment


class FlagAlways(event_driven.FlagFirst):
    """Every cancel says ``cancelTransactionOnly``, so that no reservation is ever released."""

    first = "M5"

    class client_class(api_clients.Epayment):
        def cancel(self, row: Any, key: str, *, only_unapproved: bool = False) -> CallResult:
            return super().cancel(row, key, only_unapproved=True)


class ReferenceIsTheKey(patterns.OutboxEpayment):
    """The reference is the key of everything."""

    first = "M8"

    class client_class(api_clients.Epayment):
        def cancel(self, row: Any, key: str, *, only_unapproved: bool = False) -> CallResult:
            return super().cancel(row, row.reference, only_unapproved=only_unapproved)

        def capture(self, row: Any, amount: int, key: str) -> CallResult:
            return super().capture(row, amount, row.reference)


class KeyForEver(async_merchant.AsyncMerchant):
    """The key of the cancel is made from the order, also after a refusal."""

    first = "M9"

    async def send(self, client: Any, row: Row) -> None:
        await super().send(client, row)
        row.key = f"cancel-{row.reference}"[:50]


class SilenceIsConsent(patterns.SourcedEpayment):
    """When no answer comes, the cancel will have been done."""

    first = "M25"

    class client_class(api_clients.Epayment):
        def cancel(self, row: Any, key: str, *, only_unapproved: bool = False) -> CallResult:
            result = super().cancel(row, key, only_unapproved=only_unapproved)
            if result.kind == "unknown" and not result.status:
                return CallResult("done", payment=PaymentState("ended"))
            return result


class UpperCase(patterns.OutboxEcom):
    """References are upper-cased by the shop's own records."""

    first = "M2"

    class client_class(api_clients.Ecom):
        def path(self, row: Any) -> str:
            return super().path(row).replace(row.reference, row.reference.upper())


class DeafToRetryAfter(patterns.OutboxEpayment):
    """The client hides Retry-After; it tries again after its own two seconds, three times."""

    first = "M27b"

    class client_class(api_clients.Epayment):
        def cancel(self, row: Any, key: str, *, only_unapproved: bool = False) -> CallResult:
            result = super().cancel(row, key)
            for _ in range(2):
                if result.kind not in ("later", "unknown"):
                    break
                self.setup.sleep(2.0)
                result = super().cancel(row, key)
            return CallResult(result.kind, result.status, result.code, 0.0, result.payment)


class RefusedIsCancelled(event_driven.CallbackEcom):
    """A refusal means that there was nothing to cancel, so the order is cancelled."""

    first = "M18"

    def send(self, row: Row) -> bool:
        if self.must_wait(row):
            return False
        result = self.api.cancel(row, "")
        self.delay_next_cancel(row, result.wait)
        if result.kind == "refused":
            row.state = "ended"
            return True
        row.update(self.api.read(row))
        return row.is_over


class SecretEverywhere(patterns.PollingRecurring):
    """The headers of the token call are those of every call."""

    first = "M3"

    class client_class(api_clients.Recurring):
        def headers(self) -> dict[str, str]:
            return super().headers() | {
                "client_id": self.setup.client_id,
                "client_secret": self.setup.client_secret,
            }


class LongVersion(patterns.OutboxEcom):
    """The version in the header has the name of the build in it, and is too long."""

    first = "M3b"

    class client_class(api_clients.Ecom):
        def headers(self) -> dict[str, str]:
            return super().headers() | {"Vipps-System-Version": "4.12.1-rc.3+build.20260118.7f3c9a1"}


class AmountInTheCancel(event_driven.FlagFirst):
    """A part of the amount is believed to be cancellable."""

    first = "M4"

    class client_class(api_clients.Epayment):
        def cancel(self, row: Any, key: str, *, only_unapproved: bool = False) -> CallResult:
            body = {"modificationAmount": {"currency": row.currency, "value": row.remaining or row.amount}}
            return self.change("POST", self.path(row) + "/cancel", body, **{"Idempotency-Key": key})


class WrongVerb(patterns.PollingRecurring):
    """Cancels a charge with POST, as a guide once said."""

    first = "M1"

    class client_class(api_clients.Recurring):
        def cancel(self, row: Any, key: str, *, only_unapproved: bool = False) -> CallResult:
            return self.change("POST", self.path(row) + "/cancel", None, **{"Idempotency-Key": key})


class NoKeyOnDelete(patterns.SourcedRecurring):
    """DELETE needs no key, it was thought."""

    first = "M6"

    class client_class(api_clients.Recurring):
        def cancel(self, row: Any, key: str, *, only_unapproved: bool = False) -> CallResult:
            return self.change("DELETE", self.path(row))


class OneKeyForTheBatch(async_merchant.AsyncMerchant):
    """All cancels of the night share the key of the batch."""

    first = "M8"

    async def cancel(self, order_id: str) -> None:
        self.rows[order_id].key = f"batch-{self.setup.now():%Y%m%d}"
        await super().cancel(order_id)


class Redirected(event_driven.CallbackEcom):
    """Follows a redirect, and the page that it leads to is a success."""

    first = "M18"

    class transport_class(transports.Requests):
        def __call__(self, method: str, path: str, headers: dict[str, str], body: Any = None) -> transports.RawResponse:
            try:
                response = self.session.request(method, self.base + path, headers=headers, json=body, timeout=6)
            except requests.RequestException as error:
                raise transports.NoResponse(str(error)) from error
            return response.status_code, dict(response.headers), response.content

    def send(self, row: Row) -> bool:
        if self.must_wait(row):
            return False
        status, _, raw = self.api.call("PUT", self.api.path(row) + "/cancel", self.api._body(row))
        self.delay_next_cancel(row)
        if status == 200 and parsed(raw) is None:
            row.state = "ended"
            return True
        row.update(self.api.read(row))
        return row.is_over


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
