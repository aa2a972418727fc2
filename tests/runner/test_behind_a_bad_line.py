"""A few of the plans of `tests.faults`: a correct provider is accused of nothing, and a faulty one is still found."""

from conformance.domain.messages import Response
from conformance.domain.order import Profile
from conformance.domain.steps import Approve, Cancel, History, Initiate
from conformance.evidence.journal import read_journal
from conformance.reports.wording.troubles import troubles
from conformance.results.result import result_of
from conformance.sandbox import EPayment, Options
from tests.faults.__main__ import detected
from tests.faults.disturbed import Plan, Provider, play, running_server, showing
from tests.faults.proxy import SHARES
from tests.museum.exhibits import FAULTS


def test_a_correct_provider_is_accused_of_nothing(tmp_path):
    with running_server(Provider(Options(rate_limit=False))) as url:
        came = play(tmp_path, Plan(2, share=max(SHARES)), Profile.RECURRING, url)
    assert not came.violated, came.reasons
    assert came.judgements["conforms"]


def test_a_faulty_provider_is_found(tmp_path):
    fault = next(fault for fault in FAULTS if fault.depth == "blatant" and fault.profile is Profile.EPAYMENT)
    assert detected(fault, 2, tmp_path).violated & fault.red


class BehindAGateway(EPayment):
    """Something in front of it refuses every cancel, in a form of its own."""

    def serve(self, call, handler):
        if call.path.endswith("/cancel"):
            body = b'{"statusCode":404,"message":"Resource not found"}'
            return Response(404, (("Content-Type", "application/json"),), body)
        return super().serve(call, handler)


def test_a_gateway_that_refuses_every_cancel_is_named_on_the_first_screen(tmp_path):
    with running_server(Provider(Options(rate_limit=False), epayment=BehindAGateway)) as url:
        plain = History(Profile.EPAYMENT, Initiate(1000), (Approve(), Cancel()))
        came = play(tmp_path, Plan(0, share=0.0), Profile.EPAYMENT, url, showing(plain))
    assert (came.verdict, came.violated) == ("INCOMPLETE", frozenset())
    result = result_of(read_journal(tmp_path))
    assert {each.kind for each in result.unexpected} == {"in-between"}
    (trouble,) = troubles(result)
    assert "something between the suite and the target may have sent it" in trouble.lines[0]
