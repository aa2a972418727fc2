"""The cases of eCom: those of every payment, and a release of the remaining amount that takes the flag."""

from __future__ import annotations

from typing import Final

from conformance.domain.order import Profile
from conformance.strategies.provider import grid_payments, payment_situations, tails
from conformance.strategies.provider.api_cases import ApiCases

ECOM: Final = ApiCases(
    profile=Profile.ECOM,
    situations=(*payment_situations.SITUATIONS, payment_situations.RELEASED_WITH_FLAG),
    fill=grid_payments.fill,
    races=grid_payments.races(release=True),
    tails=tails.OF_PAYMENTS,
    rivals=tails.RIVALS_OF_PAYMENTS,
)
