"""What a run observed and no rule decides: which of it is counted, and how it is shown."""

import asyncio
import json
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator

from conformance.domain.order import Market, Profile
from conformance.evidence.journal import Evidence
from conformance.evidence.records import FinishRecord
from conformance.judging.verdicts import RunVerdict
from conformance.reports.formats.json_report import report_as_json
from conformance.reports.formats.markdown import summary_text
from conformance.reports.wording.headline import headline
from conformance.reports.wording.troubles import troubles
from conformance.results.result import result_of
from conformance.rulebook import Readings
from conformance.runner.executor import CaseExecutor
from conformance.sandbox import Ecom, EPayment, Provider
from conformance.sandbox.wire import gateway_response
from tests.museum import stage
from tests.museum.clock import Ticking
from tests.reports.schemas import report_schema


class AuthorizesOneLess(EPayment):
    """An approved payment is authorized for one unit less than it is about."""

    def serve(self, call, handler):
        response = super().serve(call, handler)
        if handler != "get_payment" or response.status != 200:
            return response
        body = json.loads(response.body)
        authorized = body["aggregate"]["authorizedAmount"]
        authorized["value"] -= bool(authorized["value"])
        return replace(response, body=json.dumps(body).encode())


class RefusesWith500(Ecom):
    """A cancel of what is captured is refused with a server error."""

    def refuse_cancel(self, call, order, refusal):
        if order.captured:
            return gateway_response(500, "Internal error")
        return super().refuse_cancel(call, order, refusal)


def of(profile, histories=40, **apis):
    """Return the result of a run's first histories against a provider."""

    async def play():
        provider = Provider(now=Ticking(), **apis)
        on = await stage.stage_for(provider, profile, Readings.documented(), Market.NO, 0)
        cases = stage.SharedSchedule(on.run_session).of(profile)[:histories]
        await CaseExecutor(on.run_session, on.ledger).run_all(cases)
        on.ledger.append(FinishRecord(ended="complete", message="", seconds=0))
        return result_of(Evidence(tuple(on.ledger.records)))

    return asyncio.run(play())


@pytest.fixture(scope="module")
def less():
    return of(Profile.EPAYMENT, 8, epayment=AuthorizesOneLess)


@pytest.fixture(scope="module")
def broken():
    return of(Profile.ECOM, 100, ecom=RefusesWith500)


def test_a_provider_that_is_right_shows_nothing_unexpected():
    assert [of(profile, 12).unexpected for profile in Profile] == [(), (), ()]


def test_a_wrong_amount_in_our_own_preparation_is_counted(less):
    (only,) = [each for each in less.unexpected if each.do == "approve"]
    assert (only.kind, only.rules, only.step) == ("field", (), 1)
    assert only.times > 3
    assert only.reason.startswith("view.authorized should be ")


def test_it_is_shown_on_the_first_screen_with_every_verdict(less):
    for verdict in (RunVerdict.CONFORMANT, RunVerdict.INCOMPLETE):
        result = replace(less, verdict=verdict)
        (shown,) = [each for each in troubles(result) if each.title == "Not as expected, and no rule decides"]
        assert "“authorized, when read back” should be" in shown.lines[0]
        assert "Not as expected, and no rule decides" in summary_text(result)
    assert "that no rule decides" in headline(replace(less, verdict=RunVerdict.CONFORMANT))


def test_the_same_server_error_each_time_is_told_with_the_rules_that_it_was_about(broken):
    errors = [each for each in broken.unexpected if each.kind == "server-error"]
    assert {rule for each in errors for rule in each.rules} >= {"EC-08", "EC-09", "KB-07"}
    assert {each.reason for each in errors} == {"the response was HTTP 500 each time"}
    assert all(each.times >= 3 for each in errors)


def test_it_stands_in_the_report_for_programs(less, broken):
    for result in (less, broken):
        report = report_as_json(result)
        assert report["unexpected"][0]["times"] == result.unexpected[0].times
        part = report_schema()["properties"]["unexpected"]
        schema = {"$defs": report_schema()["$defs"], **part}
        assert list(Draft202012Validator(schema).iter_errors(report["unexpected"])) == []
