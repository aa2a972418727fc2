"""What holds of the model for every order and step, whatever the documentation says of them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from conformance.domain.expectation import ACCEPTED, PENDING, REFUSED, Between, Folded, Mentions, Missing, OneOf
from conformance.domain.order import Market, Stage
from conformance.domain.steps import (
    Addressee,
    Age,
    Cancel,
    Capture,
    Defect,
    Expire,
    Initiate,
    Key,
    Leave3DS,
    Refund,
    StopAgreement,
)
from conformance.model import AgeLimit as AgeFound
from conformance.model import age_for_cancel, expect
from conformance.model.context import ended_by_provider, may_have_lapsed
from conformance.rulebook import Readings, load
from tests.model.on_paper import (
    DAY,
    LATER,
    OLD,
    PROFILES,
    E,
    P,
    R,
    arrive,
    beliefs_after,
    context,
    final_steps,
    narrowings,
    opening,
    paths,
    reserved,
    walked,
)

AGES = st.sampled_from((DAY, LATER, 100 * DAY, 178 * DAY, 180 * DAY, OLD, 400 * DAY, timedelta(minutes=6)))
AMOUNTS = st.integers(1, 3000)


@st.composite
def contexts(draw):
    choices = []
    for switch in load().switches:
        if not switch.fixed and draw(st.integers(0, 4)) == 0:
            names = draw(st.lists(st.sampled_from(switch.names), min_size=1, unique=True))
            choices.append(f"{switch.id}={','.join(names)}")
    return context(*choices, market=draw(st.sampled_from(list(Market))), units=draw(st.booleans()))


def steps_of(profile):
    cancels = st.builds(
        Cancel,
        flag=st.sampled_from((None, False, True)),
        key=st.sampled_from(list(Key)),
        to=st.sampled_from(list(Addressee)),
        defect=st.none() | st.sampled_from(list(Defect)),
    )
    money = st.one_of(st.builds(Capture, AMOUNTS), st.builds(Refund, AMOUNTS), st.builds(Age, AGES))
    return st.one_of(cancels, money, st.sampled_from(final_steps(profile)))


@st.composite
def played(draw):
    """A world, an order that some history in it led to, and a step that can come next."""
    profile = draw(st.sampled_from(PROFILES))
    in_world = draw(contexts())
    start, steps = draw(st.sampled_from(list(paths(profile).values())))
    start = Initiate(draw(st.sampled_from((1000, 1001, 1200))), start.kind)
    more = draw(st.lists(steps_of(profile), max_size=3))
    beliefs = beliefs_after(profile, start, (*steps, *more), in_world)
    if not beliefs:
        beliefs = beliefs_after(profile, start, steps, in_world)
    possible = draw(st.sampled_from(beliefs))
    return in_world, possible, draw(steps_of(profile))


def total(permitted, low=-5, high=1500):
    return {value for value in (*range(low, high), None, "CANCEL", True) if permitted.permits(value)}


@given(played())
def test_the_model_answers_every_step_alike_every_time(case):
    in_world, possible, step = case
    assert expect(possible, step, in_world) == expect(possible, step, in_world)


@given(played())
def test_the_money_of_every_order_that_can_follow_adds_up(case):
    in_world, possible, step = case
    for branch in expect(possible, step, in_world).branches:
        order = branch.after
        assert min(order.captured, order.refunded, order.cancelled, order.remaining, order.refundable) >= 0
        assert order.captured + order.cancelled <= order.amount
        assert order.refunded <= order.captured
        assert order.captured + order.cancelled + order.remaining in (order.amount, order.captured + order.cancelled)


def said(branch):
    """How a branch says that the request was answered."""
    for claim in branch.claims:
        if claim.field == "answer.outcome":
            return set(claim.permitted.values)
    return set()


@given(played())
def test_a_refused_request_moves_no_money(case):
    in_world, possible, step = case
    if isinstance(step, Age):
        return
    for branch in expect(possible, step, in_world).branches:
        if said(branch) and said(branch) <= {REFUSED, "broken"}:
            # The agreement may have ended all the same, a payment that nobody opened may have timed out, and the
            # provider may have ended what was overdue.
            kept = [replace(one, agreement_stopped=True) for one in possible]
            kept += [ended_by_provider(one) for one in kept if may_have_lapsed(one, in_world)]
            kept += [replace(one, stage=Stage.EXPIRED) for one in kept if one.stage is Stage.INITIATED]
            assert replace(branch.after, agreement_stopped=True) in kept


@given(played())
def test_a_cancel_changes_neither_what_was_captured_nor_what_was_refunded(case):
    in_world, possible, step = case
    if not isinstance(step, Cancel | StopAgreement):
        return
    totals = {(order.captured, order.refunded) for order in possible}
    for branch in expect(possible, step, in_world).branches:
        assert (branch.after.captured, branch.after.refunded) in totals


@given(played())
def test_after_a_cancel_that_released_something_nothing_can_be_captured(case):
    in_world, possible, step = case
    if not isinstance(step, Cancel):
        return
    for branch in expect(possible, step, in_world).branches:
        if branch.after.cancelled > max(order.cancelled for order in possible):
            assert branch.after.remaining == 0
            assert said(branch) <= {ACCEPTED, PENDING}


@given(played())
def test_an_order_never_grows_younger(case):
    in_world, possible, step = case
    youngest = min(order.since_initiated for order in possible)
    for branch in expect(possible, step, in_world).branches:
        assert branch.after.since_initiated >= youngest


@given(played())
def test_a_final_stage_is_never_left(case):
    in_world, possible, step = case
    for stage in (Stage.CANCELLED, Stage.REJECTED, Stage.EXPIRED, Stage.FAILED):
        if all(order.stage is stage for order in possible):
            assert {branch.after.stage for branch in expect(possible, step, in_world).branches} <= {stage}


@given(played())
def test_what_must_be_read_back_never_contradicts_itself(case):
    in_world, possible, step = case
    for branch in expect(possible, step, in_world).branches:
        fields = {}
        for claim in branch.claims:
            if isinstance(claim.permitted, OneOf):
                values = fields.setdefault(claim.field, set(claim.permitted.values))
                assert values & set(claim.permitted.values), claim.field
                assert claim.permitted.values, f"{claim.field} may have no value at all"


SPENT_UNDER_NO_PARAMETER = "with C13 narrowed to not-a-parameter, a spent key in Recurring has no documented outcome"


@pytest.mark.parametrize("profile", PROFILES)
def test_every_step_of_the_grid_has_an_outcome(profile):
    for market in Market:
        for _, step, expectation in walked(profile, context(market=market)):
            assert expectation.branches, step


@pytest.mark.parametrize("choice", narrowings())
@pytest.mark.parametrize("profile", PROFILES)
def test_every_step_has_an_outcome_under_each_single_reading(profile, choice):
    for _, step, expectation in walked(profile, context(choice), (None,)):
        assert expectation.branches, step


def within(narrow, wide):
    """Tell whether everything that one permits is permitted by the other."""
    if narrow == wide:
        return True
    match narrow:
        case OneOf(values):
            return all(wide.permits(value) for value in values)
        case Between(low, high, but):
            return all(wide.permits(value) for value in range(low, high + 1) if value not in but)
        case Folded(values):
            return isinstance(wide, Folded) and set(values) <= set(wide.values)
        case Missing():
            return wide.permits(None)
        case Mentions():
            return False


def covered(branch, other):
    """Tell whether whatever a branch permits is permitted by another one, which leads to the same order."""
    if branch.after != other.after:
        return False
    narrow = {}
    for claim in branch.claims:
        narrow.setdefault(claim.field, []).append(claim.permitted)
    return all(any(within(one, claim.permitted) for one in narrow.get(claim.field, ())) for claim in other.claims)


SIX_MONTHS = "C1=six-months"


@pytest.mark.parametrize("profile", [P, R])
def test_a_reading_of_another_api_leaves_the_documented_ages_in_force(profile):
    order = arrive(profile, reserved(profile))[0]
    assert age_for_cancel(order, context(SIX_MONTHS)) is AgeFound.WITHIN


@pytest.mark.parametrize("profile", PROFILES)
def test_a_narrower_reading_permits_nothing_that_the_documented_ones_do_not(profile):
    market, ages = Market.DK, (None, LATER, OLD)
    everything = context(market=market)
    # Of what is wrong on the wire, a reading is about the missing key alone.
    steps_to_come = [step for step in final_steps(profile) if getattr(step, "defect", None) in (None, Defect.NO_KEY)]
    for choice in narrowings():
        # The first leaves nothing in force outside eCom; the second is the one that is not accepted by default.
        if (choice == SIX_MONTHS and profile is not E) or choice == "C13=delete-without-key":
            continue
        narrow = context(choice, market=market)
        for start, steps in paths(profile).values():
            for age in ages if choice.startswith(("C1=", "C20=")) else (None,):
                aged = steps if age is None else (*steps, Age(age))
                for order in {possible[0] for possible in beliefs_after(profile, start, aged, narrow)}:
                    for step in steps_to_come:
                        wide = expect((order,), step, everything).branches
                        for branch in expect((order,), step, narrow).branches:
                            if branch in wide:
                                continue
                            assert any(covered(branch, other) for other in wide), (choice, order, step, branch.name)


def test_readings_chosen_in_any_order_are_the_same_world():
    assert Readings.choose(["C8=no-op,reject"]) == Readings.choose(["C8=any"]) == Readings.documented()


def test_a_step_of_another_api_is_a_key_error():
    with pytest.raises(KeyError):
        expect(arrive(E, ()), StopAgreement(), context())
    with pytest.raises(KeyError):
        expect(arrive(P, ()), Initiate(), context())


def test_a_payment_step_does_not_exist_for_a_charge():
    with pytest.raises(KeyError):
        expect(arrive(R, ()), Expire(), context())


def test_ages_that_add_up_to_more_than_a_timedelta_holds_are_no_crash():
    most = Age(timedelta(days=999_999_990))
    expect(arrive(P, (most,)), most, context())


def test_an_age_of_minutes_may_time_a_payment_out_and_an_age_of_seconds_may_not():
    stages = {possible[0].stage for possible in beliefs_after(P, opening(P), (Age(timedelta(minutes=5)),), context())}
    assert stages == {Stage.INITIATED, Stage.EXPIRED}
    stages = {possible[0].stage for possible in beliefs_after(P, opening(P), (Age(timedelta(seconds=59)),), context())}
    assert stages == {Stage.INITIATED}


def test_leaving_3ds_without_having_entered_it_changes_nothing():
    order = arrive(E, ())[0]
    assert {branch.after for branch in expect((order,), Leave3DS(), context()).branches} == {order}
