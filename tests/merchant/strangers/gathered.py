"""An asynchronous shop: all of its payments are looked at at once, and everything is one task for each order."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx

from conformance.merchant import Order, Setup, View, Webhook
from tests.merchant.strangers.books import NotDone, Row, row_of
from tests.merchant.strangers.tongues import Epayment, Standing, parsed

HOME = "/epayment/v1/payments"


class Gathered:
    profiles = ("epayment",)

    def __init__(self, setup: Setup, rows: dict[str, Row] | None = None) -> None:
        self.setup = setup
        self.rows = {} if rows is None else rows
        self.words = Epayment(setup, None)  # type: ignore[arg-type]

    def restart(self) -> Gathered:
        return Gathered(self.setup, self.rows)

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
            made = await client.post(HOME, json=body, headers={"Idempotency-Key": f"make-{row.reference}"})
        made.raise_for_status()
        return row.reference

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.setup.base_url, timeout=6.0, auth=Token(self.setup))

    async def read(self, client: httpx.AsyncClient, row: Row) -> Standing | None:
        try:
            got = await client.get(f"{HOME}/{row.reference}")
        except httpx.TransportError:
            return None
        seen = self.words.standing(parsed(got.content)) if got.status_code == 200 else None
        row.learn(seen)
        return seen

    async def send(self, client: httpx.AsyncClient, row: Row) -> None:
        """Send the cancel of an order once, and find out what became of it."""
        row.not_before = self.setup.now() + timedelta(seconds=25)
        try:
            got = await client.post(f"{HOME}/{row.reference}/cancel", headers={"Idempotency-Key": row.key})
        except httpx.TransportError:
            await self.read(client, row)
            return
        wait = self.words.pause(dict(got.headers))
        row.not_before = max(row.not_before, self.setup.now() + timedelta(seconds=wait))
        seen = self.proves(got)
        if seen is not None:
            row.learn(seen)
        else:
            await self.read(client, row)
        code = self.words.code(parsed(got.content))
        final = 400 <= got.status_code < 500 and got.status_code not in (401, 408, 423, 429)
        if final and code not in self.words.busy and not row.over:
            row.key = f"c-{len(row.log)}-{row.reference}"[:50]
            row.log.append((got.status_code, code))
            if code in self.words.late or len(row.log) > 5:
                row.by_hand = True

    def proves(self, got: httpx.Response) -> Standing | None:
        return self.words.standing(parsed(got.content)) if got.status_code == 200 else None

    async def cancel(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row.over:
            return
        row.wants_cancel = True
        row.key = row.key or f"cancel-{row.reference}"[:50]
        async with self.client() as client:
            await self.settle(client, row)
        if not row.over:
            raise NotDone("not yet")

    async def settle(self, client: httpx.AsyncClient, row: Row) -> None:
        for job in list(row.jobs):
            await self.ship(client, row, job)
        due = row.not_before is None or self.setup.now() >= row.not_before
        if row.wants_cancel and not row.jobs and not row.by_hand and due and not row.over:
            await self.send(client, row)

    async def capture(self, order_id: str, amount: int) -> None:
        row = self.rows[order_id]
        async with self.client() as client:
            await self.read(client, row)
            if row.wants_cancel or row.jobs or row.state not in ("reserved", "taken") or row.rest < amount:
                raise NotDone("not to be captured")
            job = {"amount": amount, "goal": row.captured + amount, "key": f"p{row.captured}-{row.reference}"[:50]}
            row.jobs.append(job)
            await self.ship(client, row, job)
        if row.jobs:
            raise NotDone("not captured yet")

    async def ship(self, client: httpx.AsyncClient, row: Row, job: dict[str, Any]) -> None:
        body = {"modificationAmount": {"currency": row.currency, "value": job["amount"]}}
        status = 0
        try:
            got = await client.post(
                f"{HOME}/{row.reference}/capture", json=body, headers={"Idempotency-Key": job["key"]}
            )
            status = got.status_code
        except httpx.TransportError:
            pass
        await self.read(client, row)
        if row.captured >= job["goal"] or row.over:
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
            live = [row for row in self.rows.values() if not row.over]
            await asyncio.gather(*(self.read(client, row) for row in live))
            await asyncio.gather(*(self.settle(client, row) for row in live if not row.over))

    def local_view(self, order_id: str) -> View:
        row = self.rows[order_id]
        if row.state == "ended":
            status = "cancelled"
        elif row.state == "taken":
            status = "captured"
        elif row.by_hand:
            status = "failed"
        else:
            status = "cancelling" if row.wants_cancel else "authorized" if row.state == "reserved" else "open"
        return View(status, captured=row.captured, currency=row.currency, reference=row.reference)


class Token(httpx.Auth):
    """A token for each client; a new one after a 401, once."""

    requires_response_body = True

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.token = ""

    def auth_flow(self, request: httpx.Request) -> Any:
        for _ in range(2):
            if not self.token:
                got = yield httpx.Request(
                    "POST",
                    self.setup.base_url + "/accesstoken/get",
                    headers={
                        "client_id": self.setup.client_id,
                        "client_secret": self.setup.client_secret,
                        "Ocp-Apim-Subscription-Key": self.setup.subscription_key,
                        "Merchant-Serial-Number": self.setup.msn,
                    },
                )
                found = parsed(got.content) if got.status_code == 200 else None
                if not isinstance(found, dict) or "access_token" not in found:
                    raise httpx.ConnectError("no token")
                self.token = found["access_token"]
            request.headers.update(
                {
                    "Authorization": f"Bearer {self.token}",
                    "Ocp-Apim-Subscription-Key": self.setup.subscription_key,
                    "Merchant-Serial-Number": self.setup.msn,
                    "Vipps-System-Name": "stranger",
                }
            )
            answer = yield request
            if answer.status_code != 401:
                return
            self.token = ""
