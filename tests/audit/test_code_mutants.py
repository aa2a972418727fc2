"""Whatever breaks in the pipeline, a run goes red or refuses, and says why."""

import json

import pytest

from . import stage
from .code_mutants import MUTANTS, REDUCTION

PROVIDERS = {"right": stage.EPayment, "wrong": stage.Forgetful}


@pytest.fixture
def staged(monkeypatch):
    stage.use_small_plan(monkeypatch)
    return monkeypatch


@pytest.mark.parametrize(("provider", "code"), [("right", 0), ("wrong", 1)])
def test_without_a_mutant_the_run_is_green_for_the_right_provider_alone(provider, code, staged, tmp_path):
    stage.use_provider(staged, PROVIDERS[provider])
    assert stage.run(tmp_path / "out").code == code


@pytest.mark.parametrize("mutant", [pytest.param(one, id=one.name) for one in MUTANTS.all])
def test_the_run_goes_red_or_refuses(mutant, staged, tmp_path):
    stage.use_provider(staged, PROVIDERS[mutant.provider])
    mutant.apply(staged)
    said = stage.run(tmp_path / "out")
    assert mutant.says in said.out + said.errors, said
    assert said.code == mutant.code, said
    report = tmp_path / "out" / "report.json"
    assert not report.exists() or json.loads(report.read_text(encoding="utf-8"))["verdict"] != "CONFORMANT"


def test_every_mutant_is_described():
    mutants = [*MUTANTS.all, *REDUCTION.all]
    assert all(mutant.does.endswith(".") and "\n" not in mutant.does for mutant in mutants)
    assert len(mutants) >= 25
