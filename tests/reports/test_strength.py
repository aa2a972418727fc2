"""The report says beside a rule that passed what a run of its size is known to catch."""

import json
import re

from conformance.domain.order import Profile
from conformance.evidence.journal import read_journal
from conformance.judging.verdicts import RuleVerdict
from conformance.reports import write_reports
from conformance.reports.detection_power import detection_of, figures_from, load_figures
from conformance.results.result import result_of

from . import journals


def power(**after):
    """Make figures of one fault for each rule that is given."""
    plan = {"systematic": 100, "digest": "0" * 64}
    everything = {"ecom": ["age"], "epayment": ["age"], "recurring": ["age"]}
    faults = {
        rule: {"profile": "ecom", "sentence": "Wrong.", "after": {"all": {rule.replace("_", "-"): each}}}
        for rule, each in after.items()
    }
    return figures_from(
        {
            "measured": "2026-11-25",
            "commit": "abc",
            "seeds": 2,
            "settings": {"all": everything},
            "plans": {"all": {"ecom": plan}},
            "faults": faults,
        }
    )


def result(directory, made=journals.conformant):
    return result_of(read_journal(made(directory)))


def of(strengths, rule, profile=Profile.ECOM):
    return next(one for one in strengths.result.of(profile) if one.rule.id == rule)


def test_a_rule_that_passed_is_told_with_what_catches_its_faults(tmp_path):
    strengths = detection_of(result(tmp_path), power(EC_01=[3, 12], EC_03=[5, None]))
    assert strengths.sentence(of(strengths, "EC-01")) == (
        "A run of this size catches 1 of 1 known fault that breaks it, after 12 histories."
    )
    assert strengths.sentence(of(strengths, "EC-03")).startswith(
        "Little power: a run of this size is not sure to catch any of the known faults that break it (1)"
    )
    assert strengths.sentence(of(strengths, "EC-08")) == ""
    assert strengths.sentence(of(strengths, "EP-01", Profile.EPAYMENT)) == ""


def test_only_what_passed_is_told(tmp_path):
    strengths = detection_of(result(tmp_path, journals.violated), load_figures())
    told = [one for one in strengths.result.rules if strengths.of(one) is not None]
    assert all(one.verdict is RuleVerdict.PASSED for one in told)
    assert not strengths.sentence(of(strengths, "EC-08"))


def test_a_run_that_played_nothing_catches_nothing(tmp_path):
    strengths = detection_of(result(tmp_path, journals.empty), load_figures())
    assert {caught for _, caught, _ in strengths.by_profile()} == {0}
    assert strengths.headline() == ""


def test_the_pages_tell_it(tmp_path):
    journals.conformant(tmp_path)
    write_reports(tmp_path)
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    strengths = detection_of(result_of(read_journal(tmp_path)))
    assert report["power"] == strengths.as_json()
    assert report["power"]["faults"]["ecom"]["known"] >= 80
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    sentences = {strengths.sentence(one) for one in strengths.result.rules} - {""}
    assert len(sentences) > 20
    assert all(sentence in page for sentence in sentences)
    assert strengths.headline() in page
    summary = re.sub(r"\\(.)", r"\1", (tmp_path / "summary.md").read_text(encoding="utf-8"))
    assert strengths.headline() in summary
    for rule in report["rules"]:
        assert (rule["power"] is not None) == bool(
            strengths.sentence(of(strengths, rule["id"], Profile(rule["profile"])))
        )
