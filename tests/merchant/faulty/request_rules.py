"""Faulty merchants whose requests or idempotency keys are wrong: M1 to M9 without M5."""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import Any

import httpx

from examples.merchants import epayment, recurring
from examples.merchants.base import Row
from examples.merchants.client import Refused, TryLater
from tests.merchant.correct.synchronous import Counting, Failed, Synchronous
from tests.merchant.faulty.base import Believing, defect


@defect("B1", "M8")
class OneKeyForAll(epayment.Adapter):
    """Every cancel of every order has the same idempotency key."""

    def cancel_payment(self, row: Row, key: str) -> None:
        super().cancel_payment(row, "1")


@defect("B2", "M9")
class KeyOfTheOrder(epayment.Adapter):
    """The key of a cancel is made from the order, and so the same after a refusal."""

    def cancel_payment(self, row: Row, key: str) -> None:
        super().cancel_payment(row, f"cancel-{row.wanted_end}-{row.reference}")


@defect("B2", "M9")
class KeyOfTheCharge(recurring.Adapter):
    """The key of a cancel is made from the charge, and so the same after a refusal."""

    def cancel_payment(self, row: Row, key: str) -> None:
        super().cancel_payment(row, f"x{row.reference}"[-40:])


@defect("B3", "M8")
class ReferenceAsKey(epayment.Adapter):
    """The payment's reference is the key of its capture and of its cancel."""

    def capture_payment(self, row: Row, key: str, amount: int) -> None:
        super().capture_payment(row, row.reference, amount)

    def cancel_payment(self, row: Row, key: str) -> None:
        super().cancel_payment(row, row.reference)


@defect("B4", "M7")
class KeyOfTheCall(Synchronous):
    """Every call makes a key of its own: a cancel that is sent again looks like a new one."""

    def cancel(self, order_id: str) -> None:
        self.rows[order_id]["key"] = ""
        super().cancel(order_id)


@defect("B6", "M6")
class NoKey(recurring.Adapter):
    """A cancel of a charge has no key."""

    def cancel_payment(self, row: Row, key: str) -> None:
        super().cancel_payment(row, "")


@defect("B9", "M1")
class WrongPath(Believing):
    """Cancels at a path that does not exist, and takes no notice."""

    def send(self, method: str, path: str, body: object = None, key: str = "") -> httpx.Response:
        return super().send(method, path.replace("/v1/payments/", "/v1/") if "cancel" in path else path, body, key)

    def done(self, response: httpx.Response | None) -> bool:
        return True


@defect("B10", "M4")
class AmountInTheBody(epayment.Adapter):
    """Sends the amount that it means to release."""

    def cancel_payment(self, row: Row, key: str) -> None:
        body = {"modificationAmount": {"value": row.authorized - row.captured, "currency": row.currency}}
        self.client.call("POST", f"{self._path(row)}/cancel", body, key)


@defect("B37", "M2")
class LowerCase(epayment.Adapter):
    """Keeps references in another case than they were made in."""

    def cancel_payment(self, row: Row, key: str) -> None:
        self.client.call("POST", f"{self._path(row).replace('cc-', 'CC-')}/cancel", None, key)


@defect("B38", "M3")
class SecretEverywhere(epayment.Adapter):
    """Sends the client secret with every call."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.client._client.headers["client_secret"] = self.setup.client_secret


@defect("B5", "M7")
class KeyDeletedOnFailure(Counting):
    """A failed attempt deletes the order's key, and the next one makes another."""

    def end(self, order_id: str) -> None:
        try:
            super().end(order_id)
        except (Failed, httpx.TransportError):
            self.rows[order_id]["key"] = ""
            raise


@defect("B6", "M6b")
class NoKeyOnEPayment(epayment.Adapter):
    """A cancel has no key."""

    def cancel_payment(self, row: Row, key: str) -> None:
        super().cancel_payment(row, "")


@defect("B10", "M4")
class EmptyListAsBody(recurring.Adapter):
    """Encodes "nothing" as an empty list, and sends it."""

    def cancel_payment(self, row: Row, key: str) -> None:
        self.client.call("DELETE", self._path(row), [], key)


@defect("B32", "M2")
class OfAnyGateway(epayment.Adapter):
    """The hook for cancelled orders is called for what was never paid here, too."""

    def cancel(self, order_id: str) -> None:
        super().cancel(order_id)
        with suppress(Refused, TryLater):
            self.client.call("POST", f"{epayment.PAYMENTS}/invoice-{order_id}/cancel", None, str(uuid.uuid4()))
