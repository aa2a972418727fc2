"""Correct merchants of very different shapes. None of them may be accused of anything.

They share nothing with the reference merchants: each decides, waits, looks and remembers in its own way.
"""

from __future__ import annotations

import http.client
import json
import uuid
from datetime import datetime, timedelta
from time import monotonic, sleep
from typing import ClassVar
from urllib.parse import urlsplit

import httpx

from conformance.merchant import Order, Setup, View, Webhook

BUSY = (408, 423, 425, 429)


class Failed(Exception):
    """Whatever could not be done."""


class Plain:
    """What most of these have in common on ePayment: a token, headers, and a row for each order."""

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
            got = self.client.post("/accesstoken/get", headers=keys)
            if got.status_code != 200:
                raise Failed("no token")
            self.bearer = got.json()["access_token"]
        own = {
            "authorization": f"Bearer {self.bearer}",
            "ocp-apim-subscription-key": self.setup.subscription_key,
            "merchant-serial-number": self.setup.msn,
            "vipps-system-name": "shapes",
        }
        return {**own, "idempotency-key": key} if key else own

    def send(self, method: str, path: str, body: object = None, key: str = "") -> httpx.Response:
        got = self.client.request(method, path, headers=self.headers(key), json=body)
        if got.status_code == 401:
            self.bearer = ""
            got = self.client.request(method, path, headers=self.headers(key), json=body)
        return got

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
        got = self.send("POST", "/epayment/v1/payments", body, f"new-{order.id}")
        if got.status_code not in (201, 409):
            raise Failed(got.status_code)
        return order.id

    def path(self, order_id: str) -> str:
        return f"/epayment/v1/payments/{order_id}"

    def local_view(self, order_id: str) -> View:
        row = self.rows[order_id]
        return View(row["status"], captured=row["captured"], cancelled=row["cancelled"], reference=order_id)

    def learn(self, row: dict, said: dict) -> bool:
        """Write down what a payment says of itself; tell whether it has ended."""
        sums = {name: amount["value"] for name, amount in said["aggregate"].items()}
        row["captured"] = sums["capturedAmount"]
        if said["state"] in ("TERMINATED", "ABORTED", "EXPIRED"):
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


def parsed(got: httpx.Response) -> dict | None:
    try:
        said = got.json()
    except ValueError:
        return None
    return said if isinstance(said, dict) and "aggregate" in said else None


class Synchronous(Plain):
    """Everything happens while somebody waits: no queue, no polling, no notifications. What fails is asked again."""

    def read(self, order_id: str) -> bool:
        got = self.send("GET", self.path(order_id))
        said = parsed(got) if got.status_code == 200 else None
        if said is None:
            raise Failed(f"read: {got.status_code}")
        return self.learn(self.rows[order_id], said)

    def cancel(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row["status"] == "cancelled":
            return
        row["key"] = row["key"] or str(uuid.uuid4())
        got = self.send("POST", f"{self.path(order_id)}/cancel", None, row["key"])
        said = parsed(got) if got.status_code == 200 else None
        if said is not None and self.learn(row, said):
            row["key"] = ""
            return
        final = 400 <= got.status_code < 500 and got.status_code not in BUSY and "6160" not in got.text
        if final and "6250" not in got.text:
            row["key"] = ""
        if not self.read(order_id):
            raise Failed(f"cancel: {got.status_code}")
        row["key"] = ""

    def capture(self, order_id: str, amount: int) -> None:
        row = self.rows[order_id]
        key = row.get("take") or str(uuid.uuid4())
        row["take"] = key
        money = {"modificationAmount": {"value": amount, "currency": row["currency"]}}
        got = self.send("POST", f"{self.path(order_id)}/capture", money, key)
        if got.status_code != 200 or parsed(got) is None:
            if got.status_code < 500 and got.status_code not in BUSY:
                row["take"] = ""
            raise Failed(f"capture: {got.status_code}")
        row["take"] = ""
        self.learn(row, got.json())


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
            got = self.send("POST", f"{self.path(order_id)}/cancel", {"cancelTransactionOnly": True}, row["stop"])
            said = parsed(got) if got.status_code == 200 else None
            if said is not None and self.learn(row, said):
                return
            if got.status_code in (*BUSY, 401) or not 400 <= got.status_code < 500:
                raise Failed(f"cancel: {got.status_code}")
            row["stop"] = ""
            if self.read(order_id):
                return
        super().cancel(order_id)


class CancelThenPoll(Plain):
    """Sends the cancel blindly, believes nothing that comes back, and polls until the payment has ended."""

    def cancel(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row["status"] == "cancelled":
            return
        row["status"] = "cancelling"
        row["key"] = row["key"] or f"{order_id}-cancel-{uuid.uuid4().hex[:6]}"
        try:
            got = self.send("POST", f"{self.path(order_id)}/cancel", {}, row["key"])
        except httpx.TransportError:
            return
        if got.status_code in (400, 403, 404, 409, 422):
            row["key"] = ""

    def tick(self, now: datetime) -> None:
        for order_id, row in self.rows.items():
            if row["status"] == "cancelled":
                continue
            try:
                got = self.send("GET", self.path(order_id))
            except (httpx.TransportError, Failed):
                continue
            said = parsed(got) if got.status_code == 200 else None
            if said is None:
                continue
            wanted = row["status"] == "cancelling"
            if not self.learn(row, said) and wanted:
                row["status"] = "cancelling"
                if row.get("again", 0) < now.timestamp():
                    row["again"] = now.timestamp() + 31
                    self.cancel(order_id)


class Queue(Plain):
    """The shop only writes down what it wants; a worker does it, one request in a tick, with growing pauses."""

    def cancel(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row["status"] in ("open", "authorized", "captured") and not row.get("job"):
            row["job"] = {"key": str(uuid.uuid4()), "tries": 0, "due": 0.0}
            if row["status"] != "captured":
                row["status"] = "cancelling"

    def tick(self, now: datetime) -> None:
        for order_id, row in self.rows.items():
            job = row.get("job")
            if job and job["due"] <= now.timestamp():
                self.work(order_id, row, job, now)

    def work(self, order_id: str, row: dict, job: dict, now: datetime) -> None:
        job["tries"] += 1
        job["due"] = now.timestamp() + 40 * job["tries"]
        try:
            got = self.send("POST", f"{self.path(order_id)}/cancel", None, job["key"])
            if got.status_code < 500 and got.status_code >= 400 and got.status_code not in BUSY:
                job["key"] = str(uuid.uuid4())
            look = self.send("GET", self.path(order_id))
        except (httpx.TransportError, Failed):
            return
        wait = got.headers.get("retry-after", "")
        if wait.isdecimal():
            job["due"] = max(job["due"], now.timestamp() + int(wait))
        said = parsed(look) if look.status_code == 200 else None
        if said is not None:
            if self.learn(row, said):
                row["job"] = None
            else:
                row["status"] = "cancelling"

    def capture(self, order_id: str, amount: int) -> None:
        row = self.rows[order_id]
        money = {"modificationAmount": {"value": amount, "currency": row["currency"]}}
        key = row.setdefault(f"take{amount}", str(uuid.uuid4()))
        got = self.send("POST", f"{self.path(order_id)}/capture", money, key)
        if got.status_code != 200:
            raise Failed(got.status_code)
        del row[f"take{amount}"]
        self.learn(row, got.json())

    def restart(self) -> Queue:
        return type(self)(self.setup, self.rows)


class Notified(Plain):
    """Knows what notifications and answers to its own cancels say; it never reads a payment."""

    def cancel(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row["status"] == "cancelled":
            return
        key = row["key"] = row["key"] or str(uuid.uuid4())
        got = self.send("POST", f"{self.path(order_id)}/cancel", None, key)
        said = parsed(got) if got.status_code == 200 else None
        if said is not None and self.learn(row, said):
            row["key"] = ""
            return
        if got.status_code in (400, 403, 404, 409, 422):
            row["key"] = ""
        raise Failed(f"not cancelled: {got.status_code}")

    def deliver(self, webhook: Webhook) -> None:
        row = self.rows.get(webhook.body["reference"])
        if row is None or not webhook.body["success"]:
            return
        seen = row.setdefault("seen", set())
        if webhook.body["pspReference"] in seen:
            return
        seen.add(webhook.body["pspReference"])
        amount = webhook.body["amount"]["value"]
        match webhook.body["name"]:
            case "AUTHORIZED":
                if row["status"] == "open":
                    row["status"] = "authorized"
            case "CANCELLED":
                row["status"], row["cancelled"] = "cancelled", amount
            case "TERMINATED" | "ABORTED" | "EXPIRED":
                row["status"] = "cancelled"


class NeverLooks(Plain):
    """Knows what the answers to its own cancels say, and nothing else: no read, no notification, no queue."""

    def cancel(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row["status"] == "cancelled":
            return
        row["key"] = row["key"] or str(uuid.uuid4())
        got = self.send("POST", f"{self.path(order_id)}/cancel", None, row["key"])
        said = parsed(got) if got.status_code == 200 else None
        if 400 <= got.status_code < 500 and got.status_code not in BUSY:
            row["key"] = ""
        if said is None or not self.learn(row, said):
            raise Failed(f"not cancelled: {got.status_code}")


class Stubborn(Plain):
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
                got = self.send("POST", f"{self.path(order_id)}/cancel", None, key)
                said = parsed(got) if got.status_code == 200 else None
                if said is not None and self.learn(row, said):
                    row["key"] = ""
                    return
                if 400 <= got.status_code < 500 and got.status_code not in BUSY and got.status_code != 409:
                    row["key"] = ""
                    break
                pause = float(got.headers.get("retry-after", pause))
            except (httpx.TransportError, Failed):
                pass
            sleep(max(pause, 15))
            pause *= 2
        try:
            look = self.send("GET", self.path(order_id))
        except (httpx.TransportError, Failed):
            raise Failed("unknown") from None
        said = parsed(look) if look.status_code == 200 else None
        if said is None or not self.learn(row, said):
            raise Failed("not cancelled")
        row["key"] = ""


class Async:
    """Everything in coroutines, with one client for all of it."""

    profiles: ClassVar = ["epayment"]

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.rows: dict[str, dict] = {}
        self.client = httpx.AsyncClient(base_url=setup.base_url, timeout=5)
        self.shop = Synchronous(setup, self.rows)

    async def send(self, method: str, path: str, body: object = None, key: str = "") -> httpx.Response:
        return await self.client.request(method, path, headers=self.shop.headers(key), json=body)

    async def create(self, order: Order) -> str:
        return self.shop.create(order)

    async def cancel(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row["status"] == "cancelled":
            return
        got = await self.send("GET", f"/epayment/v1/payments/{order_id}")
        said = parsed(got) if got.status_code == 200 else None
        if said is not None and self.shop.learn(row, said):
            return
        row["key"] = row["key"] or str(uuid.uuid4())
        got = await self.send("POST", f"/epayment/v1/payments/{order_id}/cancel", {}, row["key"])
        if got.status_code == 401:
            self.shop.bearer = ""
        elif 400 <= got.status_code < 500 and got.status_code not in BUSY:
            row["key"] = ""
        got = await self.send("GET", f"/epayment/v1/payments/{order_id}")
        said = parsed(got) if got.status_code == 200 else None
        if said is None or not self.shop.learn(row, said):
            raise Failed("not yet")

    async def local_view(self, order_id: str) -> dict:
        row = self.rows[order_id]
        return {"status": row["status"], "reference": order_id, "captured": row["captured"]}


class Sockets(Synchronous):
    """No httpx: the standard library's client over a connection of its own."""

    def send(self, method: str, path: str, body: object = None, key: str = "") -> httpx.Response:
        host = urlsplit(self.setup.base_url)
        headers = self.headers(key)
        content = None if body is None else json.dumps(body)
        if content is not None:
            headers["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection(host.hostname or "", host.port, timeout=5)
        try:
            connection.request(method, path, content, headers)
            got = connection.getresponse()
            return httpx.Response(got.status, headers=got.getheaders(), content=got.read())
        finally:
            connection.close()


class EcomThroughEPayment(Synchronous):
    """Makes its payments through eCom, and handles them through ePayment, as it is documented to be possible."""

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
        got = self.send("POST", "/ecomm/v2/payments", body)
        if got.status_code != 200:
            raise Failed(got.status_code)
        return order.id


class RecurringBlind:
    """Recurring without a look beforehand: 204 is done, 202 is asked about in the next tick."""

    profiles: ClassVar = ["recurring"]

    def __init__(self, setup: Setup) -> None:
        self.plain = Plain(setup)
        self.setup = setup
        self.rows: dict[str, dict] = {}

    def path(self, row: dict) -> str:
        return f"/recurring/v3/agreements/{row['agreement']}/charges/{row['charge']}"

    def create(self, order: Order) -> str:
        body = {
            "amount": order.amount,
            "transactionType": "RESERVE_CAPTURE",
            "description": "Order",
            "due": f"{self.setup.now() + timedelta(days=3):%Y-%m-%d}",
            "retryDays": 0,
        }
        path = f"/recurring/v3/agreements/{order.agreement}/charges"
        got = self.plain.send("POST", path, body, f"n-{order.id}"[:40])
        if got.status_code != 201:
            raise Failed(got.status_code)
        row = {
            "agreement": order.agreement,
            "charge": got.json()["chargeId"],
            "status": "open",
            "key": "",
            "poll": False,
        }
        self.rows[order.id] = row
        return row["charge"]

    def cancel(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row["status"] == "cancelled":
            return
        row["key"] = row["key"] or uuid.uuid4().hex
        got = self.plain.send("DELETE", self.path(row), None, row["key"])
        if got.status_code == 204:
            row["status"], row["key"] = "cancelled", ""
            return
        row["status"], row["poll"] = "cancelling", True
        if got.status_code == 202:
            return
        if 400 <= got.status_code < 500 and got.status_code not in BUSY and got.status_code != 409:
            row["key"] = ""
        if got.status_code == 409:
            row["key"] = ""
        raise Failed(got.status_code)

    def tick(self, now: datetime) -> None:
        for row in self.rows.values():
            if not row["poll"]:
                continue
            try:
                got = self.plain.send("GET", self.path(row))
                status = got.json()["status"] if got.status_code == 200 else ""
            except (httpx.TransportError, ValueError, KeyError, Failed):
                continue
            if status in ("CANCELLED", "FAILED"):
                row["status"], row["poll"], row["key"] = "cancelled", False, ""

    def local_view(self, order_id: str) -> View:
        return View(self.rows[order_id]["status"], reference=self.rows[order_id]["charge"])


SHAPES = (
    Synchronous, NoAmounts, FlagFirst, CancelThenPoll, Queue, Notified, NeverLooks, Stubborn, Async, Sockets,
    EcomThroughEPayment, RecurringBlind,
)  # fmt: skip
