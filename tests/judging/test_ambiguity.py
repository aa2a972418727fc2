"""Requests that were not answered: a read settles what they did, and what follows accuses nobody."""

import pytest

from conformance.domain.steps import Cancel, Capture, Read
from conformance.runner.trial import TrialStatus
from tests.model.on_paper import INITIAL, R
from tests.runner.test_trial import CANCELLED, CONFLICT, DONE, RESERVED, tried

GONE = {"answer.outcome": "lost", "answer.cause": "the connection was reset"}
HALF = {**RESERVED, "view.captured": 400, "view.log.captured": 400}
READ = {}


def again(answer, times=1):
    return {**answer, "answer.unanswered": times}


def statuses(notes):
    return [(note["status"], note.get("ambiguous", False)) for _, note in notes]


@pytest.mark.parametrize(
    ("view", "branch"), [(CANCELLED, "cancelled"), (RESERVED, "unchanged")], ids=["carried out", "not carried out"]
)
def test_a_read_settles_what_a_lost_cancel_did_and_the_history_goes_on(view, branch):
    trial, _, notes = tried(R, INITIAL, [Cancel(), Read()], [DONE, GONE, READ], [RESERVED, view])
    assert statuses(notes) == [("conforms", False), ("inconclusive", True), ("conforms", False)]
    assert (trial.ending, trial.steps) == (TrialStatus.INCONCLUSIVE, 3)
    assert trial.cause == "no answer (the connection was reset)"
    assert "RE-03" in notes[1][1]["examples"]
    assert any(branch in name for name in notes[1][1]["branches"]), notes[1][1]["branches"]


def test_a_lost_cancel_that_left_what_no_cancel_leaves_ends_the_history_and_accuses_nobody():
    trial, _, notes = tried(R, INITIAL, [Cancel(), Read()], [DONE, GONE], [RESERVED, HALF])
    assert statuses(notes) == [("conforms", False), ("inconclusive", False)]
    assert (trial.ending, trial.findings) == (TrialStatus.INCONCLUSIVE, ())


def test_both_ways_are_carried_where_no_read_can_tell_them_apart():
    # The capture is answered as one of a charge that was cancelled, or as one of a charge that was not.
    for view, capture in ((RESERVED, DONE), (CANCELLED, CONFLICT)):
        after = {**RESERVED, "view.captured": 1000, "view.log.captured": 1000} if capture is DONE else CANCELLED
        after = {**after, "view.state": "CHARGED"} if capture is DONE else after
        _, _, notes = tried(R, INITIAL, [Cancel(), Capture(1000)], [DONE, GONE, capture], [RESERVED, view, after])
        assert statuses(notes)[2] == ("conforms", False), notes[2]


def test_what_comes_late_is_no_violation():
    # The cancel was still under way when the order was read: it is seen after a capture was refused for no reason.
    views = [RESERVED, RESERVED, HALF]
    trial, _, notes = tried(R, INITIAL, [Cancel(), Capture(400), Read()], [DONE, GONE, CONFLICT], views)
    assert (trial.ending, trial.findings) == (TrialStatus.INCONCLUSIVE, ())
    assert "an earlier request of this history was not answered" in notes[-1][1]["cause"]


def test_a_request_that_is_answered_when_it_is_sent_again_is_judged_like_any_other():
    trial, _, notes = tried(R, INITIAL, [Cancel()], [DONE, again(DONE)], [RESERVED, CANCELLED])
    assert trial.ending is TrialStatus.CONFORMS
    assert "RE-03" in notes[1][1]["examples"]


def test_a_cancel_that_is_refused_when_it_is_sent_again_may_have_been_carried_out_before():
    trial, _, notes = tried(R, INITIAL, [Cancel(), Read()], [DONE, again(CONFLICT), READ], [RESERVED, CANCELLED])
    assert statuses(notes)[1:] == [("inconclusive", True), ("conforms", False)]
    assert trial.ending is TrialStatus.INCONCLUSIVE
    assert "sent more than once" in trial.cause


def test_without_doubt_the_same_is_a_violation():
    trial, _, _ = tried(R, INITIAL, [Cancel(), Read()], [DONE, CONFLICT], [RESERVED, CANCELLED])
    assert trial.ending is TrialStatus.VIOLATES


@pytest.mark.parametrize(
    "answer",
    [
        {"answer.outcome": "refused", "answer.status": 403, "answer.page": True},
        {"answer.outcome": "odd", "answer.status": 200, "answer.page": True},
        {"answer.outcome": "broken", "answer.status": 500},
    ],
)
def test_an_answer_of_something_in_between_accuses_nobody(answer):
    for view in (RESERVED, CANCELLED, HALF):
        trial, _, _ = tried(R, INITIAL, [Cancel()], [DONE, answer], [RESERVED, view])
        assert (trial.ending, trial.findings) == (TrialStatus.INCONCLUSIVE, ())
