"""What a faulty provider is: the embedded provider with one defect, and what has to be said about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from conformance.domain.order import Kind, Market, Profile
from conformance.domain.steps import History, Initiate, Step
from conformance.rulebook import Readings
from conformance.sandbox import Market as SandboxMarket
from conformance.sandbox import Options, Provider
from conformance.sandbox.api_base import ApiBase as Api

from .clock import Ticking

A = TypeVar("A", bound=type[Api])

KEPT = Options(auto_cancel_at_deadline=False)
"""What is still reserved at the deadline stays reserved, so that a late cancel has something to release."""

NOTHING_ENDS = Readings.choose(["C20=kept"])
"""By this reading nobody but the merchant ends a reservation, so that what ends one past its deadline can be told."""


class Depth(StrEnum):
    """How deep a defect lies."""

    BLATANT = "blatant"
    """Nearly every history that comes near shows it."""
    NARROW = "narrow"
    """It shows at one boundary, in one amount, at one repetition."""
    TWO_FACED = "two-faced"
    """The answer tells one story, and the money or the history another."""


BLATANT, NARROW, TWO_FACED = Depth


@dataclass(frozen=True, slots=True)
class Fault:
    """One faulty provider.

    ``red`` are exactly the rules that it breaks, and ``first`` is the one that its smallest counterexample names first.
    ``least`` is that counterexample as a person writes it.
    """

    name: str
    profile: Profile
    sentence: str
    depth: Depth
    provider: Callable[[], Provider]
    first: str
    red: frozenset[str]
    least: History
    readings: Readings
    market: Market

    @property
    def id(self) -> str:
        """The name under which it stands in the golden matrix."""
        return f"{self.profile.value}-{self.name}"


EXHIBITS: list[Fault] = []
"""Every fault of the modules that were imported; `exhibits` imports all of them."""


def fault_of(
    api: type[Api],
    depth: Depth,
    rules: Sequence[str],
    least: tuple[Step, ...],
    amount: int = 1000,
    kind: Kind | None = None,
    options: Options | None = None,
    readings: Readings | None = None,
    market: Market = Market.NO,
) -> Fault:
    """Describe a faulty API; the parameters are those of `faulty`."""
    profile = Profile(api.NAME)
    chosen = options or Options(market=SandboxMarket(market.value))
    made: dict[str, Any] = {profile.value: api}
    plain = Kind.INITIAL_RESERVE if profile is Profile.RECURRING else Kind.PAYMENT
    return Fault(
        api.__name__,
        profile,
        (api.__doc__ or "").strip(),
        depth,
        lambda: Provider(chosen, now=Ticking(), **made),
        rules[0],
        frozenset(rules),
        History(profile, Initiate(amount, kind or plain), least),
        readings or Readings.documented(),
        market,
    )


def faulty(
    depth: Depth,
    red: str,
    *least: Step,
    amount: int = 1000,
    kind: Kind | None = None,
    options: Options | None = None,
    readings: Readings | None = None,
    market: Market = Market.NO,
) -> Callable[[A], A]:
    """Register a faulty API under the name of its class, with its docstring as its description.

    Args:
        depth: how deep the defect lies.
        red: the ids of the rules that it breaks, the one that is named first in front.
        least: the steps of the smallest history that shows it, as a person writes them.
        amount: the order's amount in that history.
        kind: how the order comes to be in that history; a payment, or an initial charge, when left out.
        options: how the provider behaves apart from its defect.
        readings: the readings that the run has in force.
        market: the sales unit's country, of the provider and of the run.

    """
    rules = red.split() or ["?"]

    def register(api: A) -> A:
        EXHIBITS.append(fault_of(api, depth, rules, least, amount, kind, options, readings, market))
        return api

    return register
