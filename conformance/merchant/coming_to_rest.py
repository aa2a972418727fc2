"""What happens after the last step: no more faults, and time until the merchant has done everything it has to do."""

from __future__ import annotations

import time
from typing import Final

from conformance.merchant.driver import RATE_LIMIT_SECONDS, MerchantDriver
from conformance.merchant.integration.base import Integration
from conformance.merchant.scenario_order import ScenarioOrder

REST_ROUNDS: Final = (65, 65, 65, 120, 900, 3600, 21_600, 21_600, 21_600, 21_600, 7200)
"""Seconds of the clock that pass after the last step, round by round.

The first rounds lie within the ten minutes in which a customer can approve, and each lets a rate limit pass. The last
ones are a night, for a shop that reconciles once a day.
"""
PATIENT_BELOW: Final = 100
"""In rounds shorter than this the shop leaves what a queue has begun to the queue."""
REAL_PAUSE: Final = 2.2
"""Seconds of real waiting, once, for a merchant with a clock of its own: longer than ``Retry-After`` asks."""
SHORT_PAUSE: Final = 0.2
"""The same, once several histories have shown that waiting does not help this merchant."""
MOST_VAIN_PAUSES: Final = 3


def come_to_rest(driver: MerchantDriver) -> None:
    """Stop injecting faults, and let time pass until no order needs anything more."""
    driver.double.faults.healed = True
    driver.take_snapshots()
    has_paused, at_rest = driver.integration.virtual, False
    for seconds in REST_ROUNDS:
        driver.clock.skip(seconds)
        if not _round(driver, patient=seconds < PATIENT_BELOW):
            return
        driver.take_snapshots()
        numbers = range(len(driver.orders))
        at_rest = all(_is_at_rest(driver, number) and not _has_work_left(driver, number) for number in numbers)
        if at_rest:
            break
        if not has_paused:
            has_paused = True
            _pause(driver.integration)
    if at_rest and has_paused:
        driver.integration.vain_pauses = 0
    # An order at rest must stay as it is.
    driver.clock.skip(RATE_LIMIT_SECONDS)
    if driver.tick():
        driver.take_snapshots()


def _pause(integration: Integration) -> None:
    """Really wait, for a merchant with a clock of its own; not for long where that has not helped before."""
    time.sleep(REAL_PAUSE if integration.vain_pauses < MOST_VAIN_PAUSES else SHORT_PAUSE)
    integration.vain_pauses += 1


def _round(driver: MerchantDriver, *, patient: bool) -> bool:
    """Let the merchant work by itself, then ask again for everything that is not reached.

    Returns whether the history can go on.
    """
    if not driver.deliver() or not driver.tick():
        return False
    driver.take_snapshots()
    for number, order in enumerate(driver.orders):
        if _is_at_rest(driver, number) or not _ask_again(driver, number, order, patient=patient):
            continue
        if not driver.last_result.came_back or not driver.tick():
            return False
    return True


def _ask_again(driver: MerchantDriver, number: int, order: ScenarioOrder, *, patient: bool) -> bool:
    """Ask again for what was wanted of an order; return whether there was anything to ask for."""
    records = driver.provider_records(number)
    unfinished = order.next_unfinished(records[-1]) if records else None
    if unfinished is not None:
        driver.finish(number, unfinished)
        # Until what was shipped is paid, nobody asks for the end: it would release that money. A refund may need it.
        if unfinished.action != "refund" or driver.last_result.ending != "raised":
            return True
    if not order.wanted_end or (patient and _is_queued(driver, order)):
        return unfinished is not None
    driver.ask_for_end(number)
    return True


def _is_queued(driver: MerchantDriver, order: ScenarioOrder) -> bool:
    """Return whether the merchant's scheduled work is still cancelling an order."""
    return "tick" in driver.offered and order.status == "cancelling" and not order.end_failed


def _has_work_left(driver: MerchantDriver, number: int) -> bool:
    """Return whether scheduled work can still bring an order's amounts into the books: a worker may wake rarely."""
    records = driver.provider_records(number)
    return "tick" in driver.offered and bool(records) and driver.orders[number].amounts_lag(records[-1])


def _is_at_rest(driver: MerchantDriver, number: int) -> bool:
    """Return whether nothing about an order can change any more, and no former payment of it can be paid."""
    records = driver.provider_records(number)
    if not records:
        return True
    former_is_open = any(record.payable or record.remaining for record in records[:-1])
    return not former_is_open and driver.orders[number].is_at_rest(records[-1])
