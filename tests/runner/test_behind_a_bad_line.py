"""A few of the plans of `tests.faults`: a correct provider is accused of nothing, and a faulty one is still found."""

from conformance.domain.order import Profile
from conformance.sandbox import Options
from tests.faults.__main__ import detected
from tests.faults.disturbed import Plan, Provider, play, running_server
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
