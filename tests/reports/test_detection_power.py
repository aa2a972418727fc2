"""What is said of a rule's power follows from the measured figures, and holds only where they were measured."""

import pytest

from conformance.domain.order import Profile
from conformance.reports.detection_power import figures_from

ECOM, EPAYMENT = Profile.ECOM, Profile.EPAYMENT
MUCH, LITTLE = frozenset({"age", "approve", "units"}), frozenset({"approve", "units"})


def fault(after, profile="ecom"):
    return {"profile": profile, "sentence": "Does it wrong.", "after": after}


def power(**faults):
    plan = {"systematic": 100, "digest": "0" * 64}
    return figures_from(
        {
            "measured": "2026-11-25",
            "commit": "abc",
            "seeds": 4,
            "settings": {
                "much": {"ecom": sorted(MUCH), "epayment": sorted(MUCH)},
                "little": {"ecom": sorted(LITTLE), "epayment": sorted(LITTLE)},
            },
            "plans": {"much": {"ecom": plan}, "little": {"ecom": plan}},
            "faults": faults,
        }
    )


FOUR = power(
    early=fault({"much": {"EC-01": 2}, "little": {"EC-01": 9}}),
    later=fault({"much": {"EC-01": [5, 6, 7, 30]}, "little": {}}),
    seldom=fault({"much": {"EC-01": [None, 200, None, None]}, "little": {}}),
    never=fault({"much": {"EC-01": None, "EC-03": 3}, "little": {"EC-01": None}}),
    elsewhere=fault({"much": {"EC-01": 1}, "little": {"EC-01": 1}}, "epayment"),
)


def test_what_a_run_catches_is_counted_by_its_size():
    found = FOUR.rule_detection(ECOM, "EC-01", MUCH, 100)
    assert (found.known, found.certain, found.possible) == (4, 2, 2)
    assert (found.half, found.slowest) == (6, 30)
    assert found.missed == ("seldom", "never")


@pytest.mark.parametrize(
    ("histories", "certain", "possible", "slowest"),
    [(1, 0, 0, None), (2, 1, 1, 2), (5, 1, 2, 2), (29, 1, 2, 2), (30, 2, 2, 30), (300, 2, 3, 30)],
)
def test_a_fault_is_certain_from_its_slowest_seed_on(histories, certain, possible, slowest):
    found = FOUR.rule_detection(ECOM, "EC-01", MUCH, histories)
    assert (found.certain, found.possible, found.slowest) == (certain, possible, slowest)


def test_half_is_said_only_where_the_run_is_long_enough():
    assert FOUR.rule_detection(ECOM, "EC-01", MUCH, 6).half == 6
    assert FOUR.rule_detection(ECOM, "EC-01", MUCH, 5).half is None


def test_a_target_that_offers_less_is_measured_with_what_it_offers():
    found = FOUR.rule_detection(ECOM, "EC-01", LITTLE | {"concurrent"}, 100)
    assert (found.known, found.certain, found.slowest) == (2, 1, 9)


def test_nothing_is_said_where_nothing_was_measured():
    assert FOUR.rule_detection(ECOM, "EC-01", frozenset({"age"}), 100) is None
    assert FOUR.rule_detection(ECOM, "EC-40", MUCH, 100) is None
    assert FOUR.rule_detection(ECOM, "EC-03", LITTLE, 100) is None
    assert FOUR.count_detected(ECOM, frozenset(), 100) == (0, 0)


def test_a_fault_is_caught_when_any_rule_catches_it():
    assert FOUR.count_detected(ECOM, MUCH, 100) == (3, 4)
    assert FOUR.count_detected(ECOM, MUCH, 2) == (1, 4)
    assert FOUR.count_detected(EPAYMENT, MUCH, 2) == (1, 1)
