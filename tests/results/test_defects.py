"""Defects: violations that one cause explains, the plainest first, as a function of the journal."""

from __future__ import annotations

import pytest

from conformance.judging.verdicts import RuleVerdict, RunVerdict
from conformance.reports.wording.defects import defect_in_words, following_in_words
from conformance.reports.wording.headline import headline
from conformance.results.result import Result
from tests.results.merchant_records import broken, played, reserved_at_the_end, result


def shape(found: Result) -> list[tuple[str, int, int, list[tuple[str, int]]]]:
    return [
        (
            defect.result.rule.id,
            defect.histories,
            defect.without_fault,
            [(each.result.rule.id, each.histories) for each in defect.following],
        )
        for defect in found.defects
    ]


def violated(found: Result) -> list[str]:
    rules = [rule for rule in found.rules if rule.verdict is RuleVerdict.VIOLATED]
    return [rule.rule.id for rule in sorted(rules, key=lambda rule: rule.rank)]


def test_what_shows_only_under_faults_is_listed_under_what_needs_none():
    """A shop that never sends a cancel: a read that was answered 404 is nothing that explains it."""
    under_faults = [played(n, broken("M18"), broken("M16", "M18"), fault=True) for n in range(3)]
    own = [played(10 + n, broken("M16"), fault=n > 0) for n in range(47)]
    found = result(*under_faults, *own)
    assert shape(found) == [("M16", 50, 1, [("M18", 3)])]
    assert violated(found) == ["M16", "M18"]
    assert headline(found).startswith("Not conformant: 1 defect found (2 obligations violated): M16, “")
    assert following_in_words(found.defects[0]) == "Also violated because of this: M18 (3 histories)"
    assert defect_in_words(found, found.defects[0]) == ("In 50 of 50 histories, 1 of them without an injected fault.")


def test_a_particular_cause_leads_although_its_consequence_has_histories_of_its_own():
    wrong_route = [played(n, broken("M1"), broken("M16", "M1"), fault=n % 2 > 0) for n in range(20)]
    own = [played(100 + n, broken("M16")) for n in range(3)]
    found = result(*wrong_route, *own)
    assert shape(found) == [("M1", 23, 13, [("M16", 23)])]
    assert violated(found) == ["M1", "M16"]


def test_two_causes_are_two_defects():
    found = result(*[played(n, broken("M3"), broken("M18"), broken("M16", "M3"), fault=True) for n in range(5)])
    assert shape(found) == [("M3", 5, 0, []), ("M18", 5, 0, [])]
    assert "2 defects found, first M3" in headline(found)


def test_a_mere_consequence_is_neither_a_violation_nor_a_check():
    found = result(*[played(n, broken("M1"), broken("M16", "M1")) for n in range(4)], played(9))
    rules = {rule.rule.id: rule for rule in found.rules}
    assert (rules["M16"].violations, rules["M16"].examples) == (0, 1)
    assert rules["M16"].verdict is not RuleVerdict.VIOLATED
    assert shape(found) == [("M1", 4, 4, [])]


def test_a_chain_of_causes_ends_at_its_beginning():
    chain = [played(n, broken("M1"), broken("M32", "M1"), broken("M31", "M32")) for n in range(5)]
    found = result(*chain, played(10, broken("M31")))
    assert shape(found) == [("M1", 6, 6, [("M31", 6)])]


def test_money_at_stake_comes_before_none():
    found = result(
        [*played(1, broken("M18")), *reserved_at_the_end(1)],
        *[played(10 + n, broken("M4")) for n in range(9)],
    )
    first, second = found.defects
    assert (first.result.rule.id, second.result.rule.id) == ("M18", "M4")
    assert first.loss is not None
    assert (first.loss.amount, first.loss.currency, second.loss) == (1000, "NOK", None)
    assert "10.00 NOK of the customer’s money stays reserved" in headline(found)
    assert defect_in_words(found, first).endswith(" At stake: 10.00 NOK of the customer’s money stays reserved.")


@pytest.mark.parametrize(("times", "first"), [(12, "M4"), (13, "M18")])
def test_far_more_histories_come_before_nearness_to_the_cause(times, first):
    found = result(played(1, broken("M4")), *[played(10 + n, broken("M18")) for n in range(times)])
    assert violated(found)[0] == first


def test_of_two_wrong_ends_of_the_same_orders_one_is_told():
    both = [played(n, broken("M16"), broken("M10")) for n in range(6)]
    found = result(*both, *[played(10 + n, broken("M15"), broken("M10", "M15")) for n in range(3)])
    assert shape(found) == [("M15", 3, 3, []), ("M16", 9, 9, [("M10", 9)])]
    assert (found.defects[0].rule, found.defects[0].reason) == ("M15", "M15 is broken")


def test_no_violation_is_listed_under_a_warning():
    found = result(*[played(n, broken("M13"), broken("M18", "M13")) for n in range(4)], played(9, broken("M18")))
    assert shape(found) == [("M18", 5, 5, []), ("M13", 4, 4, [])]
    assert [defect.decides for defect in found.defects] == [True, False]
    assert "1 defect found: M18" in headline(found)


def test_what_the_user_waived_leads_no_defect():
    waivers = [{"rule": "M1", "reason": "known"}]
    found = result(*[played(n, broken("M1")) for n in range(3)], played(9, broken("M16")), waivers=waivers)
    assert shape(found) == [("M16", 1, 1, [])]
    assert found.verdict is RunVerdict.NOT_CONFORMANT


def test_a_run_without_violations_has_no_defect():
    assert result(played(1)).defects == ()
