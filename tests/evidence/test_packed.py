"""A journal of format 3: what repeats is written once, and every line is restored as it was."""

import gzip
import hashlib
import json
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from conformance.evidence import line_packing
from conformance.evidence.journal import (
    JOURNAL_NAME,
    BrokenChainError,
    CutRecordError,
    FormatError,
    Journal,
    JournalError,
    read_journal,
)
from conformance.evidence.line_packing import LinePacker, LineUnpacker, PackingError
from conformance.evidence.records import ExchangeRecord
from tests.stored import record_of, stored_records

from ..cli.command import ROOT
from ..reports.schemas import journal_schema
from .runs import verified

WORDS = st.text(alphabet='abAB019_-",:{}[] æ\u2028\ud83d', max_size=12)


def packed(folder, *records):
    journal = Journal(folder)
    for record in (record_of("run", format=3), *records):
        journal.append(record)
    journal.close()
    return folder / JOURNAL_NAME


def exchanges(count):
    return [record_of("exchange", step=number, purpose="æøå \u2028 line") for number in range(count)]


def documented_reader():
    """Return the function with which docs/reference/files.md restores a journal."""
    page = (ROOT / "docs" / "reference" / "files.md").read_text(encoding="utf-8")
    names = {}
    exec(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1], names)
    return names["records"]


def test_lines_that_repeat_are_stored_as_the_words_that_differ(tmp_path):
    path = packed(tmp_path, *exchanges(50))
    lines = path.read_bytes().splitlines()
    assert sum(line.startswith(b'{"like":') for line in lines) >= 48
    assert max(map(len, lines[3:])) < 80
    assert [record.step for record in read_journal(tmp_path).of(ExchangeRecord)] == list(range(50))


def test_what_a_few_bytes_stand_for_is_bounded(tmp_path, monkeypatch):
    path = packed(tmp_path, *(record_of("exchange", step=number, purpose="word " * 2_000) for number in range(200)))
    assert path.stat().st_size < 100_000
    monkeypatch.setattr("conformance.evidence.journal.LARGEST", 1_000_000)
    with pytest.raises(FormatError, match="larger than 1 MB"):
        read_journal(tmp_path)


def test_what_the_page_shows_restores_a_journal(right):
    records = documented_reader()
    for directory in (right, *(Path(__file__).parent / "journals").iterdir()):
        assert records(directory / JOURNAL_NAME) == stored_records(read_journal(directory))


def test_every_line_as_it_is_stored_keeps_to_the_schema(right):
    validator = Draft202012Validator(journal_schema())
    for line in (right / JOURNAL_NAME).read_text().splitlines():
        validator.validate(json.loads(line))


@given(st.lists(st.lists(WORDS, max_size=5), max_size=12))
def test_any_lines_are_restored(texts):
    packer, unpacker = LinePacker(), LineUnpacker()
    for number, text in enumerate(texts):
        line = json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogatepass")
        assert unpacker.unpack(number, packer.pack(number, line)) == line


def test_a_writer_forgets_forms_and_long_lines(monkeypatch):
    monkeypatch.setattr(line_packing, "KNOWN_FORMS", 2)
    monkeypatch.setattr(line_packing, "LONGEST_FORM", 40)
    packer, unpacker = LinePacker(), LineUnpacker()
    lines = [b"[1111111111111111]", b'{"a":1}', b"[1,[2]]", b"[2111111111111111]", b'"%s"' % (b"x y " * 20)] * 2
    stored = [packer.pack(number, line) for number, line in enumerate(lines)]
    assert stored[3] == lines[3]
    assert [unpacker.unpack(number, line) for number, line in enumerate(stored)] == lines


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"like":1,"set":["x",0]}', "no line is numbered 1"),
        (b'{"like":0,"set":["x",99]}', "has fewer words"),
        (b'{"like":0,"set":["x",-1]}', ">= 0"),
        (b'{"like":0,"set":["x",true]}', "Expected"),
        (b'{"like":0}', "missing required field"),
        (b'{"like":', "truncated"),
    ],
)
def test_a_line_that_cannot_be_restored_says_why(line, reason):
    unpacker = LineUnpacker()
    unpacker.unpack(0, b'{"n":0}')
    with pytest.raises(PackingError, match=reason):
        unpacker.unpack(1, line)


@pytest.mark.parametrize(("size", "lines"), [(400, 1), (90, 3)])
def test_a_few_bytes_make_no_line_without_end(monkeypatch, size, lines):
    monkeypatch.setattr(line_packing, "LONGEST_LINE", 10_000)
    monkeypatch.setattr(line_packing, "_SHORT", 500)
    unpacker = LineUnpacker()
    unpacker.unpack(0, json.dumps(["a"] * 200).encode())

    def grow():
        for number in range(lines):
            places = [number * 50 + place for place in range(50)]
            unpacker.unpack(number + 1, json.dumps({"like": number, "set": ["x" * size, *places]}).encode())

    with pytest.raises(PackingError, match="longer than"):
        grow()


def test_a_line_that_is_likened_to_twice_is_named(tmp_path):
    path = packed(tmp_path, *exchanges(3))
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"".join(line + b"\n" for line in (*lines, lines[-1])))
    with pytest.raises(BrokenChainError, match=r"line 5: the record does not follow .* \(no line is numbered"):
        read_journal(tmp_path)


@given(st.data())
def test_any_changed_byte_is_noticed(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("journal")
    path = packed(folder, *exchanges(5))
    content = bytearray(path.read_bytes())
    last = content.rindex(b"\n", 0, len(content) - 1)
    at = data.draw(st.integers(0, last))
    content[at] = data.draw(st.integers(0, 255).filter(lambda value: value != content[at]))
    path.write_bytes(content)
    with pytest.raises(JournalError):
        read_journal(folder)


def test_a_line_without_a_link_breaks_the_chain(tmp_path):
    journal = Journal(tmp_path)
    journal.append(record_of("run", format=3))
    journal.close()
    with (tmp_path / JOURNAL_NAME).open("ab") as file:
        file.write(b'{"n":1,"kind":"finish","prev":"","ended":"complete","message":"","seconds":0}\n')
    with pytest.raises(JournalError, match="does not follow"):
        read_journal(tmp_path)


def test_the_digest_is_that_of_the_file(tmp_path):
    path = packed(tmp_path, *exchanges(5))
    evidence = read_journal(tmp_path)
    assert evidence.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    journal, before, torn = Journal.continued(tmp_path)
    assert (before, torn, journal.digest) == (evidence, 0, evidence.digest)
    journal.append(record_of("finish"))
    assert journal.evidence() == read_journal(tmp_path)
    journal.close()


def test_text_that_is_not_utf_8_is_packed_like_any_other(tmp_path):
    records = [record_of("exchange", step=number, response=None, lost="half a pair: \ud83d") for number in range(3)]
    packed(tmp_path, *records)
    assert [record.lost for record in read_journal(tmp_path).of(ExchangeRecord)] == ["half a pair: \ud83d"] * 3


def test_a_journal_that_was_compressed_is_read_as_it_was(right, tmp_path):
    evidence = read_journal(right)
    plain = (right / JOURNAL_NAME).read_bytes()
    compressed = tmp_path / f"{JOURNAL_NAME}.gz"
    compressed.write_bytes(gzip.compress(plain))
    assert read_journal(tmp_path) == evidence
    said = verified(tmp_path)
    assert said.code == 0, said
    compressed.write_bytes(gzip.compress(plain)[:-200])
    with pytest.raises(FormatError, match="is no whole gzip file"):
        read_journal(tmp_path)


def test_a_line_of_a_size_that_nobody_writes_is_no_unfinished_one(tmp_path, monkeypatch):
    packed(tmp_path, *exchanges(3))
    monkeypatch.setattr("conformance.evidence.journal.LONGEST_LINE", 60)
    with pytest.raises(CutRecordError, match="line 1: not a record"):
        read_journal(tmp_path)


def test_a_record_of_the_run_alone_is_whole(tmp_path):
    packed(tmp_path)
    assert read_journal(tmp_path).run == msgspec.structs.replace(record_of("run", format=3), n=0, prev="0" * 8)
