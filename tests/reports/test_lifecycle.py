"""The picture of an order's life says what the evidence does, and a table says the same."""

import re

import pytest

from conformance.domain.order import Profile
from conformance.evidence.journal import read_journal
from conformance.reports.html.histories import history_views_of
from conformance.reports.html.lifecycle import lifecycles_of

from . import journals
from .journals import Writer

RESERVED = {"view.captured": 0, "view.refunded": 0, "view.to_capture": 1000}
PARTLY = {"view.captured": 400, "view.refunded": 0, "view.to_capture": 600}
RELEASED = {**PARTLY, "view.to_capture": 0}
ALL = {"view.captured": 1000, "view.refunded": 0, "view.to_capture": 0}


def life_of(directory, *histories, profile=Profile.ECOM, opening=None, source="systematic"):
    """Tell the life of orders; each step is what is done, whether it is accepted, and what is read then."""
    writer = Writer(directory, (profile,))
    for steps in histories:
        name = writer.history(profile, [step for step, _, _ in steps], source=source)
        writer.judgement(name, 0, "initiate", "conforms", seen="", observed={"answer.outcome": "accepted"})
        for number, (step, outcome, view) in enumerate(steps, 1):
            observed = {**view, **({"answer.outcome": outcome} if outcome else {})}
            writer.judgement(name, number, step["do"], "conforms", seen="", observed=observed)
    writer.finish()
    lives = lifecycles_of(history_views_of(read_journal(directory)).values())
    return lives[0] if lives else None


def ways(life):
    return {(start, end): count for start, end, count in life.transitions if count}


def cancels(life):
    return {state.name: (state.accepted, state.refused) for state in life.states if state.accepted + state.refused}


def test_what_is_accepted_moves_an_order_on(tmp_path):
    life = life_of(
        tmp_path,
        [({"do": "approve"}, "accepted", RESERVED), ({"do": "cancel"}, "accepted", {**RESERVED, "view.to_capture": 0})],
        [
            ({"do": "approve"}, "accepted", RESERVED),
            ({"do": "capture", "amount": 400}, "accepted", PARTLY),
            ({"do": "cancel"}, "refused", PARTLY),
            ({"do": "cancel", "flag": True}, "accepted", RELEASED),
            ({"do": "cancel", "flag": True}, "refused", RELEASED),
        ],
        [({"do": "approve"}, "accepted", RESERVED), ({"do": "capture", "amount": 1000}, "accepted", ALL)],
        [({"do": "enter-3ds"}, "accepted", {}), ({"do": "leave-3ds", "success": False}, "accepted", {})],
    )
    assert ways(life) == {
        ("initiated", "reserved"): 3,
        ("reserved", "cancelled"): 1,
        ("reserved", "partly captured"): 1,
        ("partly captured", "rest released"): 1,
        ("reserved", "captured"): 1,
        ("initiated", "in 3-D Secure"): 1,
        ("in 3-D Secure", "rejected"): 1,
    }
    assert cancels(life) == {"reserved": (1, 0), "partly captured": (1, 1), "rest released": (0, 1)}


@pytest.mark.parametrize("step", [{"to": "unknown"}, {"to": "foreign"}, {"defect": "no-token"}])
def test_a_cancel_that_is_not_of_the_order_is_not_counted(tmp_path, step):
    life = life_of(
        tmp_path,
        [({"do": "approve"}, "accepted", RESERVED), ({"do": "cancel", **step}, "refused", RESERVED)],
    )
    assert cancels(life) == {}


def test_nothing_is_told_beyond_what_was_answered(tmp_path):
    life = life_of(
        tmp_path,
        [({"do": "approve"}, None, {}), ({"do": "cancel"}, "accepted", RESERVED)],
        [({"do": "age", "by": 86400}, None, {}), ({"do": "reject"}, "accepted", {})],
    )
    assert ways(life) == {("initiated", "rejected"): 1}
    assert cancels(life) == {}


def test_a_charge_has_a_life_of_its_own(tmp_path):
    life = life_of(
        tmp_path,
        [
            ({"do": "become-due"}, "accepted", {}),
            ({"do": "reserve"}, "accepted", RESERVED),
            ({"do": "stop-agreement"}, "accepted", RESERVED),
            ({"do": "cancel"}, "pending", {**RESERVED, "view.to_capture": 0}),
        ],
        profile=Profile.RECURRING,
    )
    assert ways(life) == {("pending", "due"): 1, ("due", "reserved"): 1, ("reserved", "cancelled"): 1}
    assert cancels(life) == {"reserved": (1, 0)}


def test_shrinking_does_not_count(tmp_path):
    assert life_of(tmp_path, [({"do": "approve"}, "accepted", RESERVED)], source="shrinking") is None


def test_the_picture_has_every_number_and_the_words_of_it(tmp_path):
    journals.conformant(tmp_path)
    for life in lifecycles_of(history_views_of(read_journal(tmp_path)).values()):
        counts = re.findall(r'class="count"[^>]*>([\d,]+)<', life.drawing)
        assert sorted(counts) == sorted(f"{count:,}" for _, _, count in life.transitions)
        assert life.drawing.count('class="way ungone"') == sum(not count for _, _, count in life.transitions)
        assert f'aria-label="{life.words}"' in life.drawing
