"""The figures in the package are of this museum and these strategies, and measuring gives what they say."""

import json

import pytest

from conformance.rulebook import load

from . import power
from .exhibits import BENIGN, FAULTS
from .power_table import PAGE, after, percentile, put, table

WRITTEN = json.loads(power.FILE.read_text(encoding="utf-8"))
AGAIN = "measure again with `nox -s power -- --write`"


def test_every_fault_of_the_museum_was_measured():
    assert set(WRITTEN["faults"]) == {fault.id for fault in FAULTS}, AGAIN
    assert set(WRITTEN["benign"]) == {one.id for one in BENIGN}, AGAIN
    for fault in FAULTS:
        row = WRITTEN["faults"][fault.id]
        assert row["first"] == fault.first, AGAIN
        assert row["sentence"] == fault.sentence, AGAIN
        assert set(row["after"]["with test control"]) == fault.red, AGAIN
        raced = {rule for rule in fault.red if "concurrent" in load().rule(rule).needs}
        assert not raced


def test_they_are_of_the_systematic_sets_of_today():
    assert WRITTEN["plans"] == power.plans(), AGAIN
    assert WRITTEN["settings"] == power.offered(), AGAIN


def test_what_was_aimed_at_holds():
    seeds = WRITTEN["seeds"]
    assert seeds >= 20
    firsts = []
    for fault in WRITTEN["faults"].values():
        size = WRITTEN["plans"]["with test control"][fault["profile"]]["systematic"]
        numbers = after(fault, "with test control")
        assert all(number is not None and number <= size + 60 for number in numbers), fault["sentence"]
        firsts += numbers * (seeds // len(numbers))
    assert percentile(firsts, 0.5) <= 7
    assert percentile(firsts, 0.95) <= 95
    assert not any(WRITTEN["benign"].values())
    tried = sum(fault["drawn"]["tried"] for fault in WRITTEN["faults"].values())
    least = sum(fault["drawn"]["least"] for fault in WRITTEN["faults"].values())
    assert least / tried >= 0.95
    assert not any(fault["drawn"]["slipped"] for fault in WRITTEN["faults"].values())


@pytest.mark.parametrize("name", ["ecom-AgeLimitTwoDaysLate", "epayment-ReplayReleasesAgain"])
def test_measuring_again_gives_what_is_written(name, monkeypatch):
    seeds = 2
    monkeypatch.setattr(power, "DRAWN", WRITTEN["drawn"])
    found = power.measure(seeds, name)
    written = WRITTEN["faults"][name]
    for setting in power.SETTINGS:
        assert after(found, setting) == after(written, setting)[:seeds]
    assert found["drawn"]["slipped"] == 0


def test_a_percentile_is_reached_by_its_share():
    assert percentile(range(1, 101), 0.95) == 95
    assert percentile([7], 0.95) == 7
    assert percentile([1, 2, 3, 4], 0.5) == 2


def test_what_is_measured_survives_a_stop(tmp_path):
    kept = power.Kept(tmp_path / "kept")
    assert kept.missing(["a", "b"]) == ["a", "b"]
    kept.keep("a", {"one": 1})
    assert power.Kept(tmp_path / "kept").missing(["a", "b"]) == ["b"]
    assert kept.read("a") == {"one": 1}


def test_the_table_names_who_is_blamed():
    blamed = {**WRITTEN, "benign": {**WRITTEN["benign"], BENIGN[0].id: ["seed 3: EC-01: wrong"]}}
    assert f"- {BENIGN[0].id}: seed 3: EC-01: wrong" in table(blamed)
    assert "| all, with test control | 257 |" in table(WRITTEN).replace(str(len(FAULTS)), "257")


def test_the_page_says_what_the_figures_do():
    assert table(WRITTEN).strip() in PAGE.read_text(encoding="utf-8"), AGAIN


def test_a_text_is_put_where_the_page_has_a_place_for_it(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("# A\n\n<!-- one -->\nold\n<!-- end -->\n\n<!-- two -->\nkept\n<!-- end -->\n", encoding="utf-8")
    monkeypatch.setattr("tests.museum.power_table.PAGE", page)
    put("one", "new\n")
    assert page.read_text(encoding="utf-8") == (
        "# A\n\n<!-- one -->\n\nnew\n\n<!-- end -->\n\n<!-- two -->\nkept\n<!-- end -->\n"
    )
