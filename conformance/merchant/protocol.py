"""What a merchant's adapter is given, has to have, and gives back.

An adapter is a class that is made with a `Setup` and has ``profiles``, ``create``, ``cancel`` and ``local_view``. Every
other method is something more that the merchant can do; obligations that need one that is missing are out of scope. A
method may be a coroutine function. ``docs/merchant.md`` explains all of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

__all__ = ["ACTIONS", "OPTIONAL", "Merchant", "Order", "Setup", "Status", "View", "Webhook"]

REQUIRED = ("create", "cancel", "local_view")
OPTIONAL = ("abandon", "capture", "tick", "deliver", "restart")
ACTIONS = (*REQUIRED, *OPTIONAL)


class Status(StrEnum):
    """How a payment stands in the merchant's own books."""

    OPEN = "open"
    """Not approved as far as the merchant knows, and it still can be."""
    AUTHORIZED = "authorized"
    """Money is reserved, and the order would be shipped."""
    CAPTURED = "captured"
    """Money was taken, all of it or a part; what is said of the amounts tells which."""
    CANCELLING = "cancelling"
    """To be cancelled, and not known to be."""
    CANCELLED = "cancelled"
    """Ended: by a cancel, the customer's no, or time. Nothing more is to be paid or shipped."""
    FAILED = "failed"
    """A human has to look at it."""


@dataclass(frozen=True, slots=True)
class Setup:
    """Where the provider is, and the credentials that it takes.

    ``base_url`` is on 127.0.0.1. ``now`` and ``sleep`` are the run's clock: in process, waiting costs no time.
    """

    profile: str
    base_url: str
    client_id: str
    client_secret: str
    subscription_key: str
    msn: str
    now: Callable[[], datetime]
    sleep: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Order:
    """An order of the shop. ``amount`` is minor units.

    ``id`` is 8 to 40 letters, digits and hyphens, and may be used as the reference of the payment. ``agreement`` is
    Recurring's agreement that the customer has accepted, to be charged with ``RESERVE_CAPTURE``; empty elsewhere.
    """

    id: str
    amount: int
    currency: str
    description: str
    agreement: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """A payment in the merchant's own books. What a merchant does not keep is None, and is not judged.

    Amounts are minor units. ``cancelled`` is what was released of a reservation. ``reference`` is what the provider
    knows the payment by: orderId, reference or chargeId.
    """

    status: str
    captured: int | None = None
    cancelled: int | None = None
    reference: str | None = None
    authorized: int | None = None
    remaining: int | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """A notification of the provider: ePayment's and Recurring's webhooks, eCom's callback.

    ``body`` is the JSON object, ``raw`` the bytes that carry it. They are not signed: checking a signature is no part
    of Cancel.
    """

    name: str
    body: Mapping[str, Any]
    raw: bytes


Viewed: TypeAlias = View | Mapping[str, Any]


class Merchant(Protocol):
    """What every adapter has. One is made for every history, with a `Setup`.

    An action that did not succeed raises whatever it likes; the books must be right all the same. These methods are
    looked for as well:

    - ``abandon(order_id)``: the customer left the checkout, and the payment is to be stopped if it was not approved;
    - ``capture(order_id, amount)``: this much was shipped;
    - ``tick(now)``: scheduled work. Everything that is due at ``now`` is done: queues, polling, retries;
    - ``deliver(webhook)``: the provider notifies;
    - ``restart()``: the process starts again, and knows what its store knows. It may return the adapter that takes the
      place of this one.
    """

    profiles: Sequence[str]
    """The APIs that it uses: ``ecom``, ``epayment`` or ``recurring``."""

    def create(self, order: Order) -> str | Awaitable[str | None] | None:
        """Make the payment of an order; return its reference."""

    def cancel(self, order_id: str) -> object:
        """Cancel the order. After a partial capture: nothing more will be shipped."""

    def local_view(self, order_id: str) -> Viewed | Awaitable[Viewed]:
        """Return the payment as the merchant's own books have it, without asking the provider."""
