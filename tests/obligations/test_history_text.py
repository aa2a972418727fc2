"""The short form of a merchant's histories."""

import pytest
from hypothesis import given, settings
from hypothesis.vendor.pretty import pretty

from conformance import merchant_histories, merchant_history
from conformance.domain.order import Profile
from conformance.domain.steps import HistoryError
from conformance.obligations.history import Behaviour, Fault, MerchantStep


@pytest.mark.parametrize("profile", [profile.value for profile in Profile])
def test_a_history_is_printed_as_it_is_written(profile):
    @settings(max_examples=100, database=None, deadline=None)
    @given(merchant_histories(profile))
    def check(drawn):
        assert eval(repr(drawn), {"merchant_history": merchant_history}) == drawn
        assert eval(pretty(drawn), {"merchant_history": merchant_history}) == drawn

    check()


def test_everything_that_a_person_may_write():
    written = merchant_history(
        "epayment",
        "create",
        "create order=1",
        "wait 20",
        "capture 300 order=1",
        amounts=[1000, 999],
        faults=["cancel busy-429 at=2 times=0 seconds=5"],
        provider={"second_cancel": "repeat"},
    )
    assert written.steps == (
        MerchantStep("create"),
        MerchantStep("create", 1),
        MerchantStep("wait", 0, 20),
        MerchantStep("capture", 1, 300),
    )
    assert written.faults == (Fault("cancel", "busy-429", 2, 0, 5),)
    assert written.behaviour == Behaviour(second_cancel="repeat")


@pytest.mark.parametrize(
    ("steps", "options", "words"),
    [
        (["fly"], {}, "'fly', which is not known. There are: create, cancel, "),
        (["cancle"], {}, "'cancle', which is not known. Did you mean 'cancel'?"),
        (["capture much"], {}, "'much' is neither a number nor name=number"),
        (["create order=1"], {}, "a step of an order that it does not have"),
        (["create"], {"faults": ["cancel"]}, "'', which is not known"),
        (["create"], {"provider": {"mood": "bad"}}, "not complete"),
    ],
)
def test_what_cannot_be_read_is_said(steps, options, words):
    with pytest.raises(HistoryError, match=words):
        merchant_history("epayment", *steps, **options)
