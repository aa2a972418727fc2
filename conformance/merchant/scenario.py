"""Runs a merchant's history: asks for actions, acts as the customer, and reads both parties' books each time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Final

from conformance.evidence.record_parts import ProviderRecord
from conformance.evidence.records import ActionRecord, BooksRecord
from conformance.merchant.integration.base import ActionResult, Integration, view_from
from conformance.merchant.protocol import Order, Webhook
from conformance.merchant.provider_double.double import ProviderDouble, RequestBarrier, WriteRecord
from conformance.merchant.provider_double.virtual_clock import StuckError, VirtualClock
from conformance.obligations.history import CUSTOMER_STEPS, MerchantHistory, MerchantStep
from conformance.targets.transport import TargetError

REST_ROUNDS: Final = (65, 65, 65, 120, 900, 3600)
"""Seconds of the clock that pass after the last step, round by round.

The first rounds lie within the ten minutes in which a customer can approve, and each lets a rate limit pass.
"""
PATIENT_BELOW: Final = 100
"""In rounds shorter than this the shop leaves what a queue has begun to the queue."""
ATTEMPTS: Final = 3
"""How often the shop asks again for an action that did not succeed."""
REAL_PAUSE: Final = 2.2
"""Seconds of real waiting, once, for a merchant with a clock of its own: longer than ``Retry-After`` asks."""
RATE_LIMIT_SECONDS: Final = 65
"""Seconds of the clock after which a rate limit has passed."""

_NOT_POSSIBLE: Final = "it could not happen as the payment stood"
_OPERATION_OF_ACTION: Final = {"create": "create", "cancel": "cancel", "abandon": "cancel", "capture": "capture"}
"""The operation that an action is there for."""


@dataclass(slots=True)
class ScenarioOrder:
    """One order of the history, and how far it has come.

    Attributes:
        details: What the merchant is told of the order.
        created: Whether its payment was made.
        wanted_end: The action by which the shop asked for the end: ``cancel``, ``abandon``, or empty.
        end_failed: Whether that action did not succeed when it was last asked for.
        approved: Whether the payment was ever reserved.
        may_be_honoured: Whether the order may go on although its end was asked for.
        view: The merchant's latest view.

    """

    details: Order
    created: bool = False
    wanted_end: str = ""
    end_failed: bool = False
    approved: bool = False
    may_be_honoured: bool = False
    view: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """The merchant's word for how the payment stands."""
        return str(self.view.get("status", ""))


class ScenarioRunner:
    """One run of one history.

    Args:
        integration: the merchant's integration.
        offered: the actions that it has.
        double: the provider double.
        clock: the history's clock.
        write: writes a record of the journal.
        name: makes the ids of the history's orders different from those of other histories.

    """

    def __init__(
        self,
        integration: Integration,
        offered: frozenset[str],
        double: ProviderDouble,
        clock: VirtualClock,
        write: WriteRecord,
        name: str,
    ) -> None:
        self._integration = integration
        self._offered = offered
        self._double = double
        self._clock = clock
        self._write = write
        self._name = name
        self._step = 0
        self._orders: list[ScenarioOrder] = []
        self._last_result = ActionResult("returned")
        self._has_paused = False
        self._views_outdated = True

    def run(self, history: MerchantHistory) -> None:
        """Run every step, then let the merchant come to rest; stop early where an action does not come back.

        Raises:
            TargetError: The integration cannot be reached any more, or its adapter does not keep to the protocol.

        """
        for number, amount in enumerate(history.amounts):
            self._orders.append(ScenarioOrder(self._order_details(number, amount, history)))
        for number, step in enumerate(history.steps):
            self._step = number
            if not self._do(step) or (history.faults and not self._let_queue_send(step)):
                return
            self._take_snapshots()
        self._step = len(history.steps)
        self._come_to_rest()

    def _order_details(self, number: int, amount: int, history: MerchantHistory) -> Order:
        id_, state = f"{self._name}-{number}", self._double.state
        agreement = state.agree(history.profile, id_)
        return Order(id_, amount, state.options.currency, f"Order {id_}", agreement)

    # Steps. Each returns whether the history can go on.

    def _do(self, step: MerchantStep) -> bool:
        match step.do:
            case "create":
                return self._create(step.order)
            case "cancel" | "abandon" | "cancel_together":
                return self._end(step)
            case "capture":
                return self._capture(step.order, step.number)
            case "tick":
                return self._tick()
            case "restart":
                return self._ask("restart", None)
            case "deliver" | "deliver_twice" | "deliver_reversed" | "lose":
                return self._deliver(step.do)
            case "wait":
                self._clock.skip(step.number)
            case _:
                self._act_outside(step)
        return True

    def _let_queue_send(self, step: MerchantStep) -> bool:
        """Run scheduled work after an action that sent nothing, in a history with faults.

        A shop with a queue sends nothing until its scheduled work runs, and after the last step no fault is injected
        any more: its worker would never meet one.
        """
        operation = _OPERATION_OF_ACTION.get(step.do)
        queued = (
            operation is not None
            and self._last_result.ending == "returned"
            and operation not in self._double.action.operations
        )
        return self._tick() if queued else True

    def _act_outside(self, step: MerchantStep) -> None:
        """Let the customer, time or the merchant's staff in the portal act on a payment."""
        assert step.do in (*CUSTOMER_STEPS, "age", "portal_cancel")
        order, payment = self._orders[step.order], self._double.payment_of(step.order)
        state = self._double.state
        if payment is None:
            possible = False
        elif step.do == "age":
            possible = state.age(*payment, step.number)
        elif step.do == "portal_cancel":
            possible = state.cancel_in_portal(*payment)
        else:
            possible = state.act(*payment, step.do)
            if possible and step.do in ("approve", "finish_3ds") and order.wanted_end:
                order.may_be_honoured = True
        result = ActionResult("returned") if possible else ActionResult("skipped", None, _NOT_POSSIBLE)
        self._record_action(step.do, step.order, step.number, result, 0.0)

    def _end(self, step: MerchantStep) -> bool:
        """Ask for the end of an order, as the step says.

        An abandoned order may be honoured as soon as it is paid; a cancelled one only where the approval came in
        between.
        """
        order = self._orders[step.order]
        if step.do == "abandon":
            order.wanted_end, order.may_be_honoured = "abandon", True
        else:
            order.wanted_end, order.may_be_honoured = "cancel", order.may_be_honoured and not order.approved
        return self._cancel_together(step.order) if step.do == "cancel_together" else self._ask_for_end(step.order)

    def _ask_for_end(self, number: int) -> bool:
        order = self._orders[number]
        can_go_on = self._ask(order.wanted_end, number, order_id=order.details.id)
        order.end_failed = self._last_result.ending != "returned"
        return can_go_on

    def _cancel_together(self, number: int) -> bool:
        """Ask for a cancel twice at the same time."""
        order, began = self._orders[number], self._clock.elapsed()
        self._views_outdated = True
        self._double.begin_action(self._step, "cancel", number)
        self._double.barrier = barrier = RequestBarrier()
        try:
            results = self._integration.together("cancel", {"order_id": order.details.id})
        finally:
            self._double.barrier = None
            barrier.end()
        for result in results:
            self._record_action("cancel", number, 0, result, began)
        order.end_failed = all(result.ending != "returned" for result in results)
        return all(result.came_back for result in results)

    def _create(self, number: int) -> bool:
        """Make an order's payment; a customer whose checkout failed tries again. Without a payment, stop."""
        order = self._orders[number]
        can_go_on = self._ask("create", number, order=order.details)
        for _ in range(ATTEMPTS):
            failed = self._last_result.ending != "returned"
            if not can_go_on or (self._double.payment_of(number) is not None and not failed):
                break
            self._clock.skip(RATE_LIMIT_SECONDS)
            can_go_on = self._tick()
            if can_go_on and (failed or self._double.payment_of(number) is None):
                can_go_on = self._ask("create", number, order=order.details)
        order.created = self._last_result.ending == "returned" and self._double.payment_of(number) is not None
        return can_go_on and order.created

    def _capture(self, number: int, amount: int) -> bool:
        for _ in range(ATTEMPTS):
            if not self._ask("capture", number, order_id=self._orders[number].details.id, amount=amount):
                return False
            if self._last_result.ending == "returned":
                return True
            self._clock.skip(RATE_LIMIT_SECONDS)
            if not self._tick():
                return False
        return True

    def _tick(self) -> bool:
        return "tick" not in self._offered or self._ask("tick", None, now=self._clock.now())

    def _deliver(self, how: str) -> bool:
        """Deliver the new webhooks in order, twice each or in reverse order, or lose them."""
        webhooks = self._double.state.new_webhooks()
        if how == "lose" or "deliver" not in self._offered:
            return True
        if how == "deliver_twice":
            webhooks = [webhook for webhook in webhooks for _ in range(2)]
        elif how == "deliver_reversed":
            webhooks.reverse()
        return all(self._ask("deliver", self._order_of(webhook), webhook=webhook) for webhook in webhooks)

    def _order_of(self, webhook: Webhook) -> int | None:
        body = webhook.body
        named = body.get("reference") or body.get("chargeId") or body.get("orderId")
        orders = (number for number, keys in enumerate(self._double.payments) if named in {id_ for _, id_ in keys})
        return next(orders, None)

    # The merchant

    def _ask(self, action: str, number: int | None, **arguments: Any) -> bool:
        """Ask the merchant for an action and record how it ended; return whether the history can go on."""
        began = self._clock.elapsed()
        self._views_outdated = True
        self._double.begin_action(self._step, action, number)
        try:
            result = self._integration.call(action, arguments)
        except StuckError as error:
            result = ActionResult(error.ending, None, str(error))
        if self._double.flooded and result.ending != "hung":
            result = ActionResult("flooded", None, "it went on asking the provider without an end")
        self._last_result = result
        webhook = arguments.get("webhook")
        amount = int(arguments.get("amount", 0))
        self._record_action(action, number, amount, result, began, webhook.name if webhook else "")
        return result.came_back

    def _record_action(
        self, action: str, order: int | None, number: int, result: ActionResult, began: float, webhook: str = ""
    ) -> None:
        self._write(
            ActionRecord(
                history="",
                step=self._step,
                action=action,
                order=order,
                number=number,
                ended=result.ending,
                told=result.message[:600],
                began=round(began, 3),
                took=round(self._clock.elapsed() - began, 3) if began else 0,
                hook=webhook,
                crash=result.crash,
            )
        )

    def _take_snapshots(self) -> None:
        """Record both parties' books of every order with a payment."""
        for number, order in enumerate(self._orders):
            if order.created:
                # Only a service that runs all the time can change its books between two actions.
                if self._views_outdated or self._integration.kind == "url" or not order.view:
                    self._refresh_view(number, order)
                self._record_snapshot(number, order)
        self._views_outdated = False

    def _refresh_view(self, number: int, order: ScenarioOrder) -> None:
        self._double.begin_action(self._step, "local_view", number)
        result = self._integration.call("local_view", {"order_id": order.details.id})
        if result.ending != "returned":
            what = "raised " if result.ending == "raised" else "did not come back: "
            raise TargetError(
                f"The adapter is at fault: local_view of {self._integration.name} {what}{result.message}. "
                "It tells how the payment stands in the merchant's own books, and must always be able to.",
                result.crash,
            )
        order.view = view_from(self._integration.name, result.value)

    def _record_snapshot(self, number: int, order: ScenarioOrder) -> None:
        record = self._provider_record(number)
        reserved = record is not None and record.authorized > 0
        if reserved and order.wanted_end and not order.approved:
            # The approval came after the shop had asked for the end: either of the two may win.
            order.may_be_honoured = True
        order.approved = order.approved or reserved
        self._write(BooksRecord(history="", step=self._step, order=number, view=dict(order.view), truth=record))

    def _provider_record(self, number: int) -> ProviderRecord | None:
        payment = self._double.payment_of(number)
        return None if payment is None else self._double.state.record(*payment)

    # After the last step

    def _come_to_rest(self) -> None:
        """Stop injecting faults, and let time pass until no order needs anything more."""
        self._double.faults.healed = True
        self._take_snapshots()
        for seconds in REST_ROUNDS:
            self._clock.skip(seconds)
            if not self._rest_round(patient=seconds < PATIENT_BELOW):
                return
            self._take_snapshots()
            if all(self._is_at_rest(number) for number in range(len(self._orders))):
                break
            if not self._integration.virtual and not self._has_paused:
                self._has_paused = True
                time.sleep(REAL_PAUSE)
        # An order at rest must stay as it is.
        self._clock.skip(RATE_LIMIT_SECONDS)
        if self._tick():
            self._take_snapshots()

    def _rest_round(self, *, patient: bool) -> bool:
        """Let the merchant work by itself, then ask again for each end that is not reached."""
        if not self._deliver("deliver") or not self._tick():
            return False
        self._take_snapshots()
        for number, order in enumerate(self._orders):
            if not order.wanted_end or self._is_at_rest(number) or (patient and self._is_queued(order)):
                continue
            if not self._ask_for_end(number) or not self._tick():
                return False
        return True

    def _is_queued(self, order: ScenarioOrder) -> bool:
        """Return whether the merchant's scheduled work is still cancelling an order."""
        return "tick" in self._offered and order.status == "cancelling" and not order.end_failed

    def _is_at_rest(self, number: int) -> bool:
        """Return whether the shop has no reason to ask for anything more about an order."""
        order, record = self._orders[number], self._provider_record(number)
        if not order.wanted_end or record is None or order.status == "cancelled":
            return True
        honourable = order.may_be_honoured and not record.cancelled
        if order.end_failed and not (honourable and record.authorized):
            return False
        if record.pending:
            return False
        return order.status in ("authorized", "captured") if honourable else order.status == "captured" and record.ended
