"""Shops on eCom that are called back with their own token."""

from __future__ import annotations

import json
from typing import Any

from conformance.merchant import Webhook, WebhookRequest, WebhookResponse
from examples.merchants import ecom

TOKEN = "a token of its own"


class TokenChecked(ecom.Adapter):
    """Reads the payment when a callback with the right token comes; it polls as well."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        call = self.client.call

        def call_with_token(method: str, path: str, body: Any = None, *others: Any) -> Any:
            if (method, path) == ("POST", "/ecomm/v2/payments"):
                body = {**body, "merchantInfo": {**body["merchantInfo"], "authToken": TOKEN}}
            return call(method, path, body, *others)

        self.client.call = call_with_token  # type: ignore[method-assign]

    def deliver_http(self, request: WebhookRequest) -> WebhookResponse:
        if request.header("Authorization") != TOKEN:
            return WebhookResponse(401)
        self.deliver(Webhook("callback", json.loads(request.body), request.body))
        return WebhookResponse(200)


class BelievesCallbacks(TokenChecked):
    """Believes what any callback says."""

    first, helps = "M37", ("without a signature", "not verified")

    def deliver_http(self, request: WebhookRequest) -> WebhookResponse:
        body = json.loads(request.body)
        row = self.books.get(body["orderId"])
        if row is not None and row.status in ("open", "authorized"):
            row.status = "authorized" if body["transactionInfo"]["status"] == "RESERVED" else "cancelled"
        return WebhookResponse(200)
