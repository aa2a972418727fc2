"""What is said of a rule's examples is what the histories did before the step that shows it."""

from datetime import timedelta

import pytest

from conformance.domain.order import Market
from conformance.reports.html.age_distribution import age_distributions_of
from conformance.reports.html.histories import EvidenceRef, HistoryView
from tests.stored import record_of

DAY = int(timedelta(days=1).total_seconds())


def sight(*steps, at=None, amount=1000):
    steps = ({"do": "initiate", "amount": amount}, *steps)
    history = {"version": 1, "profile": "ecom", "steps": list(steps)}
    record = record_of("history", id="ecom-1", profile="ecom", source="systematic", history=history)
    return EvidenceRef(HistoryView(record), len(steps) - 1 if at is None else at)


def age(days):
    return {"do": "age", "by": int(days * DAY)}


def capture(amount):
    return {"do": "capture", "amount": amount}


CANCEL = {"do": "cancel"}


def spread(*sights, market=Market.NO):
    return {one.name: {value: count for value, count, _ in one.values} for one in age_distributions_of(sights, market)}


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (0.9, "under a day"),
        (1, "1 to 178 days"),
        (178.9, "1 to 178 days"),
        (179, "179 days"),
        (180, "180 days"),
        (181, "181 days or more"),
    ],
)
def test_ages_are_told_apart_beside_the_limit(days, words):
    assert spread(sight(age(days), CANCEL))["age"] == {words: 1}


def test_ages_add_up_and_end_at_the_step():
    assert spread(sight(age(100), age(79), CANCEL, age(10), at=3))["age"] == {"179 days": 1}


def test_a_market_with_two_limits_tells_them_apart():
    assert spread(sight(age(13)), sight(age(14)), sight(age(15)), market=Market.DK)["age"] == {
        "13 days": 1,
        "14 days": 1,
        "15 to 178 days": 1,
    }


@pytest.mark.parametrize(
    ("amounts", "words"),
    [
        ((), "nothing"),
        ((99,), "less than a tenth"),
        ((100,), "less than half"),
        ((250, 250), "half or more"),
        ((400, 600), "everything"),
    ],
)
def test_captured_shares(amounts, words):
    assert spread(sight(*map(capture, amounts), CANCEL))["captured"] == {words: 1}


def test_flags_are_those_of_the_step_itself():
    found = spread(
        sight(CANCEL), sight({**CANCEL, "flag": True}), sight({**CANCEL, "flag": True}, CANCEL), sight(capture(1))
    )
    assert found["flag"] == {"absent": 2, "true": 1}
    assert "flag" not in spread(sight(capture(1)))


def test_what_never_got_there_says_nothing():
    assert spread(EvidenceRef(sight(CANCEL).play, None)) == {}


def test_the_bars_grow_with_the_counts():
    found = age_distributions_of([sight(CANCEL)] * 8 + [sight({**CANCEL, "flag": False})], Market.NO)
    bars = {value: bar for one in found if one.name == "flag" for value, _, bar in one.values}
    assert bars == {"absent": "█", "false": "▁"}
