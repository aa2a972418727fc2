"""A shop that learns of approvals and ends by signed notifications alone, and believes what they say."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from conformance.merchant import Order, Setup, WebhookRequest, WebhookResponse
from tests.merchant.correct.synchronous import Counting
from tests.merchant.signed.verifier import is_genuine

URL = "https://shop.example/vipps/webhook?shop=7"
EVENTS = ("created", "authorized", "captured", "cancelled", "refunded", "aborted", "expired", "terminated")
ENDS = ("CANCELLED", "ABORTED", "EXPIRED", "TERMINATED")


class SignedShop(Counting):
    """Registers its webhook, verifies every delivery, and writes what it says into its books."""

    urls: ClassVar[tuple[str, ...]] = (URL,)

    def __init__(self, setup: Setup, rows: dict[str, dict] | None = None) -> None:
        super().__init__(setup, rows)
        self.secrets: dict[str, str] = {}
        self.early: list[dict[str, Any]] = []
        self.known_events: set[str] = set()

    # Registering

    def create(self, order: Order) -> str:
        if not self.secrets:
            for url in self.urls:
                self.secrets[url] = self.register(url)["secret"]
        reference = super().create(order)
        early, self.early = self.early, []
        for event in early:
            self.keep(event)
        return reference

    def register(self, url: str) -> dict[str, str]:
        wanted = {"url": url, "events": [f"epayments.payment.{name}.v1" for name in self.events_of(url)]}
        response = self.send("POST", "/webhooks/v1/webhooks", wanted)
        assert response.status_code == 201, response.text
        content: dict[str, str] = response.json()
        return content

    def events_of(self, url: str) -> tuple[str, ...]:
        return EVENTS

    # Being notified

    def deliver_http(self, request: WebhookRequest) -> WebhookResponse:
        headers = {name.lower(): value for name, value in request.headers}
        if not self.is_genuine(request, headers):
            return WebhookResponse(401, b"bad signature")
        return self.answer(json.loads(request.body))

    def is_genuine(self, request: WebhookRequest, headers: dict[str, str]) -> bool:
        return any(is_genuine(secret, url, headers, request.body) for url, secret in self.secrets.items())

    def answer(self, event: dict[str, Any]) -> WebhookResponse:
        self.keep(event)
        return WebhookResponse(200)

    def keep(self, event: dict[str, Any]) -> None:
        """Write an event into the books; one that comes before its order is kept until then."""
        if event.get("pspReference") in self.known_events:
            return
        row = self.rows.get(str(event.get("reference")))
        if row is None:
            self.early.append(event)
            return
        self.known_events.add(str(event.get("pspReference")))
        if event["success"]:
            self.book(row, event["name"], event["amount"]["value"])

    def book(self, row: dict, name: str, amount: int) -> None:
        if name == "AUTHORIZED" and row["status"] == "open":
            row["status"] = "authorized"
        elif name == "CAPTURED" and row["status"] != "cancelled":
            row["status"] = "captured"
            row["captured"] = max(row["captured"], amount)
        elif name in ENDS and row["status"] in ("open", "authorized"):
            row["status"] = "cancelled"
            row["cancelled"] = amount
