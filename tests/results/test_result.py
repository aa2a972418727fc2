"""A run's result is a function of its records: what is counted, what is not, and how a run ends."""

import msgspec
import pytest

from conformance.domain.order import Profile
from conformance.evidence.consistency import digest_of
from conformance.evidence.journal import JournalError
from conformance.judging.verdicts import LAST, RuleVerdict, RunVerdict
from conformance.results.result import book_of, result_of
from conformance.rulebook import load, load_obligations
from tests.results.records import (
    ECOM,
    EVERYTHING,
    FINISH,
    OFFERED,
    SHOWN,
    conformant,
    finding,
    history,
    judgement,
    passed,
    planned,
    played,
    result,
    rule,
    run,
    several,
)
from tests.stored import evidence_of, typed


def test_examples_are_counted_by_rule_and_side():
    examples = ["EC-03", "KB-01/reserved", "KB-01/initiated"]
    found = result(*several(*[{"examples": examples}] * 3))
    assert rule(found, "EC-03").verdict is RuleVerdict.PASSED
    assert rule(found, "KB-01").sides == {"initiated": 3, "reserved": 3}
    assert rule(found, "EC-13").verdict is RuleVerdict.NOT_EXERCISED
    assert found.verdict is RunVerdict.INCOMPLETE
    assert found.exit_code == 4


def test_a_violation_is_counted_with_its_first_reason():
    found = result(
        *several(
            {"status": "violates", "findings": [finding(reason="first")]},
            {"status": "violates", "findings": [finding(reason="second"), finding("INV-2")]},
        )
    )
    assert (rule(found, "EC-03").violations, rule(found, "EC-03").reason) == (2, "first")
    assert rule(found, "INV-2").verdict is RuleVerdict.VIOLATED
    assert found.verdict is RunVerdict.NOT_CONFORMANT


def test_a_counterexample_tells_the_violation_better():
    shrunk = {"kind": "counterexample", "rule": "EC-03", "profile": "ecom", "reason": "short", "file": "c/1.json"}
    shrunk |= {"history": "ecom-s00001", "first": "ecom-1", "steps": 1}
    smallest = played("violates", "ecom-s00001", "shrinking", findings=[finding(reason="short")])
    records = [*played("violates", findings=[finding()]), *smallest, shrunk, {**shrunk, "file": "c/2.json"}]
    found = rule(result(*records), "EC-03")
    assert (found.reason, found.counterexample, found.rank) == ("short", "c/1.json", (1, 0))


def test_a_rule_that_its_counterexample_blames_later_ranks_later():
    example = {"kind": "counterexample", "rule": "EC-03", "profile": "ecom", "reason": "short", "file": "c/1.json"}
    example |= {"history": "ecom-s00001", "first": "ecom-1", "steps": 1}
    both = {"findings": [finding("INV-2"), finding(reason="short")]}
    records = [*played("violates", **both), *played("violates", "ecom-s00001", "shrinking", **both), example]
    found = result(*records)
    assert rule(found, "EC-03").rank == (1, 1)
    assert rule(found, "INV-2").rank == LAST
    assert found.reason == "EC-03 and 1 more violated: short."


def test_of_several_counterexamples_the_shortest_explains():
    longer = played("violates", "ecom-s00001", "shrinking", findings=[finding(reason="long")])
    longer[0]["history"]["steps"].insert(1, {"do": "read"})
    longer[1:] = [judgement(name="ecom-s00001", step=0), {**judgement(name="ecom-s00001"), "step": 1, "do": "read"}]
    longer.append({**judgement("violates", "ecom-s00001", findings=[finding(reason="long")]), "step": 2})
    shorter = played("violates", "ecom-s00002", "shrinking", findings=[finding(reason="short")])
    example = {"kind": "counterexample", "rule": "EC-03", "profile": "ecom", "first": "ecom-1"}
    long = {**example, "reason": "long", "file": "c/1.json", "history": "ecom-s00001", "steps": 2}
    short = {**example, "reason": "short", "file": "c/2.json", "history": "ecom-s00002", "steps": 1}
    records = [*played("violates", findings=[finding()]), *longer, long, *shorter, short]
    found = rule(result(*records), "EC-03")
    assert (found.reason, found.counterexample) == ("short", "c/2.json")


def test_an_open_answer_makes_every_rule_it_was_about_inconclusive_once():
    about = ["EC-03", "KB-01/reserved", "KB-01/initiated"]
    found = result(*played("inconclusive", examples=about, cause="no answer"))
    for name in ("EC-03", "KB-01"):
        assert rule(found, name).reason == "1 of its histories proved nothing: no answer"


def test_of_several_reasons_for_an_open_answer_the_commonest_is_told():
    causes = ["a server error", "no answer", "no answer", "too many requests"]
    found = result(*several(*[{"status": "inconclusive", "examples": ["EC-03"], "cause": cause} for cause in causes]))
    assert rule(found, "EC-03").reason == "4 of its histories proved nothing: no answer"


def test_what_does_not_count_hides_nothing_that_follows_it():
    aside = played("inconclusive", "ecom-1", superseded=True, examples=["EC-03"], cause="no answer")
    shrinking = played("violates", "ecom-s1", "shrinking", findings=[finding("EC-04")])
    found = result(*aside, *played(name="ecom-1b"), *shrinking, *played("violates", "ecom-2", findings=[finding()]))
    assert rule(found, "EC-03").violations == 1
    assert rule(found, "EC-04").violations == 0


def test_what_was_played_again_after_an_open_answer_is_not_counted():
    about = {"examples": ["EC-03"], "cause": "no answer"}
    found = result(*played("inconclusive", superseded=True, **about), *played(name="ecom-1b"))
    assert rule(found, "EC-03").verdict is RuleVerdict.NOT_EXERCISED


def test_histories_of_the_shrinking_are_evidence_and_not_counted():
    found = result(*played("violates", source="shrinking", findings=[finding()]))
    assert rule(found, "EC-03").verdict is RuleVerdict.NOT_EXERCISED
    assert found.histories == {}


def test_a_history_that_did_not_arrive_says_why_its_rule_is_open():
    missed = {"kind": "missed", "history": "ecom-1", "rules": ["EC-13"], "cause": "the control API said no"}
    other = {**missed, "cause": "the user was not there"}
    found = rule(result(*played("inconclusive", cause="no answer"), other, missed, missed), "EC-13")
    assert found.reason == "2 histories were to be examples of it and are none: the control API said no"


def test_what_the_documentation_is_silent_about_is_listed_with_what_was_seen():
    found = result(*several(*[{"status": "recorded", "records": ["EC-04"]}] * 2))
    assert rule(found, "EC-04").records == {"x": 2}
    assert "x (2 times)" in rule(found, "EC-04").reason


@pytest.mark.parametrize("ended", ["interrupted", "environment"])
def test_a_run_that_was_cut_off_says_that_a_rule_was_not_reached_yet(ended):
    cut = rule(result(*played(), finish={**FINISH, "ended": ended}), "EC-01")
    assert cut.reason == "the run ended before it came to an example of it"
    assert (
        rule(result(*played()), "EC-01").reason == "nothing that the target answered in this run was an example of it"
    )


def test_what_was_noticed_in_passing_is_counted_even_where_the_step_proved_nothing():
    noticed = {"EC-27": "answered 429", "C3": "Cancelled"}
    attempts = [
        one
        for name in ("ecom-1", "ecom-1b", "ecom-1c")
        for one in played("inconclusive", name=name, cause="busy", noticed=noticed, superseded=name != "ecom-1c")
    ]
    found = result(*attempts, *played(name="ecom-2", noticed=noticed))
    assert rule(found, "EC-27").records == {"answered 429": 2}
    assert rule(found, "EC-27").reason.endswith("Observed: answered 429 (2 times).")
    assert found.noticed == {(ECOM, "C3"): {"Cancelled": 2}}


def test_readings_are_counted_by_what_was_observed():
    seen = [{"readings": {"C8": choice}} for choice in ("reject", "reject", "no-op")]
    assert result(*several(*seen)).readings[ECOM, "C8"] == {"reject": 2, "no-op": 1}


def test_every_rule_of_every_profile_in_the_run_has_a_result():
    found = result(begin=run(profiles=["ecom", "recurring"]), offered=[OFFERED, {**OFFERED, "profile": "recurring"}])
    for profile in (ECOM, Profile.RECURRING):
        assert [one.rule for one in found.of(profile)] == list(load().governing(profile))
    assert found.of(Profile.EPAYMENT) == ()


def test_a_run_of_another_rulebook_is_refused():
    with pytest.raises(JournalError) as error:
        result(begin=run(rulebook="0" * 64))
    assert str(error.value) == (
        "This evidence was judged by another version of the rulebook: "
        "report it with version 0.1.0 of cancel-conformance."
    )


def test_histories_and_exchanges_are_counted_and_the_evidence_is_kept():
    exchange = {"kind": "exchange", "history": "", "step": 0}
    shrinking = played(name="ecom-s1", source="shrinking")
    found = result(exchange, *several({}, {}), {**exchange, "history": "ecom-1"}, *shrinking)
    assert (found.histories, found.exchanges) == ({ECOM: 2}, 2)
    assert (found.run, len(found.evidence.records)) == (typed(run()), 15)


def test_what_is_missing_of_a_run_that_says_it_is_complete_is_no_result():
    begun = [history(), judgement(step=0)]
    with pytest.raises(JournalError, match="ecom-1 was not judged to its end"):
        result(*begun)
    for finish in (None, {**FINISH, "ended": "interrupted"}):
        assert result(*begun, finish=finish).verdict is RunVerdict.INTERRUPTED


def test_what_cannot_be_read_is_said():
    unknown = {**history(), "history": {"version": 1, "profile": "ecom", "steps": [{"do": "dance"}]}}
    with pytest.raises(JournalError, match=r"^The evidence is not complete: .*dance"):
        result(unknown)


@pytest.mark.parametrize(
    ("finish", "verdict", "code"),
    [
        (None, RunVerdict.INTERRUPTED, 130),
        ({**FINISH, "ended": "interrupted"}, RunVerdict.INTERRUPTED, 130),
        ({**FINISH, "ended": "environment"}, RunVerdict.ENVIRONMENT, 3),
        ({**FINISH, "ended": "harness"}, RunVerdict.HARNESS, 5),
        (FINISH, RunVerdict.INCOMPLETE, 4),
    ],
)
def test_how_a_run_ended_decides_unless_it_is_complete(finish, verdict, code):
    found = result(*played(examples=["EC-03"]), finish=finish)
    assert (found.verdict, found.exit_code) == (verdict, code)


def test_a_run_cannot_have_ended_in_a_way_that_nobody_knows():
    with pytest.raises(msgspec.ValidationError, match="something new"):
        result(*played(examples=["EC-03"]), finish={**FINISH, "ended": "something new"})


def test_a_waiver_is_in_the_result_with_its_reason():
    found = result(begin=run(waivers=[{"rule": "EC-03", "reason": "known since May"}]))
    assert rule(found, "EC-03").waiver == "known since May"


@pytest.mark.parametrize(
    "waivers",
    [
        [{"rule": "EC-03", "reason": ""}],
        [{"rule": "EC-3", "reason": "known"}],
        [{"rule": "EC-03", "reason": "known"}, {"rule": "EC-03", "reason": "known"}],
    ],
    ids=["without a reason", "of no rule", "twice"],
)
def test_a_waiver_that_means_nothing_is_refused(waivers):
    with pytest.raises(JournalError, match=r"^The evidence waives a rule that does not exist, or twice, or for no"):
        result(begin=run(waivers=waivers))


def test_without_http_the_rules_of_the_wire_are_out_of_scope():
    found = result(begin=run(target={**run()["target"], "wire": False}))
    assert not rule(found, "EC-23").in_scope


def test_a_run_in_which_everything_was_shown_is_conformant():
    found = conformant()
    assert (found.verdict, found.reason) == (
        RunVerdict.CONFORMANT,
        f"{len(passed(found))} rules passed and none is violated.",
    )


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
    return result_of(evidence_of((begin, shown, planned(records), *records, FINISH)))


def test_a_merchants_run_is_held_against_the_obligations():
    found = merchants(*played(examples=["M1"]))
    assert {one.rule.id for one in found.rules} == {one.id for one in load_obligations().governing(Profile.ECOM)}
    assert (rule(found, "M1").examples, rule(found, "M1").verdict) == (1, RuleVerdict.THIN)
    assert book_of(found.evidence) == load_obligations()
    assert book_of(evidence_of((run(), run(party="merchant")))) == load()
    assert rule(found, "M2").reason == "nothing that the integration did in this run was about it"


def test_a_merchants_evidence_is_checked_as_a_merchants():
    """A history of a shop has other steps than a provider's, which nothing else can read."""
    shops = {**history(), "history": {"version": 1, "profile": "ecom", "party": "merchant"}}
    digest = {"kind": "plan", "histories": ["ecom-1"], "digest": digest_of([("ecom-1", shops["history"])])}
    begin = run(party="merchant", rulebook=load_obligations().digest)
    evidence = evidence_of((begin, {**OFFERED, "offered": []}, digest, shops, FINISH))
    assert result_of(evidence).histories == {Profile.ECOM: 1}
    with pytest.raises(JournalError, match="is about ecom-1, which was not begun"):
        result_of(evidence_of((begin, {**OFFERED, "offered": []}, judgement(), FINISH)))


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
    assert [rule(found, one).rank for one in ("M10", "M1")] == [(1, 0), (0, 0)]


def test_why_a_history_did_not_arrive_is_no_reason_for_an_open_answer():
    missed = {"kind": "missed", "history": "ecom-1", "rules": ["EC-03"], "cause": "b"}
    records = [*played("inconclusive", examples=["EC-03"], cause="a"), missed, {**missed}]
    assert rule(result(*records), "EC-03").reason == "1 of its histories proved nothing: a"
