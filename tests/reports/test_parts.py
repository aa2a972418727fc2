"""The parts of the page: the coverage grid, the money band, bodies as they are shown, and steps in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from conformance.domain.expectation import Between, Folded, Mentions, Missing, NoneOf, OneOf, Permitted
from conformance.domain.order import Market, Profile
from conformance.domain.steps import Age, Cancel, Capture, Together
from conformance.evidence.journal import read_journal
from conformance.evidence.records import ExchangeRecord, JudgementRecord
from conformance.reports.html.charts import Money, band, money_in_words, money_of
from conformance.reports.html.coverage import grids_of
from conformance.reports.html.histories import HistoryView
from conformance.reports.html.render import html_text
from conformance.reports.html.story import evidence_anchor, what_differs
from conformance.reports.wording.headline import ending_note
from conformance.reports.wording.provider import (
    amount,
    duration,
    permitted_from_json,
    permitted_in_words,
    reason_in_words,
    step_in_words,
)
from conformance.reports.wording.sanitize import body_of, shortened, visible
from conformance.results.result import result_of
from tests.stored import record_of

from . import journals
from .reading import UNSEEN
from .schemas import journal_schema


def play(age: str, flag: str = "absent", status: str = "conforms", **cell: str) -> HistoryView:
    place = {"situation": "reserved", "age": age, "flag": flag, **cell}
    record = record_of("history", id="x", profile="ecom", source="systematic", cell=place, history={})
    return HistoryView(record, judgements=[record_of("judgement", history="x", step=1, do="cancel", status=status)])


@pytest.mark.parametrize(
    ("market", "ages"),
    [
        (Market.NO, ["up to 1 day", "2 to 179 days", "180 days", "181 days or more", "any age"]),
        (
            Market.DK,
            ["up to 1 day", "2 to 13 days", "14 days", "15 to 179 days", "180 days", "181 days or more", "any age"],
        ),
    ],
)
def test_ages_are_put_together_on_either_side_of_the_limits(market, ages):
    shown = ["400 days", "4 minutes", "180 days", "", "1 day", "2 days", "14 days", "15 days", "179 days", "0 days"]
    (grid,) = grids_of([play(age) for age in shown], market)
    assert [age for age, _ in grid.columns] == ages
    (row,) = grid.rows
    assert sum(cell.count for cell in row[1] if cell) == len(shown)


def test_a_cell_shows_the_worst_that_came_of_it():
    plays = [play("0 days", status=status) for status in ("conforms", "violates", "inconclusive", "conforms")]
    (grid,) = grids_of(plays, Market.NO)
    cell = grid.rows[0][1][0]
    assert cell is not None
    assert (cell.count, cell.worst, cell.shown) == (4, "violates", "1/4")
    assert "1 not as documented" in cell.words


def test_a_cell_in_which_all_came_to_the_same_shows_how_many():
    (grid,) = grids_of([play("0 days"), play("0 days")], Market.NO)
    assert [cell.shown for cell in grid.rows[0][1] if cell] == ["2"]


def violation(**content: Any) -> JudgementRecord:
    return record_of("judgement", history="x", step=1, status="violates", **content)


@pytest.mark.parametrize(
    ("observed", "said"),
    [
        ({"answer.cancelled": 0, "view.cancelled": 10}, "Only the answer is wrong: read back, the order stands as"),
        ({"answer.cancelled": 10, "view.cancelled": 0}, "The answer is as permitted, and the order does not stand as"),
        ({"answer.cancelled": 0, "view.cancelled": 0}, ""),
        ({"answer.cancelled": 0}, ""),
        ({"view.cancelled": 0}, ""),
    ],
    ids=["the answer", "the order", "both", "never read", "never answered"],
)
def test_a_violation_says_whether_it_is_the_answer_that_is_wrong_or_the_order(observed, said):
    claims = [{"field": name, "permitted": {"one-of": [10]}, "rules": ["EP-05"]} for name in observed]
    expected = [{"name": "released", "rules": ["EP-05"], "readings": {}, "claims": claims}]
    told, question = what_differs(violation(do="cancel", observed=observed, expected=expected))
    assert told.startswith(said)
    assert bool(told) is bool(question) is bool(said)


def test_the_answer_to_a_test_action_is_not_set_against_the_order():
    claims = [{"field": name, "permitted": {"one-of": [10]}, "rules": ["INV-1"]} for name in ("answer.a", "view.b")]
    expected = [{"name": "reserved", "rules": [], "readings": {}, "claims": claims}]
    judgement = {"observed": {"answer.a": 10, "view.b": 0}, "expected": expected}
    assert what_differs(violation(do="leave-3ds", **judgement)) == ("", "")
    assert what_differs(violation(do="cancel", **judgement))[0].startswith("The answer is as permitted")


def test_of_a_judgement_without_an_expectation_nothing_is_said_to_differ():
    assert what_differs(violation(do="cancel", observed={"view.cancelled": 0})) == ("", "")


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_band_is_never_wider_than_itself_and_says_every_amount(reserved, kept, released, refunded):
    money = Money(reserved, kept + refunded, released, refunded)
    words = money_in_words(money, "NOK")
    drawn = band(money, reserved + kept + refunded + released, words)
    widths = [float(part.split('"')[0]) for part in drawn.split(' width="')[2:]]
    assert sum(widths) <= 240.1
    assert all(amount(value, "NOK") in words for value in (reserved, released, refunded) if value)


def test_money_is_not_guessed_where_reading_back_says_nothing():
    assert money_of({}, 1000) is None
    assert money_of({"view.captured": True, "view.refunded": 0}, 1000) is None
    told = {"view.captured": 300, "view.refunded": 100, "view.to_capture": 700}
    assert money_of(told, 1000) == Money(700, 300, 0, 100)


@given(st.text(st.characters(codec=None), max_size=300), st.integers(1, 200))
def test_no_text_hides_anything_or_is_longer_than_its_limit_allows(text, limit):
    assert not UNSEEN.search(visible(text))
    body = body_of(text, limit)
    assert not UNSEEN.search(body.text)
    assert body.note or len(text) <= limit
    assert len(shortened("x" * 1000 + text, limit)) <= limit + 40


def test_laying_out_json_changes_nothing_but_white_space():
    text = '{"a":1,"a":1.0e5,"b":[],"c":{"d":"x , : {"}}'
    body = body_of(text, 1000)
    assert "".join(body.text.split()) == "".join(text.split())
    assert "\n" in body.text


def test_steps_are_told_in_words():
    assert step_in_words(Age(timedelta(days=181)), Profile.ECOM, "NOK") == "Time passes: 181 days"
    said = step_in_words(Cancel(), Profile.ECOM, "NOK")
    assert said == "The merchant cancels, shouldReleaseRemainingFunds absent"
    assert duration(timedelta(days=1, hours=2)) == "1 day 2 hours"


FORMS = (
    OneOf(("a", 1, True, None)),
    NoneOf(("a", 1)),
    Between(400, 499),
    Between(400, 499, (404,)),
    Folded(("a",)),
    Folded(("a",), optional=True),
    Mentions(("a",)),
    Missing(),
)


def test_two_requests_at_the_same_time_are_told_in_one_sentence():
    said = step_in_words(Together(Cancel(), Capture(500)), Profile.RECURRING, "NOK")
    assert said == "At the same time: the merchant cancels; and the merchant captures 5.00 NOK (500)"


@pytest.mark.parametrize("permitted", FORMS, ids=str)
def test_every_form_of_permission_is_in_the_schema_and_can_be_read_back(permitted):
    definitions = journal_schema()["$defs"]
    stored = permitted.as_json()
    assert Draft202012Validator({"$defs": definitions, "$ref": "#/$defs/permitted"}).is_valid(stored)
    assert permitted_from_json(stored) == permitted
    assert permitted_in_words("answer.code", permitted, "NOK")


def test_no_form_of_permission_is_forgotten_here():
    assert {type(permitted) for permitted in FORMS} == set(get_args(Permitted))


def test_a_form_of_permission_that_is_not_known_is_an_error():
    with pytest.raises(ValueError, match="no known form"):
        permitted_from_json({"perhaps": 1})


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (
            "answer.cancelled should be 1000 or absent, but was 0",
            "“cancelled, in the answer” should be 10.00 NOK (1000) or absent, but was 0.00 NOK (0)",
        ),
        (
            "refunded: view.state should be AUTHORIZED, but was 1000",
            "refunded: “state, when read back” should be AUTHORIZED, but was 1000",
        ),
        (
            f"answer.amount should be 5, but was {'9' * 40}",
            f"“amount, in the answer” should be 0.05 NOK (5), but was {'9' * 40}",
        ),
        ("answer.unheard should be 1, but was 2", "answer.unheard should be 1, but was 2"),
        ("35 examples, no violation", "35 examples, no violation"),
    ],
    ids=["money", "a state", "no money", "no field of ours", "no violation"],
)
def test_a_reason_names_its_field_and_its_money_as_the_tables_do(reason, said):
    assert reason_in_words(reason, "NOK") == said


def test_an_interrupted_run_says_of_how_many_histories_nothing_is_known(tmp_path):
    writer = journals.Writer(tmp_path)
    writer.journal.append(record_of("plan", histories=["ecom-0001", "ecom-0002", "ecom-0003"], digest="0" * 64))
    writer.played(Profile.ECOM, ["EC-03"])
    result = result_of(read_journal(writer.stop()))
    assert "1 of 3 planned histories were begun." in ending_note(result)
    assert "Rely on it until" not in html_text(result)
    assert "to repeat what proved nothing" not in html_text(result)


def test_histories_that_were_played_again_are_told_apart_from_those_that_were_planned(tmp_path):
    writer = journals.Writer(tmp_path)
    writer.journal.append(record_of("plan", histories=["ecom-0001"], digest="0" * 64))
    name = writer.history(Profile.ECOM, [{"do": "cancel"}])
    writer.judgement(name, 0, "initiate", "inconclusive", cause="no answer", seen="lost", observed={}, superseded=True)
    writer.again(name)
    result = result_of(read_journal(writer.stop()))
    assert "1 of 1 planned histories were begun." in ending_note(result)
    assert "few steps; 1 of them to repeat what proved nothing" in html_text(result)


WIRE = {
    "action": "cancel", "order": 0, "api": "", "payment": "", "owner": None, "host": "", "connection": "", "at": 0,
    "fault": "", "reached": True, "copy": False, "before": None, "after": None,
}  # fmt: skip


def exchange(number: int, method: str, operation: str = "", step: int = 1, purpose: str = "act") -> ExchangeRecord:
    wire = {"wire": {**WIRE, "operation": operation}} if operation else {}
    request = {"method": method, "path": "/", "headers": [], "body": ""}
    return record_of("exchange", n=number, step=step, purpose=purpose, request=request, **wire)


SHOWN = record_of("history", n=3, id="x", profile="ecom", source="systematic", history={})


def test_a_step_leads_to_the_request_that_changed_something():
    told = [exchange(4, "POST", "token"), exchange(5, "GET", "read"), exchange(6, "POST", "cancel")]
    shown = HistoryView(SHOWN, exchanges=[exchange(7, "POST", step=0), *told])
    assert evidence_anchor(shown, 1) == "exchange-6"
    assert evidence_anchor(shown, 1, place=2) == "exchange-5"
    assert evidence_anchor(HistoryView(SHOWN, exchanges=told[:2]), 1) == "exchange-4"
    assert evidence_anchor(shown, 9) == "history-3"
