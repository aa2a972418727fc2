"""However a run ends, the last record of its journal says how, and only a fault of the suite is raised."""

import asyncio

import pytest

from conformance.evidence.journal import Journal, read_journal
from conformance.judging.judge import OracleError
from conformance.runner import recorded_run as module
from conformance.runner.recorded_run import RecordedRun, RunEnd, run_end_after
from conformance.targets.transport import TargetError
from tests.stored import record_of

ENDS = {
    TargetError("it is down."): RunEnd("environment", "it is down."),
    KeyboardInterrupt(): RunEnd("interrupted", "stopped by the user"),
    asyncio.CancelledError(): RunEnd("interrupted", "stopped by the user"),
    ZeroDivisionError("by nothing"): RunEnd("harness", "ZeroDivisionError: by nothing"),
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a run whose evidence nobody audits."""
    monkeypatch.setattr(module, "audit", lambda _: None)
    journal = Journal(tmp_path)
    journal.append(record_of("run"))
    return RecordedRun(journal, lambda text: text.replace("nothing", "*"))


def last_record(run):
    record = read_journal(run.journal.path.parent).finish
    return record.kind, record.ended, record.message


def test_a_run_that_comes_to_its_end_is_complete(run):
    with run.recording():
        pass
    assert last_record(run) == ("finish", "complete", "")


@pytest.mark.parametrize("error", ENDS, ids=lambda error: type(error).__name__)
def test_every_exception_is_an_ending(error):
    assert run_end_after(error) == ENDS[error]


@pytest.mark.parametrize("error", list(ENDS)[:3], ids=lambda error: type(error).__name__)
def test_what_is_no_fault_of_the_suite_is_recorded_and_not_raised(error, run):
    with run.recording():
        raise error
    assert last_record(run) == ("finish", ENDS[error].ended, ENDS[error].message)


def test_a_fault_of_the_suite_is_recorded_without_secrets_and_raised(run):
    with pytest.raises(ZeroDivisionError), run.recording():
        raise ZeroDivisionError("by nothing")
    assert last_record(run) == ("finish", "harness", "ZeroDivisionError: by *")


@pytest.mark.parametrize("check", ["audit", "check_oracle"])
def test_a_check_that_fails_is_a_fault_of_the_suite(check, run, monkeypatch):
    def failing(*_):
        raise OracleError("it is not so.")

    monkeypatch.setattr(module, check, failing)
    with pytest.raises(OracleError), run.recording():
        pass
    assert last_record(run) == ("finish", "harness", "OracleError: it is not so.")
