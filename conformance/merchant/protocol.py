"""The protocol of a merchant's adapter: what it gets, which methods it has, and what they return.

An adapter is a class that is made with a `Setup` and has ``profiles``, ``create``, ``cancel`` and ``local_view``. Every
other method is an optional action of the merchant; obligations that need a missing one are not tested. A method may be
a coroutine function. ``docs/reference/merchant-protocol.md`` explains all of it::

    class Adapter:
        profiles = ["epayment"]

        def __init__(self, setup: Setup) -> None:
            self.shop = Shop(base_url=setup.base_url, client_id=setup.client_id, ...)

        def create(self, order: Order) -> str:
            return self.shop.checkout(order.id, order.amount, order.currency)

        def cancel(self, order_id: str) -> None:
            self.shop.cancel(order_id)

        def local_view(self, order_id: str) -> View:
            row = self.shop.database.find(order_id)
            return View(row.status, captured=row.captured, reference=row.reference)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

from conformance.domain.messages import Headers, find_header

__all__ = [
    "ACTIONS",
    "OPTIONAL",
    "Merchant",
    "Order",
    "Setup",
    "Status",
    "View",
    "Webhook",
    "WebhookRequest",
    "WebhookResponse",
]

REQUIRED = ("create", "cancel", "local_view")
OPTIONAL = (
    "abandon", "capture", "complete", "refund", "pay_again", "stop_agreement", "tick", "deliver", "restart",
)  # fmt: skip
ACTIONS = (*REQUIRED, *OPTIONAL)


class Status(StrEnum):
    """How a payment stands in the merchant's own books."""

    OPEN = "open"
    """Not approved as far as the merchant knows; it still can be."""
    AUTHORIZED = "authorized"
    """Money is reserved, and the order would be shipped."""
    CAPTURED = "captured"
    """Money was taken, all of it or a part; the amounts say how much."""
    CANCELLING = "cancelling"
    """To be cancelled, and not yet known to be."""
    CANCELLED = "cancelled"
    """Ended by a cancel, by the customer's rejection, or by time. Nothing more is to be paid or shipped."""
    FAILED = "failed"
    """A person has to look at it."""


@dataclass(frozen=True, slots=True)
class Setup:
    """Where the provider is, the credentials that it takes, and the clock of the run.

    Attributes:
        profile: The API: ``ecom``, ``epayment`` or ``recurring``.
        base_url: The provider's address, on 127.0.0.1.
        client_id: For the access token, as ``client_secret`` is.
        subscription_key: The value of ``Ocp-Apim-Subscription-Key``.
        msn: The merchant serial number.
        now: Returns the time of the run's clock, in UTC.
        sleep: Waits for some seconds of the run's clock. In this process waiting costs no time.

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
    """An order of the merchant's shop.

    Attributes:
        id: 8 to 40 letters, digits and hyphens; it may be used as the payment's reference.
        amount: The total in minor units.
        currency: Such as ``NOK``.
        description: A text for the customer.
        agreement: The id of Recurring's agreement, which the customer has accepted; to be charged with
            ``RESERVE_CAPTURE``. Empty in the other APIs.

    """

    id: str
    amount: int
    currency: str
    description: str
    agreement: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """A payment in the merchant's own books. What a merchant does not keep is None, and is not judged.

    Attributes:
        status: One of `Status`.
        captured: What was captured, in minor units as all the amounts are: in all, or less what was refunded.
        cancelled: What was released of a reservation.
        reference: The identifier of the payment at the provider: orderId, reference or chargeId.
        authorized: What was ever reserved.
        remaining: What is still reserved.
        currency: Such as ``NOK``.
        refunded: What was refunded of what was captured.

    """

    status: str
    captured: int | None = None
    cancelled: int | None = None
    reference: str | None = None
    authorized: int | None = None
    remaining: int | None = None
    currency: str | None = None
    refunded: int | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """A notification from the provider: a webhook of ePayment or Recurring, or eCom's callback.

    It is handed over unsigned, to a merchant without a handler. One with ``deliver_http`` gets signed deliveries.

    Attributes:
        name: Such as ``epayments.payment.cancelled.v1`` or ``ecom.callback.CANCELLED``.
        body: The JSON object.
        raw: The bytes that carry it.

    """

    name: str
    body: Mapping[str, Any]
    raw: bytes


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A delivery, as the merchant's handler gets it over HTTP.

    Attributes:
        method: ``POST``.
        url: The address that it was sent to. Behind a proxy it is not the registered one.
        headers: Names and values, ``Host`` among them.
        body: The bytes that were signed.

    """

    method: str
    url: str
    headers: Headers
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the value of a header, whatever its capital letters; None without it."""
        return find_header(self.headers, name)


@dataclass(frozen=True, slots=True)
class WebhookResponse:
    """What the merchant's handler answers: 2xx for what was stored."""

    status: int
    body: bytes = b""


Viewed: TypeAlias = View | Mapping[str, Any]


class Merchant(Protocol):
    """The methods that every adapter has. Each history gets an instance of its own, made with a `Setup`.

    An action that does not succeed raises any exception; the books must be right all the same. These methods are
    optional:

    - ``abandon(order_id)``: the customer left the checkout; stop the payment if it was not approved;
    - ``capture(order_id, amount)``: this amount, in minor units, was shipped;
    - ``complete(order_id, amount)``: this amount was shipped, and nothing more will be: take it and release the rest;
    - ``refund(order_id, amount)``: goods of this amount came back; give the customer the money;
    - ``pay_again(order)``: the customer starts the checkout of the order anew: make another payment, and return its
      reference; the former one is not to be paid any more;
    - ``stop_agreement(agreement)``: the customer ends a subscription: stop the agreement with this id;
    - ``tick(now)``: scheduled work: do everything that is due at ``now``, such as queues, polling and retries;
    - ``deliver(webhook)``: the provider notifies the merchant, unsigned;
    - ``deliver_http(request)``: the provider notifies the merchant, signed: a `WebhookRequest`, to be answered with a
      `WebhookResponse` or a status. An ASGI or WSGI application as ``webhook_app`` does the same;
    - ``restart()``: the process starts again with what its store knows. It may return the adapter that replaces this
      one.
    """

    profiles: Sequence[str]
    """The names of the APIs that it uses: ``ecom``, ``epayment``, ``recurring``."""
    # Optional, for the report: ``name`` and ``version`` of the integration. Optional, for ways that differ from what is
    # expected otherwise: `conformance.obligations.declarations.Declarations` says which, as attributes of these names.

    def create(self, order: Order) -> str | Awaitable[str | None] | None:
        """Make the payment of an order; return its reference at the provider, or None."""

    def cancel(self, order_id: str) -> object:
        """Cancel the order, or after a partial capture what will not be shipped any more."""

    def local_view(self, order_id: str) -> Viewed | Awaitable[Viewed]:
        """Return the payment in the merchant's own books, without asking the provider: a `View`, or its mapping."""
