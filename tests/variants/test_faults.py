"""Every faulty provider is caught, and for the right reason."""

import pytest

from conformance.counterexamples import read_counterexample
from conformance.verdict import RuleVerdict, RunVerdict

from . import faults_ecom, faults_epayment, faults_recurring, stage

FAULTS = [fault for museum in (faults_ecom, faults_epayment, faults_recurring) for fault in museum.MUSEUM.faults]


def rows():
    for fault in FAULTS:
        yield pytest.param(fault, id=f"{fault.profile.value}-{fault.name}")


@pytest.mark.parametrize("fault", list(rows()))
def test_a_fault_is_caught_by_its_rule(fault, tmp_path):
    result = stage.run(fault.provider, fault.profile, tmp_path / "out", fault.readings)
    violated = {one.rule.id for one in result.rules if one.verdict is RuleVerdict.VIOLATED}
    assert result.verdict is RunVerdict.NOT_CONFORMANT, result.reason
    assert stage.first_finding(result)["rule"] == fault.first, stage.told(result)
    assert fault.first in violated <= {fault.first, *fault.also}
    example = read_counterexample(tmp_path / "out" / stage.shortest(result)["file"])
    assert fault.first in stage.replay(fault.provider, example)


@pytest.mark.parametrize("museum", [faults_ecom, faults_epayment, faults_recurring])
def test_every_fault_is_named_and_described(museum):
    classes = [one for one in vars(museum).values() if isinstance(one, type) and one.__module__ == museum.__name__]
    assert [one.__name__ for one in classes] == [fault.name for fault in museum.MUSEUM.faults]
    assert all(one.__doc__ and one.__doc__.endswith(".") for one in classes)
    assert len(classes) >= 14
