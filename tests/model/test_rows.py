"""The rows of the model against the rulebook and a grid of orders: none is missing, idle, or about a rule unnamed."""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache

import pytest
from msgspec.structs import replace

from conformance.domain.order import Attempt, Market, Stage
from conformance.domain.steps import Addressee, Age, Cancel, Key
from conformance.model import MODELS, ModelContext, age_for_cancel
from conformance.model.table import Premise
from conformance.rulebook import RuleStatus, load
from tests.model.on_paper import (
    DAY,
    LATER,
    OLD,
    PROFILES,
    E,
    P,
    R,
    beliefs_after,
    context,
    final_steps,
    paths,
)
from tests.model.oracle import CHOSEN
from tests.model.rows import HERE, all_rows, named_by, outcomes, own_table, places

CONTEXTS = (
    (ModelContext(), (None, DAY, OLD, 400 * DAY)),
    (context(units=False), (None,)),
    (context(market=Market.DK), (LATER,)),
    (context("C1=initiation"), (OLD,)),
    (context("C10=reject", "C13=operation-scope,not-a-parameter"), (DAY,)),
    (context("C13=delete-without-key"), (None,)),
    *((context(*choices.split(), market=Market.DK), (None, LATER)) for choices in CHOSEN),
)
"""Before, at and past the limits, with one sales unit and several, and where interpretations are chosen."""
TO_OTHERS = [Cancel(to=to, key=Key.SAME) for to in (Addressee.UNKNOWN, Addressee.FOREIGN)]
BROKEN = Attempt(None, "broken", 500, None, Stage.INITIATED)
RACES = {E: {"EC-02", "INV-11"}, P: {"INV-11"}, R: {"INV-11"}}
"""Rules about two requests at the same time. No row is about them: some order of the two explains what is seen."""
JUDGED_IF_CHOSEN = {E: {"EC-05", "EC-14"}, P: set(), R: set()}
"""Rules of silence that a row names, because an interpretation makes them more than that."""
BOOKS = {"INV-1", "INV-4", "INV-10"}
AGES = {"KB-02", "KB-02b"}
SHARED = {
    E: BOOKS | AGES | {"EC-37", "EC-38", "EC-39", "EC-40", "INV-2", "INV-3", "INV-6", "KB-03"},
    P: BOOKS | AGES | {"EP-30", "EP-32", "INV-8"},
    R: BOOKS | {"INV-9", "RE-21"},
}
"""Rules about the form of every answer and every read-back, which fail whatever the row is about."""


@dataclass
class Reached:
    """What the orders of a grid reach in the tables of one API, by the identity of a row or an outcome."""

    rows: set[int] = field(default_factory=set)
    outcomes: set[int] = field(default_factory=set)
    cited: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    applying: list[tuple[Premise, int]] = field(default_factory=list)
    """How many rows of the order's own table apply to every plain cancel."""


def premises(profile):
    """Yield the premises of the grid: every order with every step that can come next."""
    model = MODELS[profile]
    for in_context, ages in CONTEXTS:
        starts = [
            (start, steps if age is None else (*steps, Age(age)))
            for start, steps in paths(profile).values()
            for age in ages
        ]
        orders = {
            order: None for start, steps in starts for (order, *_) in beliefs_after(profile, start, steps, in_context)
        }
        for order in [*orders, *(replace(order, attempt=BROKEN) for order in orders if order.attempt)]:
            for step in (*final_steps(profile), *TO_OTHERS):
                older = order.older(step.by) if isinstance(step, Age) else order
                yield Premise(model, older, step, in_context, age_for_cancel(older, in_context))


@cache
def reached(profile):
    """Walk the grid of an API once."""
    model, found = MODELS[profile], Reached()
    own = own_table(model)
    for premise in premises(profile):
        tables = [model.tables[type(premise.step)]]
        if isinstance(premise.step, Cancel):
            tables.append(own)
            if premise.step == Cancel(premise.step.flag):
                applies = [row.request.holds(premise) and row.given.holds(premise) for row in own.rows]
                found.applying.append((premise, sum(applies)))
        for row in (table.row(premise) for table in tables):
            found.rows.add(id(row))
            for outcome in outcomes(row):
                for branch in outcome.branches(premise):
                    found.outcomes.add(id(outcome))
                    found.cited[id(row)].update(rule.partition("/")[0] for rule in branch.rules)
                    found.cited[id(row)].update(rule for claim in branch.claims for rule in bases(claim.rules))
    return found


def bases(rules):
    return [rule.partition("/")[0] for rule in rules]


def named(row):
    """Return the rules that a row names, without sides."""
    return set().union(*(named_by(outcome) for outcome in outcomes(row)))


@pytest.mark.parametrize("profile", PROFILES)
def test_of_the_rows_about_an_order_exactly_one_applies(profile):
    """So they can be read in any order, as the rows of a truth table can."""
    applying = reached(profile).applying
    assert len(applying) > 500
    assert {count for _, count in applying} == {1}


@pytest.mark.parametrize("profile", PROFILES)
def test_every_row_applies_to_some_order_and_each_of_its_outcomes_is_permitted_for_some(profile):
    walk = reached(profile)
    for kind, rows in all_rows(MODELS[profile]).items():
        for row in rows:
            assert id(row) in walk.rows, (kind, named(row))
            for outcome in outcomes(row):
                assert id(outcome) in walk.outcomes, (kind, outcome.name, outcome.rules)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_row_cites_every_rule_that_it_names_and_no_other_but_what_all_rows_share(profile):
    walk, shared = reached(profile), set()
    for kind, rows in all_rows(MODELS[profile]).items():
        for row in rows:
            assert named(row) <= walk.cited[id(row)], kind
            shared |= walk.cited[id(row)] - named(row)
    assert shared == SHARED[profile]


@pytest.mark.parametrize("profile", PROFILES)
def test_every_rule_that_is_checked_is_named_by_a_row_unless_it_is_about_a_race(profile):
    governing = list(load().governing(profile))
    checked = {rule.id for rule in governing if rule.status is RuleStatus.CHECKED}
    rules = set().union(*(named(row) for rows in all_rows(MODELS[profile]).values() for row in rows))
    assert checked - rules == RACES[profile]
    assert rules - checked == JUDGED_IF_CHOSEN[profile]


def test_every_rule_that_is_checked_can_be_found_in_the_source():
    for profile in PROFILES:
        for rule in load().governing(profile):
            if rule.status is RuleStatus.CHECKED:
                assert places()[rule.id]


def test_a_rule_is_found_in_the_rows_that_encode_it():
    false, absent = places()["EC-08"]
    assert (false.row, absent.row) == (
        "given PARTLY_CAPTURED, request FLAG_FALSE",
        "given PARTLY_CAPTURED, request FLAG_ABSENT",
    )
    for place in (absent, false):
        lines = (HERE / place.file).read_text(encoding="utf-8").splitlines()
        assert '"EC-08/' in lines[place.line - 1]
        assert str(place).startswith(f"conformance/model/ecom.py:{place.line}  given")
