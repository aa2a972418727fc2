"""Every clause of every checked rule has a check, and every check is of a clause.

A rule's ``clauses`` quote its statement, part by part. What is quoted is either the premise (``given``), a permission
(``permitted``), or something that fields of an observation show. Those are compared with what the model claims under
the rule over the systematic set.
"""

import re
from fnmatch import fnmatchcase

import pytest

from conformance.domain.order import Profile
from conformance.rulebook import RuleStatus, load
from conformance.rulebook.rules import GIVEN, PERMITTED, Clause

from .claimed import claimed, permitted

# What these tests share takes seconds to compute.
pytestmark = pytest.mark.xdist_group("clauses")

CHECKED = [rule for rule in load().rules if rule.status is RuleStatus.CHECKED]
GOVERNED = [(rule, profile) for rule in CHECKED for profile in rule.profiles]
CONNECTING = re.compile(r"[\s,;.]*((and|or|but|with)\b[\s,]*)*")


def named(rules):
    return [pytest.param(rule, id=rule.id) for rule in rules]


def in_apis(pairs):
    return [pytest.param(rule, profile, id=f"{rule.id}-{profile.value}") for rule, profile in pairs]


def unquoted(statement, clauses):
    """Return the parts of a statement that no clause quotes, in order; fail for a clause that quotes something else."""
    parts, place = [], 0
    for clause in clauses:
        begins = statement.find(clause.words, place)
        assert begins >= 0, f"{clause.words!r} is not in the statement, or not in this order"
        parts.append(statement[place:begins])
        place = begins + len(clause.words)
    return [*parts, statement[place:]]


def shown(clause, fields):
    return {field for field in fields if any(fnmatchcase(field, pattern) for pattern in clause.fields)}


@pytest.mark.parametrize("rule", named(CHECKED))
def test_the_clauses_of_a_rule_are_all_that_its_statement_says(rule):
    for part in unquoted(rule.statement, rule.clauses):
        assert CONNECTING.fullmatch(part), f"{part!r} is in no clause"
    assert any(clause.fields != (GIVEN,) for clause in rule.clauses)


@pytest.mark.parametrize(("rule", "profile"), in_apis(GOVERNED))
def test_every_clause_has_a_check_in_every_api(rule, profile):
    for clause in rule.clauses:
        if clause.fields == (GIVEN,) or profile.value in clause.exempt:
            continue
        if clause.fields == (PERMITTED,):
            assert rule.id in permitted(profile), f"nothing that happens is a check of {clause.words!r}"
        else:
            assert shown(clause, claimed(profile).get(rule.id, ())), f"nothing checks {clause.words!r}"


@pytest.mark.parametrize(("rule", "profile"), in_apis(GOVERNED))
def test_every_check_is_of_a_clause(rule, profile):
    fields = set(claimed(profile).get(rule.id, ()))
    for clause in rule.clauses:
        fields -= shown(clause, fields)
    assert not fields, "checked under this rule, and no clause speaks of it"


@pytest.mark.parametrize("rule", named(CHECKED))
def test_every_field_that_a_clause_names_is_checked_in_some_api(rule):
    everywhere = set().union(*(claimed(profile).get(rule.id, ()) for profile in rule.profiles))
    for clause in rule.clauses:
        for pattern in set(clause.fields) - {GIVEN, PERMITTED}:
            assert any(fnmatchcase(field, pattern) for field in everywhere), (clause.words, pattern)


def test_only_checked_rules_have_clauses():
    assert not [rule.id for rule in load().rules if rule.clauses and rule.status is not RuleStatus.CHECKED]


@pytest.mark.parametrize("profile", list(Profile))
def test_nothing_is_claimed_under_a_rule_that_is_not_checked(profile):
    known = {rule.id for rule in CHECKED if profile in rule.profiles}
    # An interpretation that was chosen makes more than that of these.
    assert set(claimed(profile)) - known <= {"EC-05", "EC-14"}


def test_a_clause_without_a_check_is_found():
    says = "A cancel of a hold is answered 200, and the customer is told."
    quoted = [Clause.parse("A cancel of a hold: given"), Clause.parse("is answered 200: answer.status")]
    assert [part for part in unquoted(says, quoted) if not CONNECTING.fullmatch(part)] == [
        ", and the customer is told."
    ]
    assert shown(quoted[1], {"answer.status", "view.state"}) == {"answer.status"}
    assert not shown(Clause.parse("the customer is told: view.letters"), {"answer.status", "view.state"})
    assert Clause.parse("in one currency: view.currency except:ecom").exempt == ("ecom",)
