"""Runs of another kind, or of a part: shards, what was merged, a focus, what was fuzzed, a merchant's, late waivers."""

import pytest

from conformance.domain.order import Profile
from conformance.evidence.consistency import digest_of
from conformance.evidence.journal import Evidence, JournalError
from conformance.judging.verdicts import RuleVerdict, RunVerdict
from conformance.obligations.judge import CAUSE_ORDER
from conformance.results.result import book_of, partial_note, result_of
from conformance.rulebook import NEEDS, Status, load, load_http_rules, load_obligations
from tests.results.test_result import (
    FINISH,
    OFFERED,
    finding,
    history,
    judgement,
    planned,
    played,
    result,
    rule,
    run,
    several,
)

EVERYTHING = {**OFFERED, "offered": sorted(NEEDS)}
SHOWN = [
    example
    for one in load().governing(Profile.ECOM)
    if one.status is Status.CHECKED
    for example in ([f"{one.id}/{side}" for side in one.sides] or [one.id])
]
PASSED = several(*[{"examples": SHOWN}] * 3)


def conformant(*records, **changes):
    return result(*PASSED, *records, begin=run(**changes), offered=EVERYTHING)


def test_a_run_in_which_everything_was_shown_is_conformant():
    found = conformant()
    assert (found.verdict, found.reason) == (
        RunVerdict.CONFORMANT,
        f"{len(passed(found))} rules passed and none is violated.",
    )


def passed(found):
    return [one for one in found.rules if one.verdict is RuleVerdict.PASSED]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"shard": {"number": 2, "of": 3}}, "This is shard 2 of 3: merge all of them for a verdict."),
        ({"merged": {"of": 3, "shards": [{"shard": 1}, {"shard": 3}]}}, "Shard 2 of 3 missing: nothing is claimed."),
        ({"merged": {"of": 3, "shards": [{"shard": 2}]}}, "Shards 1, 3 of 3 missing: nothing is claimed."),
        ({"merged": {"of": 2, "shards": [{"shard": 2}, {"shard": 1}]}}, ""),
    ],
)
def test_a_part_of_a_run_says_of_what(changes, said):
    assert partial_note(run(**changes)) == said


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


def waived(rule_id, **content):
    return {"rule": rule_id, "reason": "ticket 7", **content}


def test_a_waiver_that_nothing_needs_leaves_a_green_run_incomplete():
    found = conformant(waivers=[waived("EC-03"), waived("EC-13")])
    assert (found.verdict, found.reason) == (
        RunVerdict.INCOMPLETE,
        "Waived without need: EC-03, EC-13; take the waiver away.",
    )


def test_a_waiver_of_what_was_not_exercised_is_needed():
    shown = [example for example in SHOWN if example != "EC-03"]
    records = several(*[{"examples": shown}] * 3)
    found = result(*records, begin=run(waivers=[waived("EC-03")]), offered=EVERYTHING)
    assert (rule(found, "EC-03").verdict, found.verdict) == (RuleVerdict.NOT_EXERCISED, RunVerdict.CONFORMANT)


def test_a_waiver_of_what_is_violated_is_needed():
    records = [
        history("ecom-9"),
        judgement(name="ecom-9", step=0),
        judgement("violates", "ecom-9", findings=[finding()]),
    ]
    found = conformant(*records, waivers=[waived("EC-03")])
    assert (found.verdict, found.reason) == (
        RunVerdict.CONFORMANT,
        f"{len(passed(found))} rules passed and 1 violated ones are waived.",
    )


@pytest.mark.parametrize(("until", "over"), [("2026-11-22", True), ("2026-11-23", False), ("2026-11-24", False)])
def test_a_waiver_holds_until_the_end_of_its_last_day(until, over):
    begin = run(started="2026-11-23T23:00:00Z", waivers=[waived("EC-13"), waived("EC-03", until=until)])
    if not over:
        assert rule(result(begin=begin), "EC-03").waiver == "ticket 7"
        return
    with pytest.raises(JournalError) as error:
        result(begin=begin)
    assert str(error.value) == "The evidence waives EC-03, and its waiver had ended when the run began."


def merchants(*records, **changes):
    begin = run(party="merchant", rulebook=load_obligations().digest, **changes)
    shown = {**OFFERED, "offered": []}
    return result_of(Evidence((begin, shown, planned(records), *records, FINISH)))


def test_a_merchants_run_is_held_against_the_obligations():
    found = merchants(*played(examples=["M1"]))
    assert {one.rule.id for one in found.rules} == {one.id for one in load_obligations().governing(Profile.ECOM)}
    assert (rule(found, "M1").examples, rule(found, "M1").verdict) == (1, RuleVerdict.THIN)
    assert book_of(found.evidence) == load_obligations()
    assert book_of(Evidence((run(), run(party="merchant")))) == load()
    assert rule(found, "M2").reason == "nothing that the integration did in this run was about it"


def test_a_merchants_evidence_is_checked_as_a_merchants():
    """A history of a shop has other steps than a provider's, which nothing else can read."""
    shops = {**history(), "history": {"version": 1, "profile": "ecom", "party": "merchant"}}
    digest = {"kind": "plan", "histories": ["ecom-1"], "digest": digest_of([("ecom-1", shops["history"])])}
    begin = run(party="merchant", rulebook=load_obligations().digest)
    evidence = Evidence((begin, {**OFFERED, "offered": []}, digest, shops, FINISH))
    assert result_of(evidence).histories == {Profile.ECOM: 1}
    with pytest.raises(JournalError, match="is about ecom-1, which was not begun"):
        result_of(Evidence((begin, {**OFFERED, "offered": []}, judgement(), FINISH)))


@pytest.mark.parametrize(("strict", "verdict"), [(False, RuleVerdict.WARNING), (True, RuleVerdict.VIOLATED)])
def test_what_is_recommended_decides_only_where_the_run_is_strict(strict, verdict):
    broken = played("violates", findings=[finding("M10", "asked too often")])
    found = rule(merchants(*broken, **({"strict": True} if strict else {})), "M10")
    assert (found.verdict, found.reason) == (verdict, "asked too often")


def test_of_a_merchants_counterexamples_the_one_that_says_most_of_its_cause_comes_first():
    broken = [finding("M10"), finding("M1")]
    records = [*played("violates", findings=broken), *played("violates", "ecom-s00001", "shrinking", findings=broken)]
    example = {"kind": "counterexample", "profile": "ecom", "reason": "r", "file": "c", "history": "ecom-s00001"}
    told = [{**example, "rule": one, "first": "ecom-1", "steps": 4} for one in ("M10", "M1")]
    found = merchants(*records, *told)
    assert [rule(found, one).rank for one in ("M10", "M1")] == [(CAUSE_ORDER["M10"], 4), (CAUSE_ORDER["M1"], 4)]


def test_why_a_history_did_not_arrive_is_no_reason_for_an_open_answer():
    missed = {"kind": "missed", "history": "ecom-1", "rules": ["EC-03"], "cause": "b"}
    records = [*played("inconclusive", examples=["EC-03"], cause="a"), missed, {**missed}]
    assert rule(result(*records), "EC-03").reason == "1 of its histories proved nothing: a"
