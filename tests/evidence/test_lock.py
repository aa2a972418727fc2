"""A journal belongs to the process that writes it: a second writer is refused, and breaks nothing."""

import os
import subprocess
import sys

import pytest

from conformance.evidence import file_lock
from conformance.evidence.journal import JOURNAL_NAME, Journal, JournalError, LockedJournalError, read_journal
from conformance.evidence.records import ExchangeRecord
from tests.audit.stage import command
from tests.stored import record_of


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path)
    journal.append(record_of("run", format=3))
    yield journal
    journal.close()


def test_a_journal_is_continued_once_its_writer_has_ended(journal, tmp_path):
    with pytest.raises(LockedJournalError, match=r"journal\.jsonl is being written by another process"):
        Journal.continued(tmp_path)
    journal.append(record_of("exchange"))
    assert len(read_journal(tmp_path).records) == 2


def test_the_lock_ends_with_its_process(tmp_path):
    program = (
        "import os, sys; from pathlib import Path; from conformance.evidence.journal import Journal; "
        "from tests.stored import record_of; journal = Journal(Path(sys.argv[1])); "
        "journal.append(record_of('run', format=3)); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], timeout=60, check=False)
    journal, evidence, _ = Journal.continued(tmp_path)
    journal.close()
    assert len(evidence.records) == 1


def test_a_journal_that_cannot_be_continued_is_locked_no_longer(tmp_path):
    Journal(tmp_path).close()
    for _ in range(2):
        with pytest.raises(JournalError, match="is empty"):
            Journal.continued(tmp_path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_copy_of_the_process_writes_nothing(journal, tmp_path):
    child = os.fork()
    if child == 0:
        try:
            journal.append(record_of("exchange"))
        except LockedJournalError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    journal.append(record_of("exchange", step=1))
    assert [record.step for record in read_journal(tmp_path).of(ExchangeRecord)] == [1]


def test_what_was_written_of_a_line_that_does_not_fit_is_removed(journal, tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr("conformance.evidence.journal.os.write", lambda file, data: write(file, data[:20]))
    with pytest.raises(JournalError, match="the disk is full"):
        journal.append(record_of("exchange"))
    monkeypatch.undo()
    journal.append(record_of("exchange", step=1))
    journal.append(record_of("exchange", step=2))
    assert [record.step for record in read_journal(tmp_path).of(ExchangeRecord)] == [1, 2]


def test_where_files_cannot_be_locked_they_are_written_all_the_same(tmp_path, monkeypatch):
    def unsupported(file):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(file_lock, "_lock", unsupported)
    Journal(tmp_path).close()


def test_a_run_that_goes_on_is_not_resumed_and_not_replaced(journal, tmp_path):
    before = (tmp_path / JOURNAL_NAME).read_bytes()
    resumed = command("run", "--resume", tmp_path)
    assert resumed.code == 2
    replaced = command("run", "--target", "embedded", "--histories", "1", "--out", tmp_path, "--force")
    assert replaced.code == 2
    for ended in (resumed, replaced):
        assert "is being written by another process: wait until that run has ended, or stop it." in ended.errors
    assert (tmp_path / JOURNAL_NAME).read_bytes() == before
