"""`CancelMachine`: a ready `RuleBasedStateMachine` that takes several orders through their steps, in any sequence.

Histories are about one order and are laid out beforehand. Here several orders of one target live at the same time, a
step may follow any other, and a subclass adds rules and invariants of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, ClassVar, Final, TypeVar, cast

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, precondition, rule
from hypothesis.strategies import SearchStrategy

from conformance.api.explanation import inconclusive_text, violation_error
from conformance.api.open_targets import AnyTarget, opened
from conformance.api.provider_run import member_named
from conformance.api.statistics import count_cancel
from conformance.domain.api_table import USUAL_API, spec_of
from conformance.domain.order import Kind, Profile
from conformance.domain.steps import (
    Addressee,
    Age,
    Approve,
    BecomeDue,
    Cancel,
    Capture,
    Charge,
    Defect,
    Enter3DS,
    Expire,
    Fail,
    Initiate,
    Key,
    Leave3DS,
    Read,
    Refund,
    Reject,
    Reserve,
    StartProcessing,
    Step,
    StopAgreement,
    action_of,
    actions_of,
    name_of,
)
from conformance.errors import InconclusiveError
from conformance.judging.judge import Judgement, StepStatus
from conformance.runner.live_order import LiveOrder
from conformance.strategies.provider.ages import REFUND_BEYOND, REFUND_WITHIN, age_limits
from conformance.strategies.provider.grid import FLAG_DEFECTS, FLAGS, defects_of
from conformance.strategies.provider.histories import MOST_CANCELS
from conformance.strategies.provider.money import AMOUNTS, without_trigger

MOST_ORDERS: Final = 2
"""So many orders live at the same time."""
MOST_UNUSUAL: Final = 1
"""So many cancels of an order are malformed or meant for another."""
_PARTS: Final[Mapping[str, Callable[[int], int]]] = {
    "half": lambda whole: whole // 2,
    "all": lambda whole: whole,
    "a little": lambda _: 100,
    "too much": lambda whole: whole + 100,
}
"""How much of what is there is captured or refunded, the simplest first."""
_PART: Final = st.sampled_from(tuple(_PARTS))

Function = TypeVar("Function", bound=Callable[..., Any])


def _self(function: Callable[[CancelMachine], Iterable[Any]]) -> SearchStrategy[Any]:
    """Return a strategy that samples what the machine says at that moment."""
    return st.runner().flatmap(lambda machine: st.sampled_from(list(function(machine))))


def _order_rule(step: Step, **arguments: SearchStrategy[Any]) -> Callable[[Function], Function]:
    """Make a rule for a step like this one, of an order that can take it."""
    drawn: dict[str, Any] = {"order": _self(lambda machine: machine.fitting(step)), **arguments}
    declared: Any = rule(**drawn)
    possible: Any = precondition(lambda machine: bool(machine.fitting(step)))

    def decorate(function: Function) -> Function:
        return cast("Function", possible(declared(function)))

    return decorate


_FLAG: Final = _self(lambda machine: machine.flags)


class CancelMachine(RuleBasedStateMachine):
    """A state machine with the documented rules of Cancel as its oracle.

        class ShopMachine(CancelMachine):
            profile = "epayment"
            target = "asgi:shop.payments:app"

        TestShop = ShopMachine.TestCase

    After every step the order is read back, and its whole state compared. At the end every order is read again, so
    that what one order does to another is found. A rule for which the target offers no way is not run; an event counts
    that. Two requests at the same moment are not tested: histories do that.

    Attributes:
        profile: the API: ``ecom``, ``epayment`` or ``recurring``.
        target: as in `assert_conforms`.
        control_url: as in `open_target`.
        market: as in `open_target`.
        interpretations: as in `open_target`.
        orders: the bundle of all orders, for rules of your own: ``@rule(order=CancelMachine.orders)``.

    """

    profile: ClassVar[str] = USUAL_API.value
    target: ClassVar[AnyTarget] = "embedded"
    control_url: ClassVar[str | None] = None
    market: ClassVar[str] = "no"
    interpretations: ClassVar[tuple[str, ...]] = ()

    orders: Bundle[LiveOrder] = Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        cls = type(self)
        self.api = member_named(Profile, "profile", cls.profile)
        self.open_target = opened(cls.target, cls.control_url, cls.market, cls.interpretations)
        self.capabilities = self.open_target.capabilities(self.api.value)
        self.context = self.open_target.context(self.api.value)
        self.living: list[LiveOrder] = []
        for missing in sorted(_actions(self.api) - self.capabilities):
            event(f"not tested: the target does not offer {missing}")

    # What is possible now

    @property
    def flags(self) -> tuple[bool | None, ...]:
        """The flags that a cancel can have."""
        return FLAGS if spec_of(self.api).cancel_flag is not None else (None,)

    @property
    def kinds(self) -> list[str]:
        """The kinds of order that the API has."""
        return [kind.value for kind in Kind if kind in spec_of(self.api).kinds]

    @property
    def ages(self) -> list[timedelta]:
        """Ages on both sides of every limit, the least first."""
        limits = age_limits(self.api, self.context)
        return sorted({*limits.within, *limits.beyond, *limits.open, *REFUND_WITHIN, *REFUND_BEYOND})

    @property
    def defects(self) -> tuple[Defect, ...]:
        """What can be wrong with a cancel request."""
        return tuple(defects_of(self.api))

    def fitting(self, step: Step) -> list[LiveOrder]:
        """Return the orders for which a step like this one is worth a try.

        What a user does is worth it where it changes the order, or where a cancel should have made it impossible.
        """
        if name_of(step) not in spec_of(self.api).steps or not _needs(step) <= self._offered:
            return []
        return [order for order in self.living if self._fits(order, step)]

    def _fits(self, order: LiveOrder, step: Step) -> bool:
        cancels = [done for done in order.steps if isinstance(done, Cancel)]
        match step:
            case Cancel(key=Key.SAME):
                return 0 < len(cancels) < MOST_CANCELS
            case Cancel():
                unusual = sum(done != Cancel(flag=done.flag, key=done.key) for done in cancels)
                return len(cancels) < MOST_CANCELS and (step == Cancel() or unusual < MOST_UNUSUAL)
            case Age() | Capture():
                return bool(cancels) or any(state.since_reserved is not None for state in order.possible)
            case Refund():
                return bool(cancels) or any(state.captured for state in order.possible)
            case StopAgreement():
                return True
        branches = order.expectation(step).branches
        return bool(cancels) or any(branch.after not in order.possible for branch in branches if branch.proves)

    @property
    def _offered(self) -> frozenset[str]:
        return self.capabilities | {"wire"} if self.open_target.over_http else self.capabilities

    # The steps of an order

    @precondition(lambda self: len(self.living) < MOST_ORDERS and Kind.PAYMENT in self.kinds)
    @rule(target=orders, amount=st.sampled_from(AMOUNTS))
    def initiate(self, amount: int) -> LiveOrder:
        """Create a payment."""
        return self._new_order(Initiate(amount))

    @precondition(lambda self: len(self.living) < MOST_ORDERS and Kind.PAYMENT not in self.kinds)
    @rule(target=orders, amount=st.sampled_from(AMOUNTS), kind=_self(lambda machine: machine.kinds))
    def create_charge(self, amount: int, kind: str) -> LiveOrder:
        """Create a charge of an agreement."""
        return self._new_order(Initiate(amount, Kind(kind)))

    @_order_rule(Approve())
    def approve(self, order: LiveOrder) -> None:
        """Approve as the user."""
        self.do(order, Approve())

    @_order_rule(Reject())
    def reject(self, order: LiveOrder) -> None:
        """Reject as the user."""
        self.do(order, Reject())

    @_order_rule(Expire())
    def expire(self, order: LiveOrder) -> None:
        """Do nothing as the user, until the payment times out."""
        self.do(order, Expire())

    @_order_rule(Enter3DS())
    def enter_3ds(self, order: LiveOrder) -> None:
        """Send the user into a 3-D Secure session."""
        self.do(order, Enter3DS())

    @_order_rule(Leave3DS())
    def finish_3ds(self, order: LiveOrder) -> None:
        """End the 3-D Secure session with success."""
        self.do(order, Leave3DS())

    @_order_rule(Leave3DS(success=False))
    def fail_3ds(self, order: LiveOrder) -> None:
        """End the 3-D Secure session without success."""
        self.do(order, Leave3DS(success=False))

    @_order_rule(BecomeDue())
    def become_due(self, order: LiveOrder) -> None:
        """Let a charge become due."""
        self.do(order, BecomeDue())

    @_order_rule(StartProcessing())
    def start_processing(self, order: LiveOrder) -> None:
        """Let a charge be processed."""
        self.do(order, StartProcessing())

    @_order_rule(Reserve())
    def reserve(self, order: LiveOrder) -> None:
        """Let a charge be reserved."""
        self.do(order, Reserve())

    @_order_rule(Charge())
    def charge(self, order: LiveOrder) -> None:
        """Let a charge be captured directly."""
        self.do(order, Charge())

    @_order_rule(Fail())
    def fail(self, order: LiveOrder) -> None:
        """Let a charge fail."""
        self.do(order, Fail())

    @_order_rule(Age(timedelta(1)), by=_self(lambda machine: machine.ages))
    def age(self, order: LiveOrder, by: timedelta) -> None:
        """Let time pass for an order."""
        self.do(order, Age(by))

    @_order_rule(Capture(1), part=_PART)
    def capture(self, order: LiveOrder, part: str) -> None:
        """Capture a part of what could be captured if there had been no cancel."""
        state = order.possible[0]
        self.do(order, Capture(self._amount(part, state.amount - state.captured)))

    @_order_rule(Refund(1), part=_PART)
    def refund(self, order: LiveOrder, part: str) -> None:
        """Refund a part of what could be refunded."""
        self.do(order, Refund(self._amount(part, order.possible[0].refundable)))

    def _amount(self, part: str, whole: int) -> int:
        return without_trigger(max(_PARTS[part](whole), spec_of(self.api).least_capture))

    @_order_rule(StopAgreement())
    def stop_agreement(self, order: LiveOrder) -> None:
        """Stop the charge's agreement."""
        self.do(order, StopAgreement())

    @_order_rule(Cancel(), flag=_FLAG)
    def cancel(self, order: LiveOrder, flag: bool | None) -> None:
        """Cancel an order."""
        self.do(order, Cancel(flag=flag))

    @_order_rule(Cancel(key=Key.SAME), flag=_FLAG)
    def repeat_cancel(self, order: LiveOrder, flag: bool | None) -> None:
        """Send a cancel with the idempotency key of the one before it."""
        self.do(order, Cancel(flag=flag, key=Key.SAME))

    @_order_rule(Cancel(key=Key.SPENT), flag=_FLAG)
    def cancel_with_used_key(self, order: LiveOrder, flag: bool | None) -> None:
        """Cancel with a key that another order's cancel used."""
        self.do(order, Cancel(flag=flag, key=Key.SPENT))

    @_order_rule(Cancel(to=Addressee.UNKNOWN), flag=_FLAG)
    def cancel_unknown_order(self, order: LiveOrder, flag: bool | None) -> None:
        """Cancel an order that does not exist; this one stays as it is."""
        self.do(order, Cancel(flag=flag, to=Addressee.UNKNOWN))

    @_order_rule(Cancel(to=Addressee.FOREIGN), flag=_FLAG)
    def cancel_as_somebody_else(self, order: LiveOrder, flag: bool | None) -> None:
        """Cancel an order as another sales unit, or under another agreement."""
        self.do(order, Cancel(flag=flag, to=Addressee.FOREIGN))

    @_order_rule(Cancel(defect=Defect.NO_TOKEN), defect=_self(lambda machine: machine.defects))
    def cancel_malformed(self, order: LiveOrder, defect: Defect) -> None:
        """Send a cancel request with something wrong in it."""
        self.do(order, Cancel(flag=True if defect in FLAG_DEFECTS else None, defect=defect))

    # The oracle

    def do(self, order: LiveOrder, step: Step) -> Judgement:
        """Execute the next step of an order, and raise where it violates a rule or proves nothing.

        Raises:
            ViolationError: a rule is violated. There is one subclass for each rule.
            InconclusiveError: the step proved nothing.

        """
        __tracebackhide__ = True
        before = order.possible
        judgement, response = self.open_target.do(order, step)
        records = self.open_target.records_of(order)
        if isinstance(step, Cancel):
            count_cancel(before, response, self.context)
        if judgement.status is StepStatus.VIOLATES:
            raise violation_error(order.history, records, self.open_target.market)
        if judgement.status is StepStatus.INCONCLUSIVE:
            text = inconclusive_text(order.history, records, self.open_target.market, judgement.cause)
            raise InconclusiveError(text)
        return judgement

    def teardown(self) -> None:
        """Read every order once more, and keep what was done for a report."""
        failed = sys.exc_info()[0] is not None
        try:
            for order in () if failed else self.living:
                self.do(order, Read())
        finally:
            for order in self.living:
                self.open_target.keep(order)

    def _new_order(self, opening: Initiate) -> LiveOrder:
        order = self.open_target.new_order(self.api.value)
        self.living.append(order)
        self.do(order, opening)
        return order


def cancel_machine(
    profile: str,
    target: AnyTarget,
    *,
    control_url: str | None = None,
    market: str = "no",
    interpretations: Iterable[str] = (),
) -> type[CancelMachine]:
    """Return a `CancelMachine` for a target.

        TestShop = cancel_machine("epayment", "asgi:shop.payments:app").TestCase

    Args:
        profile: the API: ``ecom``, ``epayment`` or ``recurring``.
        target: as in `assert_conforms`.
        control_url: as in `open_target`.
        market: as in `open_target`.
        interpretations: as in `open_target`.

    Raises:
        UsageError: there is no such API.

    """
    api = member_named(Profile, "profile", profile)
    attributes = {
        "profile": api.value,
        "target": target,
        "control_url": control_url,
        "market": market,
        "interpretations": (interpretations,) if isinstance(interpretations, str) else tuple(interpretations),
    }
    return type(f"{api.value.capitalize()}CancelMachine", (CancelMachine,), attributes)


def _actions(profile: Profile) -> frozenset[str]:
    return actions_of(profile) | {"age"}


def _needs(step: Step) -> frozenset[str]:
    action = action_of(step)
    needed = {action} if action is not None else set()
    if isinstance(step, Age):
        needed.add("age")
    if isinstance(step, Cancel) and (step.defect is not None or step.to is Addressee.FOREIGN):
        needed.add("wire")
    return frozenset(needed)
