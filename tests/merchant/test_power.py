"""The package's figures are of these merchants and these histories, and a report shows them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.domain.order import Profile
from conformance.judging.verdicts import RuleVerdict
from conformance.merchant.api import run_merchant
from conformance.reports.detection_power import MERCHANTS_FILE, detection_of, load_figures
from examples.merchants import epayment
from tests.merchant import power
from tests.merchant.catalogue import CORRECT, FAULTY, name_of, sentence_of
from tests.museum.power_table import PAGE, percentile

WRITTEN = json.loads(power.FILE.read_text(encoding="utf-8"))
AGAIN = "measure again with `python -m tests.merchant.power --write`"


def test_every_merchant_was_measured():
    assert set(WRITTEN["faults"]) == {name_of(adapter) for adapter in FAULTY}, AGAIN
    assert set(WRITTEN["benign"]) == {name_of(adapter) for adapter in CORRECT}, AGAIN
    for adapter in FAULTY:
        row = WRITTEN["faults"][name_of(adapter)]
        assert (row["first"], row["sentence"], row["profile"]) == (
            adapter.first,
            sentence_of(adapter),
            adapter.profiles[0],
        ), AGAIN


def test_the_figures_are_of_the_current_systematic_sets():
    assert WRITTEN["plans"] == {power.SETTING: power.plans()}, AGAIN


def test_the_figures_reach_their_targets():
    seeds = WRITTEN["seeds"]
    assert seeds >= 20
    assert power.problems(WRITTEN) == []
    counts = [number for row in WRITTEN["faults"].values() for number in power.numbers(row["soon"], seeds)]
    assert percentile(counts, 0.5) <= 10
    assert percentile(counts, 0.95) <= 70


def test_the_docs_have_the_current_table():
    assert power.table(WRITTEN).strip() in PAGE.read_text(encoding="utf-8"), AGAIN


@pytest.mark.parametrize("adapter", [FAULTY[0], FAULTY[-1]], ids=name_of)
def test_measuring_again_gives_the_same_figures(adapter: type):
    figures = power.measure(adapter, 2)
    written = WRITTEN["faults"][name_of(adapter)]
    assert power.numbers(figures["soon"], 2) == power.numbers(written["soon"], WRITTEN["seeds"])[:2]
    assert figures["first"] == written["first"]


def test_a_report_states_the_detection_power_of_its_run(tmp_path: Path):
    result = run_merchant(epayment.Adapter, histories=0, out=tmp_path / "out")
    detection = detection_of(result)
    sentences = {rule.rule.id: detection.sentence(rule) for rule in result.rules if rule.verdict is RuleVerdict.PASSED}
    assert sentences["M18"].startswith("A run of this size catches ")
    assert "known faulty integrations" in detection.headline()
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["power"]["faults"]["epayment"]["caught"] > 20
    assert "A run of this size catches" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_faults_that_need_a_missing_action_are_not_counted():
    figures = load_figures(MERCHANTS_FILE)
    least = frozenset(power.LEAST)
    everything = least | power.OPTIONAL_ACTIONS
    assert figures.rule_detection(Profile.EPAYMENT, "M12", least, 300) is None
    detection = figures.rule_detection(Profile.EPAYMENT, "M12", everything, 300)
    assert detection is not None
    assert detection.certain == detection.known > 2
    with_least, with_all = (
        figures.count_detected(Profile.EPAYMENT, offered, 300)[1] for offered in (least, everything)
    )
    assert 0 < with_least < with_all
