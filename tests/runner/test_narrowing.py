"""A failing limit is narrowed to where it begins and ends; what has no limit is given none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from conformance.domain.history_text import history
from conformance.domain.steps import Age, History
from conformance.evidence.record_parts import BoundaryRecord
from conformance.runner.narrowing import MOST_NARROWING, Narrower

DAY, HOUR = 86_400, 3_600


def age_of(played: History) -> int:
    return sum(int(step.by.total_seconds()) for step in played.steps if isinstance(step, Age))


def narrowed(
    failing: History, fails: Callable[[History], bool], batch: int = 1, most: int = MOST_NARROWING
) -> tuple[BoundaryRecord | None, int]:
    """Return the limits of a failure, and how many histories were run for them."""
    played: list[History] = []

    async def run(histories: Sequence[History]) -> list[bool]:
        assert len(histories) <= max(batch, 5)
        played.extend(histories)
        return [fails(each) for each in histories]

    return asyncio.run(Narrower(run, batch, most).boundary(failing)), len(played)


@pytest.mark.parametrize("batch", [1, 4, 8])
def test_an_age_is_narrowed_to_hours(batch: int) -> None:
    found, tried = narrowed(
        history("ecom", "approve", "age 178 days", "cancel"), lambda each: age_of(each) >= 90 * DAY, batch
    )
    assert found == BoundaryRecord(of="age", first=90 * DAY, before=90 * DAY - HOUR)
    assert tried <= MOST_NARROWING


def test_a_failure_between_two_ages_has_two_limits() -> None:
    found, _ = narrowed(
        history("ecom", "approve", "age 182 days", "cancel"), lambda each: 181 * DAY < age_of(each) <= 186.5 * DAY
    )
    assert found == BoundaryRecord(
        of="age",
        first=181 * DAY + HOUR,
        before=181 * DAY,
        last=186 * DAY + 12 * HOUR,
        after=186 * DAY + 13 * HOUR,
    )


def test_an_amount_is_narrowed_to_one_unit() -> None:
    found, _ = narrowed(
        history("epayment", "initiate 250000", "approve", "cancel"), lambda each: each.opening.amount >= 70_000
    )
    assert found == BoundaryRecord(of="amount", first=70_000, before=69_999)


@pytest.mark.parametrize("modulus", [2, 3, 7, 16, 100])
def test_an_amount_with_a_remainder_has_no_limit(modulus: int) -> None:
    found, _ = narrowed(
        history("epayment", "initiate 999", "approve", "cancel"),
        lambda each: each.opening.amount % modulus == 999 % modulus,
    )
    assert found is None


def test_few_histories_are_run() -> None:
    found, tried = narrowed(
        history("ecom", "approve", "age 178 days", "cancel"), lambda each: age_of(each) >= 90 * DAY, most=4
    )
    assert tried <= 4
    assert found is None


@pytest.mark.parametrize(
    "steps",
    [
        ("approve", "cancel"),
        ("approve", "age 1 day", "cancel", "age 2 days", "cancel"),
        ("initiate 999", "approve", "capture 500", "cancel"),
    ],
)
def test_without_one_quantity_there_is_no_limit(steps: tuple[str, ...]) -> None:
    assert narrowed(history("ecom", *steps), lambda _: True) == (None, 0)
