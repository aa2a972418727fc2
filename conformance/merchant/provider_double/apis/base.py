"""What the provider double has to know of every API: its paths, its customer, its refusals and its notifications."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

from conformance.domain.messages import Response
from conformance.domain.order import Profile
from conformance.domain.registry import Registry
from conformance.merchant.protocol import Webhook
from conformance.sandbox import Provider
from conformance.sandbox.payment import Entry, Payment

ID: Final = r"([^/]*)"
"""What stands for a payment in a pattern of a path."""
PROBLEM: Final = (("Content-Type", "application/problem+json"),)


class ApiPart(ABC):
    """One API, as a merchant's request and a merchant's customer meet it."""

    profile: ClassVar[Profile]
    routes: ClassVar[tuple[tuple[str, str, str], ...]]
    """Method, pattern of the path, and the operation that it is.

    A pattern is in small letters, and has a group for every identifier: the last one is the payment's.
    """
    calls_back: ClassVar[bool] = False
    """Whether notifications go to an address that is in the request that makes the payment."""
    codes: ClassVar[Mapping[str, str]]
    """The error codes of the faults that are refusals, by the fault's kind."""

    def read_path(self, payment: str) -> str | None:
        """Return the path at which a payment is read, or None where a cancel's response does not show the payment."""
        return None

    @abstractmethod
    def wanted_id(self, body: Mapping[str, Any]) -> str:
        """Return the identifier that a new payment is to have according to a request's body; empty without one."""

    def act(self, provider: Provider, payment: Payment, action: str) -> bool:
        """Let the customer do something to a payment; return whether it happened."""
        return provider.apis[self.profile].act(payment, action)

    def agree(self, provider: Provider, token: Callable[[], str], name: str) -> str:
        """Make what an order has to belong to, and return its identifier; empty where an order stands alone."""
        return ""

    def agreement_status(self, provider: Provider, payment: Payment) -> str:
        """Return the status of the agreement that a payment belongs to; empty where a payment stands alone."""
        return ""

    def inherit(self, provider: Provider, former: Provider, most: int) -> None:  # noqa: B027 - most have nothing
        """Take over what a merchant may still ask after, beside payments, from the provider of an earlier history."""

    def forget(self, provider: Provider, payment: Payment) -> None:  # noqa: B027 - most have nothing
        """Take a payment that is not known any more out of what it belonged to."""

    @abstractmethod
    def refusal(self, status: int, code: str, reason: str, path: str) -> Response:
        """Return a refusal in the API's form."""

    @abstractmethod
    def webhook(self, payment: Payment, entry: Entry) -> Webhook | None:
        """Return the notification of something that happened to a payment, or None where there is none."""


PARTS: Final = Registry[ApiPart]("part in the provider double")


def part_named(api: str) -> ApiPart | None:
    """Return the part of an API by name, or None for a request that belongs to no API."""
    return PARTS[Profile(api)] if api in Profile else None


def problem(status: int, reason: str, path: str, more: Mapping[str, Any]) -> Response:
    """Return a refusal as a problem document."""
    body = {"title": "Error", "status": status, "detail": reason, "instance": path, **more}
    return Response(status, PROBLEM, json.dumps(body).encode())


def notification(name: str, body: dict[str, Any]) -> Webhook:
    """Return a notification with its body as it is sent."""
    return Webhook(name, body, json.dumps(body).encode())
