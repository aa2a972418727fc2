"""What a Python adapter is: an implementation of Cancel that is called directly, without HTTP.

An adapter is a class with ``profiles``, ``initiate``, ``cancel`` and ``read``. Every other method is something more
that the suite may do with an order; the rules that need a method which is missing are reported as not exercised. A
method may be a coroutine function. ``docs/adapter.md`` explains all of it, ``examples/adapter_example.py`` shows one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

__all__ = ["Accepted", "Adapter", "Answer", "Event", "OrderView", "Pending", "Refused", "View"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """It was done."""


@dataclass(frozen=True, slots=True)
class Pending:
    """It was accepted and will be done: what an API answers 202 to."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It was not done.

    ``code`` is the error code and ``status`` the HTTP status that the API would answer; what is left out is not judged.
    """

    code: str | int | None = None
    status: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of an order's log, under the name that the API gives it, such as ``CAPTURED`` in ePayment."""

    name: str
    amount: int


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order as it stands. Amounts are minor units; what is left out (None) is not judged.

    ``state`` is the state's documented name. ``authorized`` is what was ever reserved, ``cancelled`` what was released:
    of the reservation, or the whole amount where nothing was reserved yet. ``events`` are in the order in which they
    happened.
    """

    state: str
    captured: int
    refunded: int
    cancelled: int
    authorized: int | None = None
    to_capture: int | None = None
    to_refund: int | None = None
    currency: str | None = None
    events: Sequence[Event] | None = None


Answer: TypeAlias = Accepted | Refused | Pending
View: TypeAlias = OrderView | Refused


class Adapter(Protocol):
    """What every adapter has. It is made once, without arguments, and serves a whole run.

    These methods are looked for as well; each that is there lets the suite do more. All return an `Answer`:

    - the merchant: ``capture(order_id, amount)``, ``refund(order_id, amount)``, ``stop_agreement(order_id)``;
    - the user: ``approve(order_id)``, ``reject(order_id)``, ``expire(order_id)``, ``start_3ds(order_id)``,
      ``finish_3ds(order_id)``, ``fail_3ds(order_id)``;
    - Recurring's charge run: ``become_due(order_id)``, ``start_processing(order_id)``, ``reserve(order_id)``,
      ``charge(order_id)``, ``fail(order_id)``;
    - time: ``age(order_id, by)`` makes the order, and every moment recorded in it, older by a ``timedelta``.
    """

    profiles: Sequence[str]
    """The APIs it implements: ``ecom``, ``epayment`` or ``recurring``. Not both of the first two."""

    def initiate(self, order_id: str, amount: int, currency: str, kind: str) -> Answer | Awaitable[Answer]:
        """Make an order.

        ``kind`` is ``payment``, or in Recurring ``initial-reserve``, ``charge-reserve`` or ``charge-direct``, of an
        agreement of the order's own that the user accepted.
        """

    def cancel(self, order_id: str, *, flag: bool | None, key: str) -> Answer | Awaitable[Answer]:
        """Cancel an order.

        ``flag`` is eCom's ``shouldReleaseRemainingFunds`` or ePayment's ``cancelTransactionOnly``, None where it is
        left out; ``key`` is the idempotency key.
        """

    def read(self, order_id: str) -> View | Awaitable[View]:
        """Return the order as it stands."""
