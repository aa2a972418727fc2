"""Correct shops that let nothing else happen while an action runs: the handler waits until it has ended."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from conformance.merchant import Order, WebhookRequest, WebhookResponse
from tests.merchant.signed.base import SignedShop


class Locked(SignedShop):
    """Holds a lock for every action, and its handler takes the same lock."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.lock = threading.Lock()

    def create(self, order: Order) -> str:
        with self.lock:
            return super().create(order)

    def capture(self, order_id: str, amount: int) -> None:
        with self.lock:
            super().capture(order_id, amount)

    def cancel(self, order_id: str) -> None:
        with self.lock:
            super().cancel(order_id)

    def deliver_http(self, request: WebhookRequest) -> WebhookResponse:
        with self.lock:
            return super().deliver_http(request)


class LockedAsync(SignedShop):
    """Does the same in one event loop."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.lock = asyncio.Lock()

    async def create(self, order: Order) -> str:  # type: ignore[override]
        async with self.lock:
            await asyncio.sleep(0)
            return super().create(order)

    async def deliver_http(self, request: WebhookRequest) -> WebhookResponse:  # type: ignore[override]
        async with self.lock:
            return super().deliver_http(request)
