"""Playing merchants in tests: as far as it takes, and no further."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.domain.order import Profile
from conformance.merchant.harness import CountingSink, MerchantHarness, MerchantTrialResult
from conformance.obligations.history import Fault, MerchantHistory, Step
from conformance.obligations.judge import CAUSE_ORDER
from conformance.rulebook import Level, load_obligations
from conformance.strategies.merchant.plan import MerchantCase, plan_merchant_cases

BOOK = load_obligations()


def history(steps: str, *faults: Fault, profile: str = "epayment", **options: object) -> MerchantHistory:
    """A history of words, as the systematic set is written."""
    made = []
    for word in steps.split():
        name, _, order = word.partition("@")
        name, _, number = name.partition(":")
        made.append(Step(name, int(order or 0), int(number or 0)))
    amounts = (1000,) * (1 + max(step.order for step in made))
    return MerchantHistory(Profile(profile), amounts, tuple(made), faults, **options)


def play(adapter: object, *histories: MerchantHistory) -> list[MerchantTrialResult]:
    """Play histories against one integration."""
    stand = MerchantHarness(adapter)
    try:
        return [stand.play(one, f"t-{number}", CountingSink()) for number, one in enumerate(histories)]
    finally:
        stand.close()


def broken_by(adapter: type, *, first: int | None = None, drawn: int = 0, seed: int = 0) -> dict[str, str]:
    """What an adapter breaks in the systematic set and in drawn histories, what ranks first in front."""
    stand = MerchantHarness(adapter)
    try:
        offered = stand.open().actions
        plan: Iterable[MerchantCase] = plan_merchant_cases(Profile(adapter.profiles[0]), offered, seed, drawn)
        plan = list(plan)
        fixed = [one for one in plan if not one.generated]
        found: dict[str, str] = {}
        for number, one in enumerate([*fixed[:first], *(one for one in plan if one.generated)]):
            for rule, reason in stand.play(one.history, f"t-{number}", CountingSink()).broken.items():
                found.setdefault(rule, f"{one.label}: {reason}")
        return dict(sorted(found.items(), key=lambda item: CAUSE_ORDER[item[0]]))
    finally:
        stand.close()


def required(rules: Iterable[str]) -> list[str]:
    """Those of the obligations that decide."""
    return [rule for rule in rules if BOOK.rule(rule).level is Level.REQUIRED]
