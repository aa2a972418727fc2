"""Forgeries by somebody who knows everything: the chain is made again, and the reports say what the forgery says.

Each changes what was recorded and draws every consequence that it can. That the exchanges say something else stays.
"""

from __future__ import annotations

import json
import shutil

import pytest

from conformance.evidence.consistency import digest_of
from conformance.evidence.journal import read_journal
from conformance.results.audit import recompute_judgements

from .runs import belonging, forged, of_kind, verified


def shown(said):
    assert said.code == 1, said
    assert said.out.startswith("Not verified"), said
    return said.out


def violating(records):
    counted = {one["id"] for one in of_kind(records, "history") if one["source"] != "shrinking"}
    return next(
        one for one in of_kind(records, "judgement") if one["status"] == "violates" and one["history"] in counted
    )


def refused_otherwise(records):
    """Let a cancel have been refused with another status: as it was observed, and as it is said in words."""
    one = next(one for one in of_kind(records, "judgement") if one["observed"].get("answer.status") == 409)
    one["observed"]["answer.status"] = 400
    one["seen"] = one["seen"].replace("409", "400")
    return records


def test_an_observation_that_is_edited_with_its_judgement_is_found(wrong, tmp_path):
    """Judging again from observations cannot see it: observation and judgement agree with each other."""
    directory = forged(wrong, tmp_path / "forged", refused_otherwise)
    recompute_judgements(read_journal(directory))
    assert "answer.status is 400, and has to be 409" in shown(verified(directory))


def one_answer(records):
    """Let the provider have refused what it accepted."""
    judgement = violating(records)
    for one in belonging(records, judgement["history"], judgement["step"]):
        if one["purpose"] == "act":
            one["response"]["status"] = 409
    return records


def one_amount_read(records):
    """Let the order be read back with another amount."""
    judgement = next(one for one in of_kind(records, "judgement") if one["do"] == "cancel")
    for one in belonging(records, judgement["history"], judgement["step"]):
        if one["purpose"] in ("read", "poll") and isinstance(one["response"]["body"], str):
            one["response"]["body"] = one["response"]["body"].replace('"value":', '"value":1')
    return records


def one_request(records):
    """Let something else have been asked."""
    one = next(one for one in of_kind(records, "exchange") if one["request"]["path"].endswith("/capture"))
    one["request"]["body"] = one["request"]["body"].replace('"value":', '"value":9')
    return records


def one_key(records):
    """Let a cancel have had another idempotency key."""
    one = next(one for one in of_kind(records, "exchange") if one["request"]["path"].endswith("/cancel"))
    for header in one["request"]["headers"]:
        if header[0] == "Idempotency-Key":
            header[1] += "0"
    return records


def exchange_dropped(records):
    """Let a read have never been made."""
    at = next(number for number, one in enumerate(records) if one.get("purpose") == "read" and one["history"])
    return records[:at] + records[at + 1 :]


def exchange_added(records):
    """Let the order have been read once more."""
    at = next(number for number, one in enumerate(records) if one.get("purpose") == "read" and one["history"])
    return [*records[: at + 1], dict(records[at]), *records[at + 1 :]]


def exchanges_swapped(records):
    """Let two answers have come in another order."""
    mine = [n for n, one in enumerate(records) if one.get("purpose") == "read" and one["history"] and one["step"] == 1]
    one, other = records[mine[0]], records[mine[1]]
    one["response"], other["response"] = other["response"], one["response"]
    return records


def less_offered(records):
    """Let the target have offered less, so that less is asked of it."""
    of_kind(records, "capabilities")[0]["offered"].remove("units")
    return records


def lapse_forgotten(records):
    """Let the target never have ended a reservation by itself, or have done so."""
    one = of_kind(records, "capabilities")[0]
    one["lapses_after"] = None if one["lapses_after"] else 15_724_800
    return records


def history_of_another_amount(records):
    """Let a history have been about another amount."""
    one = next(one for one in of_kind(records, "history") if "amount" in one["history"]["steps"][0])
    one["history"]["steps"][0]["amount"] += 1
    return planned_again(records)


def race_that_was_none(records):
    """Let two requests have gone one after the other that were sent together."""
    first = next(one for one in of_kind(records, "exchange") if "began" in one and one["history"])
    other = records[records.index(first) + 1]
    other["began"] = first["began"] + first["ms"] + 1.0
    return records


def counterexample_of_another_field(records):
    """Let a counterexample have shown another field."""
    of_kind(records, "counterexample")[0]["field"] = "view.state"
    return records


def planned_again(records):
    histories = {one["id"]: one["history"] for one in of_kind(records, "history")}
    for plan in of_kind(records, "plan"):
        plan["digest"] = digest_of((name, histories[name]) for name in plan["histories"])
    return records


FORGERIES = (
    one_answer, one_amount_read, one_request, one_key, exchange_dropped, exchange_added, exchanges_swapped,
    less_offered, lapse_forgotten, history_of_another_amount, race_that_was_none, counterexample_of_another_field,
)  # fmt: skip


@pytest.mark.parametrize("change", FORGERIES, ids=lambda one: one.__name__)
def test_a_forgery_with_reports_of_its_own_is_found(change, wrong, tmp_path):
    shown(verified(forged(wrong, tmp_path / "forged", change)))


def test_dropping_the_last_record_is_found(right, tmp_path):
    directory = forged(right, tmp_path / "forged", lambda records: records[:-1], reports=False)
    assert "does not say what the evidence does" in shown(verified(directory))


def test_truncation_is_found(right, tmp_path):
    shutil.copytree(right, tmp_path / "run")
    path = tmp_path / "run" / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-200])
    shown(verified(tmp_path / "run"))


def test_a_journal_of_two_runs_is_found(right, wrong, tmp_path):
    """The second half of the histories is another run's, of the same plan."""

    def spliced(records):
        other = [json.loads(json.dumps(one)) for one in read_journal(right).records]
        names = [one["id"] for one in of_kind(other, "history")]
        taken = set(names[len(names) // 2 :])
        whose = lambda one: one.get("id") if one["kind"] == "history" else one.get("history")  # noqa: E731
        mine = [one for one in records if whose(one) not in taken and one["kind"] not in ("finish", "counterexample")]
        mine = [one for one in mine if one.get("source") != "shrinking"]
        known = {one["id"] for one in of_kind(mine, "history")} | {""}
        mine = [
            one for one in mine if one["kind"] not in ("exchange", "judgement", "missed") or one["history"] in known
        ]
        return [*mine, *(one for one in other if whose(one) in taken), records[-1]]

    directory = forged(wrong, tmp_path / "forged", spliced, reports=False)
    shutil.rmtree(directory / "counterexamples")
    shown(verified(directory))


def test_reordered_histories_are_found_in_a_bundle_or_by_the_reports(right, tmp_path):
    def reordered(records):
        first = of_kind(records, "history")[0]["id"]
        mine = [one for one in records if first in (one.get("id"), one.get("history"))]
        rest = [one for one in records if one not in mine]
        return [*rest[:-1], *mine, rest[-1]]

    assert "another journal" in shown(verified(forged(right, tmp_path / "forged", reordered, reports=False)))


def test_reports_of_another_run_are_found(right, wrong, tmp_path):
    for name in ("report.json", "report.html", "junit.xml", "summary.md", "results.sarif", "badge.svg"):
        directory = tmp_path / name
        shutil.copytree(wrong, directory)
        shutil.copy(right / name, directory / name)
        assert f"{name} does not say what the evidence does" in shown(verified(directory))


def test_a_counterexample_that_is_not_the_journals_is_found(wrong, tmp_path):
    path = sorted((wrong / "counterexamples").iterdir())[0]
    for number, change in enumerate(
        (
            lambda text: text.replace('"seed": 0', '"seed": 1'),
            lambda text: text.replace('"market": "no"', '"market": "dk"'),
            lambda text: text.replace("  ", "\t", 1),
            lambda text: text + "\n",
        )
    ):
        directory = tmp_path / str(number)
        shutil.copytree(wrong, directory)
        (directory / "counterexamples" / path.name).write_text(change(path.read_text()), encoding="utf-8")
        assert f"counterexamples/{path.name} is not the counterexample" in shown(verified(directory))
    shutil.copytree(wrong, tmp_path / "more")
    shutil.copy(path, tmp_path / "more" / "counterexamples" / "epayment-EP-01-9.json")
    assert "does not tell of" in shown(verified(tmp_path / "more"))
    shutil.copytree(wrong, tmp_path / "less")
    (tmp_path / "less" / "counterexamples" / path.name).unlink()
    assert "is not there" in shown(verified(tmp_path / "less"))


def test_a_secret_that_was_taken_out_of_an_answer_is_named_and_nothing_is_claimed(right, tmp_path):
    def removed(records):
        judgement = next(one for one in of_kind(records, "judgement") if one["do"] == "cancel")
        for one in belonging(records, judgement["history"], judgement["step"]):
            if one["purpose"] == "read":
                one["response"]["body"] = one["response"]["body"].replace('"state":"', '"state":"[removed]')
        return records

    said = verified(forged(right, tmp_path / "forged", removed))
    assert said.code == 4, said
    assert "a secret stood where it mattered" in said.out
