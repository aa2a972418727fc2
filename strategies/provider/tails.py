"""What happens after the cancel, or beside it: more cancels, attempts to move money, attempts to undo it, and time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from conformance.domain.order import Profile
from conformance.domain.steps import (
    Addressee,
    Age,
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
from conformance.strategies.provider.money import LEAST, untriggered


@dataclass(frozen=True, slots=True)
class Paper:
    """What a history says of its order when the cancel has been sent: enough to choose the amounts that follow.

    ``open`` is what could still be captured if the cancel had not come, or the amount when nothing was reserved.
    ``direct`` is whether it is a charge that is never reserved.
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
        return LEAST[self.profile]

    @property
    def refundable(self) -> int:
        """What could still be refunded."""
        return self.captured - self.refunded

    @property
    def plain(self) -> Cancel:
        """The same cancel with nothing special about it."""
        return Cancel(flag=self.cancel.flag)


@dataclass(frozen=True, slots=True)
class Tail:
    """Steps that follow the cancel, and what they are called in a label."""

    name: str
    steps: Callable[[Paper], tuple[Step, ...]]
    wire: bool = False
    """Whether it takes a request that only exists on the wire."""


def _fixed(name: str, *steps: Step) -> Tail:
    return Tail(name, lambda _: steps)


def _capture(paper: Paper) -> Capture:
    return Capture(max(paper.open // 2, paper.least))


def _refund(paper: Paper) -> Refund:
    whole = paper.refundable or paper.amount
    return Refund(untriggered(max(whole // 2, 1)))


def _refund_all(paper: Paper) -> Refund:
    return Refund(untriggered(paper.refundable or paper.amount))


def _again(paper: Paper) -> Cancel:
    return replace(paper.plain, key=Key.SAME)


def _other_flag(paper: Paper) -> Cancel:
    return Cancel(flag=not paper.cancel.flag, key=Key.SAME)


NOTHING_MORE: Final = Tail("", lambda _: ())
CAPTURE: Final = Tail("a capture", lambda paper: (_capture(paper),))
CAPTURE_ALL: Final = Tail("a capture of what was left", lambda paper: (Capture(paper.open or paper.amount),))
CAPTURE_LEAST: Final = Tail("the smallest capture", lambda paper: (Capture(paper.least),))
REFUND: Final = Tail("a refund", lambda paper: (_refund(paper),))
REFUND_ALL: Final = Tail("a refund of everything captured", lambda paper: (_refund_all(paper),))
REFUND_TWICE: Final = Tail(
    "two refunds", lambda paper: (_refund(paper), Refund(untriggered(max(paper.refundable // 4, 1))))
)
OVER_REFUND: Final = Tail(
    "a refund of everything captured and one more", lambda paper: (_refund_all(paper), Refund(untriggered(paper.least)))
)
SECOND: Final = Tail("a second cancel", lambda paper: (paper.plain,))
THIRD: Final = Tail("a second and a third cancel", lambda paper: (paper.plain, paper.plain))
SECOND_AND_APPROVE: Final = Tail(
    "a second cancel, a day and an approval", lambda paper: (paper.plain, Age(timedelta(days=1)), Approve())
)
SECOND_FLAGGED: Final = Tail("a second cancel with the flag", lambda _: (Cancel(flag=True),))
SAME_KEY: Final = Tail("the same cancel with its key", lambda paper: (_again(paper),))
SAME_KEY_TWICE: Final = Tail("the same cancel with its key, twice", lambda paper: (_again(paper), _again(paper)))
SAME_KEY_THEN_FRESH: Final = Tail(
    "the same cancel with its key, then with a fresh one", lambda paper: (_again(paper), paper.plain)
)
OTHER_FLAG: Final = Tail("the other flag with the same key", lambda paper: (_other_flag(paper),))
OTHER_FLAG_THEN_READ: Final = Tail(
    "the other flag with the same key, and a read", lambda paper: (_other_flag(paper), Read())
)
SPENT_KEY: Final = Tail("a cancel with a spent key", lambda paper: (replace(paper.plain, key=Key.SPENT),))
UNKNOWN: Final = Tail("a cancel of an unknown order", lambda paper: (replace(paper.plain, to=Addressee.UNKNOWN),))
APPROVE: Final = _fixed("an approval", Approve())
REJECT: Final = _fixed("a rejection", Reject())
EXPIRE: Final = _fixed("a timeout", Expire())
ENTER_3DS: Final = _fixed("3-D Secure", Enter3DS())
READ: Final = _fixed("a read", Read())
A_DAY: Final = _fixed("a day", Age(timedelta(days=1)))
AGE: Final = _fixed("a long time", Age(CANCEL_LIMIT + CLEAR))
APPROVE_AND_CAPTURE: Final = Tail("an approval and a capture", lambda paper: (Approve(), _capture(paper)))
AGE_AND_CAPTURE: Final = Tail("a day and a capture", lambda paper: (Age(timedelta(days=1)), _capture(paper)))
AGE_AND_CANCEL: Final = Tail("a day and a second cancel", lambda paper: (Age(timedelta(days=1)), paper.plain))
LATE_REFUND: Final = Tail("a late refund", lambda paper: (Age(REFUND_LIMIT + CLEAR), _refund(paper)))
CANCEL_AND_CAPTURE: Final = Tail("a second cancel and a capture", lambda paper: (paper.plain, _capture(paper)))
CANCEL_AND_REFUND: Final = Tail("a second cancel and a refund", lambda paper: (paper.plain, _refund(paper)))
REFUND_AND_CANCEL: Final = Tail("a refund and a second cancel", lambda paper: (_refund(paper), paper.plain))
CAPTURE_AND_FLAG: Final = Tail(
    "a capture and a cancel with the flag", lambda paper: (_capture(paper), Cancel(flag=True))
)
FINISH_AND_CANCEL: Final = Tail("the end of 3-D Secure and a second cancel", lambda paper: (Leave3DS(), paper.plain))
FAIL_AND_CANCEL: Final = Tail(
    "failed 3-D Secure and a second cancel", lambda paper: (Leave3DS(success=False), paper.plain)
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
RESERVE: Final = Tail("a reservation", lambda paper: () if paper.direct else (Reserve(),))
CHARGE: Final = Tail("a charge", lambda paper: (Charge(),) if paper.direct else ())
RESERVE_AND_CANCEL: Final = Tail("a reservation and a second cancel", lambda paper: (Reserve(), paper.plain))

# Whatever a cancel must not leave possible, tried in one go: a history stops at its first violation anyway.
ATTEMPTS: Final = Tail(
    "the same cancel with its key, a capture, a refund and two more cancels",
    lambda paper: (_again(paper), _capture(paper), _refund(paper), paper.plain, paper.plain),
)
REFUSALS: Final = Tail(
    "the same cancel with its key, two more, a refund and a cancel with the flag",
    lambda paper: (_again(paper), paper.plain, paper.plain, _refund(paper), Cancel(flag=True)),
)
KEYED: Final = Tail(
    "the same cancel with its key, twice, then with a fresh one, and a day later a capture",
    lambda paper: (_again(paper), _again(paper), paper.plain, Age(timedelta(days=1)), _capture(paper)),
)
UNDO: Final = Tail(
    "a day, an approval, a capture and a refund",
    lambda paper: (Age(timedelta(days=1)), Approve(), _capture(paper), _refund(paper)),
)
RESUME: Final = Tail(
    "a day, the due date, a reservation, a capture and a refund",
    lambda paper: (Age(timedelta(days=1)), BecomeDue(), Reserve(), _capture(paper), _refund(paper)),
)

_CANCELS: Final = (SECOND, SAME_KEY, SPENT_KEY, UNKNOWN)
_MONEY: Final = (CAPTURE, CAPTURE_ALL, REFUND, REFUND_ALL)
_TIME: Final = (READ, A_DAY, AGE)
_PAYMENTS: Final = (*_CANCELS, OTHER_FLAG, *_MONEY, *_TIME, APPROVE, REJECT, EXPIRE, ENTER_3DS, FINISH)
MENUS: Final[Mapping[Profile, tuple[Tail, ...]]] = {
    Profile.ECOM: _PAYMENTS,
    Profile.EPAYMENT: _PAYMENTS,
    Profile.RECURRING: (*_CANCELS, *_MONEY, *_TIME, BECOME_DUE, RESERVE, CHARGE, STOP, STOP_WITH_CHANGE),
}
"""What a drawn history goes on with: each variation stands right behind what it is a variation of."""

_RIVALS: Final = (SECOND, CAPTURE, CAPTURE_ALL, REFUND, REFUND_ALL)
RIVALS: Final[Mapping[Profile, tuple[Tail, ...]]] = {
    Profile.ECOM: (*_RIVALS, APPROVE),
    Profile.EPAYMENT: (*_RIVALS, APPROVE),
    Profile.RECURRING: (*_RIVALS, RESERVE, CHARGE),
}
"""What a cancel can be sent together with: one request each."""
