"""The cases of ePayment: those of every payment, and a release of the remaining amount that takes no flag."""

from __future__ import annotations

from typing import Final

from conformance.domain.order import Profile
from conformance.strategies.provider import grid_payments, payment_situations, tails
from conformance.strategies.provider.api_cases import ApiCases

EPAYMENT: Final = ApiCases(
    profile=Profile.EPAYMENT,
    situations=(*payment_situations.SITUATIONS, payment_situations.RELEASED),
    fill=grid_payments.fill,
    races=grid_payments.races(release=None),
    tails=tails.OF_PAYMENTS,
    rivals=tails.RIVALS_OF_PAYMENTS,
)
