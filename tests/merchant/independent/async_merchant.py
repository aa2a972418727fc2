"""An asynchronous merchant: it reads all of its payments at the same time, with one task for each order."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx

from conformance.merchant import Order, Setup, View, Webhook
from tests.merchant.independent.api_clients import Epayment, PaymentState, parsed
from tests.merchant.independent.base import ActionFailed, Row, row_of

PAYMENTS = "/epayment/v1/payments"


class AsyncMerchant:
    """A correct merchant on ePayment whose actions are coroutines."""

    profiles = ("epayment",)

    def __init__(self, setup: Setup, rows: dict[str, Row] | None = None) -> None:
        self.setup = setup
        self.rows = {} if rows is None else rows
        self.api = Epayment(setup, None)  # type: ignore[arg-type]

    def restart(self) -> AsyncMerchant:
        return AsyncMerchant(self.setup, self.rows)

    async def create(self, order: Order) -> str:
        row = Row(order.id, order.id, order.amount, order.currency, order.description, "", self.setup.now())
        self.rows[order.id] = row
        body = {
            "amount": {"currency": row.currency, "value": row.amount},
            "paymentMethod": {"type": "WALLET"},
            "reference": row.reference,
            "userFlow": "WEB_REDIRECT",
            "returnUrl": "https://stranger.example/back",
            "paymentDescription": row.text,
        }
        async with self.client() as client:
            response = await client.post(PAYMENTS, json=body, headers={"Idempotency-Key": f"make-{row.reference}"})
        response.raise_for_status()
        return row.reference

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.setup.base_url, timeout=6.0, auth=Token(self.setup))

    async def read(self, client: httpx.AsyncClient, row: Row) -> PaymentState | None:
        try:
            response = await client.get(f"{PAYMENTS}/{row.reference}")
        except httpx.TransportError:
            return None
        payment = self.api.payment_state(parsed(response.content)) if response.status_code == 200 else None
        row.update(payment)
        return payment

    async def send(self, client: httpx.AsyncClient, row: Row) -> None:
        """Send the cancel of an order once, and find out what became of it."""
        row.not_before = self.setup.now() + timedelta(seconds=25)
        try:
            response = await client.post(f"{PAYMENTS}/{row.reference}/cancel", headers={"Idempotency-Key": row.key})
        except httpx.TransportError:
            await self.read(client, row)
            return
        wait = self.api.pause(dict(response.headers))
        row.not_before = max(row.not_before, self.setup.now() + timedelta(seconds=wait))
        payment = self.proves(response)
        if payment is not None:
            row.update(payment)
        else:
            await self.read(client, row)
        code = self.api.code(parsed(response.content))
        final = 400 <= response.status_code < 500 and response.status_code not in (401, 408, 423, 429)
        if final and code not in self.api.busy and not row.is_over:
            row.key = f"c-{len(row.log)}-{row.reference}"[:50]
            row.log.append((response.status_code, code))
            if code in self.api.late or len(row.log) > 5:
                row.needs_person = True

    def proves(self, response: httpx.Response) -> PaymentState | None:
        return self.api.payment_state(parsed(response.content)) if response.status_code == 200 else None

    async def cancel(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row.is_over:
            return
        row.cancel_wanted = True
        row.key = row.key or f"cancel-{row.reference}"[:50]
        async with self.client() as client:
            await self.settle(client, row)
        if not row.is_over:
            raise ActionFailed("not yet")

    async def settle(self, client: httpx.AsyncClient, row: Row) -> None:
        for job in list(row.jobs):
            await self.send_capture(client, row, job)
        due = row.not_before is None or self.setup.now() >= row.not_before
        if row.cancel_wanted and not row.jobs and not row.needs_person and due and not row.is_over:
            await self.send(client, row)

    async def capture(self, order_id: str, amount: int) -> None:
        row = self.rows[order_id]
        async with self.client() as client:
            await self.read(client, row)
            if row.untold is None or row.untold[0] != amount:
                self.plan_capture(row, amount)
            for job in list(row.jobs):
                await self.send_capture(client, row, job)
        if row.jobs:
            raise ActionFailed("not captured yet")
        told, row.untold = row.untold, None
        if told is not None and row.captured < told[1]:
            raise ActionFailed("the payment has ended")

    def plan_capture(self, row: Row, amount: int) -> None:
        if row.cancel_wanted or row.jobs or row.state not in ("reserved", "taken") or row.remaining < amount:
            raise ActionFailed("not to be captured")
        row.untold = amount, row.captured + amount
        key = f"p{row.captured}-{row.reference}"[:50]
        row.jobs.append({"amount": amount, "goal": row.captured + amount, "key": key})

    async def send_capture(self, client: httpx.AsyncClient, row: Row, job: dict[str, Any]) -> None:
        body = {"modificationAmount": {"currency": row.currency, "value": job["amount"]}}
        status = 0
        try:
            response = await client.post(
                f"{PAYMENTS}/{row.reference}/capture", json=body, headers={"Idempotency-Key": job["key"]}
            )
            status = response.status_code
        except httpx.TransportError:
            pass
        await self.read(client, row)
        if row.captured >= job["goal"] or row.is_over:
            row.jobs.remove(job)
        elif 400 <= status < 500 and status not in (401, 408, 423, 429):
            job["key"] = f"{job['key'][:45]}-{len(row.log)}"
            row.log.append((status, "capture"))

    async def deliver(self, webhook: Webhook) -> None:
        row = row_of(self.rows, webhook.body)
        if row is not None:
            async with self.client() as client:
                await self.read(client, row)

    async def tick(self, now: datetime) -> None:
        async with self.client() as client:
            live = [row for row in self.rows.values() if not row.is_over]
            await asyncio.gather(*(self.read(client, row) for row in live))
            await asyncio.gather(*(self.settle(client, row) for row in live if not row.is_over))

    def local_view(self, order_id: str) -> View:
        row = self.rows[order_id]
        if row.state == "ended":
            status = "cancelled"
        elif row.state == "taken":
            status = "captured"
        elif row.needs_person:
            status = "failed"
        else:
            status = "cancelling" if row.cancel_wanted else "authorized" if row.state == "reserved" else "open"
        return View(status, captured=row.captured, currency=row.currency, reference=row.reference)


class Token(httpx.Auth):
    """Authentication of a client: a token, and once a new one after a 401."""

    requires_response_body = True

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.token = ""

    def auth_flow(self, request: httpx.Request) -> Any:
        for _ in range(2):
            if not self.token:
                response = yield httpx.Request(
                    "POST",
                    self.setup.base_url + "/accesstoken/get",
                    headers={
                        "client_id": self.setup.client_id,
                        "client_secret": self.setup.client_secret,
                        "Ocp-Apim-Subscription-Key": self.setup.subscription_key,
                        "Merchant-Serial-Number": self.setup.msn,
                    },
                )
                content = parsed(response.content) if response.status_code == 200 else None
                if not isinstance(content, dict) or "access_token" not in content:
                    raise httpx.ConnectError("no token")
                self.token = content["access_token"]
            request.headers.update(
                {
                    "Authorization": f"Bearer {self.token}",
                    "Ocp-Apim-Subscription-Key": self.setup.subscription_key,
                    "Merchant-Serial-Number": self.setup.msn,
                    "Vipps-System-Name": "stranger",
                }
            )
            response = yield request
            if response.status_code != 401:
                return
            self.token = ""
