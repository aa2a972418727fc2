"""One history against one scripted target: how often it is asked, what ends a trial, and what is believed."""

import asyncio
from dataclasses import dataclass, field

import pytest

from conformance.domain.order import Profile
from conformance.domain.steps import (
    Approve,
    BecomeDue,
    Cancel,
    Capture,
    Charge,
    Enter3DS,
    History,
    Initiate,
    Key,
    Read,
    Together,
)
from conformance.judging.judge import Finding
from conformance.runner.trial import POLLS, SECOND_LOOKS, TrialResult, TrialStatus, observation_in_words, run_trial
from tests.model.on_paper import INITIAL, E, P, R, context
from tests.stored import stored

LOG = {"view.log.captured": 0, "view.log.refunded": 0, "view.log.cancels": 0, "view.log.cancelled": 0}
SOUND = {"view.outcome": "accepted", "view.negative": False, "view.overrefunded": False, "view.overdrawn": False}
RESERVED = {**SOUND, **LOG, "view.state": "RESERVED", "view.currency": "NOK"}
RESERVED |= {"view.captured": 0, "view.refunded": 0, "view.cancelled": 0}
CANCELLED = {
    **RESERVED,
    "view.state": "CANCELLED",
    "view.cancelled": 1000,
    "view.log.cancels": 1,
    "view.log.cancelled": 1000,
}
DONE = {"answer.outcome": "accepted", "answer.status": 204}
LATER = {"answer.outcome": "pending", "answer.status": 202}
CONFLICT = {"answer.outcome": "refused", "answer.status": 409, "answer.code": "conflict"}


@dataclass
class Scripted:
    """Answers with what it was told to; the last view stays until there is another one."""

    answers: list
    views: list
    complete: bool = True
    doubted: bool = False
    asked: list = field(default_factory=list)
    paused: list = field(default_factory=list)

    async def perform(self, step):
        self.asked.append(step)
        return dict(self.answers.pop(0))

    async def look(self, purpose, *, log):
        self.asked.append((purpose, log))
        return dict(self.views.pop(0) if len(self.views) > 1 else self.views[0])

    async def pause(self, attempt):
        self.paused.append(attempt)


async def nowhere(history):
    raise AssertionError(f"nothing is to be played elsewhere: {history}")


def tried(profile, opening, steps, answers, views, elsewhere=nowhere, **changes):
    driver, notes = Scripted(list(answers), list(views), **changes), []

    def note(step, do, observed, judgement, expectation, *, superseded=False):
        response = observation_in_words(observed)
        record = judgement.as_record(expectation, history="h", step=step, do=do, response=response, observed=observed)
        notes.append((step, stored(record) | ({"superseded": True} if superseded else {})))

    trial = asyncio.run(run_trial(History(profile, opening, tuple(steps)), driver, context(), note, elsewhere))
    return trial, driver, notes


def polls(driver):
    return sum(one == ("poll", True) for one in driver.asked)


def test_a_cancel_that_is_accepted_is_asked_after_until_it_is_done():
    views = [RESERVED, *[RESERVED] * 4, CANCELLED]
    trial, driver, notes = tried(R, INITIAL, [Cancel()], [DONE, LATER], views)
    assert trial.ending is TrialStatus.CONFORMS
    assert polls(driver) == 4
    assert driver.paused == [1, 2, 3, 4]
    assert {"RE-03", "RE-21"} <= set(trial.examples)
    assert [(step, note["do"], note["seen"]) for step, note in notes] == [
        (0, "initiate", "accepted 204"),
        (1, "cancel", "pending 202"),
    ]


def test_a_cancel_that_is_never_done_proves_nothing_in_the_end():
    trial, driver, notes = tried(R, INITIAL, [Cancel(), Read()], [DONE, LATER], [RESERVED])
    assert trial.ending is TrialStatus.INCONCLUSIVE
    assert trial.cause == "accepted, but not done when we stopped asking"
    assert polls(driver) == POLLS
    assert notes[-1][1]["status"] == "inconclusive"
    assert "RE-03" in notes[-1][1]["examples"]


def test_a_success_is_given_a_second_look_before_it_is_a_violation():
    trial, driver, _ = tried(R, INITIAL, [Cancel()], [DONE, DONE], [RESERVED, RESERVED, CANCELLED])
    assert (trial.ending, polls(driver)) == (TrialStatus.CONFORMS, 1)
    trial, driver, notes = tried(R, INITIAL, [Cancel()], [DONE, DONE], [RESERVED])
    assert (trial.ending, polls(driver)) == (TrialStatus.VIOLATES, SECOND_LOOKS)
    assert "RE-03" in {finding.rule for finding in trial.findings}
    assert notes[-1][1]["expected"]


def test_a_refusal_is_read_once():
    _, driver, _ = tried(R, INITIAL, [Cancel()], [DONE, CONFLICT], [RESERVED])
    assert driver.asked == [INITIAL, ("read", False), Cancel(), ("read", True)]


def test_a_violation_ends_the_trial():
    trial, driver, notes = tried(R, INITIAL, [Cancel(), Cancel(), Capture(100)], [DONE, CONFLICT], [RESERVED])
    assert trial.ending is TrialStatus.VIOLATES
    assert (trial.steps, len(notes)) == (2, 2)
    assert driver.answers == []


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ({"answer.outcome": "broken", "answer.status": 503}, "the target answered with a server error (503)"),
        ({"answer.outcome": "busy", "answer.status": 429}, "the target asked to slow down (429)"),
        ({"answer.outcome": "odd", "answer.status": 302}, "the answer is neither a success nor an error (302)"),
    ],
)
def test_an_answer_that_proves_nothing_ends_the_trial_and_accuses_nobody(answer, cause):
    trial, driver, _ = tried(R, INITIAL, [Cancel(), Read()], [DONE, answer], [RESERVED])
    assert (trial.ending, trial.cause, trial.findings) == (TrialStatus.INCONCLUSIVE, cause, ())
    assert polls(driver) == 0


def test_a_state_that_cannot_be_read_accuses_nobody():
    trial, _, _ = tried(
        R, INITIAL, [Cancel()], [DONE, DONE], [RESERVED, {"view.outcome": "broken", "view.status": 500}]
    )
    assert trial.ending is TrialStatus.INCONCLUSIVE
    assert "when the order was read back" in trial.cause


@pytest.mark.parametrize("second", [CONFLICT, DONE, LATER])
def test_after_a_cancel_a_second_one_may_be_refused_or_repeated(second):
    steps = [Cancel(), Cancel(), Read()]
    views = [RESERVED, CANCELLED]
    trial, _, notes = tried(R, INITIAL, steps, [DONE, DONE, second, {}], views)
    assert trial.ending is TrialStatus.CONFORMS
    assert "RE-09" in trial.examples
    assert notes[2][1]["readings"]["C10"] == ("reject" if second is CONFLICT else "replay")


def test_a_second_cancel_that_takes_the_first_one_back_is_a_violation():
    trial, _, _ = tried(R, INITIAL, [Cancel(), Cancel()], [DONE, DONE, CONFLICT], [RESERVED, CANCELLED, RESERVED])
    assert trial.ending is TrialStatus.VIOLATES
    assert "INV-1" in {finding.rule for finding in trial.findings}


def test_what_the_first_answer_was_decides_what_its_key_may_be_answered():
    steps = [Cancel(), Cancel(key=Key.SAME)]
    views = [RESERVED, CANCELLED]
    assert tried(R, INITIAL, steps, [DONE, DONE, DONE], views)[0].ending is TrialStatus.CONFORMS
    trial, _, _ = tried(R, INITIAL, steps, [DONE, DONE, CONFLICT], views)
    assert {finding.rule for finding in trial.findings} == {"RE-10"}


DUE = {**RESERVED, "view.state": "DUE"}
CHARGED = {**RESERVED, "view.state": "CHARGED", "view.captured": 1000, "view.log.captured": 1000}


def test_a_new_charge_is_believed_to_be_what_it_is_read_back_as():
    opening = Initiate(kind=INITIAL.kind.CHARGE_DIRECT)
    refused = {"answer.outcome": "refused", "answer.status": 409}
    # The charge is due already, so that the step that makes it due changes nothing.
    trial, _, _ = tried(R, opening, [BecomeDue(), Charge()], [DONE, refused, DONE], [DUE, DUE, CHARGED])
    assert trial.ending is TrialStatus.CONFORMS


def test_an_order_that_could_not_be_brought_there_accuses_nobody():
    refused = {"answer.outcome": "refused", "answer.status": 404}
    trial, _, _ = tried(
        E, Initiate(), [Approve()], [{"answer.outcome": "refused", "answer.status": 400}, refused], [{}]
    )
    assert trial.ending is TrialStatus.INCONCLUSIVE
    assert trial.steps == 1


CREATED = {**SOUND, "view.state": "CREATED", "view.currency": "NOK", "view.authorized": 0}
CREATED |= {"view.captured": 0, "view.refunded": 0, "view.cancelled": 0}


def test_a_player_without_http_is_judged_by_what_it_can_speak_of():
    spoken = {name: value for name, value in CREATED.items() if name != "view.currency"}
    over = {**spoken, "view.state": "TERMINATED", "view.cancelled": 1000}
    answer = {"answer.outcome": "accepted"}
    views = [spoken, over]
    trial, _, _ = tried(P, Initiate(), [Cancel()], [answer, answer], views, complete=False)
    assert trial.ending is TrialStatus.CONFORMS
    trial, _, _ = tried(P, Initiate(), [Cancel()], [answer, answer], [spoken], complete=False)
    assert trial.ending is TrialStatus.VIOLATES
    assert "EP-01" in {finding.rule for finding in trial.findings}
    assert tried(P, Initiate(), [Cancel()], [answer, answer], views)[0].ending is not TrialStatus.CONFORMS


def test_a_player_that_cannot_speak_of_the_event_log_shows_nothing_about_it():
    answer = {"answer.outcome": "accepted"}
    over = {**CREATED, "view.state": "TERMINATED", "view.cancelled": 1000}
    trial, _, _ = tried(P, Initiate(), [Cancel()], [answer, answer], [CREATED, over], complete=False)
    assert "EP-29" not in trial.examples


ACCEPTED = {"answer.outcome": "accepted", "answer.status": 200}
AUTHORIZED = {**CREATED, "view.state": "AUTHORIZED", "view.authorized": 1000}
RELEASED = {**AUTHORIZED, "view.cancelled": 1000, "view.log.cancelled": 1000}
RELEASED_ANSWER = {
    **ACCEPTED,
    "answer.state": "AUTHORIZED",
    "answer.order": "same",
    "answer.currency": "NOK",
    "answer.authorized": 1000,
    "answer.cancelled": 1000,
    "answer.captured": 0,
    "answer.refunded": 0,
}


def test_a_wrong_field_that_decides_nothing_is_noted_and_the_history_goes_on():
    wrong = {**RELEASED_ANSWER, "answer.psp": "other"}
    spoiled = {**RELEASED, "view.cancelled": 900}
    views = [CREATED, AUTHORIZED, RELEASED, RELEASED, spoiled]
    steps = [Approve(), Cancel(), Read(), Read()]
    trial, driver, notes = tried(P, Initiate(), steps, [ACCEPTED, ACCEPTED, wrong, {}, {}], views)
    assert (trial.ending, trial.steps, trial.ended_early) == (TrialStatus.VIOLATES, 5, True)
    assert {finding.rule for finding in trial.findings} == {"EP-32", "KB-15", "INV-5"}
    assert {"EP-05", "INV-2"} <= set(trial.examples)
    assert "EP-32" not in trial.examples
    assert [note.get("independent", False) for _, note in notes] == [False, False, True, False, False]
    assert polls(driver) == 0


def test_the_same_field_that_is_wrong_again_is_no_second_violation():
    wrong = {"view.currency": "SEK"}
    views = [*[{**CREATED, **wrong}] * (1 + SECOND_LOOKS), {**AUTHORIZED, **wrong}, {**RELEASED, **wrong}]
    steps = [Approve(), Cancel()]
    trial, _, notes = tried(P, Initiate(), steps, [ACCEPTED, ACCEPTED, {**RELEASED_ANSWER, "answer.psp": None}], views)
    assert [finding.rule for finding in trial.findings] == ["INV-10"]
    assert "EP-05" in trial.examples
    assert "INV-10" not in trial.examples
    assert [note["status"] for _, note in notes] == ["violates", "conforms", "conforms"]


def test_a_field_that_is_missing_is_not_asked_for_again():
    views = [{**CREATED, "view.currency": None}]
    trial, driver, _ = tried(P, Initiate(), [], [ACCEPTED], views)
    assert [finding.reason for finding in trial.findings] == ["view.currency should be NOK, but was absent"]
    assert driver.paused == []


def test_what_no_rule_is_about_is_noted():
    odd = {**AUTHORIZED, "view.authorized": 999}
    trial, _, notes = tried(P, Initiate(), [Approve()], [ACCEPTED, ACCEPTED], [CREATED, odd])
    assert trial.ending is TrialStatus.INCONCLUSIVE
    (unexpected,) = notes[-1][1]["unexpected"]
    assert (unexpected["rule"], unexpected["reason"]) == ("", "view.authorized should be 1000, but was 999")


def test_a_server_error_that_is_documented_is_no_excuse_for_what_was_done():
    cancelled = {**CREATED, "view.state": "TERMINATED", "view.cancelled": 1000}
    broken = {"answer.outcome": "broken", "answer.status": 500}
    steps, answers = [Enter3DS(), Cancel()], [ACCEPTED, ACCEPTED, broken]
    trial, _, _ = tried(P, Initiate(), steps, answers, [CREATED, CREATED, cancelled])
    assert trial.ending is TrialStatus.VIOLATES
    assert {finding.rule for finding in trial.findings} == {"EP-09", "KB-05"}
    trial, _, _ = tried(P, Initiate(), [Cancel()], [ACCEPTED, broken], [CREATED, cancelled])
    assert trial.ending is TrialStatus.INCONCLUSIVE


def test_a_step_that_is_no_request_for_money_leaves_the_log_alone():
    _, driver, _ = tried(R, INITIAL, [Read()], [DONE, {}], [RESERVED])
    assert [one for one in driver.asked if isinstance(one, tuple)] == [("read", False), ("read", False)]
    assert Profile.RECURRING is R


# Two requests at the same time

RACE = Together(Cancel(), Capture(1000))
CAPTURED = {**RESERVED, "view.state": "CHARGED", "view.captured": 1000, "view.log.captured": 1000}
BOTH_DONE = {**DONE, "other.outcome": "accepted", "other.status": 204, "sent.together": True}
CANCEL_DONE = {**BOTH_DONE, "other.outcome": "refused", "other.status": 409, "other.code": "charge-capture-failed"}
OUT_OF_BALANCE = {**CAPTURED, "view.cancelled": 1000, "view.overdrawn": True}


class Elsewhere:
    """Plays other histories, each with the ending it was told."""

    def __init__(self, *endings):
        self.endings, self.played = list(endings), []

    async def __call__(self, history):
        self.played.append(history.steps)
        ending = self.endings.pop(0)
        findings = ("what is wrong without a race",) if ending is TrialStatus.VIOLATES else ()
        return TrialResult(ending, own_findings=findings, cause="told so")


def test_a_race_that_one_order_explains_conforms():
    trial, driver, notes = tried(R, INITIAL, [RACE], [DONE, CANCEL_DONE], [RESERVED, CANCELLED])
    assert (trial.ending, trial.examples) == (TrialStatus.CONFORMS, ["INV-11"])
    assert driver.asked[-1] == ("read", True)
    assert notes[-1][1]["seen"] == "accepted 204; refused 409, code charge-capture-failed"


def test_two_requests_that_were_not_under_way_together_are_an_example_of_nothing():
    answer = {**CANCEL_DONE, "sent.together": False}
    trial, _, _ = tried(R, INITIAL, [RACE], [DONE, answer], [RESERVED, CANCELLED])
    assert (trial.ending, trial.examples) == (TrialStatus.CONFORMS, [])


def test_a_race_is_not_excused_by_what_is_wrong_without_it_in_another_field():
    async def elsewhere(history):
        finding = Finding("INV-10", "initiated", "view.currency", "NOK", "SEK")
        return TrialResult(TrialStatus.VIOLATES, own_findings=(finding,))

    trial, _, _ = tried(R, INITIAL, [RACE], [DONE, BOTH_DONE], [RESERVED, OUT_OF_BALANCE], elsewhere)
    assert {finding.rule for finding in trial.findings} == {"INV-11", "INV-4"}


def test_a_race_that_no_order_explains_is_a_violation_where_each_order_alone_conforms():
    elsewhere = Elsewhere(TrialStatus.CONFORMS, TrialStatus.CONFORMS)
    views = [RESERVED, OUT_OF_BALANCE]
    trial, driver, notes = tried(R, INITIAL, [RACE], [DONE, BOTH_DONE], views, elsewhere)
    assert trial.ending is TrialStatus.VIOLATES
    assert {"INV-11", "INV-4"} == {finding.rule for finding in trial.findings}
    assert trial.own_findings == trial.findings
    assert elsewhere.played == [(Cancel(), Capture(1000)), (Capture(1000), Cancel())]
    assert polls(driver) == SECOND_LOOKS
    assert notes[-1][1]["status"] == "violates"


@pytest.mark.parametrize("endings", [(TrialStatus.VIOLATES,), (TrialStatus.CONFORMS, TrialStatus.VIOLATES)])
def test_what_goes_wrong_one_after_the_other_is_no_races_fault(endings):
    elsewhere = Elsewhere(*endings)
    trial, _, notes = tried(R, INITIAL, [RACE], [DONE, BOTH_DONE], [RESERVED, OUT_OF_BALANCE], elsewhere)
    assert (trial.ending, trial.findings) == (TrialStatus.VIOLATES, ("what is wrong without a race",))
    assert trial.own_findings == ()
    assert (notes[-1][1]["status"], notes[-1][1]["superseded"]) == ("inconclusive", True)
    assert notes[-1][1]["cause"].endswith("do not conform either: told so")


def test_where_one_after_the_other_proves_nothing_the_race_does_not_either():
    elsewhere = Elsewhere(TrialStatus.CONFORMS, TrialStatus.INCONCLUSIVE)
    trial, _, _ = tried(R, INITIAL, [RACE], [DONE, BOTH_DONE], [RESERVED, OUT_OF_BALANCE], elsewhere)
    assert (trial.ending, trial.findings) == (TrialStatus.INCONCLUSIVE, ())


@pytest.mark.parametrize("part", ["answer", "other"])
def test_a_race_of_which_one_answer_is_lost_proves_nothing(part):
    lost = {**BOTH_DONE, f"{part}.outcome": "lost", f"{part}.cause": "reset"}
    trial, _, _ = tried(R, INITIAL, [RACE], [DONE, lost], [RESERVED, OUT_OF_BALANCE])
    assert trial.ending is TrialStatus.INCONCLUSIVE
    assert "no answer" in trial.cause
