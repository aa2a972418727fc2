"""The evidence: chained, append-only, readable after a crash, and nothing in it can be changed unseen."""

import json
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.evidence.journal import (
    JOURNAL_NAME,
    BrokenChainError,
    Journal,
    JournalError,
    body_as_json,
    body_from_json,
    read_journal,
)


def written(folder, count=5):
    journal = Journal(folder)
    journal.append("run", format=1, tool="0.1.0")
    for number in range(count - 1):
        journal.append("exchange", number=number, text="æøå \u2028 line")
    journal.close()
    return folder / JOURNAL_NAME


def test_what_was_appended_is_read_back_in_order(tmp_path):
    written(tmp_path / "new" / "folder")
    evidence = read_journal(tmp_path / "new" / "folder")
    assert [record["n"] for record in evidence.records] == [0, 1, 2, 3, 4]
    assert [record["number"] for record in evidence.of_kind("exchange")] == [0, 1, 2, 3]
    assert evidence.first("run")["tool"] == "0.1.0"
    assert evidence.first("finish") is None
    assert not evidence.truncated


def test_evidence_is_never_overwritten(tmp_path):
    path = written(tmp_path)
    before = path.read_bytes()
    with pytest.raises(JournalError, match="already exists"):
        Journal(tmp_path)
    assert path.read_bytes() == before


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="file"):
        Journal(tmp_path / "file")


def test_there_is_nothing_to_read_where_there_was_no_run(tmp_path):
    with pytest.raises(JournalError, match="cannot be read"):
        read_journal(tmp_path)
    (tmp_path / JOURNAL_NAME).write_bytes(b"")
    with pytest.raises(JournalError, match="is empty"):
        read_journal(tmp_path)


def test_a_journal_of_another_format_is_refused(tmp_path):
    journal = Journal(tmp_path)
    journal.append("run", format=2)
    journal.close()
    with pytest.raises(JournalError, match="format 1"):
        read_journal(tmp_path)


def test_a_journal_begins_with_its_run(tmp_path):
    journal = Journal(tmp_path)
    journal.append("history", format=1)
    journal.close()
    with pytest.raises(JournalError, match="does not begin with a run"):
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
    with pytest.raises(BrokenChainError, match="line 6"):
        read_journal(tmp_path)


@given(st.binary())
def test_a_body_is_kept_byte_for_byte(body):
    assert body_from_json(json.loads(json.dumps(body_as_json(body)))) == body


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_any_text_can_be_written_down(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("journal")
    journal = Journal(folder)
    journal.append("run", format=1, text=text)
    journal.append("finish")
    journal.close()
    assert read_journal(folder).records[0]["text"] == text


WRITER = """
import sys
from pathlib import Path
from conformance.evidence.journal import Journal
journal = Journal(Path(sys.argv[1]))
journal.append("run", format=1)
number = 0
while True:
    journal.append("exchange", number=number, filling="x" * (number * 37 % 5000))
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
    assert [record["number"] for record in evidence.of_kind("exchange")] == list(range(len(evidence.records) - 1))


def test_a_line_that_breaks_the_chain_is_reported_and_the_rest_is_read(tmp_path, monkeypatch):
    journal = Journal(tmp_path)
    journal.append("run", format=1)
    write = "conformance.evidence.journal.os.write"
    monkeypatch.setattr(write, lambda _, data: len(data) - 3)
    with pytest.raises(JournalError, match="the disk is full"):
        journal.append("finish")

    def full(file, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write, full)
    with pytest.raises(JournalError, match="No space left"):
        journal.append("finish")
    monkeypatch.undo()
    journal.close()
    assert len(read_journal(tmp_path).records) == 1
