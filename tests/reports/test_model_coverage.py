"""Coverage of the model: what a run observed, what its target did not choose, and what would reach the rest."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from conformance.domain.order import Profile
from conformance.domain.steps import history_from_json
from conformance.evidence.records import HistoryRecord, JudgementRecord
from conformance.reports import write_reports
from conformance.reports.model_coverage import ModelBranch, model_coverage_as_json, model_coverage_of
from conformance.results.result import result_of
from conformance.runner.campaign import Campaign, Settings
from conformance.runner.settings import Shard, nonce_for
from conformance.sandbox import Provider
from conformance.strategies.provider.situations import needs
from conformance.strategies.provider.walk import kind_of_step
from conformance.targets.http.credentials import credentials_from
from conformance.targets.http.embedded import EmbeddedTransport
from conformance.targets.http.target import HttpTarget


class Uncontrolled(HttpTarget):
    """A target whose clock and user nobody can move."""

    async def probe(self, profile, record):
        probe = await super().probe(profile, record)
        return replace(probe, offered=probe.offered & {"approve", "units"})


def played(directory, target=HttpTarget, **changes):
    opened = target(EmbeddedTransport(Provider()), credentials_from(embedded=True))
    settings = Settings(profiles=(Profile.EPAYMENT,), histories=0, nonce=nonce_for(opened, 0), **changes)
    asyncio.run(Campaign(opened, settings, directory).run())
    return write_reports(directory)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return played(tmp_path_factory.mktemp("whole"))


def test_every_observed_branch_was_shown_by_the_history_that_is_named(whole):
    (coverage,) = model_coverage_of(whole)
    histories = {record.id: history_from_json(record.history) for record in whole.evidence.of(HistoryRecord)}
    shown = {
        (record.history, kind_of_step(histories[record.history].all_steps[record.step]), outcome)
        for record in whole.evidence.of(JudgementRecord)
        for outcome in record.branches
    }
    assert len(coverage.observed) > 60
    for branch, history in coverage.observed.items():
        assert (history, branch.step, branch.outcome) in shown


def test_the_systematic_set_leaves_few_gaps_at_the_embedded_provider(whole):
    (coverage,) = model_coverage_of(whole)
    assert len(coverage.observed) / coverage.allowed >= 0.95
    assert coverage.out_of_reach == ()


def test_what_the_target_did_not_choose_is_no_gap(whole):
    (coverage,) = model_coverage_of(whole)
    replay = [branch for branch in coverage.unchosen if branch.outcome == "repeated" and "EP-13" in branch.rules]
    assert replay, "the embedded provider refuses a second cancel, and may answer it with a success as well"
    assert not {gap.branch for gap in coverage.gaps}.intersection(coverage.unchosen)


def test_a_target_without_control_lacks_what_the_rest_needs(tmp_path):
    (coverage,) = model_coverage_of(played(tmp_path, Uncontrolled))
    assert ("age",) in coverage.lacking
    assert any("start_3ds" in lacks for lacks in coverage.lacking)
    for gap in coverage.gaps:
        assert set(gap.lacks) == needs(gap.history) - {"approve", "units"}
        asked = {kind_of_step(step) for step in gap.history.all_steps}
        assert gap.branch.step in asked


def test_a_part_of_the_plan_leaves_gaps_with_the_history_that_closes_them(tmp_path, whole):
    (coverage,) = model_coverage_of(played(tmp_path, shard=Shard(1, 40)))
    (complete,) = model_coverage_of(whole)
    assert len(coverage.observed) < len(complete.observed)
    assert set(coverage.within_reach) - set(complete.within_reach)
    terminated = next(branch for branch in complete.observed if branch.outcome == "terminated")
    assert isinstance(terminated, ModelBranch)


def test_a_rule_has_its_branches_with_the_gaps_first(tmp_path):
    (coverage,) = model_coverage_of(played(tmp_path, shard=Shard(1, 40)))
    rows = coverage.by_rule()
    assert [bool(row.within_reach) for row in rows] == sorted((bool(row.within_reach) for row in rows), reverse=True)
    assert sum("INV-1" in branch.rules for branch in coverage.observed) == len(
        next(row for row in rows if row.rule == "INV-1").observed
    )


def test_the_report_for_programs_and_the_page_have_it(whole, tmp_path):
    directory = tmp_path / "page"
    result = played(directory)
    (as_json,) = model_coverage_as_json(result)
    assert as_json["observed"] == len(model_coverage_of(result)[0].observed)
    page = (directory / "report.html").read_text(encoding="utf-8")
    assert "Coverage of the model" in page
    for gap in as_json["gaps"]:
        assert gap["history"].replace("'", "&#39;") in page


def test_the_coverage_is_recomputed_from_the_evidence(whole):
    assert model_coverage_of(result_of(whole.evidence)) == model_coverage_of(whole)
