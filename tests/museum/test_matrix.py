"""The golden matrix is what the exhibits declare, every rule has a fault of its own, and every exhibit is described."""

import asyncio
from collections import Counter

import pytest

from conformance.domain.order import Profile
from conformance.rulebook import RuleStatus, load
from conformance.strategies.provider.walk import walk

from . import __main__ as museum
from . import matrix, page, stage
from .exhibits import BENIGN, FAULTS
from .fault import Depth


def faults_of(profile):
    return [fault for fault in FAULTS if fault.profile is profile]


def test_the_matrix_is_what_the_exhibits_declare():
    assert matrix.differences(matrix.read(), matrix.declared()) == []


def test_the_page_is_what_the_exhibits_say():
    said = "is not what `python -m tests.museum.page` prints; write it again"
    assert page.FILE.read_text(encoding="utf-8") == page.page(), f"docs/reference/museum.md {said}"


def test_the_file_is_written_as_it_is_read():
    assert matrix.read().written() == matrix.FILE.read_text(encoding="utf-8")


def test_every_checked_rule_has_a_fault_that_it_alone_catches():
    assert set(matrix.uncovered(matrix.read().faults)) == set(matrix.NEVER_RED)


def test_a_rule_without_a_fault_of_its_own_is_found():
    rows = {name: red for name, red in matrix.read().faults.items() if name != "ecom-TextWithAPrefix"}
    alone = {name: red for name, red in rows.items() if name != "ecom-TextCutToItsFirstWord"}
    assert (Profile.ECOM, "EC-40") not in matrix.uncovered(rows)
    assert (Profile.ECOM, "EC-40") in matrix.uncovered(alone)
    mixed = {**alone, "ecom-Mixed": ("EC-40", "EC-39")}
    assert (Profile.ECOM, "EC-40") in matrix.uncovered(mixed)


RACED = [rule.id for rule in load().rules if "concurrent" in rule.needs]


@pytest.mark.parametrize(("profile", "rule"), [row for row in matrix.NEVER_RED if row[1] not in RACED])
def test_what_no_fault_can_turn_red_is_named_in_no_claim(profile, rule):
    assert load().rule(rule).level == "MAY"
    on = asyncio.run(stage.stage_for_correct(profile))
    strides = [stride for one in on.plan(0, 0) for stride in walk(one.history, on.context)]
    branches = [branch for stride in strides for branch in stride.expectation.branches]
    assert any(rule in branch.rules for branch in branches)
    assert not any(rule in claim.rules for branch in branches for claim in branch.claims)


def test_two_matrices_are_compared_row_by_row():
    one = matrix.Matrix({"ecom-A": ("EC-01",), "ecom-B": ("EC-03", "KB-01")}, {"ecom-C": "conforms"})
    other = matrix.Matrix({"ecom-A": ("EC-01",), "ecom-B": ("EC-03",)}, {})
    assert matrix.differences(one, other) == [
        "ecom-B: EC-03 KB-01, and not EC-03",
        "ecom-C: conforms, and not nothing",
    ]
    assert matrix.differences(one, one) == []


@pytest.mark.parametrize("profile", list(Profile))
def test_there_are_enough_exhibits_of_every_depth(profile):
    assert len(faults_of(profile)) >= 34
    depths = Counter(fault.depth for fault in faults_of(profile))
    assert all(depths[depth] >= 8 for depth in Depth)
    assert sum(variant.profile is profile for variant in BENIGN) >= 12


def test_every_exhibit_has_a_name_of_its_own_and_every_fault_one_sentence():
    for exhibits in (FAULTS, BENIGN):
        assert len({one.id for one in exhibits}) == len(exhibits)
    for fault in FAULTS:
        assert fault.sentence.endswith("."), fault.id
        assert "\n" not in fault.sentence, fault.id


def test_every_fault_breaks_checked_rules_of_its_api():
    for fault in FAULTS:
        known = {rule.id for rule in load().governing(fault.profile) if rule.status is RuleStatus.CHECKED}
        assert fault.first in fault.red <= known, fault.id


@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.id) for fault in FAULTS])
def test_the_history_that_a_person_wrote_shows_the_fault(fault):
    async def broken():
        on = await stage.stage_for(fault.provider(), fault.profile, fault.readings, fault.market)
        return [found.rule for found in await on.findings(fault.least)]

    rules = asyncio.run(broken())
    assert rules[:1] == [fault.first]
    assert set(rules) <= fault.red


def test_the_command_compares_what_was_played_with_the_file(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(matrix, "FILE", tmp_path / "matrix.json")
    monkeypatch.setattr(matrix, "played", lambda *_, **__: matrix.declared())
    assert museum.main(["--write"]) == 0
    assert matrix.read() == matrix.declared()
    assert f"{len(FAULTS)} faults" in capsys.readouterr().out
    rows = matrix.declared()
    monkeypatch.setattr(
        matrix, "played", lambda *_, **__: matrix.Matrix({**rows.faults, "ecom-New": ("EC-40",)}, rows.benign)
    )
    assert museum.main([]) == 1
    said = capsys.readouterr().out
    assert "played, not as declared: ecom-New: EC-40, and not nothing" in said
    assert "played, not as in the matrix: ecom-New: EC-40, and not nothing" in said
