"""The requests of each API that are sent without a history: plain ones, and what makes others differ from them."""

from __future__ import annotations

from conformance.fuzzing.requests.base import REQUESTS, ApiRequests
from conformance.fuzzing.requests.ecom import EcomRequests
from conformance.fuzzing.requests.epayment import EpaymentRequests
from conformance.fuzzing.requests.recurring import RecurringRequests

__all__ = ["REQUESTS", "ApiRequests"]

for _requests in (EcomRequests(), EpaymentRequests(), RecurringRequests()):
    REQUESTS.register(_requests.profile, _requests)
