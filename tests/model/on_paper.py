"""Histories played on paper for the tests of the core: states, steps and the answers that a branch describes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from msgspec.structs import replace

from conformance.domain.expectation import Between, Branch, Expectation, Folded, Mentions, Missing, NoneOf, OneOf
from conformance.domain.order import Kind, Market, Order, Profile
from conformance.domain.steps import (
    Addressee,
    Age,
    AnotherCharge,
    Approve,
    BecomeDue,
    Cancel,
    Capture,
    Charge,
    Defect,
    Enter3DS,
    Expire,
    Fail,
    Initiate,
    Key,
    Leave3DS,
    Read,
    Refund,
    Reject,
    Reserve,
    StartProcessing,
    StopAgreement,
    Together,
)
from conformance.judging.judge import judge
from conformance.model import ModelContext, advance, expect, initial_expectation
from conformance.rulebook import Readings, load

E, P, R = Profile.ECOM, Profile.EPAYMENT, Profile.RECURRING
# Rules of silence that no step sets out for: what is seen of them is noticed in passing.
NOTICED = ("EC-27", "EP-25", "EP-31", "EP-38", "RE-17", "RE-33")
PROFILES = (E, P, R)
DAY = timedelta(days=1)
OLD = 190 * DAY
LATER = 20 * DAY
"""Past the deadline in Denmark and Finland, and well within the one in Norway."""

INITIAL = Initiate(kind=Kind.INITIAL_RESERVE)
DUE_LATER = Initiate(kind=Kind.CHARGE_RESERVE)
DIRECT = Initiate(kind=Kind.CHARGE_DIRECT)
FLAGS = (None, False, True)
RELEASE = {E: True, P: None, R: None}
"""The flag that releases the remainder after a partial capture."""


def context(*choices, market=Market.NO, units=True):
    """Return a world in which these readings are chosen, such as `C8=reject`."""
    return ModelContext(market, Readings.choose(choices), units)


def opening(profile):
    """Return the opening that reaches a reservation in the fewest steps."""
    return INITIAL if profile is R else Initiate()


def reserved(profile):
    """Return the steps that lead from that opening to a reservation."""
    return () if profile is R else (Approve(),)


def paths(profile):
    """Return openings and the steps to every stage that a profile knows, by name."""
    if profile is R:
        due, held = (BecomeDue(),), (BecomeDue(), Reserve())
        return {
            "pending": (DUE_LATER, ()),
            "pending, direct": (DIRECT, ()),
            "due": (DUE_LATER, due),
            "processing": (DUE_LATER, (*due, StartProcessing())),
            "failed": (DUE_LATER, (*due, Fail())),
            "charged": (DIRECT, (*due, Charge())),
            "reserved when due": (DUE_LATER, held),
            "reserved": (INITIAL, ()),
            "partly captured": (INITIAL, (Capture(300),)),
            "fully captured": (INITIAL, (Capture(400), Capture(600))),
            "partly refunded": (INITIAL, (Capture(300), Refund(100))),
            "fully refunded": (INITIAL, (Capture(1000), Refund(1000))),
            "cancelled": (INITIAL, (Cancel(),)),
            "cancelled while pending": (DUE_LATER, (Cancel(),)),
            "remainder released": (INITIAL, (Capture(300), Cancel())),
            "refused, then asked again": (INITIAL, (Capture(1000), Cancel())),
            "agreement stopped": (INITIAL, (StopAgreement(),)),
            "agreement stopped when it was old": (DUE_LATER, (Age(OLD), StopAgreement())),
            "agreement stopped, partly captured": (INITIAL, (Capture(300), StopAgreement())),
            "beside another charge": (INITIAL, (AnotherCharge(),)),
            "beside another charge, partly captured": (INITIAL, (Capture(300), AnotherCharge())),
            "beside another charge, fully captured": (INITIAL, (Capture(1000), AnotherCharge())),
            "beside another charge, processing": (DUE_LATER, (*due, StartProcessing(), AnotherCharge())),
            "beside another charge, old": (DUE_LATER, (Age(OLD), AnotherCharge())),
        }
    start = Initiate()
    return {
        "initiated": (start, ()),
        "in 3-D Secure": (start, (Enter3DS(),)),
        "3-D Secure failed": (start, (Enter3DS(), Leave3DS(success=False))),
        "rejected": (start, (Reject(),)),
        "expired": (start, (Expire(),)),
        "reserved": (start, (Approve(),)),
        "reserved after 3-D Secure": (start, (Enter3DS(), Leave3DS())),
        "partly captured": (start, (Approve(), Capture(300))),
        "fully captured": (start, (Approve(), Capture(400), Capture(600))),
        "partly refunded": (start, (Approve(), Capture(300), Refund(100))),
        "fully refunded": (start, (Approve(), Capture(1000), Refund(1000))),
        "cancelled before approval": (start, (Cancel(),)),
        "cancelled": (start, (Approve(), Cancel())),
        "remainder released": (start, (Approve(), Capture(300), Cancel(flag=RELEASE[profile]))),
        "refused with the flag, or not": (start, (Approve(), Cancel(flag=True))),
        "barely refunded": (start, (Approve(), Capture(300), Refund(1))),
        "refused, then asked again": (start, (Approve(), Capture(1000), Cancel())),
    }


AGES = (None, DAY, LATER, OLD, 400 * DAY)


def final_steps(profile):
    """Return every kind of step that can come next, in every variant that the model tells apart."""
    steps = [Read(), Age(DAY), Age(OLD), Capture(100), Capture(1000), Capture(5000), Refund(100), Refund(300)]
    steps += [Refund(1000), Cancel(to=Addressee.UNKNOWN), Cancel(to=Addressee.FOREIGN)]
    flags = (None,) if profile is R else FLAGS
    steps += [Cancel(flag=flag, key=key) for flag in flags for key in Key]
    steps += [Cancel(defect=defect) for defect in Defect]
    if profile is R:
        steps += [BecomeDue(), StartProcessing(), Reserve(), Charge(), Fail()]
        steps += [StopAgreement(), StopAgreement(with_other_change=True), AnotherCharge()]
    else:
        steps += [Approve(), Reject(), Expire(), Enter3DS(), Leave3DS(), Leave3DS(success=False)]
    return steps


def races(profile):
    """Return every pair of requests that can be sent for one order at once."""
    rivals = (Cancel(), Capture(100), Refund(100), *((Reserve(), Charge()) if profile is R else (Approve(),)))
    return [Together(Cancel(flag=flag), rival) for flag in ((None,) if profile is R else FLAGS) for rival in rivals]


def walked_races(profile, in_world: ModelContext) -> Iterator[Expectation]:
    """Yield what the model expects of every race for an order that is not old."""
    for start, steps in paths(profile).values():
        for possible in beliefs_after(profile, start, steps, in_world):
            for race in races(profile):
                yield expect(possible, race, in_world)


def shown_by(branch: Branch):
    """Return what a target shows that takes this branch: of every claim the first permitted value."""
    observed = {}
    for claim in branch.claims:
        match claim.permitted:
            case OneOf(values) | Folded(values) | Mentions(values):
                value = values[0]
            case Between(low, high, but):
                value = next(one for one in range(low, high + 1) if one not in but)
            case Missing():
                value = None
            case NoneOf():
                # Another claim says what the field is; where none does, it is missing.
                continue
        observed.setdefault(claim.field, value)
    observed.setdefault("answer.outcome", "accepted")
    return observed


def beliefs_after(profile, start, steps, in_world: ModelContext):
    """Return every belief that a history can leave, one for each branch that was ever taken."""
    beliefs = {(branch.after,): None for branch in initial_expectation(profile, start, in_world).branches}
    for step in steps:
        found = {}
        for possible in beliefs:
            for branch in expect(possible, step, in_world).branches:
                found[advance(step, possible, (branch,), shown_by(branch))] = None
        beliefs = found
    return tuple(beliefs)


def walked(profile, in_world: ModelContext, ages=AGES) -> Iterator[tuple[Order, object, Expectation]]:
    """Yield every order of the grid, every step that can come next, and what the model expects of it."""
    seen = set()
    for start, steps in paths(profile).values():
        for age in ages:
            aged = steps if age is None else (*steps, Age(age))
            for possible in beliefs_after(profile, start, aged, in_world):
                if possible[0] in seen:
                    continue
                seen.add(possible[0])
                for step in final_steps(profile):
                    yield possible[0], step, expect(possible, step, in_world)


def references(expectation: Expectation):
    """Return every rule, with a side where it has one, that an expectation can cite: shown, broken or recorded."""
    found = set(expectation.records)
    for branch in expectation.branches:
        found.update(branch.rules)
        found.update(rule for claim in branch.claims for rule in claim.rules)
    return found


def arrive(profile, steps, in_world=None, start=None):
    """Play steps with a target that takes the first way open at each of them; return what is believed then."""
    in_world = in_world or ModelContext()
    possible = (initial_expectation(profile, start or opening(profile), in_world).branches[0].after,)
    for step in steps:
        expectation = expect(possible, step, in_world)
        observed = shown_by(expectation.branches[0])
        left = judge(expectation, observed)[1]
        possible = advance(step, possible, left, observed)
    return possible


def judged(profile, steps, changes=None, *, branch=None, in_world=None, start=None):
    """Judge the last of some steps, answered as one branch says but for the changes.

    The branch is the first one, or the first of that name.
    """
    in_world = in_world or ModelContext()
    possible = arrive(profile, steps[:-1], in_world, start)
    expectation = expect(possible, steps[-1], in_world)
    chosen = next(one for one in expectation.branches if branch in (None, one.name))
    return judge(expectation, {**shown_by(chosen), **(changes or {})})[0]


def untouched(profile, steps, changes=None, *, in_world=None, start=None):
    """Judge a last step that was answered with these changes while the order reads back as before."""
    in_world = in_world or ModelContext()
    possible = arrive(profile, steps[:-1], in_world, start)
    before = expect(possible, Read(), in_world).branches[0]
    view = {name: value for name, value in shown_by(before).items() if name.startswith("view.")}
    return judge(expect(possible, steps[-1], in_world), {**view, **(changes or {})})[0]


def refusing(status=400, code=None):
    """Return what is observed of a refusal."""
    return {"answer.outcome": "refused", "answer.status": status, "answer.code": code}


def accepting(status=200):
    """Return what is observed of a success without a body."""
    return {"answer.outcome": "accepted", "answer.status": status}


def blamed(judgement):
    """Return the rules that a judgement says were broken."""
    return {finding.rule for finding in judgement.findings}


def shown_rules(judgement):
    """Return the rules of which a judgement is an example, without sides."""
    return {example.partition("/")[0] for example in judgement.examples}


def narrowings():
    """Return every way to narrow one switch to one of its readings."""
    switches = [switch for switch in load().switches if not switch.fixed]
    return [f"{switch.id}={name}" for switch in switches for name in switch.names]


def fresh(order: Order) -> Order:
    """Return an order as if no cancel of it was remembered."""
    return replace(order, attempt=None)
