"""The courses in other surroundings: large amounts, other markets and currencies, other time zones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from conformance.domain.api_table import spec_of
from conformance.domain.order import Profile
from conformance.obligations.history import WEBHOOK_STEPS, ZONES, Behaviour, MerchantStep
from conformance.strategies.merchant.cells import DAY, HALF_AN_HOUR, PAID, Cell, steps_of, text_of

_ABOVE_24_BITS: Final = 16_777_217
"""The first whole number that a float of 32 bits cannot hold."""
_LARGE: Final = 33_554_435
_NEARLY_MOST: Final = 64_999_999
"""One minor unit less than what every API takes; none takes more than 31 bits hold."""

OTHER_MARKETS: Final = ("dk", "fi")
"""The markets whose currency is not the Norwegian one."""

_NEVER_PAID: Final = "create live:1800"
_LIVES: Final = (
    ("paid and cancelled after half an hour", "create approve deliver tick live:1800 cancel"),
    ("paid, approval lost, half an hour passes", "create approve lose live:1800"),
    ("never paid, half an hour passes", _NEVER_PAID),
    ("paid in the last minutes", "create wait:420 approve tick deliver live:1800"),
    ("paid and shipped within three days", f"create approve deliver live:{3 * DAY} capture:400"),
    ("cancelled before approval", "create tick wait:60 cancel live:1800"),
    ("partly shipped, then closed", "create approve deliver capture:400 live:1800 cancel"),
)
"""Lives that are the same in every time zone."""
FAR_AWAY: Final = ("zone_kiritimati", "zone_los_angeles", "zone_oslo")
"""The steps into a time zone other than the one in which a history begins."""
_OF_NO_ORDER: Final = (*WEBHOOK_STEPS, "wait", "live", "tick", "restart")
"""Steps that are not about an order."""


def amounts(profile: Profile) -> Iterator[Cell]:
    """Return the courses with amounts that small number types cannot hold, and with the smallest ones."""
    name = "large amounts"
    for amount, part in ((_ABOVE_24_BITS + 2, _ABOVE_24_BITS), (_LARGE, 16_777_219), (_NEARLY_MOST, 33_554_433)):
        label = f"{amount / 100:,.2f}"
        steps = f"create approve deliver capture:{part}"
        yield Cell(name, f"{label}, partly shipped, then closed", f"{steps} cancel", amounts=(amount,))
        yield Cell(name, f"{label}, partly shipped, half an hour passes", f"{steps} live:1800", amounts=(amount,))
        yield Cell(name, f"{label}, completed", f"create approve deliver complete:{part}", amounts=(amount,))
        yield Cell(name, f"{label}, cancelled", "create approve deliver cancel", amounts=(amount,))
        yield Cell(name, f"{label}, partly refunded", f"{steps} refund:{part - 100} tick", amounts=(amount,))
    name, least = "small amounts", max(100, spec_of(profile).least_capture)
    yield Cell(
        name, "2.00, half shipped, then closed", f"create approve deliver capture:{least} cancel", amounts=(200,)
    )
    yield Cell(name, "2.01, nearly all shipped", "create approve deliver capture:200 live:1800", amounts=(203,))


def has_other_markets(profile: Profile) -> bool:
    """Return whether an API has sales units in other countries, where orders are in another currency."""
    return spec_of(profile).names_currency


def other_markets(profile: Profile) -> Iterator[Cell]:
    """Return the courses in another country's currency, and with its time to capture."""
    if not has_other_markets(profile):
        return
    partly = "create approve deliver capture:400"
    for label, steps in (
        ("partly shipped, then closed", f"{partly} cancel"),
        ("partly shipped, half an hour passes", f"{partly} live:{HALF_AN_HOUR}"),
        ("paid, and eight days pass", f"{PAID} live:{8 * DAY} capture:400"),
        ("completed", "create approve deliver complete:400"),
        ("refunded", f"{partly} refund:200 tick"),
        ("approved, then cancelled", "create approve deliver cancel"),
        ("reservation lapsed, then shipped", f"{PAID} live:{15 * DAY} capture:400"),
        ("cancelled before approval", "create cancel"),
        ("partly shipped, and twelve days pass", f"{partly} live:{12 * DAY}"),
    ):
        for market in OTHER_MARKETS:
            yield Cell(
                f"sales unit in {market.upper()}", f"in {market.upper()}: {label}", steps, (), Behaviour(market=market)
            )


def time_zones(profile: Profile) -> Iterator[Cell]:
    """Return the courses in which two orders have the same life, the second in another time zone."""
    expires = "expire" in spec_of(profile).steps
    for turn, (label, steps) in enumerate(_LIVES):
        if steps == _NEVER_PAID and not expires:
            continue
        again = text_of(of_second_order(step) for step in steps_of(steps))
        for number in range(len(FAR_AWAY)):
            zone = FAR_AWAY[(turn + number) % len(FAR_AWAY)]
            yield Cell(f"time zone {ZONES[zone]}", f"in {ZONES[zone]}: {label}", f"{steps} {zone} {again}")


def of_second_order(step: MerchantStep) -> MerchantStep:
    """Return a step as the second order's, where it is about an order."""
    return step if step.do in _OF_NO_ORDER else replace(step, order=1)
