"""What differs between the APIs in what a merchant owes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Final

from conformance.domain.order import Profile
from conformance.domain.registry import Registry
from conformance.obligations.observation import ObservedRequest


class ApiDifferences(ABC):
    """One API, as a merchant's requests and the responses to them show it."""

    profile: ClassVar[Profile]
    cancel_shows_payment: ClassVar[bool] = True
    """Whether the response to a cancel shows the payment. Where it does not, its status alone says what was done."""
    ended_webhooks: ClassVar[tuple[str, ...]]
    """The notifications that say that a payment ended."""
    approved_webhooks: ClassVar[tuple[str, ...]]
    """The notifications that say that a payment was approved."""
    passing_codes: ClassVar[frozenset[str]] = frozenset()
    """Error codes of a conflict that passes, beside those of the table of APIs."""

    @abstractmethod
    def body_problems(self, request: ObservedRequest) -> Iterator[str]:
        """Yield what is wrong with the body of a cancel."""

    @abstractmethod
    def shows_end(self, request: ObservedRequest, payment_id: str) -> bool:
        """Return whether a successful response shows that nothing of a payment is left to pay, capture or release."""

    def shows_approval(self, request: ObservedRequest, payment_id: str) -> bool:
        """Return whether the successful response to a read shows that a payment was approved."""
        return not request.fault and request.before is not None and request.before.authorized > 0

    def key_scope(self, request: ObservedRequest) -> tuple[str, ...] | None:
        """Return what a request's idempotency key is unique in, the key included, or None where no key counts."""
        return (request.api, str(request.key))


DIFFERENCES: Final = Registry[ApiDifferences]("set of differences in what a merchant owes")


def short(body: bytes) -> str:
    """Return the beginning of a body, for a sentence."""
    text = body.decode("utf-8", "replace")
    return text if len(text) <= 60 else f"{text[:60]}…"
