"""Forgeries by somebody who knows everything: the chain is made again, and the reports say what the forgery says.

Each changes what was recorded and draws every consequence that it can. That the exchanges say something else stays.
"""

from __future__ import annotations

import shutil

import pytest

from conformance.evidence.consistency import digest_of
from conformance.evidence.journal import read_journal
from conformance.results.audit import recompute_judgements
from tests.stored import stored_records

from .runs import belonging, forged, of_kind, verified


def shown(verification):
    assert verification.code == 1, verification
    assert verification.out.startswith("Not verified"), verification
    return verification.out


def violating(records):
    counted = {record["id"] for record in of_kind(records, "history") if record["source"] != "shrinking"}
    return next(
        record
        for record in of_kind(records, "judgement")
        if record["status"] == "violates" and record["history"] in counted
    )


def refused_otherwise(records):
    """Let a cancel have been refused with another status: as it was observed, and as it is said in words."""
    record = next(record for record in of_kind(records, "judgement") if record["observed"].get("answer.status") == 409)
    record["observed"]["answer.status"] = 400
    record["seen"] = record["seen"].replace("409", "400")
    return records


def test_an_observation_that_is_edited_with_its_judgement_is_found(wrong, tmp_path):
    """Judging again from observations cannot see it: observation and judgement agree with each other."""
    directory = forged(wrong, tmp_path / "forged", refused_otherwise)
    recompute_judgements(read_journal(directory))
    assert "answer.status is 400, and has to be 409" in shown(verified(directory))


def one_answer(records):
    """Let the provider have refused what it accepted."""
    judgement = violating(records)
    for record in belonging(records, judgement["history"], judgement["step"]):
        if record["purpose"] == "act":
            record["response"]["status"] = 409
    return records


def one_amount_read(records):
    """Let the order be read back with another amount."""
    judgement = next(record for record in of_kind(records, "judgement") if record["do"] == "cancel")
    for record in belonging(records, judgement["history"], judgement["step"]):
        if record["purpose"] in ("read", "poll") and isinstance(record["response"]["body"], str):
            record["response"]["body"] = record["response"]["body"].replace('"value":', '"value":1')
    return records


def one_request(records):
    """Let something else have been asked."""
    record = next(record for record in of_kind(records, "exchange") if record["request"]["path"].endswith("/capture"))
    record["request"]["body"] = record["request"]["body"].replace('"value":', '"value":9')
    return records


def one_key(records):
    """Let a cancel have had another idempotency key."""
    record = next(record for record in of_kind(records, "exchange") if record["request"]["path"].endswith("/cancel"))
    for header in record["request"]["headers"]:
        if header[0] == "Idempotency-Key":
            header[1] += "0"
    return records


def exchange_dropped(records):
    """Let a read have never been made."""
    at = next(number for number, record in enumerate(records) if record.get("purpose") == "read" and record["history"])
    return records[:at] + records[at + 1 :]


def exchange_added(records):
    """Let the order have been read once more."""
    at = next(number for number, record in enumerate(records) if record.get("purpose") == "read" and record["history"])
    return [*records[: at + 1], dict(records[at]), *records[at + 1 :]]


def exchanges_swapped(records):
    """Let two answers have come in another order."""
    own = [
        n
        for n, record in enumerate(records)
        if record.get("purpose") == "read" and record["history"] and record["step"] == 1
    ]
    first, other = records[own[0]], records[own[1]]
    first["response"], other["response"] = other["response"], first["response"]
    return records


def less_offered(records):
    """Let the target have offered less, so that less is asked of it."""
    of_kind(records, "capabilities")[0]["offered"].remove("units")
    return records


def lapse_forgotten(records):
    """Let the target never have ended a reservation by itself, or have done so."""
    record = of_kind(records, "capabilities")[0]
    record["lapses_after"] = None if record["lapses_after"] else 15_724_800
    return records


def history_of_another_amount(records):
    """Let a history have been about another amount."""
    record = next(record for record in of_kind(records, "history") if "amount" in record["history"]["steps"][0])
    record["history"]["steps"][0]["amount"] += 1
    return planned_again(records)


def race_that_was_none(records):
    """Let two requests have gone one after the other that were sent together."""
    first = next(record for record in of_kind(records, "exchange") if "began" in record and record["history"])
    other = records[records.index(first) + 1]
    other["began"] = first["began"] + first["ms"] + 1.0
    return records


def counterexample_of_another_field(records):
    """Let a counterexample have shown another field."""
    of_kind(records, "counterexample")[0]["field"] = "view.state"
    return records


def planned_again(records):
    histories = {record["id"]: record["history"] for record in of_kind(records, "history")}
    for plan in of_kind(records, "plan"):
        plan["digest"] = digest_of((name, histories[name]) for name in plan["histories"])
    return records


FORGERIES = (
    one_answer, one_amount_read, one_request, one_key, exchange_dropped, exchange_added, exchanges_swapped,
    less_offered, lapse_forgotten, history_of_another_amount, race_that_was_none, counterexample_of_another_field,
)  # fmt: skip


@pytest.mark.parametrize("change", FORGERIES, ids=lambda function: function.__name__)
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
        other = stored_records(read_journal(right))
        names = [record["id"] for record in of_kind(other, "history")]
        taken = set(names[len(names) // 2 :])
        whose = lambda record: record.get("id") if record["kind"] == "history" else record.get("history")  # noqa: E731
        own = [
            record
            for record in records
            if whose(record) not in taken and record["kind"] not in ("finish", "counterexample")
        ]
        own = [record for record in own if record.get("source") != "shrinking"]
        known = {record["id"] for record in of_kind(own, "history")} | {""}
        own = [
            record
            for record in own
            if record["kind"] not in ("exchange", "judgement", "missed") or record["history"] in known
        ]
        return [*own, *(record for record in other if whose(record) in taken), records[-1]]

    directory = forged(wrong, tmp_path / "forged", spliced, reports=False)
    shutil.rmtree(directory / "counterexamples")
    shown(verified(directory))


def test_reordered_histories_are_found_in_a_bundle_or_by_the_reports(right, tmp_path):
    def reordered(records):
        first = of_kind(records, "history")[0]["id"]
        own = [record for record in records if first in (record.get("id"), record.get("history"))]
        rest = [record for record in records if record not in own]
        return [*rest[:-1], *own, rest[-1]]

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
        judgement = next(record for record in of_kind(records, "judgement") if record["do"] == "cancel")
        for record in belonging(records, judgement["history"], judgement["step"]):
            if record["purpose"] == "read":
                record["response"]["body"] = record["response"]["body"].replace('"state":"', '"state":"[removed]')
        return records

    verification = verified(forged(right, tmp_path / "forged", removed))
    assert verification.code == 4, verification
    assert "a secret stood where it mattered" in verification.out
