"""Runs of another kind, or of a part: shards, what was merged, a focus, what was fuzzed."""

import pytest

from conformance.judging.verdicts import RuleVerdict, RunVerdict
from conformance.results.result import partial_note
from conformance.rulebook import load_http_rules
from tests.results.records import (
    conformant,
    finding,
    result,
    rule,
    run,
)
from tests.stored import typed


def merged(number):
    return {"shard": number, "records": 9, "digest": "0" * 64, "nonce": "n", "ended": "complete"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"shard": {"number": 2, "of": 3}}, "This is shard 2 of 3: merge all of them for a verdict."),
        ({"merged": {"of": 3, "shards": [merged(1), merged(3)]}}, "Shard 2 of 3 missing: nothing is claimed."),
        ({"merged": {"of": 3, "shards": [merged(2)]}}, "Shards 1, 3 of 3 missing: nothing is claimed."),
        ({"merged": {"of": 2, "shards": [merged(2), merged(1)]}}, ""),
    ],
)
def test_a_part_of_a_run_says_of_what(changes, said):
    assert partial_note(typed(run(**changes))) == said


def test_a_part_of_a_run_is_never_conformant_however_green_it_is():
    found = conformant(shard={"number": 1, "of": 2})
    assert (found.verdict, found.reason) == (
        RunVerdict.INCOMPLETE,
        "This is shard 1 of 2: merge all of them for a verdict.",
    )


def test_a_focus_takes_the_rules_that_it_is_not_about_out_of_the_decision():
    found = result(begin=run(focus="age"))
    assert not rule(found, "EC-03").in_scope
    assert rule(found, "EC-13").in_scope
    assert rule(result(), "EC-03").in_scope


def fuzz(**changes):
    return {"kind": "fuzz", "rules": load_http_rules().digest, "profiles": ["ecom"], **changes}


def fuzzed(status="conforms", **content):
    return {"kind": "fuzzed", "profile": "ecom", "status": status, "operation": "cancel", "label": "x", **content}


def ended(judged):
    return {"kind": "fuzz-profile", "profile": "ecom", "judged": judged}


def test_a_run_that_only_fuzzes_says_nothing_of_the_rules_of_histories():
    found = result(fuzz(), fuzzed(examples=["WIRE-01"]), ended(1), begin=run(focus="fuzz"))
    assert {one.rule.id for one in found.rules} == {one.id for one in load_http_rules().rules}
    assert rule(found, "WIRE-01").examples == 1


def test_what_was_fuzzed_and_what_was_sent_aside_are_counted():
    found = result(fuzz(), fuzzed(), fuzzed(), {"kind": "aside"}, ended(2), begin=run(focus="fuzz"))
    assert (found.exchanges, found.fuzzed) == (3, 2)
    assert result().fuzzed == 0


def test_a_rule_of_the_http_layer_can_be_waived():
    broken = fuzzed("violates", findings=[finding("WIRE-02", "a 500")])
    found = result(
        fuzz(), broken, ended(1), begin=run(focus="fuzz", waivers=[{"rule": "WIRE-02", "reason": "ticket 7"}])
    )
    assert (rule(found, "WIRE-02").verdict, rule(found, "WIRE-02").waiver) == (RuleVerdict.VIOLATED, "ticket 7")
    assert rule(found, "WIRE-02").reason == "cancel, x: a 500"
    assert found.verdict is RunVerdict.INCOMPLETE
