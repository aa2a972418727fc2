"""What differs between the APIs in what a merchant owes, found by API."""

from __future__ import annotations

from conformance.domain.api_spec import CancelKey
from conformance.domain.api_table import spec_named
from conformance.domain.order import Profile
from conformance.obligations.apis.base import DIFFERENCES, ApiDifferences
from conformance.obligations.apis.ecom import EcomDifferences
from conformance.obligations.apis.epayment import EpaymentDifferences
from conformance.obligations.apis.recurring import RecurringDifferences
from conformance.obligations.observation import ObservedRequest

__all__ = [
    "DIFFERENCES",
    "ApiDifferences",
    "approved_webhooks",
    "counts_key",
    "differences_of",
    "ended_webhooks",
    "release_flag_of",
]

for _differences in (EcomDifferences(), EpaymentDifferences(), RecurringDifferences()):
    DIFFERENCES.register(_differences.profile, _differences)


def differences_of(request: ObservedRequest) -> ApiDifferences:
    """Return what is particular to the API that a request belongs to."""
    return DIFFERENCES[Profile(request.api)]


def counts_key(cancel: ObservedRequest) -> bool:
    """Return whether an idempotency key is documented for a cancel."""
    spec = spec_named(cancel.api)
    return spec is None or spec.cancel_key is not CancelKey.NONE


def release_flag_of(cancel: ObservedRequest) -> str | None:
    """Return the flag without which a cancel leaves the remaining amount reserved, or None where it takes none."""
    spec = spec_named(cancel.api)
    return None if spec is None or spec.release_flag is None else spec.cancel_flag


def approved_webhooks() -> frozenset[str]:
    """Return the notifications that say that a payment was approved."""
    return frozenset(name for differences in DIFFERENCES.values() for name in differences.approved_webhooks)


def ended_webhooks() -> frozenset[str]:
    """Return the notifications that say that a payment ended."""
    return frozenset(name for differences in DIFFERENCES.values() for name in differences.ended_webhooks)
