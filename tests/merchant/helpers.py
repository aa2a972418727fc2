"""What tests of merchants share: histories from words, running them, and what an adapter breaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from conformance.domain.order import Profile
from conformance.merchant.harness import CountingSink, MerchantHarness, MerchantTrialResult
from conformance.obligations.history import Fault, MerchantHistory, MerchantStep
from conformance.obligations.judge import CAUSE_ORDER
from conformance.rulebook import Level, load_obligations
from conformance.strategies.merchant.plan import plan_merchant_cases

BOOK = load_obligations()


def history(steps: str, *faults: Fault, profile: str = "epayment", **options: Any) -> MerchantHistory:
    """Return the history of steps such as ``create approve capture:400 cancel@1``."""
    parsed = []
    for word in steps.split():
        name, _, order = word.partition("@")
        name, _, number = name.partition(":")
        parsed.append(MerchantStep(name, int(order or 0), int(number or 0)))
    amounts = (1000,) * (1 + max(step.order for step in parsed))
    return MerchantHistory(Profile(profile), amounts, tuple(parsed), faults, **options)


@contextmanager
def harness_of(integration: object, **options: Any) -> Iterator[MerchantHarness]:
    """Yield the harness of an integration, and close it at the end of the block."""
    harness = MerchantHarness(integration, **options)
    try:
        yield harness
    finally:
        harness.close()


def run_histories(integration: object, *histories: MerchantHistory) -> list[MerchantTrialResult]:
    """Run histories against an integration; return what was observed of each, and the findings."""
    with harness_of(integration) as harness:
        return [harness.run(each, f"t-{n}", CountingSink()) for n, each in enumerate(histories)]


def broken_by(adapter: Any, *, first: int | None = None, drawn: int = 0, seed: int = 0) -> dict[str, str]:
    """Return what an adapter breaks in the systematic set and in drawn histories, the likeliest cause first.

    ``first`` is how many cases of the systematic set are run; None means all of them.
    """
    with harness_of(adapter) as harness:
        plan = plan_merchant_cases(Profile(adapter.profiles[0]), harness.open().actions, seed, drawn)
        systematic = [case for case in plan if not case.generated]
        cases = [*systematic[:first], *(case for case in plan if case.generated)]
        broken: dict[str, str] = {}
        for number, case in enumerate(cases):
            for rule, reason in harness.run(case.history, f"t-{number}", CountingSink()).broken.items():
                broken.setdefault(rule, f"{case.label}: {reason}")
    return dict(sorted(broken.items(), key=lambda item: CAUSE_ORDER[item[0]]))


def required(rules: Iterable[str]) -> list[str]:
    """Return those of the obligations that are required."""
    return [rule for rule in rules if BOOK.rule(rule).level is Level.REQUIRED]
