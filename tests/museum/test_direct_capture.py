"""A sales unit with direct capture takes the money at the approval: nothing of that is a violation (EC-11)."""

import asyncio

from conformance.domain.order import Market, Profile
from conformance.rulebook import Readings
from conformance.sandbox import Options, Provider

from . import stage
from .clock import Ticking

HISTORIES = 40


def test_a_sales_unit_with_direct_capture_is_accused_of_nothing():
    async def found():
        provider = Provider(Options(ecom_direct_capture=True), now=Ticking())
        on = await stage.stage_for(provider, Profile.ECOM, Readings.documented(), Market.NO)
        return [finding for case in on.plan(0, 0)[:HISTORIES] for finding in await on.findings(case.history)]

    assert asyncio.run(found()) == []
