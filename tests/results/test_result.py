"""A run's result is a function of its records: what is counted, what is not, and how a run ends."""

import pytest

from conformance.domain.order import Profile
from conformance.evidence.consistency import PLANNED, digest_of
from conformance.evidence.journal import Evidence, JournalError
from conformance.judging.verdicts import LAST, RuleVerdict, RunVerdict
from conformance.results.result import result_of
from conformance.rulebook import Readings, load

ECOM = Profile.ECOM


def run(**changes):
    record = {
        "kind": "run",
        "format": 1,
        "tool": "0.1.0",
        "rulebook": load().digest,
        "target": {"kind": "url", "name": "http://127.0.0.1:9", "wire": True, "control": None},
        "waivers": [],
        "readings": Readings.documented().as_json(),
        "profiles": ["ecom"],
    }
    return record | changes


OFFERED = {"kind": "capabilities", "profile": "ecom", "offered": ["age", "approve"], "source": "told"}
FINISH = {"kind": "finish", "ended": "complete", "message": "", "seconds": 1.0}


def history(name="ecom-1", source="systematic", profile="ecom"):
    steps = {"version": 1, "profile": profile, "steps": [{"do": "initiate"}, {"do": "cancel"}]}
    return {"kind": "history", "id": name, "profile": profile, "source": source, "history": steps}


def judgement(status="conforms", name="ecom-1", step=1, **content):
    do = ("initiate", "cancel")[step]
    return {"kind": "judgement", "history": name, "step": step, "do": do, "status": status, "seen": "x", **content}


def played(status="conforms", name="ecom-1", source="systematic", **content):
    """A history whose cancel was judged like this."""
    return [history(name, source), judgement(name=name, step=0), judgement(status, name, **content)]


def several(*judged):
    """Histories of which each was judged as one of these say."""
    return [record for number, one in enumerate(judged, 1) for record in played(**one, name=f"ecom-{number}")]


def finding(rule="EC-03", reason="it was wrong"):
    return {"rule": rule, "branch": "b", "field": "f", "permitted": "1", "observed": "2", "reason": reason}


def planned(records):
    found = {one["id"]: one for one in records if one["kind"] == "history" and one["source"] in PLANNED}
    names = sorted({name.rstrip("bc") for name in found})
    digest = digest_of((name, found[name]["history"]) for name in names if name in found)
    return {"kind": "plan", "histories": names, "digest": digest}


def result(*records, begin=None, finish=FINISH, offered=OFFERED):
    offered = [offered] if isinstance(offered, dict) else offered
    everything = [begin or run(), *offered, planned(records), *records, *([finish] if finish else [])]
    return result_of(Evidence(tuple(everything)))


def rule(found, name):
    return next(one for one in found.rules if one.rule.id == name)


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
    assert (found.run, len(found.evidence.records)) == (run(), 15)


def test_what_is_missing_of_a_run_that_says_it_is_complete_is_no_result():
    begun = [history(), judgement(step=0)]
    with pytest.raises(JournalError, match="ecom-1 was not judged to its end"):
        result(*begun)
    for finish in (None, {**FINISH, "ended": "interrupted"}):
        assert result(*begun, finish=finish).verdict is RunVerdict.INTERRUPTED


def test_what_cannot_be_read_is_said():
    with pytest.raises(JournalError, match=r"^The evidence is not complete: a record lacks 'status'"):
        result(history(), {name: value for name, value in judgement(step=0).items() if name != "status"})
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
        ({**FINISH, "ended": "something new"}, RunVerdict.INTERRUPTED, 130),
        (FINISH, RunVerdict.INCOMPLETE, 4),
    ],
)
def test_how_a_run_ended_decides_unless_it_is_complete(finish, verdict, code):
    found = result(*played(examples=["EC-03"]), finish=finish)
    assert (found.verdict, found.exit_code) == (verdict, code)


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


@pytest.mark.parametrize("part", ["rulebook", "waivers", "target"])
def test_a_run_record_that_lacks_a_part_is_an_error_with_a_sentence(part):
    begin = {name: value for name, value in run().items() if name != part}
    with pytest.raises(JournalError):
        result(begin=begin)
