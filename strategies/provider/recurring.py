"""The cases of Recurring: charges, whose user is the charge run."""

from __future__ import annotations

from typing import Final

from conformance.domain.order import Profile
from conformance.strategies.provider import charge_situations as at
from conformance.strategies.provider import grid_recurring, tails
from conformance.strategies.provider.api_cases import ApiCases

RECURRING: Final = ApiCases(
    profile=Profile.RECURRING,
    situations=at.SITUATIONS,
    fill=grid_recurring.fill,
    races=(
        (at.INITIAL, None, tails.CAPTURE_ALL),
        (at.INITIAL, None, tails.SECOND),
        (at.DUE, None, tails.RESERVE),
        (at.DIRECT_DUE, None, tails.CHARGE),
        (at.INITIAL_PARTLY, None, tails.CAPTURE_ALL),
        (at.INITIAL_PARTLY, None, tails.REFUND_ALL),
    ),
    tails=tails.OF_CHARGES,
    rivals=tails.RIVALS_OF_CHARGES,
)
