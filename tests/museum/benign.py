"""Correct providers that differ only where the documentation is silent or has several readings."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from conformance.domain.order import Market, Profile
from conformance.rulebook import Readings
from conformance.sandbox import Market as SandboxMarket
from conformance.sandbox import Options, Provider
from conformance.sandbox.payment import EntryKind

from .clock import Ticking


@dataclass(frozen=True, slots=True)
class Variant:
    """One correct provider. Market and readings are the run's: the documented ones unless the variant is about them."""

    name: str
    profile: Profile
    provider: Callable[[], Provider]
    market: Market = Market.NO
    readings: Readings = field(default_factory=Readings.documented)
    open: frozenset[str] = frozenset()
    """The rules that the variant leaves nothing to see of, so that its runs are incomplete."""

    @property
    def id(self) -> str:
        """The name under which it stands in the golden matrix."""
        return f"{self.profile.value}-{self.name}"


VARIANTS: list[Variant] = []
"""Every correct provider of the modules that were imported; `exhibits` imports all of them."""

ECOM, EPAYMENT, RECURRING = Profile.ECOM, Profile.EPAYMENT, Profile.RECURRING
EVERY = (ECOM, EPAYMENT, RECURRING)


def by_options(name: str, *profiles: Profile, market: Market = Market.NO, **options: Any) -> None:
    """Register what the options alone make."""
    chosen = Options(market=SandboxMarket(market.value), **options)
    VARIANTS.extend(Variant(name, profile, lambda: Provider(chosen, now=Ticking()), market) for profile in profiles)


def benign(api=None, *, unseen: tuple[str, ...] = (), market: Market = Market.NO, **options: Any):
    """Register an API under the name of its class, with what options choose beside."""

    def register(api):
        chosen = Options(market=SandboxMarket(market.value), **options)
        made: dict[str, Any] = {api.NAME: api}
        variant = Variant(
            api.__name__,
            Profile(api.NAME),
            lambda: Provider(chosen, now=Ticking(), **made),
            market,
            open=frozenset(unseen),
        )
        VARIANTS.append(variant)
        return api

    return register if api is None else register(api)


class Uneven:
    """Answers after a while that is never twice the same: from nothing to four thousandths of a second."""

    def serve(self, call, handler):
        self.served = getattr(self, "served", 0) + 1
        time.sleep(self.served * 7 % 5 / 1000)
        return super().serve(call, handler)


class Lagging:
    """Reads come from a copy that is behind: what a cancel, capture or refund changed is seen from the third read on.

    What time, the user or the charge run changes is seen at once.
    """

    BEHIND = 2
    CHANGES = frozenset({"cancel", "capture", "refund"})
    READS = frozenset({"details", "status", "get_payment", "get_events", "get_charge"})

    def __init__(self, shared):
        super().__init__(shared)
        self.copies = {}
        self.stale = {}

    def serve(self, call, handler):
        response = super().serve(call, handler)
        if handler in self.CHANGES and response.status < 300:
            places = [place for place in self.copies if place[:2] == (call.msn, self.payment_id(call))]
            self.stale.update(dict.fromkeys(places, 0))
        if handler not in self.READS or response.status != 200:
            return response
        place = call.msn, self.payment_id(call), handler
        if place in self.stale and response.body != self.copies[place].body and self.is_behind(place):
            self.stale[place] += 1
            return self.copies[place]
        self.stale.pop(place, None)
        self.copies[place] = response
        return response

    def is_behind(self, place):
        """Return whether a copy is still behind."""
        return self.stale[place] < self.BEHIND


class Logging:
    """Keeps every refused change of an order in its history, as an entry without success."""

    TRIED: ClassVar = {
        "cancel": EntryKind.RELEASE,
        "capture": EntryKind.CAPTURE,
        "refund": EntryKind.REFUND,
    }

    def serve(self, call, handler):
        response = super().serve(call, handler)
        if handler in self.TRIED and 400 <= response.status < 500 and response.status not in (401, 403, 404, 429):
            order = self.find(call.msn, self.payment_id(call))
            if order is not None:
                self.log_try(order, self.TRIED[handler], call)
        return response

    def log_try(self, order, kind, call):
        """Add an entry for a try."""
        if kind is EntryKind.RELEASE and not order.is_reserved:
            kind = EntryKind.STOP
        key = call.headers.get("x-request-id") or call.headers.get("idempotency-key")
        self.record(order, kind, self.amount_tried(call) or order.remaining or order.amount, key=key, success=False)

    def amount_tried(self, call):
        """Return the amount that a request named, if it named one."""
        try:
            body = json.loads(call.request.body or b"{}")
        except ValueError:
            return 0
        places = [body.get(name) for name in ("transaction", "modificationAmount")] if isinstance(body, dict) else []
        parts = [part for part in (*places, body) if isinstance(part, dict)]
        amounts = [part.get(name) for part in parts for name in ("amount", "value")]
        return next((amount for amount in amounts if isinstance(amount, int) and amount > 0), 0)


class NightlyEnd:
    """What is still reserved at its deadline is released in the night after, and leaves no entry."""

    def ends_by_itself(self, order):
        late = self.days_since(order, self.age_origin(order)) - self.age_limit_days(order)
        return super().ends_by_itself(order) and late > 0.5

    def end_at_deadline(self, order):
        order.cancelled += order.remaining


class Serving:
    """Knows which operation it is serving; none while the test control API acts."""

    serving = ""

    def serve(self, call, handler):
        self.serving = handler
        try:
            return super().serve(call, handler)
        finally:
            self.serving = ""


class EndsLater(Serving):
    """What is still reserved at its deadline is released some looks at it later, as by a job that runs now and then.

    It does not run between the reads of a payment and of its events.
    """

    LOOKS = 7

    def __init__(self, shared):
        super().__init__(shared)
        self.looks = {}

    def ends_by_itself(self, order):
        if self.serving == "get_events" or not super().ends_by_itself(order):
            return False
        self.looks[order.id] = self.looks.get(order.id, 0) + 1
        return self.looks[order.id] > self.LOOKS


class EndsOnRequest(Serving):
    """What is still reserved at its deadline is released when the next request to change it comes in."""

    CHANGES = frozenset({"cancel", "capture", "refund"})

    def ends_by_itself(self, order):
        return self.serving in self.CHANGES and super().ends_by_itself(order)


# What the options already offer

by_options("AsDocumented", *EVERY)
by_options("SecondCancelRepeated", *EVERY, second_cancel="repeat")
by_options("AgeFromInitiation", *EVERY, age_from="initiation")
by_options("ReservationKeptAtTheDeadline", *EVERY, auto_cancel_at_deadline=False)
by_options("AgeFromInitiationAndKept", *EVERY, age_from="initiation", auto_cancel_at_deadline=False)
by_options("ExtraFields", *EVERY, extra_fields=True)
by_options("NoRateLimit", *EVERY, rate_limit=False)
by_options("Denmark", *EVERY, market=Market.DK)
by_options("DenmarkKept", *EVERY, market=Market.DK, auto_cancel_at_deadline=False)
by_options("DenmarkLateCapture", *EVERY, market=Market.DK, age_limit_days=180)
by_options("Finland", *EVERY, market=Market.FI)
by_options("KeyScopePerOperation", EPAYMENT, RECURRING, key_scope="operation")
by_options("RefusalsNotRemembered", EPAYMENT, RECURRING, sticky_4xx=False)
by_options("SecureRefusedWith423", ECOM, EPAYMENT, threeds_status=423)
by_options("SecureRefusedWith500", ECOM, EPAYMENT, threeds_status=500)
by_options("RefusesWith402", ECOM, ecom_refusal_status=402)
by_options("RefusesWith409", ECOM, ecom_refusal_status=409)
by_options("RefusesWith422", ECOM, ecom_refusal_status=422)
by_options("SixMonths", ECOM, age_limit_days=183)
by_options("SixMonthsKept", ECOM, age_limit_days=183, auto_cancel_at_deadline=False)
by_options("StateInCapitals", ECOM, state_spelling="CANCELLED")
by_options("ReleasedAmountInTheAnswer", ECOM, released_amount_in_answer=True)
by_options("NoEntryForTheUsersEnd", ECOM, user_end_entry=False)
by_options("FlagAfterFullCaptureDoesNothing", ECOM, flag_on_full_capture="no-op")
by_options("FlagBeforeReservationRefused", ECOM, flag_on_initiated="rejected")
by_options("RefusesWith409", EPAYMENT, epayment_refusal_status=409)
by_options("RefusesWith422", EPAYMENT, epayment_refusal_status=422)
by_options("ErrorsByTypeOnly", EPAYMENT, error_identity="type-only")
by_options("KeyIsNoParameterOfCancel", EPAYMENT, cancel_key_ignored=True)
by_options("KeyIsNoParameterAndCancelRepeats", EPAYMENT, cancel_key_ignored=True, second_cancel="repeat")
by_options("TransactionOnlyDoesNothing", EPAYMENT, transaction_only_on_authorized="no-op")
by_options("EventsNewestFirst", EPAYMENT, events_order="newest-first")
by_options("RefusesWith400", RECURRING, recurring_refusal_status=400)
by_options("RefusesWith422", RECURRING, recurring_refusal_status=422)
by_options("CancelsLater", RECURRING, recurring_async=True)
by_options("CancelsMuchLater", RECURRING, recurring_async=True, recurring_async_reads=4)
by_options("CancelsLaterAndRepeats", RECURRING, recurring_async=True, second_cancel="repeat")
by_options("SecondStopAnswers400", RECURRING, second_stop=400)


def half_seconds(entries: list[dict[str, Any]], field: str) -> list[dict[str, Any]]:
    """Return history entries, newest first, whose moments turn from whole to half a second within one second."""
    return [
        {**entry, field: f"2026-01-01T12:00:00{'.5' if index == 0 else ''}Z"} for index, entry in enumerate(entries)
    ]
