"""The order under test, as the model knows it.

Money is integer minor units of one currency; ages are ``timedelta``. Nothing here does I/O or reads a clock: an order
has its own ages, and a step that lets time pass increases them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar, Final, overload

from msgspec import Struct
from msgspec.structs import replace


class _OpenEnumeration(type):
    """Makes `Profile` iterable over its members, as an enumeration is."""

    def __iter__(cls) -> Iterator[Profile]:
        return iter(tuple(_MEMBERS.values()))

    def __len__(cls) -> int:
        return len(_MEMBERS)

    def __contains__(cls, value: object) -> bool:
        return value in _MEMBERS


class Profile(str, metaclass=_OpenEnumeration):
    """One API, under the name that ``--profile`` and the journal have for it.

    An open enumeration. It does what a ``StrEnum`` does: there is one object for each API, so that ``is`` compares;
    ``Profile("ecom")`` returns it and any other text raises ValueError; iterating over the class gives the APIs in the
    order in which they were added; a member is its name wherever text is needed; and a type checker lets no plain text
    pass for one. What a ``StrEnum`` cannot do is `add` a member: a further API is registered, and
    what uses APIs stays as it is.
    """

    __slots__ = ()

    ECOM: ClassVar[Profile]
    EPAYMENT: ClassVar[Profile]
    RECURRING: ClassVar[Profile]

    def __new__(cls, value: str) -> Profile:
        """Return the API of a name.

        Raises:
            ValueError: no API has it.

        """
        member = _MEMBERS.get(value) if isinstance(value, str) else None
        if member is None:
            raise ValueError(f"{value!r} is not a valid {cls.__name__}")
        return member

    @property
    def value(self) -> str:
        """The name as plain text."""
        return str(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}.{self.upper()}: {self.value!r}>"

    @classmethod
    def define(cls, name: str) -> Profile:
        """Return an API that is not a member yet.

        Raises:
            ValueError: the name is not one lower-case word, as the identifiers of histories need it.

        """
        if not (name.isascii() and name.isalpha() and name.islower()):
            raise ValueError(f"{name!r} is not one lower-case word")
        return str.__new__(cls, name)

    @classmethod
    def add(cls, profile: Profile) -> None:
        """Make an API a member.

        Raises:
            ValueError: there is a member of this name.

        """
        if profile in _MEMBERS:
            raise ValueError(f"{profile.value!r} is the name of another API")
        _MEMBERS[profile.value] = profile

    @classmethod
    def remove(cls, profile: Profile) -> None:
        """Take back what `add` did."""
        del _MEMBERS[profile.value]


_MEMBERS: Final[dict[str, Profile]] = {}
Profile.ECOM, Profile.EPAYMENT, Profile.RECURRING = map(Profile.define, ("ecom", "epayment", "recurring"))
for _profile in (Profile.ECOM, Profile.EPAYMENT, Profile.RECURRING):
    Profile.add(_profile)


class Stage(StrEnum):
    """The state of an order. The last five occur in Recurring only."""

    INITIATED = "initiated"
    IN_3DS = "in-3ds"
    RESERVED = "reserved"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    PENDING = "pending"
    DUE = "due"
    PROCESSING = "processing"
    CHARGED = "charged"
    FAILED = "failed"


WAITING = frozenset({Stage.INITIATED, Stage.PENDING, Stage.DUE})
"""States before the reservation in which a cancel is documented to be possible."""

CLOSED = frozenset({Stage.CANCELLED, Stage.REJECTED, Stage.EXPIRED, Stage.FAILED})
"""Final states in which no money was ever captured."""


class Market(StrEnum):
    """The country of the sales unit: decides currency and capture deadline."""

    NO = "no"
    DK = "dk"
    FI = "fi"

    @property
    def currency(self) -> str:
        """The currency of orders in this market, as an ISO 4217 code."""
        return {"no": "NOK", "dk": "DKK", "fi": "EUR"}[self.value]


class Kind(StrEnum):
    """How an order is created. All but the first are Recurring charges."""

    PAYMENT = "payment"
    INITIAL_RESERVE = "initial-reserve"
    """An agreement's initial charge with ``RESERVE_CAPTURE``: reserved as soon as the agreement is accepted."""
    CHARGE_RESERVE = "charge-reserve"
    """An ordinary charge with ``RESERVE_CAPTURE``."""
    CHARGE_DIRECT = "charge-direct"
    """An ordinary charge with ``DIRECT_CAPTURE``: never reserved."""


class Standing(StrEnum):
    """How another charge of the agreement stands (Recurring)."""

    PENDING = "pending"
    DUE = "due"
    RESERVED = "reserved"
    PARTLY_CAPTURED = "partly-captured"
    CHARGED = "charged"


ANOTHER_AMOUNT: Final = 1000
"""The amount of another charge, in minor units."""
PART_OF_ANOTHER: Final = 400
"""What is captured of another charge that is partly captured, in minor units."""


class Attempt(Struct, frozen=True):
    """The cancel that a repeated idempotency key would repeat, and its outcome.

    ``ago`` is counted from the first use of the key.
    """

    flag: bool | None
    outcome: str
    status: int | None
    code: str | None
    stage: Stage
    ago: timedelta = timedelta()


class Order(Struct, frozen=True):
    """One order: its state, its money and its age.

    Attributes:
        profile: the API.
        kind: how it was created.
        amount: what was ordered, in minor units, as are all amounts.
        currency: an ISO 4217 code.
        stage: its state.
        captured: what was captured so far.
        refunded: what was refunded of that.
        cancelled: what was released of the reservation, or the whole amount if it was cancelled before one.
        since_initiated: its age.
        since_reserved: the age of its reservation; None before it.
        since_captured: the age of its first capture; None before it.
        since_last_captured: the age of its last capture; None before it.
        agreement_stopped: whether its agreement was stopped (Recurring).
        other: how another charge of its agreement stood when it was made (Recurring); None where there is none, or
            where time has passed since, which that charge may have met its due date in.
        lapsed: whether the provider itself ended it at the capture deadline; the resulting form is not documented.
        repeated: whether a cancel was accepted without effect; its history may or may not have an entry for it.
        cancel_refused: whether a cancel was refused, so that it must not release anything, at once or later.
        attempt: the last cancel.
        first_attempt: the first cancel, where the last one had another key; None where its key is the last one's.
        money_key_age: the age of the key of the last capture or refund; None where no cancel can use it.

    """

    profile: Profile
    kind: Kind
    amount: int
    currency: str
    stage: Stage
    captured: int = 0
    refunded: int = 0
    cancelled: int = 0
    since_initiated: timedelta = timedelta()
    since_reserved: timedelta | None = None
    since_captured: timedelta | None = None
    since_last_captured: timedelta | None = None
    agreement_stopped: bool = False
    other: Standing | None = None
    lapsed: bool = False
    repeated: bool = False
    cancel_refused: bool = False
    attempt: Attempt | None = None
    first_attempt: Attempt | None = None
    money_key_age: timedelta | None = None

    @property
    def authorized(self) -> int:
        """The amount that was reserved, in minor units; 0 before the reservation."""
        return self.amount if self.since_reserved is not None else 0

    @property
    def remaining(self) -> int:
        """The amount that can still be captured, in minor units."""
        if self.stage is not Stage.RESERVED or self.lapsed:
            return 0
        return self.amount - self.captured - self.cancelled

    @property
    def earliest_attempt(self) -> Attempt | None:
        """The first cancel, as far as its key is concerned; None where there was none."""
        return self.first_attempt or self.attempt

    @property
    def refundable(self) -> int:
        """The amount that can still be refunded, in minor units."""
        return self.captured - self.refunded

    def older(self, by: timedelta) -> Order:
        """Return the same order, older by a period."""
        return replace(
            self,
            since_initiated=_added(self.since_initiated, by),
            since_reserved=_added(self.since_reserved, by),
            since_captured=_added(self.since_captured, by),
            since_last_captured=_added(self.since_last_captured, by),
            attempt=_older(self.attempt, by),
            first_attempt=_older(self.first_attempt, by),
            money_key_age=_added(self.money_key_age, by),
            other=self.other if not by else None,
        )


def _older(attempt: Attempt | None, by: timedelta) -> Attempt | None:
    return None if attempt is None else replace(attempt, ago=_added(attempt.ago, by))


@overload
def _added(age: timedelta, by: timedelta) -> timedelta: ...
@overload
def _added(age: timedelta | None, by: timedelta) -> timedelta | None: ...
def _added(age: timedelta | None, by: timedelta) -> timedelta | None:
    if age is None:
        return None
    # The longest timedelta is far beyond every limit.
    return timedelta.max if age > timedelta.max - by else age + by
