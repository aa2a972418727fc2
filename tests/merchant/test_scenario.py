"""Stories that live on: time that passes for everybody, who caused what, and payments that nobody wrote down."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from conformance.domain.order import Profile
from conformance.examples.merchants.client import TryLater
from conformance.examples.merchants.epayment import Adapter as EpaymentShop
from conformance.examples.merchants.recurring import Adapter as RecurringShop
from conformance.merchant.harness import CountingSink, MerchantHarness
from conformance.obligations.history_text import merchant_history
from conformance.obligations.observation import MerchantTrace

DAY = 86_400


@contextmanager
def harness(shop: type, profile: Profile = Profile.EPAYMENT) -> Iterator[MerchantHarness]:
    """Open a harness for a shop, and close it."""
    opened = MerchantHarness(shop, first=profile)
    try:
        yield opened
    finally:
        opened.close()


def played(shop: type, *steps: str, profile: str = "epayment", **more: Any) -> MerchantTrace:
    """Run one history with a shop, and return what was observed."""
    with harness(shop, Profile(profile)) as opened:
        return opened.run(merchant_history(profile, *steps, **more), "story-1", CountingSink()).trace


def caused(trace: MerchantTrace) -> list[tuple[str, str]]:
    """Return what happened to the payments, and who caused it."""
    return [(event.event, event.by) for event in trace.events]


def final(trace: MerchantTrace, order: int = 0) -> Any:
    """Return how an order's payment stands at the end."""
    state = trace.final_state(order)
    assert state is not None
    return state.payment


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (("create", "approve", "cancel"), [("create", "shop"), ("reserve", "customer"), ("release", "shop")]),
        (("create", "reject"), [("create", "shop"), ("reject", "customer")]),
        (("create", "expire"), [("create", "shop"), ("expire", "time")]),
        (("create", "live 7200"), [("create", "shop"), ("expire", "time")]),
        (("create", "approve", "portal_cancel"), [("create", "shop"), ("reserve", "customer"), ("release", "portal")]),
        (("create", "approve", "bank_release"), [("create", "shop"), ("reserve", "customer"), ("release", "bank")]),
        (("create", "approve", "age 200"), [("create", "shop"), ("reserve", "customer"), ("release", "time")]),
        (("create", "bank_release", "reject"), [("create", "shop"), ("reject", "customer")]),
    ],
)
def test_every_event_has_the_one_who_caused_it(steps: tuple[str, ...], expected: list[tuple[str, str]]) -> None:
    assert caused(played(EpaymentShop, *steps)) == expected


def test_an_approval_that_crosses_the_shops_request_is_the_customers() -> None:
    trace = played(EpaymentShop, "create", "cancel", faults=["cancel approve-before"])
    assert caused(trace)[:2] == [("create", "shop"), ("reserve", "customer")]


def test_the_shop_s_own_clocks_move_with_the_story() -> None:
    seen: list[tuple[Any, ...]] = []

    class Shop(EpaymentShop):
        def tick(self, now: object) -> None:
            wall = date.today()  # noqa: DTZ011 - the shop's own wall clock
            seen.append((now, datetime.now(UTC), time.time(), time.time_ns(), time.gmtime(), time.strftime("%Y"), wall))
            super().tick(now)

    started = datetime.now(UTC)
    played(Shop, "create", "approve", f"live {400 * DAY}")
    given, aware, seconds, nanoseconds, broken_down, year, today = seen[-1]
    assert given - started > timedelta(days=400)
    assert abs(given - aware) < timedelta(seconds=5)
    assert abs(given.timestamp() - seconds) < 5
    assert abs(given.timestamp() - nanoseconds / 1e9) < 5
    assert (broken_down.tm_year, broken_down.tm_yday) == (given.year, given.timetuple().tm_yday)
    assert (year, today) == (f"{given:%Y}", given.date())
    assert date.today() == datetime.now().date()  # noqa: DTZ005, DTZ011 - the time of this process is as it was


def test_scheduled_work_runs_while_an_order_lives_and_a_night_is_among_it() -> None:
    trace = played(EpaymentShop, "create", "approve", f"live {15 * DAY}")
    ticks = [action.began for action in trace.actions if action.action == "tick" and action.step == 2]
    assert ticks[0] < 120
    assert any(3600 < following - former <= 25 * 3600 for former, following in pairwise(ticks))
    assert ticks[-1] > 14 * DAY
    assert final(trace).remaining == 1000


def test_a_month_ends_the_reservations_of_a_market_with_a_short_deadline() -> None:
    trace = played(EpaymentShop, "create", "approve", f"live {20 * DAY}", provider={"market": "dk"})
    assert ("release", "time") in caused(trace)
    assert final(trace).currency == "DKK"
    assert caused(played(EpaymentShop, "create", "approve", f"live {20 * DAY}"))[-1] == ("reserve", "customer")


def test_the_shop_runs_in_the_zone_of_the_story_and_this_process_does_not() -> None:
    zones: list[tuple[str, float]] = []

    class Shop(EpaymentShop):
        def tick(self, now: object) -> None:
            zones.append((os.environ["TZ"], -time.timezone / 3600))
            super().tick(now)

    before = os.environ.get("TZ"), time.timezone
    played(Shop, "create", "tick", "zone_kiritimati", "tick")
    assert zones[0] == ("UTC", 0)
    assert zones[1] == ("Pacific/Kiritimati", 14)
    assert (os.environ.get("TZ"), time.timezone) == before
    played(Shop, "create", "tick")
    assert zones[-1] == ("UTC", 0), "the next history begins in UTC again"


class ForgetfulShop(EpaymentShop):
    """Makes the payment, and fails before it writes the order down."""

    def create(self, order: Any) -> str:
        """Make the payment, and fail."""
        super().create(order)
        del self.books[order.id]
        raise RuntimeError("the disk is full")


def test_a_payment_that_nobody_wrote_down_is_part_of_the_story() -> None:
    trace = played(ForgetfulShop, "create", "approve", "live 1800", "cancel")
    assert caused(trace) == [("create", "shop"), ("reserve", "customer")]
    state = trace.final_state(0)
    assert state is not None
    assert state.snapshot.view == {}
    assert state.payment.remaining == 1000


def test_what_was_shipped_is_asked_for_again_at_the_end() -> None:
    asked: list[int] = []

    class Shop(EpaymentShop):
        def capture(self, order_id: str, amount: int) -> None:
            asked.append(amount)
            self.books[order_id].not_before = 0.0
            try:
                super().capture(order_id, amount)
            finally:
                self.books[order_id].due.clear()

    trace = played(Shop, "create", "approve", "capture 400", faults=["capture error-500 times=0"])
    assert asked == [400] * 4, "three times in the step, and once when no fault is injected any more"
    assert final(trace).captured == 400


def test_a_person_takes_the_shop_s_no_for_an_answer_and_asks_for_the_end() -> None:
    class Shop(EpaymentShop):
        def capture(self, order_id: str, amount: int) -> None:
            if self.books[order_id].wanted_end:
                raise RuntimeError("the order is being cancelled")
            self.read_payment(self.books[order_id])
            super().capture(order_id, amount)

        def cancel(self, order_id: str) -> None:
            self.books[order_id].wanted_end = "cancel"
            self.read_payment(self.books[order_id])
            super().cancel(order_id)

        def tick(self, now: Any) -> None:
            """Has no scheduled work."""

        def deliver(self, webhook: Any) -> None:
            """Takes no notice."""

    trace = played(Shop, "create", "approve", "capture 400", "cancel", faults=["read missing-404 times=0"])
    assert final(trace).cancelled == 1000


def test_a_worker_that_wakes_every_five_minutes_meets_the_fault_of_a_cancel() -> None:
    class Shop(EpaymentShop):
        awake = 0.0

        def cancel(self, order_id: str) -> None:
            self.books[order_id].wanted_end = "cancel"
            self.books[order_id].status = "cancelling"

        def tick(self, now: Any) -> None:
            if now.timestamp() - self.awake >= 300:
                self.awake = now.timestamp()
                super().tick(now)

    trace = played(Shop, "create", "approve", "deliver", "tick", "cancel", faults=["cancel error-500"])
    assert [cancel.fault for cancel in trace.cancels_of(0)][:1] == ["error-500"]
    assert final(trace).ended


def test_orders_can_be_charges_of_one_agreement_which_the_customer_stops() -> None:
    trace = played(
        RecurringShop,
        "create",
        "create order=1",
        "approve",
        "customer_stop",
        profile="recurring",
        amounts=(1000, 1000),
        provider={"one_agreement": True},
    )
    assert [final(trace, order).agreement for order in (0, 1)] == ["STOPPED", "STOPPED"]
    assert final(trace, 0).remaining == 1000, "what is reserved is the merchant's to capture or to cancel"
    assert ("stop", "customer") in caused(trace), "what was not due yet ends with the agreement"


class RarelyWakingShop(EpaymentShop):
    """A shop that notes what is asked for, and whose worker runs once an hour."""

    def __init__(self, setup: Any) -> None:
        super().__init__(setup)
        self.next_run = setup.now() + timedelta(hours=1)

    def capture(self, order_id: str, amount: int) -> None:
        self.read_payment(self.books[order_id])
        with suppress(TryLater):
            self.capture_payment(self.books[order_id], "shipped-1", amount)

    def tick(self, now: datetime) -> None:
        if now >= self.next_run:
            self.next_run = now + timedelta(hours=1)
            super().tick(now)

    def deliver(self, webhook: Any) -> None:
        """Takes no notice."""


def test_an_order_is_left_once_the_amounts_of_a_rarely_waking_shop_are_in_its_books() -> None:
    trace = played(
        RarelyWakingShop, "create", "approve", "deliver", "capture 400", "live 1800", faults=["capture lost-after"]
    )
    state = trace.final_state(0)
    assert state is not None
    assert state.snapshot.amount("captured") == state.payment.captured == 400


class ClosesFirst(EpaymentShop):
    """A shop that gives nothing back while something of the order is reserved."""

    def refund(self, order_id: str, amount: int) -> None:
        if self.local_view(order_id).remaining:
            raise RuntimeError("close the order first")
        super().refund(order_id, amount)

    def tick(self, now: datetime) -> None:
        """Has no scheduled work."""

    def deliver(self, webhook: Any) -> None:
        """Takes no notice."""


def test_a_refund_that_needs_the_end_of_its_order_does_not_keep_it_from_being_asked_for() -> None:
    steps = ("create", "approve", "deliver", "capture 600", "refund 200", "cancel")
    payment = final(played(ClosesFirst, *steps, faults=["cancel error-500 times=2"]))
    assert (payment.remaining, payment.refunded) == (0, 200)
