"""The short form of histories: what a person may write, and what is said of what nobody can read."""

import pytest

from conformance.domain.history_text import history
from conformance.domain.order import Kind
from conformance.domain.steps import (
    Addressee,
    Age,
    Approve,
    Cancel,
    Capture,
    HistoryError,
    Initiate,
    Key,
    Leave3DS,
    Together,
    timedelta,
)


def test_every_kind_of_step():
    written = history(
        "epayment",
        "initiate 2500",
        "enter-3ds",
        "leave-3ds success=false",
        "age 1 day 2 hours 3 minutes 4 seconds",
        "cancel flag=true key=same",
        "cancel to=unknown",
        "cancel flag=false & capture 300",
    )
    assert written.opening == Initiate(2500)
    assert written.steps[1:] == (
        Leave3DS(success=False),
        Age(timedelta(days=1, hours=2, minutes=3, seconds=4)),
        Cancel(flag=True, key=Key.SAME),
        Cancel(to=Addressee.UNKNOWN),
        Together(Cancel(flag=False), Capture(300)),
    )


def test_an_order_is_a_payment_of_ten_unless_it_is_said_otherwise():
    assert history("ecom", "approve").opening == Initiate()
    assert history("ecom", "approve").steps == (Approve(),)
    charge = history("recurring", "initiate 700 kind=charge-reserve", "cancel")
    assert charge.opening == Initiate(700, Kind.CHARGE_RESERVE)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (["fly"], "step 1 is 'fly', which is no step. There are: age, another-charge, approve, "),
        (["approve", "cancle"], "step 2 is 'cancle', which is no step. Did you mean 'cancel'?"),
        ([""], "step 1 is '', which is no step"),
        (["cancel flga=true"], r"step 1 \(cancel\) has no field 'flga'. Did you mean 'flag'?"),
        (["approve 300"], r"\(approve\) has no field 'amount'. There are: none."),
        (["cancel key=sam"], "field 'key': 'sam' is unknown. Did you mean 'same'?"),
        (["capture"], "needs amount"),
        (["capture much"], "'much' is neither an amount in minor units nor name=value"),
        (["age long"], "an age is written as in 'age 181 days'"),
        (["age 3 moons"], "an age is written as in 'age 181 days'"),
        (["age"], "an age is written as in 'age 181 days'"),
        (["cancel flag=maybe"], "field 'flag': must be true or false"),
        (["cancel & age 1 day"], "cannot be sent together with a cancel"),
        (["become-due"], "does not exist in epayment"),
    ],
)
def test_what_cannot_be_read_is_said(steps, words):
    with pytest.raises(HistoryError, match=words):
        history("epayment", *steps)
