"""Correct merchants that find out later how a cancel went: by polling, a queue, webhooks or coroutines."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import ClassVar

import httpx

from conformance.merchant import Order, Setup, View, Webhook
from tests.merchant.correct.synchronous import BUSY, EpaymentMerchant, Failed, Synchronous, payment_in


class CancelThenPoll(EpaymentMerchant):
    """Sends the cancel without a look, believes no response, and polls until the payment has ended."""

    def cancel(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row["status"] == "cancelled":
            return
        row["status"] = "cancelling"
        row["key"] = row["key"] or f"{order_id}-cancel-{uuid.uuid4().hex[:6]}"
        try:
            response = self.send("POST", f"{self.path(order_id)}/cancel", {}, row["key"])
        except httpx.TransportError:
            return
        if response.status_code in (400, 403, 404, 409, 422):
            row["key"] = ""

    def tick(self, now: datetime) -> None:
        for order_id, row in self.rows.items():
            if row["status"] == "cancelled":
                continue
            try:
                response = self.send("GET", self.path(order_id))
            except (httpx.TransportError, Failed):
                continue
            content = payment_in(response) if response.status_code == 200 else None
            if content is None:
                continue
            wanted = row["status"] == "cancelling"
            if not self.update_row(row, content) and wanted:
                row["status"] = "cancelling"
                if row.get("again", 0) < now.timestamp():
                    row["again"] = now.timestamp() + 31
                    self.cancel(order_id)


class Queue(EpaymentMerchant):
    """Only writes down what it wants; a worker sends one request in each tick, with growing pauses."""

    def cancel(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row.get("owed"):
            self.capture(order_id, row["owed"])
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
            response = self.send("POST", f"{self.path(order_id)}/cancel", None, job["key"])
            if response.status_code < 500 and response.status_code >= 400 and response.status_code not in BUSY:
                job["key"] = str(uuid.uuid4())
            read_response = self.send("GET", self.path(order_id))
        except (httpx.TransportError, Failed):
            return
        wait = response.headers.get("retry-after", "")
        if wait.isdecimal():
            job["due"] = max(job["due"], now.timestamp() + int(wait))
        content = payment_in(read_response) if read_response.status_code == 200 else None
        if content is not None:
            if self.update_row(row, content):
                row["job"] = None
            else:
                row["status"] = "cancelling"

    def capture(self, order_id: str, amount: int) -> None:
        row = self.rows[order_id]
        if row["status"] in ("cancelling", "cancelled") or row.get("job"):
            raise Failed("the order is closed")
        money = {"modificationAmount": {"value": amount, "currency": row["currency"]}}
        key, row["owed"] = row.setdefault(f"take{amount}", str(uuid.uuid4())), amount
        response = self.send("POST", f"{self.path(order_id)}/capture", money, key)
        if response.status_code != 200:
            read_response = self.send("GET", self.path(order_id))
            content = payment_in(read_response) if read_response.status_code == 200 else None
            if content is not None and self.update_row(row, content):
                row["owed"] = 0
            if 400 <= response.status_code < 500 and response.status_code not in BUSY:
                del row[f"take{amount}"]
            raise Failed(response.status_code)
        del row[f"take{amount}"]
        row["owed"] = 0
        self.update_row(row, response.json())

    def restart(self) -> Queue:
        return type(self)(self.setup, self.rows)


class Notified(EpaymentMerchant):
    """Knows what notifications and the responses to its own cancels say; it never reads a payment."""

    def cancel(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row["status"] == "cancelled":
            return
        key = row["key"] = row["key"] or str(uuid.uuid4())
        response = self.send("POST", f"{self.path(order_id)}/cancel", None, key)
        content = payment_in(response) if response.status_code == 200 else None
        if content is not None and self.update_row(row, content):
            row["key"] = ""
            return
        if response.status_code in (400, 403, 404, 409, 422):
            row["key"] = ""
        raise Failed(f"not cancelled: {response.status_code}")

    def deliver(self, webhook: Webhook) -> None:
        row = self.rows.get(webhook.body["reference"])
        if row is None or not webhook.body["success"]:
            return
        handled = row.setdefault("seen", set())
        if webhook.body["pspReference"] in handled:
            return
        handled.add(webhook.body["pspReference"])
        amount = webhook.body["amount"]["value"]
        match webhook.body["name"]:
            case "AUTHORIZED":
                if row["status"] == "open":
                    row["status"] = "authorized"
            case "CANCELLED":
                row["status"], row["cancelled"] = "cancelled", amount
            case "TERMINATED" | "ABORTED" | "EXPIRED":
                row["status"] = "cancelled"


class Async:
    """Runs everything in coroutines, with one client."""

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
        response = await self.send("GET", f"/epayment/v1/payments/{order_id}")
        content = payment_in(response) if response.status_code == 200 else None
        if content is not None and self.shop.update_row(row, content):
            return
        row["key"] = row["key"] or str(uuid.uuid4())
        response = await self.send("POST", f"/epayment/v1/payments/{order_id}/cancel", {}, row["key"])
        if response.status_code == 401:
            self.shop.bearer = ""
        elif 400 <= response.status_code < 500 and response.status_code not in BUSY:
            row["key"] = ""
        response = await self.send("GET", f"/epayment/v1/payments/{order_id}")
        content = payment_in(response) if response.status_code == 200 else None
        if content is None or not self.shop.update_row(row, content):
            raise Failed("not yet")

    async def local_view(self, order_id: str) -> dict:
        row = self.rows[order_id]
        return {"status": row["status"], "reference": order_id, "captured": row["captured"]}


class RecurringBlind:
    """Recurring without a look beforehand: 204 is done, and 202 is polled in the next tick."""

    profiles: ClassVar = ["recurring"]

    def __init__(self, setup: Setup) -> None:
        self.plain = EpaymentMerchant(setup)
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
        response = self.plain.send("POST", path, body, f"n-{order.id}"[:40])
        if response.status_code != 201:
            raise Failed(response.status_code)
        row = {
            "agreement": order.agreement,
            "charge": response.json()["chargeId"],
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
        response = self.plain.send("DELETE", self.path(row), None, row["key"])
        if response.status_code == 204:
            row["status"], row["key"] = "cancelled", ""
            return
        row["status"], row["poll"] = "cancelling", True
        if response.status_code == 202:
            return
        if 400 <= response.status_code < 500 and response.status_code not in BUSY and response.status_code != 409:
            row["key"] = ""
        if response.status_code == 409:
            row["key"] = ""
        raise Failed(response.status_code)

    def tick(self, now: datetime) -> None:
        for row in self.rows.values():
            if not row["poll"]:
                continue
            try:
                response = self.plain.send("GET", self.path(row))
                status = response.json()["status"] if response.status_code == 200 else ""
            except (httpx.TransportError, ValueError, KeyError, Failed):
                continue
            if status in ("CANCELLED", "FAILED"):
                row["status"], row["poll"], row["key"] = "cancelled", False, ""

    def local_view(self, order_id: str) -> View:
        return View(self.rows[order_id]["status"], reference=self.rows[order_id]["charge"])
