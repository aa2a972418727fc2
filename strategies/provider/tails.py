"""What follows a cancel or is sent together with it: more cancels, attempts to move money or to undo it, and time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import Final

from conformance.domain.api_table import spec_of
from conformance.domain.order import Profile, Standing
from conformance.domain.steps import (
    Addressee,
    Age,
    AnotherCharge,
    Approve,
    BecomeDue,
    Cancel,
    Capture,
    Charge,
    Enter3DS,
    Expire,
    Key,
    Leave3DS,
    Read,
    Refund,
    Reject,
    Reserve,
    Step,
    StopAgreement,
)
from conformance.model.context import CANCEL_LIMIT, REFUND_LIMIT
from conformance.strategies.provider.ages import CLEAR
from conformance.strategies.provider.money import beyond_triggers, without_trigger


@dataclass(frozen=True, slots=True)
class OrderAtCancel:
    """An order as its history expects it to be when the cancel has been sent. Amounts are minor units.

    Attributes:
        captured: What was captured, and ``refunded`` what was refunded.
        open: What could be captured if there were no cancel; the whole amount where nothing was reserved.
        cancel: The cancel that was sent.
        direct: Whether it is a charge that is never reserved.

    """

    profile: Profile
    amount: int
    captured: int
    refunded: int
    open: int
    cancel: Cancel
    direct: bool = False

    @property
    def least(self) -> int:
        """The smallest capture that the API's schema allows."""
        return spec_of(self.profile).least_capture

    @property
    def refundable(self) -> int:
        """What could still be refunded."""
        return self.captured - self.refunded

    @property
    def right(self) -> Cancel:
        """The cancel that is documented to succeed, where the order can be cancelled: with the flag it needs, if any.

        A flag that releases a remainder is needed after a capture only.
        """
        return Cancel(flag=spec_of(self.profile).release_flag if self.captured else None)

    @property
    def plain(self) -> Cancel:
        """The same cancel with a fresh key, for the order itself, and well formed."""
        return Cancel(flag=self.cancel.flag)


@dataclass(frozen=True, slots=True)
class Tail:
    """Steps that follow the cancel, and what a label calls them.

    ``wire`` says whether they need a request that only exists over HTTP.
    """

    name: str
    steps: Callable[[OrderAtCancel], tuple[Step, ...]]
    wire: bool = False


def _fixed(name: str, *steps: Step) -> Tail:
    return Tail(name, lambda _: steps)


def _capture(order: OrderAtCancel) -> Capture:
    return Capture(max(order.open // 2, order.least))


def _refund(order: OrderAtCancel) -> Refund:
    whole = order.refundable or order.amount
    return Refund(without_trigger(max(whole // 2, 1)))


def _refund_all(order: OrderAtCancel) -> Refund:
    return Refund(without_trigger(order.refundable or order.amount))


def _repeated(order: OrderAtCancel) -> Cancel:
    return replace(order.plain, key=Key.SAME)


def _first(order: OrderAtCancel) -> Cancel:
    return replace(order.plain, key=Key.FIRST)


def _over_capture(order: OrderAtCancel) -> Capture:
    return Capture(max(order.open + 1, order.least))


def _over_refund(order: OrderAtCancel) -> Refund:
    return Refund(beyond_triggers(max(order.refundable + 1, spec_of(order.profile).least_refund)))


def _small_refund(order: OrderAtCancel) -> Refund:
    least = spec_of(order.profile).least_refund
    return Refund(without_trigger(max(order.refundable // 10, min(least, order.refundable))))


def _passing(days: Sequence[int], steps: Callable[[int], tuple[Step, ...]]) -> tuple[Step, ...]:
    """Return the steps at each of these ages of an order, with the time that passes before them."""
    passed: list[Step] = []
    for before, age in pairwise((0, *days)):
        passed += [Age(timedelta(days=age - before)), *steps(age)]
    return tuple(passed)


def _repeated_with_other_flag(order: OrderAtCancel) -> Cancel:
    return Cancel(flag=not order.cancel.flag, key=Key.SAME)


NOTHING_MORE: Final = Tail("", lambda _: ())
CAPTURE: Final = Tail("a capture", lambda order: (_capture(order),))
CAPTURE_ALL: Final = Tail("a capture of what was left", lambda order: (Capture(order.open or order.amount),))
CAPTURE_LEAST: Final = Tail("the smallest capture", lambda order: (Capture(order.least),))
REFUND: Final = Tail("a refund", lambda order: (_refund(order),))
REFUND_ALL: Final = Tail("a refund of everything captured", lambda order: (_refund_all(order),))
REFUND_TWICE: Final = Tail(
    "two refunds", lambda order: (_refund(order), Refund(without_trigger(max(order.refundable // 4, 1))))
)
OVER_REFUND: Final = Tail(
    "a refund of everything captured and one more",
    lambda order: (_refund_all(order), Refund(without_trigger(order.least))),
)
SECOND: Final = Tail("a second cancel", lambda order: (order.plain,))
THIRD: Final = Tail("a second and a third cancel", lambda order: (order.plain, order.plain))
SECOND_AND_APPROVE: Final = Tail(
    "a second cancel, a day and an approval", lambda order: (order.plain, Age(timedelta(days=1)), Approve())
)
SECOND_FLAGGED: Final = Tail("a second cancel with the flag", lambda _: (Cancel(flag=True),))
SAME_KEY: Final = Tail("the same cancel with its key", lambda order: (_repeated(order),))
SAME_KEY_TWICE: Final = Tail("the same cancel with its key, twice", lambda order: (_repeated(order), _repeated(order)))
SAME_KEY_THEN_FRESH: Final = Tail(
    "the same cancel with its key, then with a fresh one", lambda order: (_repeated(order), order.plain)
)
OTHER_FLAG: Final = Tail("the other flag with the same key", lambda order: (_repeated_with_other_flag(order),))
OTHER_FLAG_THEN_READ: Final = Tail(
    "the other flag with the same key, and a read", lambda order: (_repeated_with_other_flag(order), Read())
)
SPENT_KEY: Final = Tail("a cancel with a spent key", lambda order: (replace(order.plain, key=Key.SPENT),))
UNKNOWN: Final = Tail("a cancel of an unknown order", lambda order: (replace(order.plain, to=Addressee.UNKNOWN),))
APPROVE: Final = _fixed("an approval", Approve())
REJECT: Final = _fixed("a rejection", Reject())
EXPIRE: Final = _fixed("a timeout", Expire())
ENTER_3DS: Final = _fixed("3-D Secure", Enter3DS())
READ: Final = _fixed("a read", Read())
AN_HOUR: Final = Age(timedelta(hours=1))
HOUR: Final = _fixed("an hour", AN_HOUR)
A_DAY: Final = _fixed("a day", Age(timedelta(days=1)))
AGE: Final = _fixed("a long time", Age(CANCEL_LIMIT + CLEAR))
APPROVE_AND_CAPTURE: Final = Tail("an approval and a capture", lambda order: (Approve(), _capture(order)))
AGE_AND_CAPTURE: Final = Tail("a day and a capture", lambda order: (Age(timedelta(days=1)), _capture(order)))
AGE_AND_CANCEL: Final = Tail("a day and a second cancel", lambda order: (Age(timedelta(days=1)), order.plain))
LATE_REFUND: Final = Tail("a late refund", lambda order: (Age(REFUND_LIMIT + CLEAR), _refund(order)))
CANCEL_AND_CAPTURE: Final = Tail("a second cancel and a capture", lambda order: (order.plain, _capture(order)))
CANCEL_AND_REFUND: Final = Tail("a second cancel and a refund", lambda order: (order.plain, _refund(order)))
REFUND_AND_CANCEL: Final = Tail("a refund and a second cancel", lambda order: (_refund(order), order.plain))
CAPTURE_AND_FLAG: Final = Tail(
    "a capture and a cancel with the flag", lambda order: (_capture(order), Cancel(flag=True))
)
FINISH_AND_CANCEL: Final = Tail("the end of 3-D Secure and a second cancel", lambda order: (Leave3DS(), order.plain))
FAIL_AND_CANCEL: Final = Tail(
    "failed 3-D Secure and a second cancel", lambda order: (Leave3DS(success=False), order.plain)
)
FINISH: Final = _fixed("the end of 3-D Secure", Leave3DS())
STOP: Final = _fixed("a stop of the agreement", StopAgreement())
STOP_TWICE: Final = _fixed("two stops of the agreement", StopAgreement(), StopAgreement())
STOP_WITH_CHANGE: Final = Tail(
    "a stop with another change", lambda _: (StopAgreement(with_other_change=True),), wire=True
)
BECOME_DUE: Final = _fixed("the due date", BecomeDue())
DUE_AND_RESERVE: Final = _fixed("the due date and a reservation", BecomeDue(), Reserve())
DUE_AND_CHARGE: Final = _fixed("the due date and a charge", BecomeDue(), Charge())
RESERVE: Final = Tail("a reservation", lambda order: () if order.direct else (Reserve(),))
CHARGE: Final = Tail("a charge", lambda order: (Charge(),) if order.direct else ())
RESERVE_AND_CANCEL: Final = Tail("a reservation and a second cancel", lambda order: (Reserve(), order.plain))

# Everything that a cancel must not leave possible, in one history: it stops at its first violation anyway.
ATTEMPTS: Final = Tail(
    "the same cancel with its key, a capture, a refund and two more cancels",
    lambda order: (_repeated(order), _capture(order), _refund(order), order.plain, order.plain),
)
REFUSALS: Final = Tail(
    "the same cancel with its key, two more, a refund and a cancel with the flag",
    lambda order: (_repeated(order), order.plain, order.plain, _refund(order), Cancel(flag=True)),
)
KEYED: Final = Tail(
    "the same cancel with its key, twice, then with a fresh one, and a day later a capture",
    lambda order: (_repeated(order), _repeated(order), order.plain, Age(timedelta(days=1)), _capture(order)),
)
UNDO: Final = Tail(
    "a day, an approval, a capture and a refund",
    lambda order: (Age(timedelta(days=1)), Approve(), _capture(order), _refund(order)),
)
RESUME: Final = Tail(
    "a day, the due date, a reservation, a capture and a refund",
    lambda order: (Age(timedelta(days=1)), BecomeDue(), Reserve(), _capture(order), _refund(order)),
)

# Something else between two uses of one key: money that moves or is asked for, time, and a cancel with another key.
FIRST_KEY: Final = Tail("the first cancel with its key", lambda order: (_first(order),))
ANOTHER_OPERATION: Final = Tail(
    "a cancel with the key of a capture or refund",
    lambda order: (replace(order.plain, key=Key.ANOTHER_OPERATION),),
    wire=True,
)
KEY_AFTER_REFUND: Final = Tail(
    "a refund, an hour and the same cancel with its key, then one with a fresh key and the first again",
    lambda order: (_refund(order), AN_HOUR, _repeated(order), order.plain, _first(order)),
)
KEY_AFTER_CAPTURE: Final = Tail(
    "a capture, an hour and the same cancel with its key, then a right one with a fresh key and the first again",
    lambda order: (
        _capture(order),
        AN_HOUR,
        _repeated(order),
        replace(order, captured=order.captured + _capture(order).amount).right,
        _first(order),
    ),
)
KEY_AFTER_ATTEMPTS: Final = Tail(
    "a capture and a refund that are tried, an hour and the same cancel with its key, then one with a fresh key and the"
    " first again",
    lambda order: (_capture(order), _refund(order), AN_HOUR, _repeated(order), order.plain, _first(order)),
)
KEY_AFTER_APPROVAL: Final = Tail(
    "an approval, an hour and the same cancel with its key, then one with a fresh key and the first again",
    lambda order: (Approve(), AN_HOUR, _repeated(order), order.plain, _first(order)),
)
KEY_AFTER_3DS: Final = Tail(
    "the end of 3-D Secure, the same cancel with its key, then one with a fresh key and the first again",
    lambda order: (Leave3DS(), _repeated(order), order.plain, _first(order)),
)
KEY_AFTER_CHARGE_RUN: Final = Tail(
    "a reservation, the same cancel with its key, then one with a fresh key and the first again",
    lambda order: (Reserve(), _repeated(order), order.plain, _first(order)),
)
KEY_AFTER_STOP: Final = Tail(
    "a stop of the agreement, the same cancel with its key, then the first again",
    lambda order: (StopAgreement(), _repeated(order), order.plain, _first(order)),
)

# Several charges under one agreement.


def another(stands: Standing) -> Tail:
    """Return the tail in which the agreement gets another charge."""
    return Tail(f"another charge, {_standing(stands)}", lambda _: (AnotherCharge(stands),), wire=True)


def another_and_stop(stands: Standing) -> Tail:
    """Return the tail in which the agreement gets another charge, and is stopped."""
    name = f"another charge, {_standing(stands)}, and a stop of the agreement"
    return Tail(name, lambda _: (AnotherCharge(stands), StopAgreement()), wire=True)


def _standing(stands: Standing) -> str:
    return stands.value.replace("-", " ")


SECOND_AND_STOP: Final = Tail(
    "a second cancel and a stop of the agreement", lambda order: (order.plain, StopAgreement())
)
REFUND_AND_STOP: Final = Tail("a refund and a stop of the agreement", lambda order: (_refund(order), StopAgreement()))
ANOTHER_PENDING: Final = another(Standing.PENDING)
ANOTHER_RESERVED: Final = another(Standing.RESERVED)

# A refused request before the one that counts.
RIGHT: Final = Tail("a right cancel", lambda order: (order.right,))
CAPTURE_AND_RIGHT: Final = Tail(
    "a capture and a right cancel",
    lambda order: (_capture(order), replace(order, captured=order.captured + _capture(order).amount).right),
)
REFUSED_MONEY: Final = Tail(
    "a capture of too much and a refund of too much", lambda order: (_over_capture(order), _over_refund(order))
)
OVER_CAPTURE: Final = Tail("a capture of too much", lambda order: (_over_capture(order),))

# Money at every age, in one history for all ages.
CAPTURES_IN_TIME: Final = Tail(
    "a capture after a week, two weeks, half a year, and past the limit",
    lambda order: _passing((7, 15, 178, 182), lambda _: (_capture(order),)),
)
REFUNDS_IN_TIME: Final = Tail(
    "a refund after two days, a week, two weeks, three and six months, with captures in between",
    lambda order: _passing(
        (2, 7, 15, 90, 170),
        lambda age: (_small_refund(order), _capture(order)) if age in (7, 15, 90) else (_small_refund(order),),
    ),
)

_CANCELS: Final = (SECOND, SAME_KEY, FIRST_KEY, SPENT_KEY, ANOTHER_OPERATION, UNKNOWN)
_MONEY: Final = (CAPTURE, CAPTURE_ALL, OVER_CAPTURE, REFUND, REFUND_ALL)
_TIME: Final = (READ, HOUR, A_DAY, AGE)
OF_PAYMENTS: Final = (*_CANCELS, OTHER_FLAG, *_MONEY, *_TIME, APPROVE, REJECT, EXPIRE, ENTER_3DS, FINISH)
"""The tails that a drawn history of a payment can have, each variation right after what it varies."""
OF_CHARGES: Final = (
    *_CANCELS,
    *_MONEY,
    *_TIME,
    BECOME_DUE,
    RESERVE,
    CHARGE,
    STOP,
    STOP_WITH_CHANGE,
    ANOTHER_PENDING,
    ANOTHER_RESERVED,
)
"""The same of a charge."""

_RIVALS: Final = (SECOND, CAPTURE, CAPTURE_ALL, REFUND, REFUND_ALL)
RIVALS_OF_PAYMENTS: Final = (*_RIVALS, APPROVE)
"""The single requests that a cancel of a payment can be sent together with."""
RIVALS_OF_CHARGES: Final = (*_RIVALS, RESERVE, CHARGE)
