"""Each unplanned fault is shown by the history that a person wrote for it, and by nothing else than the fault."""

import asyncio
from collections import Counter

import pytest

from conformance.domain.order import Profile
from conformance.sandbox import Provider

from .. import stage
from ..clock import Ticking
from ..fault import Fault
from .measuring import Soon, rank, soon, table
from .rooms import SETS

EVERY = [fault for faults in SETS.values() for fault in faults]


def ids(fault):
    return fault.id


async def findings(provider, fault):
    on = await stage.stage_for(provider, fault.profile, fault.readings, fault.market)
    return await on.findings(fault.least)


@pytest.mark.parametrize("fault", EVERY, ids=ids)
def test_its_least_history_is_violated(fault: Fault):
    assert asyncio.run(findings(fault.provider(), fault))


@pytest.mark.parametrize("fault", EVERY, ids=ids)
def test_the_same_history_conforms_at_the_correct_provider(fault: Fault):
    assert not asyncio.run(findings(Provider(now=Ticking()), fault))


def test_there_are_ten_an_api_that_nobody_planned_for():
    counted = Counter(fault.profile for fault in SETS["unplanned"])
    assert counted == dict.fromkeys(Profile, 10)


def test_what_is_measured_is_where_the_first_violation_is():
    fault = next(one for one in SETS["unplanned"] if one.name == "ThirdCancelReservesAgain")
    measured = soon(fault, (0,), "quick")
    assert measured.fixed is not None
    assert measured.together == (measured.fixed,)
    assert fault.id in table([measured])


def test_what_was_not_found_ranks_last():
    assert rank([None, 3, 1, 2], 0.5) == 2
    assert rank([None, 3, 1, 2], 0.95) == float("inf")


def test_what_is_drawn_comes_after_the_systematic_set():
    fault = SETS["unplanned"][0]
    assert Soon(fault, 100, None, (5, None)).together == (105, None)
    assert Soon(fault, 100, 7, (5, None)).together == (7, 7)
