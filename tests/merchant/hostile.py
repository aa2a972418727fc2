"""Merchants that do what no test double expects: hang, flood, print, exit, call other hosts, and return nonsense."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import urllib.request
from typing import Any

import httpx

from examples.merchants import epayment

_sleep = time.sleep


class Hangs(epayment.Adapter):
    """Never comes back once a cancel failed."""

    def cancel(self, order_id: str) -> None:
        super().cancel(order_id)
        if self.books[order_id].status == "cancelling":
            while True:
                try:
                    time.perf_counter_ns()
                except BaseException:
                    continue


class Waits(epayment.Adapter):
    """Waits for days once a cancel failed."""

    def cancel(self, order_id: str) -> None:
        super().cancel(order_id)
        while self.books[order_id].status == "cancelling":
            time.sleep(60)


class Floods(epayment.Adapter):
    """Reads without an end once a cancel failed."""

    def cancel(self, order_id: str) -> None:
        super().cancel(order_id)
        while self.books[order_id].status == "cancelling":
            try:
                self.client.call("GET", self._path(self.books[order_id]))
            except Exception:
                continue


class Exits(epayment.Adapter):
    """Ends the process, as it thinks, whenever a cancel failed."""

    def cancel(self, order_id: str) -> None:
        super().cancel(order_id)
        if self.books[order_id].status == "cancelling":
            sys.exit("it cannot go on")


class Interrupts(epayment.Adapter):
    """Raises what Ctrl+C raises, whenever a cancel failed."""

    def cancel(self, order_id: str) -> None:
        super().cancel(order_id)
        if self.books[order_id].status == "cancelling":
            raise KeyboardInterrupt


class Prints(epayment.Adapter):
    """Prints a lot, on both streams."""

    def cancel(self, order_id: str) -> None:
        print("\x1b[2J" + "x" * 1000)
        os.write(1, b"")
        super().cancel(order_id)


class CallsOthers(epayment.Adapter):
    """Tells somebody else of every cancel, over httpx."""

    def cancel(self, order_id: str) -> None:
        with contextlib.suppress(httpx.HTTPError):
            httpx.post("https://api.vipps.no/epayment/v1/payments/x/cancel")
        super().cancel(order_id)


class CallsOthersBySocket(epayment.Adapter):
    """Tells somebody else of every cancel, over a socket."""

    def cancel(self, order_id: str) -> None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen("http://erp.example/cancelled", timeout=1)
        super().cancel(order_id)


class NoView(epayment.Adapter):
    """Cannot tell how a payment stands once it is cancelled."""

    def local_view(self, order_id: str) -> Any:
        if self.books[order_id].status == "cancelled":
            raise KeyError(order_id)
        return super().local_view(order_id)


class OddView(epayment.Adapter):
    """Has a word of its own."""

    def local_view(self, order_id: str) -> Any:
        return {"status": "VOIDED"}


class EndlessSum(epayment.Adapter):
    """Keeps a number that nobody can write down."""

    def local_view(self, order_id: str) -> Any:
        return {"status": "open", "captured": 10**5000}


class LeavesThreads(epayment.Adapter):
    """Every cancel starts a thread that sleeps for a day."""

    def cancel(self, order_id: str) -> None:
        threading.Thread(target=_sleep, args=(86_400,)).start()
        super().cancel(order_id)


class NoPayment(epayment.Adapter):
    """Makes no payment."""

    def create(self, order: object) -> str:
        raise RuntimeError("no goods in stock")


class NoCancel:
    """Lacks what everybody needs."""

    profiles = ("epayment",)

    def __init__(self, setup: object) -> None:
        pass

    def create(self, order: object) -> None:
        pass

    def local_view(self, order_id: str) -> None:
        pass


class NotMade:
    """Cannot be made."""

    def __init__(self, setup: object) -> None:
        raise OSError("no database")
