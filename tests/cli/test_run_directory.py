"""Where a run goes: never over another one, unless it is told to replace it."""

from pathlib import Path

import pytest

from conformance.cli.run_directory import RUN_FILES, run_directory
from conformance.errors import UsageError
from conformance.evidence.journal import read_journal
from conformance.verification.attestation import ATTESTATIONS
from tests.audit.stage import Forgetful, command, run, use_provider, use_small_plan
from tests.stored import stored_records


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def small(monkeypatch):
    use_small_plan(monkeypatch)


@pytest.mark.parametrize("out", [None, "out", "deep/out/"])
def test_a_directory_that_holds_a_run_gets_a_number(tmp_path, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    first = run_directory(out, force=False)
    for number in (2, 3):
        first.mkdir(parents=True, exist_ok=True)
        (first / "journal.jsonl").touch()
        first = run_directory(out, force=False)
        assert str(first) == f"{(out or 'conformance-report').rstrip('/')}-{number}"


def test_a_folder_without_a_run_is_taken_as_it_is(tmp_path):
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    assert run_directory(str(tmp_path), force=False) == tmp_path
    assert (tmp_path / "notes.txt").exists()


def test_the_new_folder_is_said_and_the_old_run_stays(tmp_path, small):
    run(tmp_path / "out")
    before = contents(tmp_path / "out")
    done = run(tmp_path / "out")
    assert done.code == 0
    assert f"{tmp_path / 'out'} already holds a run: writing to {tmp_path / 'out-2'} (--force" in done.errors
    assert done.out.endswith(f"Report: {tmp_path / 'out-2' / 'report.html'}\n")
    assert contents(tmp_path / "out") == before


def test_force_replaces_what_the_suite_wrote_and_nothing_else(tmp_path, small, monkeypatch):
    with monkeypatch.context() as patch:
        use_provider(patch, Forgetful)
        assert run(tmp_path / "out", "--bundle").code == 1
    written = set(contents(tmp_path / "out"))
    unsigned = set(RUN_FILES) - set(ATTESTATIONS)
    assert {name for name in written if "/" not in name} == unsigned
    assert any(name.startswith("counterexamples/") for name in written)
    foreign = {"notes.txt", "counterexamples/mine.json", "parts/mine.txt"}
    (tmp_path / "out" / "parts").mkdir()
    (tmp_path / "out" / "parts" / "main.jsonl").touch()
    for name in foreign:
        (tmp_path / "out" / name).write_text("mine", encoding="utf-8")
    done = run(tmp_path / "out", "--force")
    assert done.code == 0, done
    now = contents(tmp_path / "out")
    assert set(now) == foreign | unsigned - {"bundle.zip"}
    assert all(now[name] == b"mine" for name in foreign)
    assert stored_records(read_journal(tmp_path / "out"))[-1]["ended"] == "complete"
    assert not (tmp_path / "out-2").exists()


def test_a_wrong_option_replaces_nothing(tmp_path, small):
    run(tmp_path / "out")
    before = contents(tmp_path / "out")
    options = (
        ("--waive", "NOPE=x"),
        ("--reading", "C99=x"),
        ("--shard", "3/2"),
        ("--openapi", "nothing.json"),
        ("--max-time", "3"),
        ("--operator",),
        ("-n", "2", "--max-requests", "3"),
    )
    for words in options:
        assert run(tmp_path / "out", "--force", *words).code == 2, words
        assert contents(tmp_path / "out") == before, words


def test_what_cannot_be_merged_replaces_nothing(tmp_path, small):
    for name in ("out", "whole"):
        run(tmp_path / name)
    before = contents(tmp_path / "out")
    assert command("merge", tmp_path / "whole", "--out", tmp_path / "out", "--force").code == 2
    assert contents(tmp_path / "out") == before


def test_force_follows_no_link(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "journal.jsonl").touch()
    (tmp_path / "theirs").mkdir()
    for name in ("ecom-KB-01-1.json", "notes.jsonl"):
        (tmp_path / "theirs" / name).touch()
    for name in ("counterexamples", "parts"):
        (tmp_path / "out" / name).symlink_to(tmp_path / "theirs")
    assert run_directory(str(tmp_path / "out"), force=True) == tmp_path / "out"
    assert not (tmp_path / "out" / "journal.jsonl").exists()
    assert set(contents(tmp_path / "theirs")) == {"ecom-KB-01-1.json", "notes.jsonl"}


def test_a_shard_that_is_merged_is_not_replaced(tmp_path, small):
    run(tmp_path / "1", "--shard", "1/2")
    before = contents(tmp_path / "1")
    done = command("merge", tmp_path / "1", "--out", tmp_path / "1", "--force")
    assert (done.code, contents(tmp_path / "1")) == (2, before)
    assert "is read by this command and cannot be replaced" in done.errors


SHOP = "python:examples.merchants.epayment:Adapter"


@pytest.mark.parametrize("name", ["merge", "merchant", "fuzz"])
def test_every_command_that_writes_a_run_does_the_same(tmp_path, small, name):
    words = {
        "merge": ("merge", tmp_path / "1"),
        "merchant": ("merchant", "--integration", SHOP, "--budget", "quick", "--histories", "0"),
        "fuzz": ("fuzz", "--target", "embedded", "--profile", "ecom", "--max-requests", "20"),
    }[name]
    if name == "merge":
        run(tmp_path / "1", "--shard", "1/2")
    out = tmp_path / "out"
    digests = []
    for more in ((), (), ("--force",)):
        assert command(*words, "--out", out, *more).code in (0, 4)
        digests.append(read_journal(out).digest)
    assert digests[0] == digests[1]
    assert {path.name for path in tmp_path.iterdir()} - {"1"} == {"out", "out-2"}
    assert digests[2] != digests[0] or name == "merge"


def test_an_empty_name_is_no_directory():
    with pytest.raises(UsageError, match="--out names no directory"):
        run_directory("", force=False)


@pytest.mark.parametrize("out", [".", ".."])
def test_a_directory_without_a_name_of_its_own_gets_no_number(tmp_path, monkeypatch, out):
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep" if out == ".." else tmp_path)
    assert run_directory(out, force=False) == Path(out)
    (tmp_path / "journal.jsonl").touch()
    with pytest.raises(UsageError, match="already holds a run: name another --out directory, or replace"):
        run_directory(out, force=False)


@pytest.mark.parametrize("words", [(), ("--force",)])
def test_a_quiet_run_says_where_it_goes_instead(tmp_path, small, words):
    run(tmp_path / "out")
    done = run(tmp_path / "out", "--quiet", *words)
    place = tmp_path / ("out" if words else "out-2")
    assert len(done.out.splitlines()) == len(done.errors.splitlines()) == 1
    assert str(place) in done.errors


@pytest.mark.parametrize("below", ["", "deep/er"])
def test_a_file_is_no_directory(tmp_path, below):
    (tmp_path / "notes.txt").touch()
    done = run(tmp_path / "notes.txt" / below)
    assert done.code == 2
    assert done.errors == f"{tmp_path / 'notes.txt' / below} is a file, or below one: name a directory with --out.\n"


def test_a_run_whose_journal_was_compressed_is_one(tmp_path):
    (tmp_path / "journal.jsonl.gz").touch()
    assert run_directory(str(tmp_path), force=False) == tmp_path.with_name(f"{tmp_path.name}-2")
    assert run_directory(str(tmp_path), force=True) == tmp_path
    assert list(tmp_path.iterdir()) == []
