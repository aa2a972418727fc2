"""How a run names its test orders, so that no two of them are one order to a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from conformance.domain.api_table import SPECS
from conformance.domain.order import Profile


def current_prefixes() -> Mapping[Profile, str]:
    """Return the letter of each API's orders, as the table of APIs has it."""
    return {profile: spec.order_prefix for profile, spec in SPECS.items()}


def recorded_prefixes(recorded: Mapping[str, str]) -> Mapping[Profile, str]:
    """Return the letters that a run used, from those in its first record, by API.

    A run that was recorded before APIs had letters of their own used the first one of each name.
    """
    return {profile: recorded.get(profile.value, profile.value[0]) for profile in Profile}


@dataclass(frozen=True, slots=True)
class OrderNaming:
    """What the identifiers of a run's orders begin with: what is the run's own, and a letter for each API.

    >>> OrderNaming("cctest-1234").order_id(Profile.EPAYMENT, "00001")
    'cctest-1234-p00001'
    """

    nonce: str
    prefixes: Mapping[Profile, str] = field(default_factory=current_prefixes)

    def order_id(self, profile: Profile, ending: str) -> str:
        """Return the identifier of an order of an API."""
        return f"{self.nonce}-{self.prefixes[profile]}{ending}"
