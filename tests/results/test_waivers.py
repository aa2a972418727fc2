"""Waivers and expected failures: how they are read, how long they hold, and when they are out of date."""

import re
from datetime import date, timedelta

import pytest

from conformance.domain.order import Profile
from conformance.errors import UsageError
from conformance.evidence.record_parts import part_as_json
from conformance.judging.verdicts import RuleResult, RuleVerdict, RunVerdict
from conformance.results.waivers import (
    Waiver,
    outdated,
    parse_waivers,
    read_expected_failures,
    run_waivers,
    waiver_from_record,
)
from conformance.rulebook import load

DAY = date(2027, 1, 31)
BEFORE, AFTER = DAY - timedelta(days=1), DAY + timedelta(days=1)
EXPECTED = Waiver("EP-05", "ticket 7", DAY)


@pytest.mark.parametrize(
    ("text", "waiver"),
    [
        ("EP-05=ticket 7", Waiver("EP-05", "ticket 7")),
        ("EP-05@2027-01-31=ticket 7", EXPECTED),
        (" EP-05 @ 2027-01-31 = a=b ", Waiver("EP-05", "a=b", DAY)),
    ],
)
def test_a_text_is_read_and_stored_and_read_again(text, waiver):
    assert parse_waivers([text], day=DAY) == parse_waivers(text, day=DAY) == (waiver,)
    assert parse_waivers([waiver.as_text()], day=DAY) == (waiver,)
    assert waiver_from_record(waiver.as_record()) == waiver
    assert list(part_as_json(waiver.as_record())) == ["rule", "reason", "until"][: 3 if waiver.until else 2]


def test_reasons_by_rule_are_waivers_without_an_end():
    assert parse_waivers({"EP-05": "ticket 7"}) == (Waiver("EP-05", "ticket 7"),)


def test_a_waiver_holds_to_the_end_of_its_last_day():
    assert [EXPECTED.holds(day) for day in (BEFORE, DAY, AFTER)] == [True, True, False]
    assert Waiver("EP-05", "ticket 7").holds(date.max)
    with pytest.raises(UsageError, match=r"The waiver of EP-05 ended on 2027-01-31 \(ticket 7\)"):
        parse_waivers([EXPECTED.as_text()], day=AFTER)


def test_an_obligation_is_waived_for_a_merchant_alone():
    assert parse_waivers(["M1=ticket 7"], merchant=True) == (Waiver("M1", "ticket 7"),)
    with pytest.raises(UsageError, match="There is no rule 'M1' to waive"):
        parse_waivers(["M1=ticket 7"])
    with pytest.raises(UsageError, match="There is no obligation 'EP-05' to waive"):
        parse_waivers(["EP-05=ticket 7"], merchant=True)


ENTRY = "[[known]]\nrule = 'EP-05'\nreason = 'ticket 7'\n"


@pytest.fixture
def file(tmp_path):
    def write(text):
        (tmp_path / "known.toml").write_text(text, encoding="utf-8")
        return tmp_path / "known.toml"

    return write


def test_a_file_of_known_failures_is_a_list_of_waivers(file):
    assert read_expected_failures(file(f"{ENTRY}expires = 2027-01-31")) == (EXPECTED,)
    assert read_expected_failures(file("known = []")) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "known.toml: known is missing."),
        ("known = 3", "known.toml: known must be a list of tables, not 3."),
        ("[[knwon]]", "known.toml: there is no key 'knwon', did you mean 'known'?"),
        (ENTRY, "known.toml, known EP-05: expires is missing."),
        (f"{ENTRY}expires = 2027-01-31\nuntil = 1", "known.toml, known EP-05: there is no key 'until': the ones to"),
        (f"{ENTRY}expires = '2027-01-31'", "known EP-05: expires must be a day such as 2027-01-31, without quotation"),
        (f"{ENTRY}expires = 2027-02-31", "known.toml is not TOML: "),
        (f"{ENTRY}expires = 2027-01-31T00:00:00", "known EP-05: expires must be a day such as 2027-01-31"),
        (f"{ENTRY}expires = 2027-01-31\n{ENTRY}expires = 2027-01-31", "known.toml names EP-05 twice."),
        (
            "[[known]]\nrule = 'EP-05'\nreason = ' '\nexpires = 2027-01-31",
            "known EP-05: reason must be a non-empty text",
        ),
        (
            "[[known]]\nrule = 5\nreason = 'r'\nexpires = 2027-01-31",
            "known.toml, known 1: rule must be a non-empty text",
        ),
        (
            "[[known]]\nrule = 'XX-1'\nreason = 'r'\nexpires = 2027-01-31",
            "known XX-1: there is no rule 'XX-1'. `",
        ),
    ],
)
def test_what_is_no_known_failure_is_one_sentence_with_its_place(file, text, message):
    with pytest.raises(UsageError, match=re.escape(message)) as error:
        read_expected_failures(file(text))
    assert len(str(error.value).splitlines()) == 1


def test_a_run_waives_the_expected_failures_that_hold():
    assert run_waivers([EXPECTED], DAY) == ["EP-05=known until 2027-01-31: ticket 7"]
    assert run_waivers([EXPECTED], AFTER) == []


def sentences(rule_verdict, *, day=DAY, run_verdict=RunVerdict.NOT_CONFORMANT):
    rule = load().rule("EP-05")
    result = RuleResult(rule, Profile.EPAYMENT, rule_verdict, "")
    return list(outdated([EXPECTED], [result], run_verdict, day))


def test_an_expected_failure_that_fails_is_up_to_date_until_its_end():
    assert sentences(RuleVerdict.VIOLATED) == []
    assert sentences(RuleVerdict.VIOLATED, day=AFTER) == [
        "EP-05 was to be mended by 2027-01-31 (ticket 7): it has expired"
    ]


def test_an_expected_failure_that_does_not_fail_is_out_of_date():
    for day in (DAY, AFTER):
        assert sentences(RuleVerdict.PASSED, day=day) == [
            "EP-05 is known to fail (ticket 7), and does not fail any more: take it out"
        ]


def test_an_expected_failure_that_decides_nothing_is_out_of_date_when_the_run_is_complete():
    complaint = "EP-05 is known to fail (ticket 7), and decides nothing in this run (excluded): take it out"
    assert sentences(RuleVerdict.EXCLUDED) == [complaint]
    assert sentences(RuleVerdict.EXCLUDED, run_verdict=RunVerdict.INTERRUPTED) == []
