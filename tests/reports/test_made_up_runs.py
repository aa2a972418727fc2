"""The reports of made-up runs: one for every way in which a run can end, and what a target can do to a page."""

from __future__ import annotations

import json
import re
import time
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator

from conformance.domain.order import Profile
from conformance.evidence.journal import JournalError, read_journal
from conformance.judging.verdicts import RuleVerdict, RunVerdict
from conformance.reports import write_reports
from conformance.rulebook import Readings
from tests.stored import stored_records

from ..audit.recount import complaints
from . import journals
from .reading import UNSEEN, check
from .schemas import faults_of, journal_schema, report_schema

ENDINGS = {
    "conformant": RunVerdict.CONFORMANT,
    "violated": RunVerdict.NOT_CONFORMANT,
    "incomplete": RunVerdict.INCOMPLETE,
    "interrupted": RunVerdict.INTERRUPTED,
    "empty": RunVerdict.INCOMPLETE,
    "unbegun": RunVerdict.ENVIRONMENT,
    "broken_suite": RunVerdict.HARNESS,
    "hostile": RunVerdict.NOT_CONFORMANT,
}


def written(directory, made):
    made(directory)
    result = write_reports(directory)
    assert list(complaints(result)) == []
    return result, check((directory / "report.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ENDINGS)
def test_every_ending_has_all_four_reports_and_they_agree(tmp_path, name):
    result, page = written(tmp_path / "run", getattr(journals, name))
    assert result.verdict is ENDINGS[name]
    assert page.headline.upper().startswith(result.verdict.value)
    report = json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8"))
    Draft202012Validator(report_schema()).validate(report)
    assert report["verdict"] == result.verdict.value
    root = ElementTree.parse(tmp_path / "run" / "junit.xml").getroot()
    red = int(root.attrib["failures"]) + int(root.attrib["errors"])
    assert bool(red) == (result.verdict is not RunVerdict.CONFORMANT)
    summary = (tmp_path / "run" / "summary.md").read_text(encoding="utf-8")
    assert summary.upper().startswith(f"## {result.verdict.value}")
    assert len(summary) < 12_000


def test_the_first_screen_says_by_which_documents_and_readings(tmp_path, monkeypatch):
    _, page = written(tmp_path / "usual", journals.conformant)
    assert "all that the rulebook accepts" in page.text
    assert re.search(r"\d+ documents, each with its version", page.text)
    narrow = Readings.choose(["C8=reject", "C20=kept"])
    monkeypatch.setattr(journals.Readings, "documented", lambda: narrow)
    _, page = written(tmp_path / "narrow", journals.conformant)
    assert "<code>C8=reject C20=kept</code>" in page.text
    assert "all that the rulebook accepts" not in page.text


@pytest.mark.parametrize("name", ["violated", "interrupted", "unbegun", "hostile"])
def test_the_samples_are_journals_as_the_schema_says(tmp_path, name):
    getattr(journals, name)(tmp_path / "run")
    assert not faults_of(stored_records(read_journal(tmp_path / "run")))


def test_both_schemas_are_schemas():
    Draft202012Validator.check_schema(journal_schema())
    Draft202012Validator.check_schema(report_schema())


def test_a_record_of_another_form_is_not_as_the_schema_says(tmp_path):
    journals.violated(tmp_path)
    records = {record["kind"]: record for record in stored_records(read_journal(tmp_path))}
    # What only some runs have is made by those, in tests of their own.
    rare = {"fuzz", "fuzzed", "aside", "fuzz-profile", "hand", "action", "books", "examples", "shared"}
    bought = ("most", "sent", "played", "planned", "systematic", "rest")
    # Only a run that is interrupted, counts its requests or is a shard has these.
    records |= {
        "resumed": {"n": 0, "kind": "resumed", "prev": "0" * 64, "at": "2026-11-26T00:00:00Z", "nonce": "r", "torn": 0},
        "budget": {"n": 0, "kind": "budget", "prev": "0" * 64, **dict.fromkeys(bought, 1)},
        "whole": {"n": 0, "kind": "whole", "prev": "0" * 64, "histories": 4, "digest": "0" * 64},
    }
    assert set(records) == set(journal_schema()["properties"]["kind"]["enum"]) - rare
    validator = Draft202012Validator(journal_schema())
    for record in records.values():
        assert validator.is_valid(record)
        assert not validator.is_valid({**record, "more": 1})
        assert not validator.is_valid({**record, "kind": "other"})
        assert not validator.is_valid({key: value for key, value in record.items() if key != "prev"})


def test_a_report_without_its_contract_is_not_as_the_schema_says(tmp_path):
    journals.violated(tmp_path / "run")
    write_reports(tmp_path / "run")
    report = json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8"))
    validator = Draft202012Validator(report_schema())
    for name in ("verdict", "rules"):
        assert list(validator.iter_errors({key: value for key, value in report.items() if key != name}))
    for name in ("id", "profile", "level", "verdict", "reason", "examples", "counterexample"):
        rule = {key: value for key, value in report["rules"][0].items() if key != name}
        assert list(validator.iter_errors({**report, "rules": [rule]}))


def test_a_journal_that_was_cut_off_says_so(tmp_path):
    _, page = written(tmp_path / "run", journals.interrupted)
    said = "".join(page.said)
    assert "cut off while it was being written" in said
    assert "no closing record" in said
    assert "1 rule was violated until then" in page.headline


@pytest.mark.parametrize("lines", range(1, 14))
def test_a_journal_that_ends_anywhere_can_be_reported(tmp_path, lines):
    journals.interrupted(tmp_path)
    path = tmp_path / "journal.jsonl"
    whole = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join(whole[:lines]) + b"\n" + whole[lines][: len(whole[lines]) // 2])
    assert write_reports(tmp_path).verdict is RunVerdict.INTERRUPTED
    check((tmp_path / "report.html").read_text(encoding="utf-8"))


def test_an_empty_run_says_that_nothing_was_tested(tmp_path):
    _, page = written(tmp_path / "run", journals.empty)
    assert "nothing was tested" in page.headline.lower()


def test_without_capabilities_no_rule_is_claimed(tmp_path):
    result, page = written(tmp_path / "run", journals.unbegun)
    assert not result.rules
    assert page.headline.endswith("Nothing was tested.")
    assert "refuses the connection" in "".join(page.said)


def test_an_api_that_the_run_did_not_come_to_is_named_as_not_tested(tmp_path):
    writer = journals.Writer(tmp_path, (Profile.ECOM, Profile.RECURRING), begin=False)
    writer.looked_at(Profile.ECOM)
    writer.played(Profile.ECOM, ["EC-03"])
    writer.finish("environment", "The target did not answer.")
    write_reports(tmp_path)
    page = check((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "Recurring v3: the run ended before" in "".join(page.said)
    assert "Recurring v3: the run ended before" in (tmp_path / "summary.md").read_text(encoding="utf-8")


def test_a_journal_without_a_record_or_with_half_of_one_is_refused(tmp_path):
    (tmp_path / "journal.jsonl").write_bytes(b"")
    with pytest.raises(JournalError, match="empty"):
        write_reports(tmp_path)
    (tmp_path / "journal.jsonl").write_bytes(b'{"n":0,"kind":"run"')
    with pytest.raises(JournalError, match="empty"):
        write_reports(tmp_path)


def test_evidence_that_lacks_a_part_is_refused_in_words(tmp_path):
    writer = journals.Writer(tmp_path)
    name = writer.history(Profile.ECOM, [{"do": "dance"}])
    writer.judgement(name, 1, "dance", "conforms", examples=["EC-03"], seen="", observed={})
    writer.finish()
    with pytest.raises(JournalError, match="not complete"):
        write_reports(tmp_path)


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    journals.empty(tmp_path)
    (tmp_path / "report.json").mkdir()
    with pytest.raises(JournalError, match=r"report\.json cannot be written"):
        write_reports(tmp_path)


def test_nothing_of_a_hostile_target_is_alive_in_any_form(tmp_path):
    _, page = written(tmp_path / "run", journals.hostile)
    for path in (tmp_path / "run").iterdir():
        if path.name == "journal.jsonl":
            continue
        text = path.read_text(encoding="utf-8")
        assert not UNSEEN.search(text), path.name
        assert len(text) < 1_000_000
    assert "<img" not in page.text
    summary = (tmp_path / "run" / "summary.md").read_text(encoding="utf-8")
    markdown = re.sub(r"(?<!\\)`[^`\n]*`", "", summary)
    assert not re.search(r"(?<!\\)[<\[]|(?<!\\)://", markdown)
    ElementTree.parse(tmp_path / "run" / "junit.xml")
    said = "".join(page.said)
    assert "‹U+202E›" in said
    assert "bytes are not shown" in said


def test_a_page_full_of_long_hostile_reasons_stays_below_its_limit(tmp_path):
    writer = journals.Writer(tmp_path, tuple(Profile))
    long = {"reason": "<&>\u202e" * 100_000, "text": "<&>\u202e" * 5_000, "label": "<" * 9_000}
    for rule in writer.checked(Profile.ECOM):
        first, shrunk = writer.violated(rule.id, **long), writer.violated(rule.id, source="shrinking", **long)
        writer.counterexample(rule.id, first, shrunk, reason=long["reason"])
    writer.finish()
    result = write_reports(tmp_path)
    assert sum(one.verdict is RuleVerdict.VIOLATED for one in result.rules) > 30
    page = check((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "left out" in "".join(page.said)


def test_what_was_answered_before_an_environment_error_is_shown_and_bounded(tmp_path):
    writer = journals.Writer(tmp_path, begin=False)
    for _ in range(400):
        writer.exchange("", 0, "prepare", "POST /accesstoken/get", (401, "no such client " * 300))
    writer.finish("environment", "The credentials were refused.")
    write_reports(tmp_path)
    page = check((tmp_path / "report.html").read_text(encoding="utf-8"))
    said = "".join(page.said)
    assert "no such client" in said
    assert "more exchanges in the journal only" in said
    assert len(page.text) < 500_000


def test_a_rule_that_was_missed_links_to_what_stopped_it(tmp_path):
    _, page = written(tmp_path / "run", journals.violated)
    row = page.part("rule-ecom-EC-06")
    assert [link for link in row.links if link.startswith("#history-")]


def test_a_waiver_is_on_the_first_screen(tmp_path):
    _, page = written(tmp_path / "run", journals.violated)
    start = page.text.index('id="waivers-title"')
    assert "No 3-D Secure." in page.text[start : page.text.index('id="violations"')]


def test_a_thousand_histories_are_reported_within_seconds(tmp_path):
    journals.large(tmp_path, megabytes=11)
    started = time.process_time()
    result = write_reports(tmp_path)
    assert sum(result.histories.values()) > 900
    assert time.process_time() - started < 10
    check((tmp_path / "report.html").read_text(encoding="utf-8"))
