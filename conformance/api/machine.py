"""`CancelMachine`: a ready `RuleBasedStateMachine` that takes several orders through their steps, in any sequence.

Histories are about one order and are laid out beforehand. Here several orders of one target live at the same time, a
step may follow any other, and a subclass adds rules and invariants of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, ClassVar, Final, TypeVar, cast

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, precondition, rule
from hypothesis.strategies import SearchStrategy

from conformance.api.explanation import inconclusive_text, violation_error
from conformance.api.open_targets import AnyTarget, opened
from conformance.api.provider_run import member_named
from conformance.api.statistics import count_cancel
from conformance.domain.api_table import USUAL_API, spec_of
from conformance.domain.order import Profile
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
from conformance.strategies.left_out import warn_of
from conformance.strategies.provider.ages import REFUND_BEYOND, REFUND_WITHIN, age_limits
from conformance.strategies.provider.api_cases import CASES
from conformance.strategies.provider.grid import FLAG_DEFECTS, FLAGS, defects_of
from conformance.strategies.provider.histories import MOST_CHANGES
from conformance.strategies.provider.money import AMOUNTS, without_trigger
from conformance.strategies.provider.situations import Extent, Situation

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
_HINT: Final = "The machine does not run the rules that need this."

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
_AMOUNT: Final = st.sampled_from(AMOUNTS)
_SITUATION: Final = _self(lambda machine: machine.situations)


class CancelMachine(RuleBasedStateMachine):
    """A state machine with the documented rules of Cancel as its oracle.

        class ShopMachine(CancelMachine):
            profile = "epayment"
            target = "asgi:shop.payments:app"

        TestShop = ShopMachine.TestCase

    After every step the order is read back, and its whole state compared. At the end every order is read again, so
    that what one order does to another is found. A rule for which the target offers no way is not run: an event counts
    that, and the first time it is a `NotTestedWarning`. Two requests at the same moment are not tested: histories do
    that.

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
        lacking = self.open_target.reasons_without(_actions(self.api) - self.capabilities)
        warn_of(lacking, self.open_target.left_out, _HINT)

    # What is possible now

    @property
    def flags(self) -> tuple[bool | None, ...]:
        """The flags that a cancel can have."""
        return FLAGS if spec_of(self.api).cancel_flag is not None else (None,)

    @property
    def situations(self) -> dict[str, Situation]:
        """The situations in which an order can begin, by name, the plainest first: fresh, or with money to release."""
        return {each.name: each for each in CASES[self.api].situations if self._begins(each)}

    def _begins(self, situation: Situation) -> bool:
        if situation.close or situation.refunded is not Extent.NOTHING:
            return False
        worth = not situation.lead or situation.reserved or situation.charged
        return worth and all(not isinstance(step, Cancel) and _needs(step) <= self._offered for step in situation.lead)

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
            case Cancel(key=Key.SAME | Key.FIRST):
                return 0 < len(cancels) < MOST_CHANGES
            case Cancel():
                unusual = sum(done != Cancel(flag=done.flag, key=done.key) for done in cancels)
                return len(cancels) < MOST_CHANGES and (step == Cancel() or unusual < MOST_UNUSUAL)
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

    @initialize(target=orders, amount=_AMOUNT, situation=_SITUATION)
    def create(self, amount: int, situation: str) -> LiveOrder:
        """Create the first order, and bring it into a situation."""
        return self._new_order(amount, self.situations[situation])

    @precondition(lambda self: len(self.living) < MOST_ORDERS)
    @rule(target=orders, amount=_AMOUNT, situation=_SITUATION)
    def create_another(self, amount: int, situation: str) -> LiveOrder:
        """Create an order beside the first one, and bring it into a situation."""
        return self._new_order(amount, self.situations[situation])

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

    def _new_order(self, amount: int, situation: Situation) -> LiveOrder:
        order = self.open_target.new_order(self.api.value)
        self.living.append(order)
        captures = (Capture(piece) for piece in situation.share.pieces(amount))
        for step in (Initiate(amount, situation.kind), *situation.lead, *captures):
            self.do(order, step)
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
