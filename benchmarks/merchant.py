"""The merchant's side: whole runs beside a bare loop of the same reference merchant against the embedded provider.

Processor seconds count, not those of the clock: the machine may be busy with something else.
"""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from statistics import median
from typing import Any
from unittest.mock import patch

import httpx

from benchmarks.places import SEED
from conformance.domain.messages import Request
from conformance.domain.order import Profile
from conformance.merchant import Order, Setup
from conformance.merchant.api import run_merchant
from conformance.merchant.provider_double.state import ProviderState
from conformance.merchant.provider_double.virtual_clock import VirtualClock
from conformance.obligations.history import MerchantHistory
from conformance.strategies.merchant.plan import BUDGETS, plan_merchant_cases
from examples.merchants import base, ecom, epayment, recurring

MERCHANTS: dict[Profile, Any] = {
    Profile.ECOM: ecom.Adapter,
    Profile.EPAYMENT: epayment.Adapter,
    Profile.RECURRING: recurring.Adapter,
}
EVERYTHING = frozenset({"create", "cancel", "local_view", "abandon", "capture", "tick", "deliver", "restart"})
ALLOWED = 15.0
"""Seconds that the quick budget may take for one API."""


class Shop:
    """A history without a seat: nothing goes wrong, nothing is written down, nothing is judged."""

    def __init__(self, history: MerchantHistory, number: int) -> None:
        self.history = history
        self.clock = VirtualClock()
        self.state = ProviderState(self.clock, history.behaviour, "no", SEED + number)
        self.requests = 0
        options = self.state.options
        keys = (options.client_id, options.client_secret, options.subscription_key, options.msn)
        base = "http://provider"
        setup = Setup(history.profile.value, base, *keys, now=self.clock.now, sleep=self.clock.skip)
        self.make = partial(MERCHANTS[history.profile], setup)
        self.orders = [self._order(number) for number in range(len(history.amounts))]

    def _order(self, number: int) -> Order:
        id_ = f"cc-bare-{number:04d}"
        agreement = self.state.agree(self.history.profile, id_) if self.history.profile is Profile.RECURRING else ""
        return Order(id_, self.history.amounts[number], "NOK", id_, agreement)

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
        answer = self.state.handle(Request(request.method, request.url.raw_path.decode(), headers, request.read()))
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body)

    def play(self) -> None:
        self.merchant = self.make()
        for step in self.history.steps:
            # What is refused is refused: the books say so.
            with suppress(RuntimeError, base.Refused, base.TryLater, KeyError):
                self._do(step.do, self.orders[step.order], step.number)
        for order in self.orders:
            with suppress(KeyError):
                self.merchant.local_view(order.id)

    def _do(self, do: str, order: Order, number: int) -> None:
        merchant, at = self.merchant, (self.history.profile.value, order.id)
        match do:
            case "create":
                merchant.create(order)
            case "capture":
                merchant.capture(order.id, number)
            case "tick":
                merchant.tick(self.clock.now())
            case "restart":
                self.merchant = merchant.restart()
            case "deliver" | "deliver_twice" | "deliver_reversed":
                for hook in self.state.new_webhooks():
                    merchant.deliver(hook)
            case "lose":
                self.state.new_webhooks()
            case "wait":
                self.clock.skip(number)
            case "age":
                self.state.age(*at, number)
            case "portal_cancel":
                self.state.cancel_in_portal(*at)
            case "cancel" | "abandon":
                getattr(merchant, do)(order.id)
            case _:
                self.state.act(*at, do)


def bare(profile: Profile, drawn: int) -> dict[str, float]:
    """Play the plan of a run in a bare loop; drawing it does not count."""
    plan = [one.history for one in plan_merchant_cases(profile, EVERYTHING, SEED, drawn)]
    requests = 0
    gc.collect()
    start = time.process_time()
    for number, history in enumerate(plan):
        shop = Shop(history, number)
        # The shortest way from httpx to the provider; without it, every client reads the certificates.
        direct = partial(httpx.Client, transport=httpx.MockTransport(shop.handle))
        with patch.object(base.httpx, "Client", direct):
            shop.play()
        requests += shop.requests
    return {"cpu": time.process_time() - start, "histories": len(plan), "requests": requests}


def whole(profile: Profile, budget: str) -> dict[str, Any]:
    """Run the suite as a user does, with journal and reports."""
    gc.collect()
    with tempfile.TemporaryDirectory() as folder:
        cpu, wall = time.process_time(), time.monotonic()
        result = run_merchant(MERCHANTS[profile], profiles=[profile.value], budget=budget, seed=SEED, out=folder)
        cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    return {
        "cpu": cpu,
        "wall": wall,
        "histories": result.histories[profile],
        "requests": result.exchanges,
        "verdict": result.verdict.value,
    }


def merchants(profiles: Sequence[Profile], rounds: int, budgets: Sequence[str] = ("quick", "standard")) -> list[Any]:
    """Measure both in turns; one row for each API and budget."""
    rows = []
    for profile in profiles:
        for budget in budgets:
            turns = [(whole(profile, budget), bare(profile, BUDGETS[budget])) for _ in range(rounds)]
            ours = median(run["histories"] / run["cpu"] for run, _ in turns)
            loop = median(one["histories"] / one["cpu"] for _, one in turns)
            run, one = turns[0]
            by_request = (ours * run["requests"] / run["histories"]) / (loop * one["requests"] / one["histories"])
            rows.append(
                {
                    "profile": profile.value,
                    "budget": budget,
                    "histories": run["histories"],
                    "verdict": run["verdict"],
                    "same_histories": run["histories"] == one["histories"],
                    "cpu_seconds": median(run["cpu"] for run, _ in turns),
                    "wall_seconds": median(run["wall"] for run, _ in turns),
                    "per_cpu_second": {"run": ours, "bare": loop},
                    "requests": {"run": run["requests"], "bare": one["requests"]},
                    "ratios": {"run_to_bare": ours / loop, "run_to_bare_by_request": by_request},
                }
            )
    return rows


def told(rows: Sequence[Any]) -> str:
    """Return the rows as text for a person."""
    lines = [
        "profile    budget    histories  CPU s  wall s  run/s  bare/s  run/bare  by request",
        "---------  --------  ---------  -----  ------  -----  ------  --------  ----------",
    ]
    for row in rows:
        rates, ratios = row["per_cpu_second"], row["ratios"]
        lines.append(
            f"{row['profile']:<9}  {row['budget']:<8}  {row['histories']:>9}  {row['cpu_seconds']:>5.1f}  "
            f"{row['wall_seconds']:>6.1f}  {rates['run']:>5.0f}  {rates['bare']:>6.0f}  {ratios['run_to_bare']:>8.2f}  "
            f"{ratios['run_to_bare_by_request']:>10.2f}"
        )
    lines += [
        "",
        "Histories per processor second. run: drawn, played to a quiet end, judged, journal and reports written,",
        "and the journal checked; bare: the reference merchant's own calls in the same histories, with no faults,",
        "no records and no quiet end.",
    ]
    lines += [
        f"Attention: {row['profile']} with the {row['budget']} budget is {row['verdict']}, "
        f"and took {row['cpu_seconds']:.1f} processor seconds."
        for row in rows
        if row["verdict"] != "CONFORMANT" or (row["budget"] == "quick" and row["cpu_seconds"] > ALLOWED)
    ]
    return "\n".join(lines)
