"""What is special about a cancel, in words."""

from datetime import timedelta

import pytest

from conformance.domain import request_words
from conformance.domain.order import Profile
from conformance.domain.request_words import special_in_words
from conformance.domain.steps import Addressee, Cancel, Capture, Defect, Key, Read, Together

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("kind", "table"),
    [(Defect, request_words.DEFECTS), (Key, request_words.KEYS), (Addressee, request_words.ADDRESSEES)],
)
def test_every_kind_of_request_has_its_words(kind, table):
    assert [member.value for member in kind if member.value not in table] == []


@pytest.mark.parametrize(
    ("step", "age", "words"),
    [
        (Cancel(), None, ""),
        (Cancel(), timedelta(hours=23), ""),
        (Read(), 5 * DAY, ""),
        (Capture(100), 5 * DAY, ""),
        (Cancel(), DAY, "a cancel 1 day after the reservation"),
        (Cancel(flag=False), None, "a cancel with cancelTransactionOnly false"),
        (Cancel(to=Addressee.UNKNOWN), None, "a cancel of an order that does not exist"),
        (
            Cancel(defect=Defect.BAD_SUBSCRIPTION_KEY),
            None,
            "a cancel with the last character of the subscription key changed",
        ),
        (
            Cancel(flag=True, key=Key.SAME),
            181 * DAY,
            "a cancel with cancelTransactionOnly true, with the idempotency key of the cancel before it, "
            "181 days after the reservation",
        ),
        (Together(Cancel(flag=True), Capture(5)), None, "a cancel with cancelTransactionOnly true"),
    ],
)
def test_only_what_is_special_is_named(step, age, words):
    assert special_in_words(step, Profile.EPAYMENT, age) == words


def test_an_api_without_a_flag_names_none():
    assert special_in_words(Cancel(flag=True), Profile.RECURRING, None) == ""
