"""A provider whose reads are behind its changes by up to a second is correct, and is not accused.

Time is the provider's own here: a wait of the run lets its clock go on, and nobody waits.
"""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from conformance.domain.order import Market, Profile
from conformance.judging import tracker
from conformance.rulebook import Readings
from conformance.sandbox import Ecom, EPayment, Provider, Recurring
from conformance.targets.http.credentials import credentials_from
from conformance.targets.http.embedded import EmbeddedTransport

from . import memo, stage
from .benign import Lagging
from .power import is_race

LONGEST = 1.0
"""So many seconds are the reads behind, at most."""


class Waited:
    """A clock that goes on by what the run waits, and by a thousandth of a second whenever it is looked at."""

    def __init__(self):
        self.moment = datetime.now(UTC)

    def __call__(self):
        self.moment += timedelta(milliseconds=1)
        return self.moment


class Waiting(EmbeddedTransport):
    """The embedded provider, which is given the time that it asks for."""

    def __init__(self, provider, clock):
        super().__init__(provider)
        self.clock = clock

    def connect(self):
        connection = super().connect()

        async def pause(seconds):
            self.clock.moment += timedelta(seconds=seconds)

        connection.pause = pause
        return connection


class Late(Lagging):
    """Reads are behind by a quarter of a second, by half a second and so on up to a second, in turn."""

    def __init__(self, shared):
        super().__init__(shared)
        self.changes = 0
        self.until = {}

    def is_behind(self, place):
        now = self.clock.seconds()
        if self.stale[place] == 0:
            self.changes += 1
            self.until[place] = now + LONGEST * (1 + self.changes % 4) / 4
        return now < self.until[place]


class LateEcom(Late, Ecom):
    pass


class LateEPayment(Late, EPayment):
    pass


class LateRecurring(Late, Recurring):
    pass


APIS = {"ecom": LateEcom, "epayment": LateEPayment, "recurring": LateRecurring}


@pytest.mark.parametrize("profile", list(Profile))
def test_reads_that_are_a_second_behind_are_no_violation(profile, monkeypatch):
    async def said():
        clock = Waited()
        provider = Provider(now=clock, **{profile.value: APIS[profile.value]})

        def seat(provider):
            return stage.OneAtATime(Waiting(provider, clock), credentials_from(embedded=True))

        on = await stage.stage_for(provider, profile, Readings.documented(), Market.NO, target=seat)
        histories = [one.history for one in on.plan(0, 60)[::9] if not is_race(one.history)]
        return [(found.rule, found.reason, one) for one in histories for found in await on.findings(one)]

    remembered = memo.Memo()
    monkeypatch.setattr(tracker, "expect", remembered.expect)
    monkeypatch.setattr(tracker, "judge", remembered.judge)
    assert asyncio.run(said()) == []
