"""Choosing readings: what is accepted, what is refused and in which words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.rulebook import ReadingError, Readings, load

OPEN = [switch for switch in load().switches if not switch.fixed]


def test_by_default_what_the_documentation_leaves_open_is_accepted():
    readings = Readings.documented()
    assert readings.allows("C8", "reject")
    assert readings.allows("C8", "no-op")
    assert readings.allows("C6", "flag-ecom-only")
    assert not readings.allows("C13", "delete-without-key")
    assert Readings.choose([]) == readings


def test_a_choice_narrows_one_switch():
    readings = Readings.choose(["C8=reject", "C10=any", "C1=reservation, initiation"])
    assert readings.allows("C8", "reject")
    assert not readings.allows("C8", "no-op")
    assert readings.allows("C10", "replay")
    assert readings.allows("C1", "initiation")
    assert not readings.allows("C1", "market-deadline")


def test_any_goes_beyond_a_default_that_leaves_something_out():
    assert Readings.choose(["C13=any"]).allows("C13", "delete-without-key")


def test_the_order_of_the_choices_does_not_matter():
    assert Readings.choose(["C8=no-op,reject"]) == Readings.choose(["C8=reject,no-op"]) == Readings.documented()
    assert hash(Readings.choose(["C8=no-op,reject"])) == hash(Readings.documented())


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (["C99=reject"], "There is no switch 'C99': the ones to choose from are C1, C2, "),
        (["C8=perhaps"], "C8 has no choice 'perhaps': it has reject, no-op, any."),
        (["C8=reject,perhaps"], "C8 has no choice 'perhaps'"),
        (["C8=any,reject"], "C8 has no choice 'any': "),
        (["C6=generic"], "C6 is fixed: flag-ecom-only is its only reading. Only eCom"),
        (["C8"], "'C8' is not a reading: write SWITCH=CHOICE, for example C8=reject."),
        (["C8="], "'C8=' is not a reading"),
        (["C8=reject", "C8=no-op"], "C8 is chosen twice: write C8=FIRST,SECOND to accept several."),
    ],
)
def test_a_wrong_choice_is_refused_in_one_clear_sentence(choices, message):
    with pytest.raises(ReadingError) as caught:
        Readings.choose(choices)
    assert message in str(caught.value)


@pytest.mark.parametrize(("switch", "choice"), [("C8", "rejected"), ("C80", "reject")])
def test_a_slip_in_the_model_is_loud(switch, choice):
    with pytest.raises(KeyError):
        Readings.documented().allows(switch, choice)


@given(st.data())
def test_readings_survive_the_evidence(data):
    chosen = [
        f"{switch.id}={','.join(data.draw(st.lists(st.sampled_from(switch.names), min_size=1, unique=True)))}"
        for switch in data.draw(st.lists(st.sampled_from(OPEN), unique_by=lambda switch: switch.id))
    ]
    readings = Readings.choose(chosen)
    assert Readings.from_json(readings.as_json()) == readings
    for text in chosen:
        switch_id, names = text.split("=")
        for name in load().switch(switch_id).names:
            assert readings.allows(switch_id, name) == (name in names.split(","))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"C99": ["reject"]}, "There is no switch 'C99'"),
        ({"C8": ["perhaps"]}, "C8 has no choice 'perhaps'"),
        ({"C8": []}, "C8 has no choice '(none given)'"),
    ],
)
def test_evidence_of_another_rulebook_is_refused(change, message):
    with pytest.raises(ReadingError) as caught:
        Readings.from_json(Readings.documented().as_json() | change)
    assert message in str(caught.value)


def test_evidence_that_lacks_a_switch_is_refused():
    with pytest.raises(ReadingError, match="C8 missing"):
        Readings.from_json({key: names for key, names in Readings.documented().as_json().items() if key != "C8"})
