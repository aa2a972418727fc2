"""Whatever a file is, and wherever its path leads: one sentence, an exit code that is documented, and soon."""

from __future__ import annotations

import resource
import time

import pytest

from tests.audit.stage import command

from ..reports import journals
from ..reports.reading import UNSEEN
from .inputs import KINDS, table

INPUTS = table()
SAMPLE = 30
"""Inputs that are tried in every build: every so many-th, so that each kind and each way is among them."""
SECONDS = 20.0
MEMORY = 400
"""Megabytes that all of them together may need, in a process that has loaded the suite."""
CHANGED, INCOMPLETE, INTERRUPTED = 1, 4, 130
NOT_BEGUN = ("nothing", "a record without its end")
"""What a run that was killed before its first record leaves as a journal."""
USAGE = (2, 3)
"""What a file ends with that cannot be used; a target that does not answer is a matter of the environment."""


@pytest.fixture
def place(tmp_path, monkeypatch):
    (tmp_path / ".git").mkdir()
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CANCEL_LEDGER_KEY", "a key of sixteen letters")
    for name in ("CLIENT_ID", "CLIENT_SECRET", "SUBSCRIPTION_KEY", "MSN"):
        monkeypatch.setenv(f"VIPPS_{name}", "123456")
    return tmp_path


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """Return the directory of a run, which commands need beside the hostile input."""
    return journals.conformant(tmp_path_factory.mktemp("run") / "out")


def refused(place, hostile, run, monkeypatch):
    """Give a hostile input to the command that reads it, and assert that it is refused as documented."""
    path = place / hostile.kind.file
    hostile.make(path)
    if hostile.kind.name == "certificates":
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
    started = time.monotonic()
    ended = command(*(word.format(path, run=run) for word in hostile.kind.words))
    assert time.monotonic() - started < SECONDS
    if harmless(hostile):
        assert ended.code in (0, 1, *USAGE, INCOMPLETE), ended
        assert "Traceback" not in ended.errors
        return
    if hostile.kind.name == "bundle" and ended.code == CHANGED:
        assert ended.out.startswith("Not consistent with its evidence: 1 thing does not follow from it")
        return
    not_begun = hostile.kind.name == "journal" and hostile.way in NOT_BEGUN
    assert ended.code in ((INTERRUPTED,) if not_begun else USAGE), ended
    assert len(ended.errors.splitlines()) == 1, ended.errors[:2_000]
    assert "Traceback" not in ended.errors
    assert "The suite itself failed" not in ended.errors
    assert len(ended.errors) < 2_000
    assert not UNSEEN.search(ended.errors.rstrip("\n"))


def harmless(hostile):
    """Tell whether what is hostile for other kinds is a file like any other for this one."""
    kind, way = hostile.kind.name, hostile.way
    if kind in ("config", "known", "project"):
        # No table at all, and a project of somebody else.
        return way in ("nothing", "missing") or kind == "project"
    if kind == "counterexample":
        # Whatever a field says that nobody needs, the history can be run.
        return " at " in way
    return kind == "openapi-json" or (kind == "ledger" and way in ("missing", "a link to nothing", "a link to itself"))


def test_there_are_at_least_three_hundred():
    assert len(INPUTS) >= 300
    assert len({str(hostile) for hostile in INPUTS}) == len(INPUTS)


@pytest.mark.parametrize("hostile", INPUTS[:: len(INPUTS) // SAMPLE], ids=str)
def test_a_hostile_input_is_one_sentence(hostile, place, run, monkeypatch):
    refused(place, hostile, run, monkeypatch)


@pytest.mark.thorough
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_hostile_input_of_a_kind_is_one_sentence(kind, place, run, monkeypatch, subtests):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number, hostile in enumerate(hostile for hostile in INPUTS if hostile.kind is kind):
        folder = place / str(number)
        (folder / "out").mkdir(parents=True)
        monkeypatch.chdir(folder)
        with subtests.test(str(hostile)):
            refused(folder, hostile, run, monkeypatch)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert used / 1_000 < MEMORY
