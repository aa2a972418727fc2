"""Histories as JSON: what is written is read back, and what is wrong is said with its place."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.domain.order import Kind, Profile
from conformance.domain.steps import (
    HISTORY_VERSION,
    LONGEST_AGE,
    Addressee,
    Age,
    Approve,
    Cancel,
    Capture,
    Charge,
    Defect,
    Enter3DS,
    History,
    HistoryError,
    Initiate,
    Key,
    Leave3DS,
    Refund,
    Reserve,
    StopAgreement,
    Together,
    action_of,
    history_as_json,
    history_from_json,
    name_of,
    step_as_json,
)
from tests.model.on_paper import PROFILES, R, final_steps

SECONDS = st.integers(0, int(LONGEST_AGE.total_seconds()))
AMOUNTS = st.integers(1, 10**30)


@st.composite
def histories(draw):
    profile = draw(st.sampled_from(PROFILES))
    kinds = [kind for kind in Kind if (kind is Kind.PAYMENT) != (profile is R)]
    steps = st.one_of(
        st.sampled_from(final_steps(profile)),
        st.builds(Age, SECONDS.map(lambda seconds: timedelta(seconds=seconds))),
        st.builds(Capture, AMOUNTS),
        st.builds(Refund, AMOUNTS),
        st.builds(StopAgreement if profile is R else Leave3DS, st.booleans()),
        st.builds(
            Cancel,
            st.sampled_from((None, True, False)),
            st.sampled_from(list(Key)),
            st.sampled_from(list(Addressee)),
            st.none() | st.sampled_from(list(Defect)),
        ),
    )
    plain = st.builds(Cancel, st.sampled_from((None, True, False)))
    rivals = st.one_of(plain, st.builds(Capture, AMOUNTS), st.builds(Refund, AMOUNTS))
    rivals |= st.sampled_from((Reserve(), Charge()) if profile is R else (Approve(),))
    steps |= st.builds(Together, plain, rivals)
    opening = Initiate(draw(AMOUNTS), draw(st.sampled_from(kinds)))
    return History(profile, opening, tuple(draw(st.lists(steps, max_size=6))))


@given(histories())
def test_a_history_is_read_back_as_it_was_written(history):
    assert history_from_json(json.loads(json.dumps(history_as_json(history)))) == history


def test_what_is_at_its_default_is_left_out():
    assert step_as_json(Initiate()) == {"do": "initiate"}
    assert step_as_json(Cancel()) == {"do": "cancel"}
    assert step_as_json(Cancel(flag=False, key=Key.SAME)) == {"do": "cancel", "flag": False, "key": "same"}
    assert step_as_json(Age(timedelta(days=2))) == {"do": "age", "by": 172_800}


def test_two_requests_at_the_same_time_are_written_inside_one_step():
    step = Together(Cancel(flag=True), Capture(500))
    assert step_as_json(step) == {
        "do": "together",
        "first": {"do": "cancel", "flag": True},
        "second": {"do": "capture", "amount": 500},
    }


def test_every_step_has_a_name_and_the_control_actions_are_the_contracts():
    assert name_of(Enter3DS()) == "enter-3ds"
    assert [action_of(step) for step in (Approve(), Leave3DS(), Leave3DS(success=False), Cancel())] == [
        "approve",
        "finish_3ds",
        "fail_3ds",
        None,
    ]


def story(*steps, profile="ecom", version=HISTORY_VERSION):
    return {"version": version, "profile": profile, "steps": [{"do": "initiate"}, *steps]}


def both(first, second):
    return {"do": "together", "first": first, "second": second}


CANCEL = {"do": "cancel"}
WRONG = [
    (None, "JSON object"),
    ([], "JSON object"),
    ("x", "JSON object"),
    ({}, "version None"),
    ({"version": 2}, "version 2"),
    ({"version": "1"}, "version '1'"),
    ({"version": 1}, "profile None"),
    ({"version": 1, "profile": "eCom"}, "profile 'eCom'"),
    ({"version": 1, "profile": ["ecom"]}, "profile ['ecom']"),
    ({"version": 1, "profile": "ecom"}, "'steps'"),
    ({"version": 1, "profile": "ecom", "steps": []}, "'steps'"),
    ({"version": 1, "profile": "ecom", "steps": {"do": "initiate"}}, "'steps'"),
    ({"version": 1, "profile": "ecom", "steps": [{"do": "cancel"}]}, "exactly one 'initiate'"),
    (story({"do": "initiate"}), "exactly one 'initiate'"),
    (story(None), "step 1"),
    (story({}), "step 1"),
    (story({"do": "jump"}), "step 1"),
    (story({"do": "approve"}, {"do": "capture"}), "step 2 (capture) needs amount"),
    (story({"do": "capture", "amount": 0}), "step 1 (capture), field 'amount'"),
    (story({"do": "capture", "amount": -5}), "'amount'"),
    (story({"do": "capture", "amount": True}), "'amount'"),
    (story({"do": "capture", "amount": 1.5}), "'amount'"),
    (story({"do": "capture", "amount": "5"}), "'amount'"),
    (story({"do": "capture", "amount": None}), "'amount'"),
    (story({"do": "capture", "amount": 5, "currency": "NOK"}), "no field 'currency'"),
    (story({"do": "age", "by": -1}), "'by'"),
    (story({"do": "age", "by": 10**30}), "more than a hundred years"),
    (story({"do": "age", "by": {"days": 1}}), "'by'"),
    (story({"do": "age"}), "step 1 (age) needs by"),
    (story({"do": "cancel", "flag": 1}), "'flag'"),
    (story({"do": "cancel", "flag": "true"}), "'flag'"),
    (story({"do": "cancel", "key": "old"}), "'key'"),
    (story({"do": "cancel", "key": ["same"]}), "'key'"),
    (story({"do": "cancel", "to": {}}), "'to'"),
    (story({"do": "cancel", "defect": "all"}), "'defect'"),
    (story({"do": "leave-3ds", "success": "no"}), "'success'"),
    (story(both(CANCEL, None)), "field 'second': the request has no 'do'"),
    (story({"do": "together", "first": CANCEL}), "step 1 (together) needs second"),
    (story(both({"do": "approve"}, CANCEL)), "field 'first': must be a cancel"),
    (story(both({**CANCEL, "key": "spent"}, CANCEL)), "a cancel like this cannot be sent together"),
    (story(both(CANCEL, {**CANCEL, "to": "unknown"})), "a cancel like this cannot be sent together"),
    (story(both(CANCEL, {"do": "read"})), "a read like this cannot be sent together"),
    (story(both(CANCEL, both(CANCEL, CANCEL))), "field 'second': cannot be two requests itself"),
    (story(both(CANCEL, {"do": "capture"})), "the request (capture) needs amount"),
    (story(both(CANCEL, {"do": "charge"})), "step 1 (charge) does not exist in ecom"),
    (story(profile="recurring"), "kind 'payment' does not exist in recurring"),
    (
        {"version": 1, "profile": "ecom", "steps": [{"do": "initiate", "kind": "charge-direct"}]},
        "does not exist in ecom",
    ),
    ({"version": 1, "profile": "ecom", "steps": [{"do": "initiate", "kind": 5}]}, "step 0 (initiate), field 'kind'"),
]


@pytest.mark.parametrize(("data", "place"), WRONG)
def test_a_malformed_history_is_refused_with_the_place_named(data, place):
    with pytest.raises(HistoryError) as error:
        history_from_json(data)
    assert place in str(error.value)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("name", [[], {}, [["cancel"]]])
def test_a_step_whose_name_is_no_text_is_refused(name):
    with pytest.raises(HistoryError, match="step 1"):
        history_from_json(story({"do": name}))


@pytest.mark.parametrize(("profile", "step"), [("ecom", "stop-agreement"), ("epayment", "become-due")])
def test_a_step_of_another_api_is_refused_when_it_is_read(profile, step):
    with pytest.raises(HistoryError):
        history_from_json(story({"do": step}, profile=profile))


@pytest.mark.parametrize("version", [True, 1.0])
def test_a_version_is_a_whole_number(version):
    with pytest.raises(HistoryError):
        history_from_json(story(version=version))


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(histories(), st.data())
def test_a_history_with_anything_in_any_place_is_read_or_refused(history, data):
    raw = json.loads(json.dumps(history_as_json(history)))
    places = [(raw, name) for name in raw]
    places += [(raw["steps"], index) for index in range(len(raw["steps"]))]
    places += [(step, name) for step in raw["steps"] for name in (*step, "key", "kind", "amount")]
    holder, name = data.draw(st.sampled_from(places))
    junk = data.draw(JUNK)
    if name == "do" and isinstance(junk, list | dict):
        junk = str(junk)
    holder[name] = junk
    try:
        parsed = history_from_json(raw)
    except HistoryError:
        return
    assert isinstance(parsed, History)


@given(JUNK)
def test_anything_at_all_is_refused_and_never_a_crash(junk):
    with pytest.raises(HistoryError):
        history_from_json(junk)


def test_the_opening_is_the_first_of_all_steps():
    history = History(Profile.ECOM, Initiate(), (Cancel(),))
    assert history.all_steps == (Initiate(), Cancel())
