"""The protocol of a Python adapter: an implementation of Cancel that is called directly, without HTTP.

An adapter is a class with ``profiles``, ``initiate``, ``cancel`` and ``read``. Every other method is an optional action
of an order; the rules that need a missing one are reported as not exercised. A method may be a coroutine function.
``docs/how-to/python-adapter.md`` explains all of it, ``examples/adapter_example.py`` is a complete one::

    class Adapter:
        profiles = ["epayment"]

        def initiate(self, order_id, amount, currency, kind):
            self.service.create(order_id, amount, currency)
            return Accepted()

        def cancel(self, order_id, *, flag, key):
            try:
                self.service.cancel(order_id, only_unapproved=flag, key=key)
            except CannotCancel as error:
                return Refused(code=error.code, status=400)
            return Accepted()

        def read(self, order_id):
            payment = self.service.find(order_id)
            return OrderView(payment.state, payment.captured, payment.refunded, payment.cancelled)
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

__all__ = ["Accepted", "Adapter", "Answer", "Body", "Event", "HttpAnswer", "OrderView", "Pending", "Refused", "View"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The action was done."""


@dataclass(frozen=True, slots=True)
class Pending:
    """The action was accepted and will be done later, as an API says with 202."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The action was not done. What is left out is not judged.

    Attributes:
        code: The error code that the API would answer.
        status: The HTTP status that the API would answer.
        detail: A text for the report.

    """

    code: str | int | None = None
    status: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """An entry of an order's log: its name in the API, such as ``CAPTURED`` in ePayment, and minor units."""

    name: str
    amount: int


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order as it stands. Amounts are minor units; what is left out (None) is not judged.

    Attributes:
        state: The documented name of the state, such as ``AUTHORIZED`` in ePayment.
        captured: What was captured in all.
        refunded: What was refunded in all.
        cancelled: What was released of the reservation, or the whole amount where nothing was reserved yet.
        authorized: What was ever reserved.
        to_capture: What can still be captured.
        to_refund: What can still be refunded.
        currency: Such as ``NOK``.
        events: The order's log, oldest entry first.

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


Body: TypeAlias = str | bytes | Mapping[str, object] | list[object] | None
HttpAnswer: TypeAlias = int | tuple[Body, int] | tuple[int, Body]
"""The answer that the API would give over HTTP: a status, or a body and a status in either order.

2xx is `Accepted`, 202 `Pending`, and 400 to 599 `Refused` with this status. The body is shown and not judged.
"""
Answer: TypeAlias = Accepted | Refused | Pending | HttpAnswer
View: TypeAlias = OrderView | Refused | HttpAnswer


class Adapter(Protocol):
    """The methods that every adapter has. It is made once, without arguments, for a whole run.

    These methods are optional; each lets the suite test more rules. All of them return an `Answer`:

    - the merchant: ``capture(order_id, amount)``, ``refund(order_id, amount)``, ``stop_agreement(order_id)``;
    - the user: ``approve(order_id)``, ``reject(order_id)``, ``expire(order_id)``, ``start_3ds(order_id)``,
      ``finish_3ds(order_id)``, ``fail_3ds(order_id)``;
    - Recurring's charge run: ``become_due(order_id)``, ``start_processing(order_id)``, ``reserve(order_id)``,
      ``charge(order_id)``, ``fail(order_id)``;
    - time: ``age(order_id, by)`` makes the order, and every moment recorded in it, older by a ``timedelta``.
    """

    profiles: Sequence[str]
    """The names of the APIs that it implements: ``ecom``, ``epayment``, ``recurring``; not both of the first two."""

    def initiate(self, order_id: str, amount: int, currency: str, kind: str) -> Answer | Awaitable[Answer]:
        """Make an order of ``amount`` minor units.

        ``kind`` is ``payment``, or in Recurring ``initial-reserve``, ``charge-reserve`` or ``charge-direct``: a charge
        of an agreement that belongs to this order alone and that the user has accepted.
        """

    def cancel(self, order_id: str, *, flag: bool | None, key: str) -> Answer | Awaitable[Answer]:
        """Cancel an order.

        ``flag`` is eCom's ``shouldReleaseRemainingFunds`` or ePayment's ``cancelTransactionOnly``; None means that it
        is left out. ``key`` is the idempotency key.
        """

    def read(self, order_id: str) -> View | Awaitable[View]:
        """Return the order as it stands, or `Refused` where it cannot be read."""
