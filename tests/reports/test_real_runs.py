"""The reports of real runs: of the embedded provider as it is, and of one that refuses no cancel."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator

from conformance.domain.order import Profile
from conformance.evidence.journal import read_journal
from conformance.judging.verdicts import RuleVerdict, RunVerdict
from conformance.reports import write_reports
from conformance.reports.wording.headline import headline
from conformance.results.result import Result
from conformance.runner.campaign import Campaign, Settings
from conformance.runner.settings import nonce_for
from conformance.sandbox import Options, Provider
from conformance.sandbox.epayment import EPayment
from conformance.targets.http.credentials import credentials_from
from conformance.targets.http.embedded import EmbeddedTransport
from conformance.targets.http.target import HttpTarget
from tests.stored import stored_records

from ..audit.recount import complaints
from .reading import Page, check
from .schemas import faults_of, report_schema


class Unrefusing(EPayment):
    def refusal_for_cancel(self, order, *, transaction_only):
        return None


@dataclass
class Run:
    directory: Path
    result: Result
    page: Page

    def text(self, name: str) -> str:
        return (self.directory / name).read_text(encoding="utf-8")


def played(directory: Path, provider: Provider, *profiles: Profile) -> Run:
    target = HttpTarget(EmbeddedTransport(provider), credentials_from(embedded=True))
    settings = Settings(
        profiles=profiles, histories=5, nonce=nonce_for(target, 0), command="cancel-conformance run --histories 5"
    )
    asyncio.run(Campaign(target, settings, directory).run())
    result = write_reports(directory)
    assert list(complaints(result)) == []
    return Run(directory, result, check((directory / "report.html").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Run:
    return played(tmp_path_factory.mktemp("sound"), Provider(), *Profile)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory) -> Run:
    provider = Provider(Options(), epayment=Unrefusing)
    return played(tmp_path_factory.mktemp("faulty"), provider, Profile.EPAYMENT)


@pytest.fixture(params=["sound", "faulty"])
def run(request) -> Run:
    return request.getfixturevalue(request.param)


def test_every_record_of_the_journal_is_as_its_schema_says(faulty):
    assert not faults_of(stored_records(read_journal(faulty.directory)))


def test_the_first_records_of_all_profiles_are_as_the_schema_says(sound):
    assert not faults_of(stored_records(read_journal(sound.directory))[:1000])


def test_report_json_is_as_its_schema_says_and_keeps_the_contract(run):
    report = json.loads(run.text("report.json"))
    Draft202012Validator(report_schema()).validate(report)
    assert report["verdict"] == run.result.verdict.value
    assert len(report["rules"]) == len(run.result.rules)
    for told, one in zip(report["rules"], run.result.rules, strict=True):
        assert {"id", "profile", "level", "verdict", "reason", "examples", "counterexample"} <= set(told)
        assert (told["id"], told["profile"], told["verdict"]) == (one.rule.id, one.profile.value, one.verdict.value)
        assert told["examples"] == one.examples
        if told["counterexample"]:
            assert (run.directory / told["counterexample"]).is_file()


def test_every_form_says_the_verdict_of_the_result(run):
    said = headline(run.result)
    assert said.upper().startswith(run.result.verdict.value)
    assert run.page.headline.lower().rstrip(".") == said.lower().rstrip(".")
    assert run.text("summary.md").startswith(f"## {said.partition(':')[0]}")
    root = ElementTree.fromstring(run.text("junit.xml"))
    red = int(root.attrib["failures"]) + int(root.attrib["errors"])
    assert bool(red) == (run.result.verdict is not RunVerdict.CONFORMANT)


def test_what_is_reported_is_what_the_evidence_says_however_often_it_is_written(faulty):
    names = ("report.html", "report.json", "junit.xml", "summary.md")
    before = [faulty.text(name) for name in names]
    assert write_reports(faulty.directory).verdict is faulty.result.verdict
    assert [faulty.text(name) for name in names] == before


def test_the_faulty_provider_is_found_and_the_proof_is_one_click_away(faulty):
    assert faulty.result.verdict is RunVerdict.NOT_CONFORMANT
    violated = [one for one in faulty.result.rules if one.verdict is RuleVerdict.VIOLATED]
    assert violated
    for one in violated:
        anchor = f"violation-{one.profile.value}-{one.rule.id}"
        assert anchor in faulty.page.ids
        row = faulty.page.part(f"rule-{one.profile.value}-{one.rule.id}")
        assert f"#{anchor}" in row.links
        assert one.rule.statement in "".join(faulty.page.said)
        replay = f"cancel-conformance replay . {one.counterexample} --target 'embedded, changed: "
        assert replay in "".join(faulty.page.said)
        assert replay in faulty.text("summary.md")
        assert replay in faulty.text("junit.xml")


def test_the_counterexample_shows_its_exchanges_and_the_failing_claims(faulty):
    one = next(one for one in faulty.result.rules if one.verdict is RuleVerdict.VIOLATED)
    start = faulty.page.text.index(f'<article class="violation" id="violation-{one.profile.value}-{one.rule.id}"')
    article = Page(faulty.page.text[start : faulty.page.text.index("</article>", start)])
    assert [name for name in article.ids if name.startswith("exchange-")]
    classes = [attributes.get("class", "") for _, attributes in article.tags]
    assert "differs" in classes
    assert "band" in classes


def test_every_rule_with_examples_leads_to_an_exchange(run):
    linked = 0
    for one in run.result.rules:
        if one.verdict is RuleVerdict.VIOLATED or not one.examples:
            continue
        row = run.page.part(f"rule-{one.profile.value}-{one.rule.id}")
        assert [link for link in row.links if link.startswith("#exchange-")], one.rule.id
        linked += 1
    assert linked > 20


def test_what_was_asked_before_the_first_history_is_on_the_page(sound):
    assert "/accesstoken/get" in "".join(sound.page.said)


def test_what_was_not_tested_stands_on_the_first_screen_with_its_reason(run):
    start = run.page.text.index('id="untested-title"')
    first = Page(run.page.text[start : run.page.text.index('id="violations"')])
    for one in run.result.rules:
        if one.verdict in (RuleVerdict.NOT_EXERCISED, RuleVerdict.THIN, RuleVerdict.EXCLUDED):
            assert f"#rule-{one.profile.value}-{one.rule.id}" in first.links


def test_rules_of_silence_are_called_untested_only_where_nothing_was_seen(run):
    start = run.page.text.index('id="untested-title"')
    first = Page(run.page.text[start : run.page.text.index('id="violations"')])
    recorded = [one for one in run.result.rules if one.verdict is RuleVerdict.RECORDED]
    named = {one.rule.id for one in recorded if f"#rule-{one.profile.value}-{one.rule.id}" in first.links}
    assert named == {one.rule.id for one in recorded if not one.records}


def test_the_first_screen_says_that_the_suite_was_tested_against_itself(sound):
    assert "It is not evidence about Vipps MobilePay" in sound.page.text
    assert sound.result.evidence.digest in sound.page.text


def test_only_questions_that_the_run_can_meet_are_put(faulty, sound):
    assert {profile.value for profile in faulty.result.histories} == {"epayment"}
    assert 'id="reading-C13"' in faulty.page.text
    assert 'id="reading-C3"' not in faulty.page.text
    assert 'id="reading-C3"' in sound.page.text
    seen = Page(sound.page.text[sound.page.text.index('id="reading-C3"') :])
    assert "Cancelled" in "".join(seen.said[:40])
