"""Runs a merchant's history: asks for actions, acts as the customer, and reads both parties' books each time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from conformance.evidence.record_parts import ProviderRecord
from conformance.merchant.coming_to_rest import come_to_rest
from conformance.merchant.driver import ATTEMPTS, RATE_LIMIT_SECONDS, MerchantDriver
from conformance.merchant.integration.base import ActionResult
from conformance.merchant.protocol import Order
from conformance.merchant.scenario_order import ScenarioOrder
from conformance.obligations.history import (
    CUSTOMER_STEPS,
    DELIVERY_FORMS,
    FORGERIES,
    SIGNED_STEPS,
    ZONES,
    MerchantHistory,
    MerchantStep,
)

QUEUE_WAITS: Final = (0, 65, 300)
"""Seconds of the clock that pass, one after the other, until a shop's worker sends what it was asked for."""
LIFE_MARKS: Final = (60, 600, 1800, 3600, 21_600, 90_000, 259_200, 691_200, 1_296_000, 2_678_400, 7_862_400, 15_465_600)
"""Seconds after which scheduled work is due while an order lives on: a minute to 179 days, a night among them."""

_NOT_POSSIBLE: Final = "it could not happen as the payment stood"
_OPERATION_OF_ACTION: Final = {
    "create": "create",
    "cancel": "cancel",
    "abandon": "cancel",
    "capture": "capture",
    "complete": "capture",
    "refund": "refund",
}
"""The operation that an action is there for."""


class ScenarioRunner:
    """One run of one history.

    Args:
        driver: asks the merchant, and records.
        name: makes the ids of the history's orders different from those of other histories.

    """

    def __init__(self, driver: MerchantDriver, name: str) -> None:
        self._driver = driver
        self._double = driver.double
        self._clock = driver.clock
        self._orders = driver.orders
        self._name = name

    def run(self, history: MerchantHistory) -> None:
        """Run every step, then let the merchant come to rest; stop early where an action does not come back.

        Raises:
            TargetError: The integration cannot be reached any more, or its adapter does not keep to the protocol.

        """
        self._make_orders(history)
        for number, step in enumerate(history.steps):
            self._driver.step = number
            if not self._do(step) or (history.faults and not self._let_queue_send(step)):
                return
            self._driver.take_snapshots()
        self._driver.step = len(history.steps)
        come_to_rest(self._driver)

    def _make_orders(self, history: MerchantHistory) -> None:
        state, agreement = self._double.state, ""
        for number, amount in enumerate(history.amounts):
            id_ = f"{self._name}-{number}"
            if not (agreement and history.behaviour.one_agreement):
                agreement = state.agree(history.profile, id_)
            order = Order(id_, amount, state.options.currency, f"Order {id_}", agreement)
            self._orders.append(ScenarioOrder(order))
        agreements = [order.details.agreement for order in self._orders]
        self._double.names = [
            (order.details.id, order.details.agreement if agreements.count(order.details.agreement) == 1 else "")
            for order in self._orders
        ]

    # Steps. Each returns whether the history can go on.

    def _do(self, step: MerchantStep) -> bool:
        match step.do:
            case "create":
                return self._create(step.order)
            case "pay_again":
                return self._driver.ask("pay_again", step.order, order=self._orders[step.order].details)
            case "cancel" | "abandon" | "cancel_together" | "complete":
                return self._end(step)
            case "capture" | "refund" | "stop_agreement":
                return self._move_money(step)
            case "tick":
                return self._driver.tick()
            case "restart":
                return self._driver.ask("restart", None)
            case "deliver" | "deliver_twice" | "deliver_reversed" | "lose":
                return self._driver.deliver(step.do)
            case do if do in SIGNED_STEPS:
                return self._deliver_signed(step)
            case "wait":
                self._clock.skip(step.number)
            case "live":
                return self._live(step.number)
            case zone if zone in ZONES:
                self._driver.integration.enter_zone(ZONES[zone])
            case _:
                self._act_outside(step)
        return True

    def _let_queue_send(self, step: MerchantStep) -> bool:
        """Run scheduled work after an action that sent nothing, in a history with faults.

        A shop with a queue sends nothing until its scheduled work runs, and after the last step no fault is injected
        any more: its worker would never meet one.
        """
        driver, operation = self._driver, _OPERATION_OF_ACTION.get(step.do)
        if operation is None or driver.last_result.ending != "returned" or "tick" not in driver.offered:
            return True
        for seconds in QUEUE_WAITS:
            if operation in self._double.action.operations:
                break
            self._clock.skip(seconds)
            if not driver.tick():
                return False
            driver.take_snapshots()
            if self._is_settled(step.order):
                break
        return True

    def _is_settled(self, number: int) -> bool:
        """Return whether a shop has nothing to send about an order: its books say that all is done."""
        order, record = self._orders[number], self._record(number)
        captured = order.view.get("captured")
        return order.status != "cancelling" and (record is None or not order.shipped or captured == order.shipped)

    def _act_outside(self, step: MerchantStep) -> None:
        """Let the customer, time, the bank or the merchant's staff in the portal act on a payment."""
        order, state = self._orders[step.order], self._double.state
        acts = step.do in CUSTOMER_STEPS
        payment = self._double.payment_of(step.order, step.number if acts else 0)
        if payment is None:
            possible = False
        elif step.do == "age":
            possible = state.age(*payment, step.number)
        elif step.do == "portal_cancel":
            possible = state.release(*payment, by="portal")
        elif step.do == "bank_release":
            possible = state.release(*payment, by="bank")
        else:
            possible = state.act(*payment, step.do)
            if possible and step.do in ("approve", "finish_3ds") and order.wanted_end:
                order.may_be_honoured = True
        result = ActionResult("returned") if possible else ActionResult("skipped", None, _NOT_POSSIBLE)
        self._driver.record_action(step.do, step.order, step.number, result, 0.0)

    def _deliver_signed(self, step: MerchantStep) -> bool:
        """Deliver in another form, forge a delivery, or report a failure, where the merchant has a handler."""
        signed = self._driver.signed
        if signed is None:
            return True
        if step.do in DELIVERY_FORMS:
            return signed.deliver(step.do)
        tell = signed.forge if step.do in FORGERIES else signed.report
        return tell(step.do, step.order, step.number)

    def _end(self, step: MerchantStep) -> bool:
        """Ask for the end of an order, as the step says."""
        order = self._orders[step.order]
        order.ask_for_end("cancel" if step.do == "cancel_together" else step.do)
        if step.do == "cancel_together":
            return self._driver.ask_for_end_twice(step.order)
        if step.do == "complete":
            return self._move_money(step)
        return self._driver.ask_for_end(step.order)

    def _move_money(self, step: MerchantStep) -> bool:
        order = self._orders[step.order]
        if step.do == "refund":
            order.refunded += step.number
        elif step.do != "stop_agreement":
            order.shipped += step.number
        return self._driver.ask_about_money(step.order, step.do, step.number)

    def _create(self, number: int) -> bool:
        """Make an order's payment; a customer whose checkout failed tries again. Without a payment, stop.

        A payment that was made although the merchant failed is there all the same, and the history goes on.
        """
        driver, order = self._driver, self._orders[number]
        can_go_on = driver.ask("create", number, order=order.details)
        for _ in range(ATTEMPTS):
            failed = driver.last_result.ending != "returned"
            if not can_go_on or (self._double.payment_of(number) is not None and not failed):
                break
            self._clock.skip(RATE_LIMIT_SECONDS)
            can_go_on = driver.tick()
            if can_go_on and (failed or self._double.payment_of(number) is None):
                can_go_on = driver.ask("create", number, order=order.details)
        is_there = self._double.payment_of(number) is not None
        order.created = driver.last_result.ending == "returned" and is_there
        return can_go_on and is_there

    def _live(self, seconds: int) -> bool:
        """Let time pass for everybody: webhooks arrive, and scheduled work runs now and then."""
        for portion in _portions(seconds):
            self._clock.skip(portion)
            if not self._driver.deliver() or not self._driver.tick():
                return False
            self._driver.take_snapshots()
        self._driver.record_action("live", None, seconds, ActionResult("returned"), 0.0)
        return True

    def _record(self, number: int) -> ProviderRecord | None:
        records = self._driver.provider_records(number)
        return records[-1] if records else None


def _portions(seconds: int) -> Iterator[int]:
    """Yield the parts of a time between which scheduled work runs."""
    passed = 0
    for mark in (*(mark for mark in LIFE_MARKS if mark < seconds), seconds):
        yield mark - passed
        passed = mark
