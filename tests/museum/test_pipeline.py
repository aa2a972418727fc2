"""A handful of exhibits in real runs: the journal, the minimising and the result say what the golden matrix says."""

import pytest

from conformance.evidence.counterexamples import read_counterexample
from conformance.judging.verdicts import RuleVerdict, RunVerdict

from . import pipeline
from .exhibits import BENIGN, FAULTS

SHOWN = (
    "ecom-AgeLimitTwoDaysLate",
    "ecom-OneLimitForEveryMarket",
    "ecom-FlagNotNeededAtTheThirdCapture",
    "ecom-RefusedAndReleasedAllTheSame",
    "ecom-TextNotRequired",
    "epayment-AgeCountedFromTheCapture",
    "epayment-ReplayReleasesAgain",
    "epayment-OddAmountsKeepOneUnit",
    "epayment-CancelledAmountInKroner",
    "recurring-KeySwallowsAnotherChargesCancel",
    "recurring-PartlyCapturedEndsCancelled",
    "recurring-StopKeepsReservedCharges",
)
CORRECT = ("ecom-AsDocumented", "epayment-KeyIsNoParameterOfCancel", "recurring-CancelsLater")


def rows(exhibits, names):
    return [pytest.param(one, id=one.id) for one in exhibits if one.id in names]


def test_all_of_them_are_there():
    assert len(rows(FAULTS, SHOWN)) == len(SHOWN)
    assert len(rows(BENIGN, CORRECT)) == len(CORRECT)


@pytest.mark.parametrize("fault", rows(FAULTS, SHOWN))
def test_a_fault_is_caught_by_its_rules(fault, tmp_path):
    out = tmp_path / "out"
    result = pipeline.run(fault.provider, fault.profile, fault.readings, fault.market, out)
    assert result.verdict is RunVerdict.NOT_CONFORMANT, result.reason
    assert {one.rule.id for one in result.rules if one.verdict is RuleVerdict.VIOLATED} == fault.red
    assert result.reason.startswith(fault.first)
    assert pipeline.first_finding(result)["rule"] == fault.first, pipeline.told(result)
    example = read_counterexample(out / pipeline.shortest(result)["file"])
    assert len(example.history.steps) == len(fault.least.steps), pipeline.told(result)
    assert fault.first in pipeline.replay(fault.provider, example)


@pytest.mark.parametrize("variant", rows(BENIGN, CORRECT))
def test_a_correct_provider_conforms(variant, tmp_path):
    result = pipeline.run(variant.provider, variant.profile, variant.readings, variant.market, tmp_path / "out")
    assert result.verdict is RunVerdict.CONFORMANT, result.reason
