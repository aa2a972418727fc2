"""Correct merchants that cancel while somebody waits, and what the simple merchants on ePayment have in common."""

from __future__ import annotations

import http.client
import json
import uuid
from datetime import datetime
from time import monotonic, sleep
from typing import ClassVar
from urllib.parse import urlsplit

import httpx

from conformance.merchant import Order, Setup, View

BUSY = (408, 423, 425, 429)
"""HTTP statuses of a refusal that may succeed later."""


class Failed(Exception):
    """An action did not succeed."""


class EpaymentMerchant:
    """What most of these merchants have in common on ePayment: a token, headers, and a row for each order."""

    profiles: ClassVar = ["epayment"]

    def __init__(self, setup: Setup, rows: dict[str, dict] | None = None) -> None:
        self.setup = setup
        self.rows = {} if rows is None else rows
        self.client = httpx.Client(base_url=setup.base_url, timeout=5)
        self.bearer = ""

    def headers(self, key: str = "") -> dict[str, str]:
        if not self.bearer:
            keys = {"client_id": self.setup.client_id, "client_secret": self.setup.client_secret}
            keys["Ocp-Apim-Subscription-Key"] = self.setup.subscription_key
            response = self.client.post("/accesstoken/get", headers=keys)
            if response.status_code != 200:
                raise Failed("no token")
            self.bearer = response.json()["access_token"]
        own = {
            "authorization": f"Bearer {self.bearer}",
            "ocp-apim-subscription-key": self.setup.subscription_key,
            "merchant-serial-number": self.setup.msn,
            "vipps-system-name": "shapes",
        }
        return {**own, "idempotency-key": key} if key else own

    def send(self, method: str, path: str, body: object = None, key: str = "") -> httpx.Response:
        response = self.client.request(method, path, headers=self.headers(key), json=body)
        if response.status_code == 401:
            self.bearer = ""
            response = self.client.request(method, path, headers=self.headers(key), json=body)
        return response

    def create(self, order: Order) -> str:
        row = self.rows.setdefault(
            order.id, {"status": "open", "captured": 0, "cancelled": 0, "key": "", "amount": order.amount}
        )
        row["currency"] = order.currency
        body = {
            "amount": {"value": order.amount, "currency": order.currency},
            "paymentMethod": {"type": "WALLET"},
            "reference": order.id,
            "userFlow": "WEB_REDIRECT",
            "returnUrl": "https://shop.example/",
        }
        response = self.send("POST", "/epayment/v1/payments", body, f"new-{order.id}")
        if response.status_code not in (201, 409):
            raise Failed(response.status_code)
        return order.id

    def path(self, order_id: str) -> str:
        return f"/epayment/v1/payments/{order_id}"

    def local_view(self, order_id: str) -> View:
        row = self.rows[order_id]
        return View(row["status"], captured=row["captured"], cancelled=row["cancelled"], reference=order_id)

    def update_row(self, row: dict, content: dict) -> bool:
        """Write what a read showed into a row; return whether the payment has ended."""
        sums = {name: amount["value"] for name, amount in content["aggregate"].items()}
        row["captured"] = sums["capturedAmount"]
        if content["state"] in ("TERMINATED", "ABORTED", "EXPIRED"):
            row["status"] = "cancelled"
            return True
        left = sums["authorizedAmount"] - sums["capturedAmount"] - sums["cancelledAmount"]
        row["cancelled"] = sums["cancelledAmount"]
        if sums["authorizedAmount"] and not left:
            row["status"] = "captured" if sums["capturedAmount"] else "cancelled"
            return True
        if sums["capturedAmount"]:
            row["status"] = "captured"
        elif sums["authorizedAmount"]:
            row["status"] = "authorized"
        return False


def payment_in(response: httpx.Response) -> dict | None:
    """Return the payment in a response; None where there is none."""
    try:
        content = response.json()
    except ValueError:
        return None
    return content if isinstance(content, dict) and "aggregate" in content else None


class Synchronous(EpaymentMerchant):
    """Does everything while somebody waits: no queue, no polling, no notifications. A failed action is asked again.

    What was shipped and is not paid is captured before the rest is released.
    """

    def read(self, order_id: str) -> bool:
        response = self.send("GET", self.path(order_id))
        content = payment_in(response) if response.status_code == 200 else None
        if content is None:
            raise Failed(f"read: {response.status_code}")
        return self.update_row(self.rows[order_id], content)

    def cancel(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row["status"] == "cancelled":
            return
        if row.get("owed") and not self.read(order_id):
            self.capture(order_id, row["owed"])
        row["key"] = row["key"] or str(uuid.uuid4())
        response = self.send("POST", f"{self.path(order_id)}/cancel", None, row["key"])
        content = payment_in(response) if response.status_code == 200 else None
        if content is not None and self.update_row(row, content):
            row["key"] = ""
            return
        final = 400 <= response.status_code < 500 and response.status_code not in BUSY and "6160" not in response.text
        if final and "6250" not in response.text:
            row["key"] = ""
        if not self.read(order_id):
            raise Failed(f"cancel: {response.status_code}")
        row["key"] = ""

    def capture(self, order_id: str, amount: int) -> None:
        row = self.rows[order_id]
        if row.get("owed") and row["owed"] != amount:
            raise Failed("the shipment before this one is not paid")
        key = row.get("take") or str(uuid.uuid4())
        row["take"], row["owed"] = key, amount
        money = {"modificationAmount": {"value": amount, "currency": row["currency"]}}
        response = self.send("POST", f"{self.path(order_id)}/capture", money, key)
        if response.status_code != 200 or payment_in(response) is None:
            if response.status_code < 500 and response.status_code not in BUSY:
                row["take"] = ""
            raise Failed(f"capture: {response.status_code}")
        row["take"], row["owed"] = "", 0
        self.update_row(row, response.json())


class Counting(Synchronous):
    """Knows when everything was captured, and sends no cancel then."""

    def cancel(self, order_id: str) -> None:
        if self.rows[order_id]["captured"] < self.rows[order_id]["amount"]:
            self.end(order_id)

    def end(self, order_id: str) -> None:
        super().cancel(order_id)


class NoAmounts(Synchronous):
    """Keeps a status and nothing else."""

    def local_view(self, order_id: str) -> View:
        return View(self.rows[order_id]["status"])


class FlagFirst(Synchronous):
    """Tries to stop the payment without touching a reservation, and releases it in a second request."""

    def cancel(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row["status"] == "cancelled":
            return
        if row["status"] == "open":
            row["stop"] = row.get("stop") or str(uuid.uuid4())
            response = self.send("POST", f"{self.path(order_id)}/cancel", {"cancelTransactionOnly": True}, row["stop"])
            content = payment_in(response) if response.status_code == 200 else None
            if content is not None and self.update_row(row, content):
                return
            if response.status_code in (*BUSY, 401) or not 400 <= response.status_code < 500:
                raise Failed(f"cancel: {response.status_code}")
            row["stop"] = ""
            if self.read(order_id):
                return
        super().cancel(order_id)


class NeverLooks(EpaymentMerchant):
    """Knows what the responses to its own cancels say, and nothing else: no read, no notification, no queue."""

    def cancel(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row["status"] == "cancelled":
            return
        row["key"] = row["key"] or str(uuid.uuid4())
        response = self.send("POST", f"{self.path(order_id)}/cancel", None, row["key"])
        content = payment_in(response) if response.status_code == 200 else None
        if 400 <= response.status_code < 500 and response.status_code not in BUSY:
            row["key"] = ""
        if content is None or not self.update_row(row, content):
            raise Failed(f"not cancelled: {response.status_code}")


class Stubborn(EpaymentMerchant):
    """Tries again by itself, with pauses, and measures the time in every way that Python has."""

    def cancel(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row["status"] == "cancelled":
            return
        key = row["key"] = row["key"] or str(uuid.uuid4())
        until, began = monotonic() + 120, datetime.now()  # noqa: DTZ005
        pause = 2.0
        while monotonic() < until and (datetime.now() - began).total_seconds() < 120:  # noqa: DTZ005
            try:
                response = self.send("POST", f"{self.path(order_id)}/cancel", None, key)
                content = payment_in(response) if response.status_code == 200 else None
                if content is not None and self.update_row(row, content):
                    row["key"] = ""
                    return
                if (
                    400 <= response.status_code < 500
                    and response.status_code not in BUSY
                    and response.status_code != 409
                ):
                    row["key"] = ""
                    break
                pause = float(response.headers.get("retry-after", pause))
            except (httpx.TransportError, Failed):
                pass
            sleep(max(pause, 15))
            pause *= 2
        try:
            read_response = self.send("GET", self.path(order_id))
        except (httpx.TransportError, Failed):
            raise Failed("unknown") from None
        content = payment_in(read_response) if read_response.status_code == 200 else None
        if content is None or not self.update_row(row, content):
            raise Failed("not cancelled")
        row["key"] = ""


class Sockets(Synchronous):
    """Uses the standard library's client instead of httpx, over a connection of its own."""

    def send(self, method: str, path: str, body: object = None, key: str = "") -> httpx.Response:
        response = self.send_once(method, path, body, key)
        if response.status_code == 401:
            self.bearer = ""
            response = self.send_once(method, path, body, key)
        return response

    def send_once(self, method: str, path: str, body: object, key: str) -> httpx.Response:
        address = urlsplit(self.setup.base_url)
        headers = self.headers(key)
        content = None if body is None else json.dumps(body)
        if content is not None:
            headers["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=5)
        try:
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            return httpx.Response(response.status, headers=response.getheaders(), content=response.read())
        finally:
            connection.close()


class EcomThroughEPayment(Synchronous):
    """Makes its payments through eCom and handles them through ePayment, which is documented to be possible."""

    profiles: ClassVar = ["ecom"]

    def create(self, order: Order) -> str:
        self.rows.setdefault(
            order.id, {"status": "open", "captured": 0, "cancelled": 0, "key": "", "currency": order.currency}
        )
        body = {
            "customerInfo": {},
            "merchantInfo": {
                "merchantSerialNumber": self.setup.msn,
                "callbackPrefix": "https://shop.example/",
                "fallBack": "https://shop.example/",
            },
            "transaction": {"amount": order.amount, "orderId": order.id, "transactionText": "Order"},
        }
        response = self.send("POST", "/ecomm/v2/payments", body)
        if response.status_code != 200:
            raise Failed(response.status_code)
        return order.id
