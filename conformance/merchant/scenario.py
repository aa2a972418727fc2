"""Plays a shop's history: asks the merchant to act, plays the customer, and reads both parties' books each time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from conformance.merchant.integration.base import Integration, MerchantCallError, view_from
from conformance.merchant.protocol import Order, Webhook
from conformance.merchant.provider_double.double import ProviderDouble, RequestBarrier
from conformance.merchant.provider_double.state import provider_record_as_json
from conformance.merchant.provider_double.virtual_clock import StuckError, VirtualClock
from conformance.obligations.history import CUSTOMER_STEPS, MerchantHistory, Step
from conformance.targets.transport import TargetError

ROUNDS: Final = (65, 65, 65, 120, 900, 3600)
"""Seconds of the clock that pass at the quiet end, one after the other. The first ones lie within the ten minutes in
which a customer can approve, and let a rate limit pass."""
PATIENCE: Final = 100
"""Rounds shorter than this leave to a merchant's own queue what it has begun."""
AGAIN: Final = 3
"""So often the shop asks again for what did not succeed."""
REAL_PAUSE: Final = 2.2
"""Seconds that are really waited, once, for a merchant with a clock of its own: longer than ``Retry-After`` asks."""

_SENT: Final = {"create": "create", "cancel": "cancel", "abandon": "cancel", "capture": "capture"}
"""The request that a step is about."""

WriteRecord = Callable[..., None]


@dataclass(slots=True)
class ScenarioOrder:
    """One order at the desk.

    ``wanted`` is what the shop asked for last to end it, ``failed`` that this did not succeed, ``raced`` that the order
    may be honoured all the same.
    """

    order: Order
    created: bool = False
    wanted: str = ""
    raced: bool = False
    approved: bool = False
    failed: bool = False
    view: dict[str, Any] = field(default_factory=dict)


class ScenarioRunner:
    """One history of one shop.

    Args:
        integration: the merchant's integration.
        offered: the actions it has.
        double: the provider's seat.
        clock: the history's clock.
        write: writes a record, as the journal does.
        name: what makes the orders' ids this history's own.

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
        self._waiting: list[Webhook] = []
        self._slots: list[ScenarioOrder] = []
        self._paused = False
        self._stale = True

    def play(self, history: MerchantHistory) -> None:
        """Play a history to its quiet end.

        Raises:
            TargetError: the integration cannot be asked any more, or its adapter does not keep to the protocol.

        """
        for number, amount in enumerate(history.amounts):
            agreement = self._double.counter.agree(f"{self._name}-{number}") if history.profile == "recurring" else ""
            id_ = f"{self._name}-{number}"
            currency = self._double.counter.options.currency
            self._slots.append(ScenarioOrder(Order(id_, amount, currency, f"Order {id_}", agreement)))
        for number, step in enumerate(history.steps):
            self._step = number
            if not self._do(step) or (history.faults and not self._hurry(step)):
                return
            self._read_books()
        self._step = len(history.steps)
        self._come_to_rest()

    # Steps

    def _do(self, step: Step) -> bool:
        slot = self._slots[step.order]
        match step.do:
            case "create":
                return self._create(step.order)
            case "cancel" | "abandon":
                slot.wanted = step.do
                # What is merely abandoned may be honoured as soon as it is paid; what is cancelled may be so only where
                # the approval came in between.
                slot.raced = True if step.do == "abandon" else slot.raced and not slot.approved
                return self._end(step.order)
            case "cancel_together":
                slot.wanted, slot.raced = "cancel", slot.raced and not slot.approved
                return self._end_together(step.order)
            case "capture":
                return self._capture(step.order, step.number)
            case "tick":
                return self._tick()
            case "restart":
                return self._ask("restart", None)
            case "deliver" | "deliver_twice" | "deliver_reversed" | "lose":
                return self._deliver(step.do)
            case "wait":
                self._pass(step.number)
            case _:
                self._play_others(step)
        return True

    def _hurry(self, step: Step) -> bool:
        """Give a queue its turn where something is to go wrong; tell whether the history can go on.

        A shop that only writes down what it was asked for sends nothing until its scheduled work is done, and after the
        last step nothing goes wrong any more: its worker would never meet a fault.
        """
        sent = _SENT.get(step.do)
        waiting = sent is not None and self._last.how == "returned" and sent not in self._double.now.operations
        return self._tick() if waiting else True

    def _play_others(self, step: Step) -> None:
        """Let the customer, time or the merchant's staff in the portal do something."""
        slot, at = self._slots[step.order], self._double.main(step.order)
        if at is None:
            happened = False
        elif step.do == "age":
            happened = self._double.counter.age(*at, step.number)
        elif step.do == "portal_cancel":
            happened = self._double.counter.cancel_in_portal(*at)
        else:
            happened = self._double.counter.act(*at, step.do)
            if step.do in ("approve", "finish_3ds") and happened:
                slot.raced = slot.raced or bool(slot.wanted)
        assert step.do in (*CUSTOMER_STEPS, "age", "portal_cancel")
        told = "" if happened else "it could not happen as the payment stood"
        self._note(
            step.do, step.order, step.number, MerchantCallError("returned" if happened else "skipped", None, told), 0.0
        )

    def _end(self, number: int) -> bool:
        slot = self._slots[number]
        going = self._ask(slot.wanted, number, order_id=slot.order.id)
        slot.failed = self._last.how != "returned"
        return going

    def _end_together(self, number: int) -> bool:
        """Ask for a cancel twice at the same time; tell whether the history can go on."""
        slot, began = self._slots[number], self._clock.elapsed()
        self._stale = True
        self._double.enter(self._step, "cancel", number)
        self._double.crossing = crossing = RequestBarrier()
        try:
            ends = self._integration.together("cancel", {"order_id": slot.order.id})
        finally:
            self._double.crossing = None
            crossing.end()
        for ended in ends:
            self._note("cancel", number, 0, ended, began)
        slot.failed = all(ended.how != "returned" for ended in ends)
        return all(ended.how in ("returned", "raised") for ended in ends)

    def _create(self, number: int) -> bool:
        """Make the payment; a customer whose checkout failed enters it again. Without one, the history is over."""
        slot = self._slots[number]
        going = self._ask("create", number, order=slot.order)
        for _ in range(AGAIN):
            failed = self._last.how != "returned"
            if not going or (self._double.main(number) is not None and not failed):
                break
            self._pass(65)
            going = self._tick()
            if going and (failed or self._double.main(number) is None):
                going = self._ask("create", number, order=slot.order)
        slot.created = self._last.how == "returned" and self._double.main(number) is not None
        return going and slot.created

    def _capture(self, number: int, amount: int) -> bool:
        slot = self._slots[number]
        for _ in range(AGAIN):
            if not self._ask("capture", number, order_id=slot.order.id, amount=amount):
                return False
            if self._last.how == "returned":
                return True
            self._pass(65)
            if not self._tick():
                return False
        return True

    def _tick(self) -> bool:
        return "tick" not in self._offered or self._ask("tick", None, now=self._clock.now())

    def _deliver(self, how: str) -> bool:
        self._waiting += self._double.counter.news()
        hooks, self._waiting = self._waiting, []
        if how == "lose" or "deliver" not in self._offered:
            return True
        if how == "deliver_twice":
            hooks = [hook for hook in hooks for _ in range(2)]
        elif how == "deliver_reversed":
            hooks.reverse()
        return all(self._ask("deliver", self._about(hook), webhook=hook) for hook in hooks)

    def _about(self, hook: Webhook) -> int | None:
        id_ = hook.body.get("reference") or hook.body.get("chargeId") or hook.body.get("orderId")
        found = (order for order, known in enumerate(self._double.payments) if id_ in {one for _, one in known})
        return next(found, None)

    def _pass(self, seconds: float) -> None:
        self._clock.skip(seconds)

    # The merchant

    _last = MerchantCallError("returned")

    def _ask(self, action: str, number: int | None, **given: Any) -> bool:
        """Ask the merchant to act; tell whether the history can go on."""
        began = self._clock.elapsed()
        self._stale = True
        self._double.enter(self._step, action, number)
        try:
            ended = self._integration.call(action, given)
        except StuckError as error:
            ended = MerchantCallError(error.how, None, str(error))
        if self._double.flooded and ended.how != "hung":
            ended = MerchantCallError("flooded", None, "it went on asking the provider without an end")
        self._last = ended
        hook = given.get("webhook")
        self._note(action, number, int(given.get("amount", 0)), ended, began, hook.name if hook else "")
        return ended.how in ("returned", "raised")

    def _note(
        self, action: str, order: int | None, number: int, ended: MerchantCallError, began: float, hook: str = ""
    ) -> None:
        self._write(
            "action",
            step=self._step,
            action=action,
            order=order,
            number=number,
            ended=ended.how,
            told=ended.told[:600],
            began=round(began, 3),
            took=round(self._clock.elapsed() - began, 3) if began else 0,
            hook=hook,
        )

    def _read_books(self) -> None:
        for number, slot in enumerate(self._slots):
            if slot.created:
                # Only a service that runs all the time can have changed its books without being asked to do anything.
                if self._stale or self._integration.kind == "url" or not slot.view:
                    self._ask_for_view(number, slot)
                self._write_books(number, slot)
        self._stale = False

    def _ask_for_view(self, number: int, slot: ScenarioOrder) -> None:
        self._double.enter(self._step, "local_view", number)
        ended = self._integration.call("local_view", {"order_id": slot.order.id})
        if ended.how != "returned":
            raise TargetError(
                f"The adapter is at fault: local_view of {self._integration.name} {_how(ended)}. "
                "It tells how the payment stands in the merchant's own books, and must always be able to."
            )
        slot.view = view_from(self._integration.name, ended.value)

    def _write_books(self, number: int, slot: ScenarioOrder) -> None:
        at = self._double.main(number)
        truth = None if at is None else self._double.counter.truth(*at)
        if truth is not None and truth.authorized and slot.wanted and not slot.approved:
            # The approval came after the shop had asked for the end: either of the two may win.
            slot.raced = True
        slot.approved = slot.approved or bool(truth and truth.authorized)
        self._write("books", step=self._step, order=number, view=slot.view, truth=provider_record_as_json(truth))

    # The quiet end

    def _come_to_rest(self) -> None:
        self._double.faults.healed = True
        self._read_books()
        for seconds in ROUNDS:
            self._pass(seconds)
            if not self._round(patient=seconds < PATIENCE):
                return
            self._read_books()
            if all(self._at_rest(number) for number in range(len(self._slots))):
                break
            if not self._integration.virtual and not self._paused:
                self._paused = True
                time.sleep(REAL_PAUSE)
        # Nothing may happen any more to what is at rest.
        self._pass(65)
        if self._tick():
            self._read_books()

    def _round(self, *, patient: bool) -> bool:
        """Let the merchant work by itself; then ask again for what is not done, as a person at the desk would."""
        if not self._deliver("deliver") or not self._tick():
            return False
        self._read_books()
        for number, slot in enumerate(self._slots):
            at_work = (
                patient and not slot.failed and slot.view.get("status") == "cancelling" and "tick" in self._offered
            )
            if slot.wanted and not at_work and not self._at_rest(number) and not (self._end(number) and self._tick()):
                return False
        return True

    def _at_rest(self, number: int) -> bool:
        """Whether the shop has no reason to ask for anything more."""
        slot, at = self._slots[number], self._double.main(number)
        truth = None if at is None else self._double.counter.truth(*at)
        if not slot.wanted or truth is None:
            return True
        status = slot.view.get("status")
        if status != "cancelled" and slot.failed and not (slot.raced and truth.authorized and not truth.cancelled):
            return False
        if slot.raced and status in ("authorized", "captured") and not truth.cancelled and not truth.pending:
            return True
        if status == "cancelled":
            return True
        return status == "captured" and truth.ended and not truth.pending


def _how(ended: MerchantCallError) -> str:
    return f"raised {ended.told}" if ended.how == "raised" else f"did not come back: {ended.told}"
