"""What the entries of a cancel say of themselves is told from the log alone, whatever the target's clock."""

from datetime import date

import pytest

from conformance.domain.messages import NoResponse, Response
from conformance.domain.steps import Cancel, Defect
from conformance.wire import OrderIdentifiers
from conformance.wire.log_entries import key_of_cancels, moment, reference_of_cancels, releases, time_of_cancels

DONE, REFUSED = Response(200), Response(409)


def ticket(**known):
    return OrderIdentifiers("cctest-0001", date(2026, 11, 23), **known)


def after_cancels(*answers, defect=None):
    """Return the identifiers after cancels that were answered so, and their keys."""
    ids = ticket()
    keys = [ids.key_for(Cancel(defect=defect)) for _ in answers]
    for key, answer in zip(keys, answers, strict=True):
        ids.note_cancel(Cancel(defect=defect), key, answer)
    return ids, keys


def whose(ids, *keys):
    return key_of_cancels([{"idempotencyKey": key} for key in keys], ids)


def test_the_key_of_a_cancel_that_was_carried_out_is_known():
    ids, (first,) = after_cancels(DONE)
    creation = ids.fresh_key()
    assert whose(ids, first) == "the cancel's"
    assert whose(ids, creation) == whose(ids, first, creation) == "another request's"
    assert whose(ids, "b1f2") == "unknown"
    assert whose(ids, None) == whose(ids, first, 7) == "left out"
    assert whose(ids) is None


def test_the_key_of_a_refused_cancel_is_not_that_of_the_cancel():
    ids, (first, second) = after_cancels(DONE, REFUSED)
    assert (whose(ids, first), whose(ids, second)) == ("the cancel's", "another request's")


@pytest.mark.parametrize("answer", [NoResponse("timeout"), Response(500), Response(202)])
def test_a_cancel_that_may_have_been_carried_out_may_be_in_the_log(answer):
    ids, (key,) = after_cancels(answer)
    assert whose(ids, key) == "the cancel's"


def test_a_cancel_without_a_key_has_one_that_nobody_knows():
    ids, (key,) = after_cancels(DONE, defect=Defect.NO_KEY)
    assert whose(ids, "target-made") is whose(ids, key) is None


def test_nothing_is_said_of_keys_that_are_not_known():
    assert whose(ticket(cancel_keys=None), "anything") is None


@pytest.mark.parametrize(
    ("reference", "told"),
    [("9", "its own"), ("1", "the creation's"), ("2", "another event's"), (None, "left out"), (9, "left out")],
)
def test_the_reference_of_an_event_is_its_own_or_another_ones(reference, told):
    assert reference_of_cancels([{"pspReference": reference}], "1", ["1", "2"]) == told
    assert reference_of_cancels([{"pspReference": "9"}, {"pspReference": reference}], "1", ["1", "2"]) == told
    assert reference_of_cancels([], "1", ["1", "2"]) is None


MADE = "2026-11-23T12:00:00Z"


@pytest.mark.parametrize(
    ("stamp", "told"),
    [
        ("2026-11-23T12:00:01Z", "after the creation"),
        ("2026-11-23T11:58:00.123456789Z", "after the creation"),
        ("2026-11-23T13:00:01+01:00", "after the creation"),
        ("2026-11-23t12:00:01z", "after the creation"),
        ("2026-11-23T11:00:00", "after the creation"),
        ("2027-03-01T00:00:00Z", "after the creation"),
        ("2026-11-23T11:00:00Z", "before the creation"),
        ("2036-11-23T12:00:00Z", "over a year after the creation"),
        ("23.11.2026 12:00", "no date and time"),
        ("", "no date and time"),
        (1795435200, "no date and time"),
        (None, "left out"),
    ],
)
def test_the_time_of_a_cancel_is_compared_with_that_of_the_creation(stamp, told):
    assert time_of_cancels([stamp], MADE, aged=False) == told


def test_an_order_that_was_made_older_may_end_at_any_time_after_its_creation():
    assert time_of_cancels(["2036-11-23T12:00:00Z"], MADE, aged=True) == "after the creation"
    assert time_of_cancels(["2026-11-22T12:00:00Z"], MADE, aged=True) == "before the creation"
    assert time_of_cancels(["2026-11-22T12:00:00Z"], None, aged=False) == "after the creation"
    assert time_of_cancels([], MADE, aged=False) is None


def test_only_amounts_of_money_count():
    assert releases([1000, 0, None, "1000", True, -5]) == 2


@pytest.mark.parametrize("stamp", [None, 5, "", "noon", ["2026-11-23T12:00:00Z"]])
def test_what_is_no_time_is_none(stamp):
    assert moment(stamp) is None
