"""What a process keeps of the journal that it writes is what reading the journal gives."""

import msgspec
import pytest

import conformance
from conformance.evidence.journal import BrokenChainError, Journal, read_journal
from tests.stored import record_of


class Text(str):
    """Text as an adapter may give it."""

    __slots__ = ()


REQUEST = {"method": "GET", "path": "/", "headers": [["A", "b"]], "body": ""}
JUDGEMENT = record_of("judgement", history="h", step=0, do="read", status="conforms")
RECORDS = {
    "an exchange": record_of("exchange", ms=0.1, began=3, request=REQUEST),
    "no response": record_of("exchange", response=None, lost="half a pair: \ud83d", crash="a line\u2028"),
    "a body that is no text": record_of(
        "exchange", response={"status": 200, "headers": [], "body": {"base64": "/w=="}}
    ),
    "text of a subclass": msgspec.structs.replace(JUDGEMENT, observed={"view.state": Text("CREATED")}),
}


def journal_of(folder, *records):
    journal = Journal(folder)
    for record in (record_of("run"), *records):
        journal.append(record)
    return journal


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_a_record_is_kept_as_it_is_read(record, tmp_path):
    journal = journal_of(tmp_path, record)
    assert journal.evidence() == read_journal(tmp_path)


def test_values_of_a_subclass_are_kept_as_plain_ones(tmp_path):
    (kept,) = journal_of(tmp_path, RECORDS["text of a subclass"]).evidence().records[1:]
    assert [type(value) for value in kept.observed.values()] == [str]


def test_what_an_interrupted_run_had_written_is_kept_as_well(tmp_path):
    journal_of(tmp_path, *RECORDS.values()).close()
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(b'{"n":5,"kind":"exch')
    journal, _, torn = Journal.continued(tmp_path)
    journal.append(record_of("finish"))
    assert torn > 0
    assert journal.evidence() == read_journal(tmp_path)


def test_a_file_that_somebody_else_wrote_to_is_read(tmp_path):
    journal = journal_of(tmp_path)
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(b'{"n":0,"kind":"finish","prev":"","ended":"complete","message":"","seconds":0}\n')
    with pytest.raises(BrokenChainError):
        journal.evidence()


def test_a_part_of_a_run_is_read_and_not_kept(tmp_path):
    journal = Journal(tmp_path, keep=False)
    journal.append(record_of("run"))
    assert journal.evidence() == read_journal(tmp_path)


def test_a_run_reports_what_its_journal_says(tmp_path):
    result = conformance.run("embedded", profiles="epayment", histories=2, budget="quick", out=tmp_path)
    assert result.evidence == read_journal(tmp_path)
