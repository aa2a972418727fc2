"""How a faulty merchant is marked, and what several of them have in common."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, Final, TypeVar

import httpx

from conformance.merchant import View
from tests.merchant.correct.synchronous import BUSY, Failed, Synchronous

FAULTY: Final[list[type[Any]]] = []
"""Every faulty merchant of the modules that were imported."""
Adapter = TypeVar("Adapter", bound=type[Any])


def defect(name: str, first: str) -> Callable[[Adapter], Adapter]:
    """Name a merchant's defect as the list of obligations does, and the obligation to be blamed first."""

    def mark(adapter: Adapter) -> Adapter:
        adapter.defect, adapter.first = name, first
        FAULTY.append(adapter)
        return adapter

    return mark


class Believing(Synchronous):
    """Takes what ``done`` says for a cancel, without a look at the payment."""

    def done(self, response: httpx.Response | None) -> bool:
        raise NotImplementedError

    def cancel(self, order_id: str) -> None:
        row = self.rows[order_id]
        if row["status"] == "cancelled":
            return
        row["key"] = row["key"] or str(uuid.uuid4())
        try:
            response = self.send("POST", f"{self.path(order_id)}/cancel", None, row["key"])
        except httpx.TransportError:
            response = None
        if self.done(response):
            row["status"], row["key"] = "cancelled", ""
            return
        if response is not None and 400 <= response.status_code < 500 and response.status_code not in BUSY:
            row["key"] = ""
        raise Failed("not cancelled")

    def local_view(self, order_id: str) -> View:
        return View(self.rows[order_id]["status"], reference=order_id)

    capture = None
