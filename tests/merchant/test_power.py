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
from tests.merchant.exhibits import CORRECT, WRONG, name_of, sentence_of
from tests.museum.power_table import PAGE, percentile

WRITTEN = json.loads(power.FILE.read_text(encoding="utf-8"))
AGAIN = "measure again with `python -m tests.merchant.power --write`"


def test_every_merchant_was_measured():
    assert set(WRITTEN["faults"]) == {name_of(made) for made in WRONG}, AGAIN
    assert set(WRITTEN["benign"]) == {name_of(made) for made in CORRECT}, AGAIN
    for made in WRONG:
        row = WRITTEN["faults"][name_of(made)]
        assert (row["first"], row["sentence"], row["profile"]) == (made.first, sentence_of(made), made.profiles[0]), (
            AGAIN
        )


def test_they_met_the_systematic_sets_of_today():
    assert WRITTEN["plans"] == {power.SETTING: power.plans()}, AGAIN


def test_what_was_aimed_at_holds():
    seeds = WRITTEN["seeds"]
    assert seeds >= 20
    assert power.wrong(WRITTEN) == []
    each = [number for row in WRITTEN["faults"].values() for number in power.numbers(row["soon"], seeds)]
    assert percentile(each, 0.5) <= 10
    assert percentile(each, 0.95) <= 70


def test_the_page_says_the_same():
    assert power.table(WRITTEN).strip() in PAGE.read_text(encoding="utf-8"), AGAIN


@pytest.mark.parametrize("made", [WRONG[0], WRONG[-1]], ids=name_of)
def test_measuring_again_gives_what_is_written(made: type):
    found = power.measure(made, 2)
    written = WRITTEN["faults"][name_of(made)]
    assert power.numbers(found["soon"], 2) == power.numbers(written["soon"], WRITTEN["seeds"])[:2]
    assert found["first"] == written["first"]


def test_a_report_says_what_such_a_run_catches(tmp_path: Path):
    result = run_merchant(epayment.Adapter, histories=0, out=tmp_path / "out")
    strong = detection_of(result)
    said = {one.rule.id: strong.sentence(one) for one in result.rules if one.verdict is RuleVerdict.PASSED}
    assert said["M18"].startswith("A run of this size catches ")
    assert "known faulty integrations" in strong.headline()
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["power"]["faults"]["epayment"]["caught"] > 20
    assert "A run of this size catches" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_what_needs_an_action_that_is_not_there_is_not_counted():
    shops = load_figures(MERCHANTS_FILE)
    least = frozenset(power.LEAST)
    poor, rich = (
        shops.rule_detection(Profile.EPAYMENT, "M12", offered, 300) for offered in (least, least | power.ASKED)
    )
    assert poor is None
    assert rich is not None
    assert rich.certain == rich.known > 2
    some, more = (shops.count_detected(Profile.EPAYMENT, offered, 300)[1] for offered in (least, least | power.ASKED))
    assert 0 < some < more
