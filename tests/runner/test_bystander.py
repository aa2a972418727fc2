"""Orders that are left alone: a cancel of another order must not change them."""

import asyncio

import pytest

from conformance.domain.order import Market, Profile
from conformance.domain.steps import Read, name_of
from conformance.evidence.journal import Evidence
from conformance.evidence.records import FinishRecord, HistoryRecord, JudgementRecord
from conformance.judging.verdicts import RuleVerdict
from conformance.results.result import result_of
from conformance.rulebook import Readings
from conformance.runner.bystander import Bystander
from conformance.runner.confirmation import confirm_failures
from conformance.runner.executor import CaseExecutor, Observer
from conformance.runner.schedule import Schedule
from conformance.sandbox import Ecom, EPayment, Provider
from conformance.sandbox.payment import Stage
from tests.museum import stage
from tests.museum.clock import Ticking


def neighbours_too(api):
    """Return an API whose cancel also releases the newest other reservation of the sales unit."""

    class Neighbours(api):
        def release(self, order, **arguments):
            mine = [each for place, each in self.shared.payments.items() if place[0] == api.NAME and each is not order]
            for other in [each for each in mine if each.stage is Stage.RESERVED and each.remaining][-1:]:
                super().release(other)
            return super().release(order, **arguments)

    return Neighbours


STEPS = {
    Profile.ECOM: (("initiate", "approve", "read"), ("initiate", "approve", "capture", "read")),
    Profile.EPAYMENT: (("initiate", "approve", "read"), ("initiate", "approve", "capture", "read")),
    Profile.RECURRING: (("initiate", "read"), ("initiate", "capture", "read")),
}


def played(profile, histories=12, **apis):
    async def play():
        on = await stage.stage_for(Provider(now=Ticking(), **apis), profile, Readings.documented(), Market.NO, 0)
        cases = Schedule(on.run_session).of(profile)[:histories]
        await CaseExecutor(on.run_session, on.ledger).run_all(cases)
        await confirm_failures(on.run_session, on.ledger, lambda: on.ledger.records, Observer())
        on.ledger.append(FinishRecord(ended="complete", message="", seconds=0))
        return result_of(Evidence(tuple(on.ledger.records)))

    return asyncio.run(play())


@pytest.mark.parametrize(("profile", "api"), [(Profile.EPAYMENT, EPayment), (Profile.ECOM, Ecom)])
def test_a_cancel_that_releases_another_order_too_is_found(profile, api):
    result = played(profile, **{profile.value: neighbours_too(api)})
    red = {rule.rule.id for rule in result.of(profile) if rule.verdict is RuleVerdict.VIOLATED}
    # A history that ends in a read waits as well, and its refused cancel must release nothing later.
    assert "INV-10" in red
    assert red <= {"INV-10", "INV-1"}


@pytest.mark.parametrize("profile", list(Profile))
def test_orders_that_are_left_alone_are_read_when_the_others_are_done(profile):
    result = played(profile)
    records = [record for record in result.evidence.records if isinstance(record, JudgementRecord)]
    names = {record.id: record.step_names for record in result.evidence.of(HistoryRecord)}
    late = records[-sum(steps[-1] == name_of(Read()) for steps in names.values()) :]
    assert {record.do for record in late} == {name_of(Read())}
    assert set(STEPS[profile]) <= {names[record.history] for record in late}
    assert not [rule for rule in result.rules if rule.verdict is RuleVerdict.VIOLATED]


def test_a_case_that_fails_before_it_stands_by_raises_at_once():
    async def fails():
        raise ValueError("at once")

    async def begin():
        bystander = Bystander()
        with pytest.raises(ValueError, match="at once"):
            await bystander.begin(fails())
        await bystander.abandon()

    asyncio.run(begin())


def test_a_case_that_stands_by_is_abandoned_with_its_worker():
    async def abandoned():
        bystander, ended = Bystander(), []

        async def case():
            try:
                await bystander.wait()
            finally:
                ended.append(True)

        await bystander.begin(case())
        assert ended == []
        await bystander.abandon()
        return ended

    assert asyncio.run(abandoned()) == [True]
