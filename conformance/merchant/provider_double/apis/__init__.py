"""What the provider double has to know of each API beyond the embedded provider."""

from __future__ import annotations

from conformance.merchant.provider_double.apis.base import PARTS, ApiPart, part_named
from conformance.merchant.provider_double.apis.ecom import EcomPart
from conformance.merchant.provider_double.apis.epayment import EpaymentPart
from conformance.merchant.provider_double.apis.recurring import RecurringPart

__all__ = ["PARTS", "ApiPart", "part_named"]

for _part in (EcomPart(), EpaymentPart(), RecurringPart()):
    PARTS.register(_part.profile, _part)
