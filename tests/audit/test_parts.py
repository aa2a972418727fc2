"""A run that is played in parts misses what got lost before the parts were joined."""

import json

import pytest

from conformance.api import RunOptions
from conformance.evidence.journal import JournalError, read_journal
from conformance.judging.verdicts import RunVerdict
from conformance.reports import write_reports
from conformance.runner.blocks import PARTS, BlockRun
from conformance.runner.blocks import BlockRunner as Place
from conformance.runner.recorded_run import RunEnd

from . import stage


@pytest.fixture
def played(monkeypatch, tmp_path):
    """Return a run whose parts were played and not yet joined, its directory, and how many histories there were."""
    stage.use_small_plan(monkeypatch)
    stage.use_provider(monkeypatch)
    bench = Place(*RunOptions(profiles=["epayment"]).prepare(), tmp_path)
    run = BlockRun(bench)
    run.begin()
    return run, tmp_path, sum(bench.play(block).histories for block in bench.blocks())


def ended(directory):
    return read_journal(directory).finish.message


def test_parts_that_are_all_there_make_a_run(played):
    run, _, histories = played
    assert run.end(RunEnd(), write_reports, histories).verdict is RunVerdict.CONFORMANT


def test_a_part_that_was_lost_is_missed(played):
    run, directory, histories = played
    sorted((directory / PARTS).iterdir())[1].unlink()
    assert run.end(RunEnd(), write_reports, histories).verdict is RunVerdict.HARNESS
    assert f"{histories} histories were played" in ended(directory)


@pytest.mark.parametrize("kind", ["judgement", "plan"])
def test_a_record_that_was_lost_is_missed(kind, played):
    run, directory, histories = played
    without(directory, kind)
    assert run.end(RunEnd(), write_reports, histories).verdict is RunVerdict.HARNESS


def without(directory, kind):
    """Lose the last record of a kind of the first part."""
    part = sorted((directory / PARTS).iterdir())[0]
    lines = part.read_bytes().splitlines(keepends=True)
    lines.remove(next(line for line in reversed(lines) if json.loads(line)["kind"] == kind))
    part.write_bytes(b"".join(lines))


def test_parts_that_cannot_be_joined_are_refused_and_nothing_is_reported(played):
    run, directory, histories = played
    without(directory, "history")
    with pytest.raises(JournalError, match="was not begun before it"):
        run.end(RunEnd(), write_reports, histories)
    assert read_journal(directory).ended == "harness"
    assert not (directory / "report.json").exists()


def test_a_part_that_is_there_twice_is_refused(played):
    run, directory, histories = played
    part = sorted((directory / PARTS).iterdir())[0]
    part.with_stem(f"{part.stem}-again").write_bytes(part.read_bytes())
    with pytest.raises(JournalError, match="is there twice"):
        run.end(RunEnd(), write_reports, histories)
