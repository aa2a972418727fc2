"""Shops on eCom that are called back with their own token."""

from __future__ import annotations

import json
from typing import Any

from conformance.merchant import WebhookRequest, WebhookResponse
from tests.merchant.independent import api_clients, desk
from tests.merchant.independent.base import row_of

TOKEN = "a token for each order"


class WithToken(api_clients.Ecom):
    """Sends a token with every payment, which its callback has to carry."""

    def change(self, method: str, path: str, body: Any, *arguments: Any) -> Any:
        if path == "/ecomm/v2/payments":
            body = {**body, "merchantInfo": {**body["merchantInfo"], "authToken": TOKEN}}
        return super().change(method, path, body, *arguments)


class TokenChecked(desk.WebhookOnlyEcom):
    """Reads the payment when a callback with the right token comes."""

    client_class = WithToken

    def deliver_http(self, request: WebhookRequest) -> WebhookResponse:
        if request.header("Authorization") != TOKEN:
            return WebhookResponse(401)
        row = row_of(self.rows, json.loads(request.body))
        if row is not None:
            self.work(row)
        return WebhookResponse(200)


class BelievesCallbacks(TokenChecked):
    """Believes what any callback says."""

    first, helps = "M37", ("without a signature", "not verified")

    def deliver_http(self, request: WebhookRequest) -> WebhookResponse:
        body = json.loads(request.body)
        row = row_of(self.rows, body)
        if row is not None:
            status = body["transactionInfo"]["status"]
            row.state = "reserved" if status == "RESERVED" else "ended"
            row.authorized = row.amount if status == "RESERVED" else row.authorized
        return WebhookResponse(200)
