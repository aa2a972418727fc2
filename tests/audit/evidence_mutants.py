"""Mutants of the evidence: each changes the records of a run, or the bytes and files that they are kept in."""

from __future__ import annotations

import json
import shutil

from .mutants import Mutants

BYTES, RECORDS, FILES = Mutants(), Mutants(), Mutants()
"""Of the journal's bytes; of its records, chained again as somebody would who knows how; of the files beside it."""
CHAIN = "the record does not follow the one before it"
RULES = "was not judged by its rules"
ONE = "The evidence is not that of one run"


def violating(records):
    """Return the judgements that find a violation and count."""
    counted = {
        one["id"] for one in records if one["kind"] == "history" and one["source"] not in ("shrinking", "confirmation")
    }
    judgements = (one for one in records if one["kind"] == "judgement")
    return [one for one in judgements if one["status"] == "violates" and one["history"] in counted]


def planned(records):
    return {name for one in of_kind(records, "plan") for name in one["histories"]}


def at_the_end(records):
    """Return those of them that no step would have followed."""
    steps = {one["id"]: len(one["history"]["steps"]) for one in of_kind(records, "history")}
    return [one for one in violating(records) if one["step"] == steps[one["history"]] - 1]


def changed(records, chosen, /, **changes):
    """Return records of which the chosen ones are changed; a value of None is left out."""
    return [
        {name: value for name, value in {**record, **changes}.items() if value is not None or name not in changes}
        if record in chosen
        else record
        for record in records
    ]


def of_kind(records, kind):
    return [one for one in records if one["kind"] == kind]


# The journal's bytes


@BYTES.caught(2, CHAIN)
def record_dropped(lines):
    """A line is gone."""
    del lines[len(lines) // 2]


@BYTES.caught(130, "Interrupted")
def last_line_cut_off(lines):
    """The last line was not written to its end."""
    lines[-1] = lines[-1][:20]


@BYTES.caught(2, "not a record")
def line_cut_off_in_the_middle(lines):
    """A line in the middle is cut off."""
    lines[20] = lines[20][:50] + b"\n"


@BYTES.caught(130, "Interrupted")
def everything_after_a_line_is_lost(lines):
    """The second half is gone."""
    del lines[len(lines) // 2 :]


@BYTES.caught(2, "journal.jsonl, line 21: ")
def piece_lost_in_the_middle(lines):
    """Bytes are gone that run over the end of a line."""
    lines[20:22] = [lines[20][:50] + lines[21][50:]]


@BYTES.caught(2, CHAIN)
def line_twice(lines):
    """A line is there twice."""
    lines.insert(30, lines[30])


@BYTES.caught(2, CHAIN)
def lines_exchanged(lines):
    """Two lines have changed places."""
    lines[30], lines[31] = lines[31], lines[30]


@BYTES.caught(2, CHAIN)
def violation_painted_over(lines):
    """The word for a violation is written over in place."""
    at = next(number for number, line in enumerate(lines) if b'"status":"violates"' in line)
    lines[at] = lines[at].replace(b'"status":"violates"', b'"status":"conforms"')


@BYTES.caught(2, CHAIN)
def byte_changed(lines):
    """One digit of an answer is another one."""
    at = next(number for number, line in enumerate(lines) if b'"ms":' in line)
    lines[at] = lines[at][:-4] + bytes([lines[at][-4] ^ 1]) + lines[at][-3:]


@BYTES.caught(2, CHAIN)
def journals_one_after_the_other(lines):
    """Another run's journal follows this one's."""
    lines.extend(list(lines))


# The records, chained again


@RECORDS.caught(130, "Interrupted")
def finish_missing(records):
    """The record of the end is gone."""
    return records[:-1]


@RECORDS.caught(2, "was planned and not played")
def broken_off_and_called_complete(records):
    """The second half of the histories is gone, and the end says that the run is complete."""
    names = [one["id"] for one in of_kind(records, "history")]
    lost = set(names[len(names) // 2 :])
    kept = [one for one in records if one["kind"] not in ("counterexample", "missed")]
    return [one for one in kept if (one["id"] if one["kind"] == "history" else one.get("history")) not in lost]


@RECORDS.caught(2, "The evidence is not that of one run")
def failing_history_dropped(records):
    """The planned histories that violate are gone, with everything that belongs to them."""
    lost = {one["history"] for one in violating(records)} & planned(records)
    kept = [one for one in records if one["kind"] != "counterexample"]
    return [one for one in kept if (one["id"] if one["kind"] == "history" else one.get("history")) not in lost]


@RECORDS.caught(2, "was not judged to its end")
def violations_dropped(records):
    """The judgements that find a violation are gone."""
    lost = violating(records)
    return [one for one in records if one not in lost]


@RECORDS.caught(2, "are not those of its steps")
def first_judgements_dropped(records):
    """The judgement of every opening is gone."""
    return [one for one in records if one["kind"] != "judgement" or one["step"] != 0]


@RECORDS.caught(2, "are not those of its steps")
def judgement_twice(records):
    """A judgement is there twice, and counts twice."""
    at = records.index(of_kind(records, "judgement")[5])
    return [*records[: at + 1], *records[at:]]


@RECORDS.caught(2, ONE)
def history_twice(records):
    """A history is there twice, with everything that belongs to it."""
    name = of_kind(records, "history")[3]["id"]
    mine = [one for one in records if name in (one.get("history"), one.get("id"))]
    return [*records[:-1], *mine, records[-1]]


@RECORDS.caught(2, "there is a second beginning")
def two_runs_spliced(records):
    """The records of another run follow this one's."""
    return [*records, *records]


@RECORDS.caught(2, ONE)
def histories_of_another_run_spliced_in(records):
    """The histories of another run stand before the end of this one, under names of their own."""
    other = [one for one in records if one["kind"] in ("history", "exchange", "judgement")]
    renamed = [
        {**one, **{name: f"{one[name]}9" for name in ("id", "history") if isinstance(one.get(name), str) and one[name]}}
        for one in other
    ]
    return [*records[:-1], *renamed, records[-1]]


@RECORDS.caught(2, "was played and not planned", provider="right")
def histories_of_another_run_called_those_of_a_race(records):
    """The histories of another run are said to be those in which the requests of a race were sent one by one."""
    planned_ones = of_kind(records, "history")
    alone = [{**one, "id": f"{one['id']}x", "history": planned_ones[0]["history"]} for one in planned_ones[-1:]]
    judged = [one for one in of_kind(records, "judgement") if one["history"] == planned_ones[0]["id"]]
    return [*records[:-1], *alone, *({**one, "history": alone[0]["id"]} for one in judged), records[-1]]


@RECORDS.caught(2, "of which the run knows nothing")
def history_of_another_api_spliced_in(records):
    """A history says that it is one of another API."""
    return changed(records, of_kind(records, "history")[:1], profile="ecom")


@RECORDS.caught(2, "was not begun before it")
def reordered(records):
    """The histories stand behind everything that was found in them."""
    histories = of_kind(records, "history")
    rest = [one for one in records if one not in histories]
    return [*rest[:-1], *histories, rest[-1]]


@RECORDS.caught(2, ONE)
def judgements_of_two_histories_exchanged(records):
    """Two histories have each other's judgements."""
    one, other = violating(records)[0]["history"], of_kind(records, "history")[-1]["id"]
    names = {one: other, other: one}
    return [
        {**each, "history": names.get(each["history"], each["history"])} if each["kind"] == "judgement" else each
        for each in records
    ]


@RECORDS.caught(2, RULES, provider="right")
def judgements_of_alike_histories_exchanged(records):
    """Two histories whose steps have the same names have each other's judgements."""
    judged: dict = {}
    for one in of_kind(records, "judgement"):
        judged.setdefault(one["history"], []).append(one)
    shapes: dict = {}
    for mine in judged.values():
        shapes.setdefault(tuple(one["do"] for one in mine), []).append(mine)
    one, other = next((a, b) for alike in shapes.values() for a in alike for b in alike if shown(a) != shown(b))
    places = {each["n"]: there for a, b in ((one, other), (other, one)) for each, there in zip(a, b, strict=True)}
    return [
        {**places.get(each["n"], each), "history": each["history"]} if "history" in each else each for each in records
    ]


def shown(judgements):
    return [one.get("examples") for one in judgements]


@RECORDS.caught(2, "was not begun before it")
def judgement_under_another_history(records):
    """A violation is written down under a history of the shrinking, where it does not count."""
    other = next(one["id"] for one in of_kind(records, "history") if one["source"] == "shrinking")
    return changed(records, violating(records)[:1], history=other)


@RECORDS.caught(2, RULES)
def violation_turned_into_conformance(records):
    """What violates is said to conform, and to be an example of its rules."""
    examples = ["EP-05", "EP-03", "KB-01/reserved"]
    kept = changed(records, at_the_end(records), status="conforms", findings=None, expected=None, examples=examples)
    return [one for one in kept if one["kind"] != "counterexample"]


@RECORDS.caught(2, RULES)
def violation_turned_into_an_open_answer(records):
    """What violates is said to prove nothing."""
    kept = changed(records, violating(records), status="inconclusive", findings=None, expected=None, cause="no answer")
    return [one for one in kept if one["kind"] != "counterexample"]


@RECORDS.caught(2, RULES)
def violation_turned_into_a_record(records):
    """The documentation is said to be silent about what violates."""
    kept = changed(records, at_the_end(records), status="recorded", findings=None, expected=None, records=["EP-12"])
    return [one for one in kept if one["kind"] != "counterexample"]


@RECORDS.caught(2, "its findings do not say so")
def findings_removed(records):
    """What violates violates no rule."""
    kept = changed(records, violating(records), findings=None, expected=None)
    return [one for one in kept if one["kind"] != "counterexample"]


@RECORDS.caught(2, RULES)
def finding_of_another_rule(records):
    """The rule that is violated is another one."""
    chosen = violating(records)
    found = [{**chosen[0]["findings"][0], "rule": "EP-23"}]
    kept = [one for one in records if one["kind"] != "counterexample"]
    return changed(kept, chosen, findings=found)


@RECORDS.caught(2, RULES, provider="right")
def examples_added(records):
    """A step is said to be an example of a rule that it does not show."""
    return changed(records, of_kind(records, "judgement")[:1], examples=["EP-05"])


@RECORDS.caught(2, RULES, provider="right")
def sides_exchanged(records):
    """Examples of one side of a boundary are written down on the other."""

    def exchanged(one):
        told = {"within": "beyond", "beyond": "within"}
        sides = [(rule, told.get(side, side)) for rule, _, side in (each.partition("/") for each in one["examples"])]
        return {**one, "examples": [f"{rule}/{side}" if side else rule for rule, side in sides]}

    return [exchanged(one) if one["kind"] == "judgement" and "examples" in one else one for one in records]


@RECORDS.caught(2, "proves something and is not counted")
def violation_set_aside(records):
    """What violates is said to have been played again, and does not count."""
    kept = changed(records, violating(records), superseded=True)
    return [one for one in kept if one["kind"] != "counterexample"]


@RECORDS.caught(2, "was planned and not played")
def failing_history_called_shrinking(records):
    """The planned histories that violate are said to be those of the shrinking, which do not count."""
    names = {one["history"] for one in violating(records)} & planned(records)
    return changed(records, [one for one in of_kind(records, "history") if one["id"] in names], source="shrinking")


@RECORDS.caught(2, "was played and not planned")
def shrinking_called_generated(records):
    """The histories of the shrinking are said to be those of the plan."""
    shrinking = [one for one in of_kind(records, "history") if one["source"] == "shrinking"]
    kept = [one for one in records if one["kind"] != "counterexample"]
    return changed(kept, shrinking, source="generated")


@RECORDS.caught(2, "was played and not planned")
def plan_removed(records):
    """Nothing says what was planned."""
    return [one for one in records if one["kind"] != "plan"]


@RECORDS.caught(2, "is not what was planned")
def plan_of_another_run(records):
    """What was planned is something else under the same names."""
    return changed(records, of_kind(records, "plan"), digest="0" * 64)


@RECORDS.caught(2, "of which the run knows nothing")
def profile_not_looked_at(records):
    """What the target offers is not there, and no rule is put to the test."""
    return [one for one in records if one["kind"] != "capabilities"]


@RECORDS.caught(2, "says nothing of ecom", provider="right")
def profile_lost(records):
    """A run of two APIs has the evidence of one."""
    return changed(records, records[:1], profiles=["epayment", "ecom"])


@RECORDS.caught(2, "another version of the rulebook")
def rulebook_of_another_version(records):
    """The run was judged by other rules."""
    return changed(records, records[:1], rulebook="0" * 64)


@RECORDS.caught(2, RULES)
def readings_widened(records):
    """The run is said to have been made in another market, and to have accepted other readings."""
    other = {**records[0]["readings"], "C8": ["no-op"]}
    return changed(records, records[:1], readings=other, market="dk")


@RECORDS.caught(2, "waives a rule that does not exist")
def waiver_without_a_reason(records):
    """A violated rule is waived without a reason."""
    return changed(records, records[:1], waivers=[{"rule": "EP-05", "reason": ""}])


@RECORDS.caught(2, "waives a rule that does not exist")
def waiver_of_no_rule(records):
    """Something is waived that is no rule."""
    return changed(records, records[:1], waivers=[{"rule": "EP", "reason": "known"}])


@RECORDS.caught(2, "which does not violate it")
def counterexample_of_another_rule(records):
    """A counterexample is filed under a rule that it does not break."""
    return changed(records, of_kind(records, "counterexample")[:1], rule="EP-40")


@RECORDS.caught(2, "which was not played")
def counterexample_of_another_run(records):
    """A counterexample is a history that this run did not play."""
    return changed(records, of_kind(records, "counterexample")[:1], history="epayment-s99999")


@RECORDS.caught(2, "does not violate it")
def counterexample_that_does_not_fail(records):
    """A counterexample is a history that conforms."""
    failing = {one["history"] for one in of_kind(records, "judgement") if one["status"] == "violates"}
    other = next(one["id"] for one in of_kind(records, "history") if one["id"] not in failing)
    return changed(records, of_kind(records, "counterexample")[:1], history=other)


@RECORDS.caught(2, "has another reason")
def counterexample_with_another_reason(records):
    """A counterexample is said to show something else."""
    return changed(records, of_kind(records, "counterexample")[:1], reason="nothing much")


# The files beside the journal


def counterexample_in(directory):
    return sorted((directory / "counterexamples").glob("*.json"))[0]


@FILES.caught(2, "is not a counterexample of the run")
def file_of_another_rule(directory, other):
    """A counterexample's file has another rule than its record."""
    path = counterexample_in(directory)
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, "rule": "EP-40"}), encoding="utf-8")


@FILES.caught(2, "is not a counterexample of the run")
def file_whose_replay_does_not_fail(directory, other):
    """A counterexample's file has a history that breaks nothing."""
    path = counterexample_in(directory)
    content = json.loads(path.read_text(encoding="utf-8"))
    content["history"]["steps"] = content["history"]["steps"][:1]
    path.write_text(json.dumps(content), encoding="utf-8")


@FILES.caught(2, "is not a counterexample of the run")
def file_of_another_run(directory, other):
    """A run that found nothing has another run's counterexamples beside it."""
    shutil.copytree(directory / "counterexamples", other / "counterexamples")
    shutil.copy(other / "journal.jsonl", directory / "journal.jsonl")


@FILES.caught(1, "Not conformant")
def reports_of_another_run(directory, other):
    """The reports of a run that found nothing lie beside the journal of one that did."""
    for name in ("report.json", "report.html", "junit.xml", "summary.md"):
        shutil.copy(other / name, directory / name)
