"""Every report names a merchant's defects, with what follows from each, and the words for its histories."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from msgspec import structs

from conformance.cli.summary import _lines
from conformance.domain.order import Profile
from conformance.evidence.journal import Evidence
from conformance.evidence.record_parts import EventRecord, PaymentRecord, ProviderRecord
from conformance.evidence.records import BooksRecord, CapabilitiesRecord, RunRecord
from conformance.obligations.history import STEPS, MerchantHistory, MerchantStep
from conformance.reports.formats.json_report import report_as_json
from conformance.reports.formats.junit import junit_text
from conformance.reports.formats.markdown import summary_text
from conformance.reports.html.render import html_text
from conformance.reports.wording.headline import headline
from conformance.reports.wording.merchant import happening_in_words, merchant_step_in_words
from conformance.results.result import Result, result_of
from tests.reports.schemas import report_schema
from tests.results.merchant_records import RESERVED, broken, played, reserved_at_the_end, result


@pytest.fixture(name="found", scope="module")
def found_() -> Result:
    """A shop that cancels nothing, in which M18 follows; and one recommendation that is not followed."""
    under_faults = [played(n, broken("M18"), broken("M16", "M18"), fault=True) for n in range(2)]
    own = [[*played(10 + n, broken("M16")), *reserved_at_the_end(10 + n)] for n in range(4)]
    return result(*under_faults, *own, played(20, broken("M13")))


ALSO = "Also violated because of this: M18 (2 histories)"
STAKE = "At stake: 10.00 NOK of the customer’s money stays reserved."


def test_terminal_and_summary_name_each_defect_once(found):
    terminal = "\n".join(_lines(found, Path("run"), 8))
    for text in (terminal, summary_text(found)):
        assert ALSO in text
        assert STAKE in text
    assert [line[:3] for line in terminal.splitlines() if "is violated:" in line] == ["M16"]
    assert "Warning: M13" in terminal


def test_report_json_has_the_defects(found):
    report = report_as_json(found)
    Draft202012Validator(report_schema()).validate(json.loads(json.dumps(report)))
    first, second = report["defects"]
    assert (first["rule"], first["histories"], first["without_fault"]) == ("M16", 6, 4)
    assert first["money"] == {
        "amount": 1000, "currency": "NOK", "sentence": "10.00 NOK of the customer’s money stays reserved.",
    }  # fmt: skip
    assert first["rules"] == [{"rule": "M18", "histories": 2}]
    assert (second["rule"], second["verdict"], second["money"]) == ("M13", "WARNING", None)
    assert {rule["id"] for rule in report["rules"] if rule["verdict"] == "VIOLATED"} == {"M16", "M18"}


def test_the_page_lists_a_consequence_under_its_defect(found):
    page = html_text(found)
    assert 'article class="violation" id="violation-epayment-M16"' in page
    assert 'article class="violation" id="violation-epayment-M18"' not in page
    assert '<span id="violation-epayment-M18">' in page
    assert STAKE in page


def test_junit_keeps_every_rule(found):
    assert junit_text(found).count("<failure") == 2


def test_the_first_screen_names_the_product_and_what_it_declares(found):
    def changed(record):
        match record:
            case RunRecord():
                target = structs.replace(record.target, product="Acme checkout", version="2.4")
                return structs.replace(record, target=target)
            case CapabilitiesRecord():
                return structs.replace(record, declared={"ends_unshipped_after": 604_800})
            case _:
                return record

    named = result_of(Evidence(tuple(map(changed, found.evidence.records))))
    assert headline(named).startswith("Not conformant (Acme checkout 2.4): 1 defect found")
    declared = "Declared by the integration: ends orders that are not shipped after 7 days."
    assert declared in html_text(named)
    assert declared in summary_text(named)
    Draft202012Validator(report_schema()).validate(json.loads(json.dumps(report_as_json(named))))


@pytest.mark.parametrize("do", STEPS)
def test_every_step_has_words(do):
    history = MerchantHistory(Profile.RECURRING, (1000, 1000), (MerchantStep("create"),))
    assert merchant_step_in_words(MerchantStep(do, number=3600), history, "NOK")


def test_time_is_told_in_hours_and_days():
    history = MerchantHistory(Profile.EPAYMENT, (1000,), (MerchantStep("create"),))
    words = [merchant_step_in_words(MerchantStep("live", number=n), history, "NOK") for n in (300, 7_200, 1_209_600)]
    assert [each.partition(" pass")[0] for each in words] == ["5 minutes", "2 hours", "14 days"]


def test_an_event_is_told_with_who_caused_it_and_each_payment_with_where_it_is():
    truth = ProviderRecord(**RESERVED)
    gone = structs.replace(truth, stage="cancelled", remaining=0, cancelled=1000)
    events = [
        EventRecord(api="epayment", id="p-1", event="release", amount=1000, at=5.0, by=by) for by in ("bank", "shop")
    ]
    payments = (("p-1", gone), ("p-2", truth))
    books = BooksRecord(
        history="h", step=1, order=0, view={"status": "open"}, truth=truth, events=tuple(events),
        payments=tuple(PaymentRecord(api="epayment", id=id_, truth=each) for id_, each in payments),
    )  # fmt: skip
    assert list(happening_in_words(books, several=False)) == [
        "release of 10.00 NOK (1000), caused by the customer’s bank",
        "the merchant’s books say open; payment p-1 is cancelled; payment p-2 is reserved",
    ]
