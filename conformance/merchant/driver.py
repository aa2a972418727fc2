"""Asks a merchant for actions during a history, and records how they ended and how both parties' books stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from conformance.evidence.record_parts import DeliveryRecord, PaymentRecord, ProviderRecord
from conformance.evidence.records import ActionRecord, BooksRecord
from conformance.merchant.integration.base import ActionResult, Integration, view_from
from conformance.merchant.protocol import Webhook
from conformance.merchant.provider_double.double import ProviderDouble, RequestBarrier, WriteRecord
from conformance.merchant.provider_double.virtual_clock import StuckError, VirtualClock
from conformance.merchant.scenario_order import ScenarioOrder, UnfinishedAction
from conformance.merchant.webhooks.channel import Carrier, SignedChannel, payment_named
from conformance.targets.transport import TargetError

ATTEMPTS: Final = 3
"""How often the shop asks again for an action that did not succeed."""
RATE_LIMIT_SECONDS: Final = 65
"""Seconds of the clock after which a rate limit has passed."""


class MerchantDriver:
    """The suite's side of a merchant's actions in one history. Its methods return whether the history can go on.

    Args:
        integration: the merchant's integration.
        offered: the actions that it has.
        double: the provider double.
        clock: the history's clock.
        write: writes a record of the journal.
        carrier: reaches the merchant's handler of signed notifications; None without one.

    Attributes:
        orders: The orders of the history.
        step: The number of its step that is under way.
        last_result: How the action ended that was asked for last.
        signed: The channel of signed notifications, where the merchant has a handler.
        time_told: The run's time when the merchant was last asked for an action.

    """

    def __init__(
        self,
        integration: Integration,
        offered: frozenset[str],
        double: ProviderDouble,
        clock: VirtualClock,
        write: WriteRecord,
        carrier: Carrier | None = None,
    ) -> None:
        self.integration = integration
        self.offered = offered
        self.double = double
        self.clock = clock
        self.orders: list[ScenarioOrder] = []
        self.step = 0
        self.last_result = ActionResult("returned")
        self.time_told = clock.now()
        self._write = write
        self._views_outdated = True
        self.signed = SignedChannel(self, carrier) if carrier is not None else None

    # Actions

    def ask(self, action: str, number: int | None, **arguments: Any) -> bool:
        """Ask the merchant for an action, and record how it ended."""
        began = self.clock.elapsed()
        self.time_told = self.clock.now()
        result = self.run_action(action, number, lambda: self.integration.call(action, arguments))
        if self.signed is not None:
            self.signed.finish()
        webhook = arguments.get("webhook")
        amount = int(arguments.get("amount", 0))
        self.record_action(action, number, amount, result, began, webhook.name if webhook else "")
        return result.came_back

    def run_action(self, action: str, number: int | None, call: Callable[[], ActionResult]) -> ActionResult:
        """Run an action of the merchant's; return how it ended."""
        self._views_outdated = True
        self.double.begin_action(self.step, action, number)
        try:
            result = call()
        except StuckError as error:
            result = ActionResult(error.ending, None, str(error))
        if self.double.flooded and result.ending != "hung":
            result = ActionResult("flooded", None, "it went on asking the provider without an end")
        self.last_result = result
        return result

    def ask_for_end(self, number: int) -> bool:
        """Ask for the end of an order as the shop wanted it. What was completed once is only closed after that."""
        order = self.orders[number]
        action = "cancel" if order.wanted_end == "complete" else order.wanted_end
        can_go_on = self.ask(action, number, order_id=order.details.id)
        order.end_failed = self.last_result.ending != "returned"
        return can_go_on

    def ask_for_end_twice(self, number: int) -> bool:
        """Ask for a cancel twice at the same time."""
        order, began = self.orders[number], self.clock.elapsed()
        self._views_outdated = True
        self.double.begin_action(self.step, "cancel", number)
        self.double.barrier = barrier = RequestBarrier()
        try:
            results = self.integration.together("cancel", {"order_id": order.details.id})
        finally:
            self.double.barrier = None
            barrier.end()
        for result in results:
            self.record_action("cancel", number, 0, result, began)
        order.end_failed = all(result.ending != "returned" for result in results)
        return all(result.came_back for result in results)

    def ask_about_money(self, number: int, action: str, amount: int) -> bool:
        """Ask for an action that moves money, and again where it does not succeed; note what stays unfinished."""
        order = self.orders[number]
        for _ in range(ATTEMPTS):
            if not self._ask_once(number, action, amount):
                return False
            if self.last_result.ending == "returned":
                return True
            self.clock.skip(RATE_LIMIT_SECONDS)
            if not self.tick():
                return False
        order.unfinished.append(UnfinishedAction(action, amount))
        return True

    def finish(self, number: int, unfinished: UnfinishedAction) -> bool:
        """Ask once more for an action that did not succeed."""
        if not self._ask_once(number, unfinished.action, unfinished.amount):
            return False
        if self.last_result.ending == "returned":
            self.orders[number].unfinished.remove(unfinished)
        elif unfinished.action not in self.double.action.operations:
            unfinished.refusals += 1
        return True

    def _ask_once(self, number: int, action: str, amount: int) -> bool:
        details = self.orders[number].details
        if action == "stop_agreement":
            return self.ask(action, number, agreement=details.agreement)
        return self.ask(action, number, order_id=details.id, amount=amount)

    def tick(self) -> bool:
        """Let the merchant do its scheduled work, if it has any."""
        return "tick" not in self.offered or self.ask("tick", None, now=self.clock.now())

    def deliver(self, how: str = "deliver") -> bool:
        """Deliver the new webhooks in order, twice each or in reverse order, or lose them."""
        if self.signed is not None:
            return self.signed.deliver(how)
        webhooks = self.double.state.new_webhooks()
        if how == "lose" or "deliver" not in self.offered:
            return True
        if how == "deliver_twice":
            webhooks = [webhook for webhook in webhooks for _ in range(2)]
        elif how == "deliver_reversed":
            webhooks.reverse()
        return all(self.ask("deliver", self.order_of(webhook), webhook=webhook) for webhook in webhooks)

    def order_of(self, webhook: Webhook) -> int | None:
        """Return the number of the order that a webhook is about; None where it is about none."""
        named = payment_named(webhook)
        orders = (number for number, keys in enumerate(self.double.payments) if named in {id_ for _, id_ in keys})
        return next(orders, None)

    # Records

    def record_action(
        self,
        action: str,
        order: int | None,
        number: int,
        result: ActionResult,
        began: float,
        webhook: str = "",
        delivery: DeliveryRecord | None = None,
        took: float | None = None,
    ) -> None:
        """Record how an action ended; it took the seconds that are named, else those since it began."""
        seconds = took if took is not None else self.clock.elapsed() - began if began else 0
        self._write(
            ActionRecord(
                history="",
                step=self.step,
                action=action,
                order=order,
                number=number,
                ended=result.ending,
                told=result.message[:600],
                began=round(began, 3),
                took=round(seconds, 3),
                hook=webhook,
                crash=result.crash,
                delivery=delivery,
            )
        )

    def take_snapshots(self) -> None:
        """Record both parties' books of every order with a payment."""
        for number, order in enumerate(self.orders):
            if self.double.payments[number]:
                # Only a service that runs all the time can change its books between two actions.
                if self._views_outdated or self.integration.kind == "url" or not order.view:
                    self._refresh_view(number, order)
                self._record_snapshot(number, order)
        self._views_outdated = False

    def _refresh_view(self, number: int, order: ScenarioOrder) -> None:
        self.double.begin_action(self.step, "local_view", number)
        result = self.integration.call("local_view", {"order_id": order.details.id})
        if result.ending == "returned" and (order.created or result.value is not None):
            order.view = view_from(self.integration.name, result.value)
        elif order.created:
            what = "raised " if result.ending == "raised" else "did not come back: "
            raise TargetError(
                f"The adapter is at fault: local_view of {self.integration.name} {what}{result.message}. "
                "It tells how the payment stands in the merchant's own books, and must always be able to.",
                result.crash,
            )

    def _record_snapshot(self, number: int, order: ScenarioOrder) -> None:
        state, keys = self.double.state, self.double.payments[number]
        records = [(key, state.record(*key)) for key in keys]
        payments = tuple(
            PaymentRecord(api=api, id=id_, truth=truth) for (api, id_), truth in records if truth is not None
        )
        latest = records[-1][1]
        order.note_reservation(latest)
        self._write(
            BooksRecord(
                history="",
                step=self.step,
                order=number,
                view=dict(order.view),
                truth=latest,
                payments=payments if len(payments) > 1 else (),
                events=state.take_events(keys),
            )
        )

    def provider_records(self, number: int) -> list[ProviderRecord]:
        """Return the payments of an order as the provider has them, oldest first."""
        records = (self.double.state.record(*key) for key in self.double.payments[number])
        return [record for record in records if record is not None]
