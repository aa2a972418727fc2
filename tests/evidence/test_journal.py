"""The evidence: chained, append-only, readable after a crash, and nothing in it can be changed unseen."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.evidence.journal import (
    JOURNAL_NAME,
    BrokenChainError,
    CutRecordError,
    DuplicateRecordError,
    EmptyJournalError,
    ForeignJournalError,
    InvalidRecordError,
    Journal,
    JournalError,
    read_journal,
)
from conformance.evidence.record_parts import body_as_record, body_from_record
from conformance.evidence.records import ExchangeRecord, FinishRecord, JudgementRecord
from tests.stored import record_of


def written(folder, count=5):
    journal = Journal(folder)
    journal.append(record_of("run"))
    for number in range(count - 1):
        journal.append(record_of("exchange", step=number, purpose="æøå \u2028 line"))
    journal.close()
    return folder / JOURNAL_NAME


def test_what_was_appended_is_read_back_in_order(tmp_path):
    written(tmp_path / "new" / "folder")
    evidence = read_journal(tmp_path / "new" / "folder")
    assert [record.n for record in evidence.records] == [0, 1, 2, 3, 4]
    assert [record.step for record in evidence.of(ExchangeRecord)] == [0, 1, 2, 3]
    assert evidence.run.tool == "0.1.0"
    assert (evidence.first(FinishRecord), evidence.finish, evidence.ended) == (None, None, "")
    assert not evidence.truncated


def test_evidence_is_never_overwritten(tmp_path):
    path = written(tmp_path)
    before = path.read_bytes()
    with pytest.raises(JournalError, match="already exists"):
        Journal(tmp_path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("interrupted", ["os.write", "sha256"])
def test_a_record_that_was_interrupted_is_there_once_or_not_at_all(tmp_path, monkeypatch, interrupted):
    journal = Journal(tmp_path)
    journal.append(record_of("run", format=3))
    journal.append(record_of("exchange", step=1))

    def write(*given):
        os_write(*given)
        raise KeyboardInterrupt

    def sha256(*_):
        raise KeyboardInterrupt

    os_write = os.write
    with monkeypatch.context() as patch:
        if interrupted == "os.write":
            patch.setattr("conformance.evidence.journal.os.write", write)
        else:
            patch.setattr("conformance.evidence.journal.hashlib.sha256", sha256)
        with pytest.raises(KeyboardInterrupt):
            journal.append(record_of("exchange", step=2))
    journal.append(record_of("exchange", step=3))
    journal.append(record_of("finish", ended="interrupted"))
    journal.close()
    read = read_journal(tmp_path)
    assert [record.step for record in read.of(ExchangeRecord)] == [1, 2, 3]
    assert read == journal.evidence()


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="file"):
        Journal(tmp_path / "file")


def test_there_is_nothing_to_read_where_there_was_no_run(tmp_path):
    with pytest.raises(JournalError, match="cannot be read"):
        read_journal(tmp_path)


@pytest.mark.parametrize("content", [b"", b'{"n":0,"kind":"run"'])
def test_a_journal_without_a_whole_record_is_an_empty_one(tmp_path, content):
    (tmp_path / JOURNAL_NAME).write_bytes(content)
    with pytest.raises(EmptyJournalError, match="is empty: the run was stopped before it began"):
        read_journal(tmp_path)


def test_a_record_that_is_there_twice_is_named(tmp_path):
    path = written(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], lines[2], *lines[3:]]))
    with pytest.raises(DuplicateRecordError, match=r"line 4: the record does not follow .* record 2 is there twice"):
        read_journal(tmp_path)


def test_a_record_without_a_field_of_its_kind_is_named(tmp_path):
    path = written(tmp_path)
    path.write_bytes(path.read_bytes().replace(b'"ms":0', b'"ss":0', 1))
    with pytest.raises(InvalidRecordError, match=r"line 2: not a record of a journal .*missing required field `ms`"):
        read_journal(tmp_path)


@pytest.mark.parametrize("part", ["rulebook", "waivers", "target"])
def test_a_run_record_that_lacks_a_part_is_named(tmp_path, part):
    path = written(tmp_path, 1)
    path.write_bytes(path.read_bytes().replace(f'"{part}":'.encode(), b'"x":'))
    with pytest.raises(InvalidRecordError, match=f"line 1: .*missing required field `{part}`"):
        read_journal(tmp_path)


def test_a_field_that_this_version_does_not_know_is_ignored(tmp_path):
    path = written(tmp_path, 1)
    path.write_bytes(path.read_bytes().replace(b'"tool"', b'"later":[1],"tool"'))
    assert read_journal(tmp_path).run.tool == "0.1.0"


def test_a_judgement_with_a_field_that_is_not_known_is_refused_because_it_is_compared_whole(tmp_path):
    journal = Journal(tmp_path)
    for record in (record_of("run"), record_of("judgement", history="h", step=0, do="read", status="conforms")):
        journal.append(record)
    journal.close()
    path = tmp_path / JOURNAL_NAME
    path.write_bytes(path.read_bytes().replace(b'"status"', b'"excuse":"none","status"'))
    with pytest.raises(InvalidRecordError, match=r"line 2: .*unknown field `excuse`"):
        read_journal(tmp_path)


@pytest.mark.parametrize("name", ["format-1", "format-2", "format-3"])
def test_every_line_of_a_stored_journal_is_written_again_byte_for_byte(tmp_path, name):
    folder = Path(__file__).parent / "journals" / name
    journal = Journal(tmp_path)
    for record in read_journal(folder).records:
        journal.append(record)
    journal.close()
    assert (tmp_path / JOURNAL_NAME).read_bytes() == (folder / JOURNAL_NAME).read_bytes()


def test_a_journal_of_a_newer_format_names_the_version_that_reads_it(tmp_path):
    journal = Journal(tmp_path)
    journal.append(msgspec.structs.replace(record_of("run"), format=4, tool="9.1.0"))
    journal.append(record_of("exchange"))
    journal.close()
    sentence = r"format 1, 2 or 3, but of format 4: read it with version 9\.1\.0 of cancel-conformance"
    with pytest.raises(ForeignJournalError, match=sentence):
        read_journal(tmp_path)


@pytest.mark.parametrize("change", [b'"format":9', b'"format":"x"', b'"form":1'])
def test_a_first_record_that_was_changed_is_no_journal_of_another_format(tmp_path, change):
    path = written(tmp_path)
    path.write_bytes(re.sub(rb'"format":\d', change, path.read_bytes()))
    with pytest.raises(BrokenChainError, match="line 2: the record does not follow the one before it"):
        read_journal(tmp_path)


def test_a_journal_begins_with_its_run(tmp_path):
    journal = Journal(tmp_path)
    journal.append(record_of("exchange"))
    journal.close()
    with pytest.raises(ForeignJournalError, match="does not begin with a run"):
        read_journal(tmp_path)


def test_a_truncated_last_line_is_ignored_and_reported(tmp_path):
    path = written(tmp_path)
    data = path.read_bytes()
    for length in range(len(data.splitlines()[0]) + 1, len(data)):
        path.write_bytes(data[:length])
        evidence = read_journal(tmp_path)
        assert evidence.truncated == (not data[:length].endswith(b"\n"))
        assert len(evidence.records) == data[:length].count(b"\n")


@given(st.data())
def test_any_changed_byte_is_noticed(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("journal")
    path = written(folder)
    content = bytearray(path.read_bytes())
    last = content.rindex(b"\n", 0, len(content) - 1)
    at = data.draw(st.integers(0, last))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != content[at]))
    content[at] = byte
    path.write_bytes(content)
    with pytest.raises(JournalError):
        read_journal(folder)


@given(st.data())
def test_any_dropped_added_or_moved_line_is_noticed(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("journal")
    path = written(folder)
    lines = path.read_bytes().splitlines(keepends=True)
    how = data.draw(st.sampled_from(("drop", "repeat", "swap")))
    at = data.draw(st.integers(0, len(lines) - 2))
    if how == "drop":
        del lines[at]
    elif how == "repeat":
        lines.insert(at, lines[at])
    else:
        lines[at], lines[at + 1] = lines[at + 1], lines[at]
    path.write_bytes(b"".join(lines))
    with pytest.raises(JournalError):
        read_journal(folder)


@pytest.mark.parametrize("line", [b"", b"null", b"[]", b"{", b'{"n":5}', b'{"kind":5}', b"\xff"])
def test_a_line_that_is_no_record_is_named(tmp_path, line):
    path = written(tmp_path)
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(CutRecordError, match="line 6: not a record"):
        read_journal(tmp_path)


@given(st.binary())
def test_a_body_is_kept_byte_for_byte(body):
    assert body_from_record(body_as_record(body)) == body


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_any_text_can_be_written_down(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("journal")
    journal = Journal(folder)
    journal.append(record_of("run", tool=text, readings={text: [text]}))
    journal.append(record_of("finish"))
    journal.close()
    run = read_journal(folder).run
    assert (run.tool, run.readings) == (text, {text: (text,)})


@given(st.integers() | st.text(alphabet=st.characters(exclude_categories=())) | st.booleans() | st.none())
def test_any_value_that_was_observed_can_be_written_down(tmp_path_factory, value):
    folder = tmp_path_factory.mktemp("journal")
    journal = Journal(folder)
    judgement = {"history": "h", "step": 0, "do": "read", "status": "conforms", "observed": {"view.state": value}}
    for record in (record_of("run"), record_of("judgement", **judgement)):
        journal.append(record)
    journal.close()
    (record,) = read_journal(folder).of(JudgementRecord)
    assert record.observed == {"view.state": value}
    assert type(record.observed["view.state"]) is type(value)


WRITER = """
import sys
from pathlib import Path
from tests.stored import stored_records
from conformance.evidence.journal import Journal
from tests.stored import record_of
journal = Journal(Path(sys.argv[1]))
journal.append(record_of("run"))
number = 0
while True:
    journal.append(record_of("exchange", step=number, purpose="x" * (number * 37 % 5000)))
    number += 1
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
@pytest.mark.parametrize("after", [0.0, 0.003, 0.02, 0.05])
def test_a_writer_that_is_killed_leaves_what_it_wrote(tmp_path, after):
    folder = tmp_path / "run"
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)])
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if (folder / JOURNAL_NAME).is_file() and (folder / JOURNAL_NAME).stat().st_size > 200:
                break
            time.sleep(0.001)
        time.sleep(after)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    evidence = read_journal(folder)
    assert [record.step for record in evidence.of(ExchangeRecord)] == list(range(len(evidence.records) - 1))


def test_a_line_that_breaks_the_chain_is_reported_and_the_rest_is_read(tmp_path, monkeypatch):
    journal = Journal(tmp_path)
    journal.append(record_of("run"))
    write = "conformance.evidence.journal.os.write"
    monkeypatch.setattr(write, lambda _, data: len(data) - 3)
    with pytest.raises(JournalError, match="the disk is full"):
        journal.append(record_of("finish"))

    def full(file, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write, full)
    with pytest.raises(JournalError, match="No space left"):
        journal.append(record_of("finish"))
    monkeypatch.undo()
    journal.close()
    assert len(read_journal(tmp_path).records) == 1
