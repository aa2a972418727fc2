"""Whatever is changed in the evidence of a run, `report` goes red or refuses, and says why."""

import json
import shutil

import pytest

from conformance.evidence.journal import read_journal
from tests.stored import stored_records

from . import stage
from .evidence_mutants import BYTES, FILES, RECORDS

REPORTS = ("report.json", "report.html", "junit.xml", "summary.md")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return the directory of a run of the right provider, and of one of a wrong provider."""
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        stage.use_small_plan(patch)
        for name, provider in (("right", stage.EPayment), ("wrong", stage.Forgetful)):
            stage.use_provider(patch, provider)
            made[name] = tmp_path_factory.mktemp("runs") / name
            assert stage.run(made[name]).code == (name == "wrong")
            stage.plain(made[name])
    return made


def rows(mutants):
    return [pytest.param(one, id=one.name) for one in mutants.all]


def red(mutant, directory):
    """Assert that the report of a directory is not green, and that it says why."""
    said = stage.command("report", directory)
    assert mutant.says in said.out + said.errors, said
    assert said.code == mutant.code, said
    if said.code == 2:
        assert said.errors.count("\n") == 1
        assert not said.out


@pytest.mark.parametrize(("name", "code"), [("right", 0), ("wrong", 1)])
def test_evidence_that_nobody_changed_says_what_the_run_said(name, code, runs, tmp_path):
    evidence = read_journal(runs[name])
    copied = stage.rewritten(stored_records(evidence), tmp_path / "copied")
    assert (copied / "journal.jsonl").read_bytes() == (runs[name] / "journal.jsonl").read_bytes()
    assert stage.command("report", copied).code == code


@pytest.mark.parametrize("mutant", rows(BYTES))
def test_changed_bytes_are_noticed(mutant, runs, tmp_path):
    lines = (runs[mutant.provider] / "journal.jsonl").read_bytes().splitlines(keepends=True)
    before = list(lines)
    mutant.apply(lines)
    assert lines != before
    (tmp_path / "journal.jsonl").write_bytes(b"".join(lines))
    red(mutant, tmp_path)


@pytest.mark.parametrize("mutant", rows(RECORDS))
def test_changed_records_are_noticed(mutant, runs, tmp_path):
    records = stored_records(read_journal(runs[mutant.provider]))
    changed = mutant.apply(list(records))
    assert changed != records
    red(mutant, stage.rewritten(changed, tmp_path / "changed"))


@pytest.mark.parametrize("mutant", rows(FILES))
def test_changed_files_are_noticed(mutant, runs, tmp_path):
    directory, other = tmp_path / "run", tmp_path / "other"
    shutil.copytree(runs["wrong"], directory)
    shutil.copytree(runs["right"], other)
    mutant.apply(directory, other)
    red(mutant, directory)


@pytest.mark.parametrize("mutant", [one for one in rows(FILES) if one.id.startswith("file_")])
def test_a_counterexample_that_is_not_the_runs_is_not_played(mutant, runs, tmp_path):
    directory, other = tmp_path / "run", tmp_path / "other"
    shutil.copytree(runs["wrong"], directory)
    shutil.copytree(runs["right"], other)
    name = sorted(path.name for path in (directory / "counterexamples").iterdir())[0]
    mutant.apply(directory, other)
    said = stage.command("replay", directory, name, "--target", "embedded")
    assert (said.code, said.out) == (2, "")
    assert mutant.says in said.errors


def test_reports_of_another_run_are_written_again(runs, tmp_path):
    shutil.copytree(runs["wrong"], tmp_path / "run")
    for name in REPORTS:
        shutil.copy(runs["right"] / name, tmp_path / "run" / name)
    assert stage.command("report", tmp_path / "run").code == 1
    for name in REPORTS:
        assert (tmp_path / "run" / name).read_bytes() == (runs["wrong"] / name).read_bytes()


def test_a_report_names_the_journal_that_it_is_of(runs):
    for directory in runs.values():
        evidence = read_journal(directory)
        told = json.loads((directory / "report.json").read_text(encoding="utf-8"))
        assert told["journal"] == {"records": len(stored_records(evidence)), "digest": evidence.digest}


@pytest.mark.parametrize("name", ["right", "wrong"])
def test_a_run_that_was_killed_anywhere_can_be_reported(name, runs, tmp_path):
    data = (runs[name] / "journal.jsonl").read_bytes()
    first = len(data.splitlines()[0]) + 1
    for number in range(24):
        directory = tmp_path / str(number)
        directory.mkdir()
        length = first + (len(data) - first - 1) * number // 23
        (directory / "journal.jsonl").write_bytes(data[:length])
        assert stage.command("report", directory).code == 130


def test_every_mutant_is_described():
    everything = [*BYTES.all, *RECORDS.all, *FILES.all]
    assert all(one.does.endswith(".") and "\n" not in one.does for one in everything)
    assert len(everything) >= 25
