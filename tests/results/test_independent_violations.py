"""A run against a provider with one wrong field: the rest is judged, and the evidence holds together."""

import asyncio

import msgspec
import pytest

from conformance.domain.order import Market, Profile
from conformance.evidence.consistency import check_consistency
from conformance.evidence.journal import Evidence, JournalError
from conformance.evidence.records import FinishRecord, JudgementRecord
from conformance.judging.verdicts import RuleVerdict
from conformance.results.audit import recompute_judgements
from conformance.results.result import result_of
from conformance.rulebook import Readings
from conformance.runner.executor import CaseExecutor
from conformance.sandbox import Provider
from tests.museum import stage
from tests.museum.clock import Ticking
from tests.museum.epayment.names import AnswerHasThePspOfTheCancel


@pytest.fixture(scope="module")
def evidence():
    async def play():
        provider = Provider(now=Ticking(), epayment=AnswerHasThePspOfTheCancel)
        on = await stage.stage_for(provider, Profile.EPAYMENT, Readings.documented(), Market.NO, 0)
        cases = stage.SharedSchedule(on.run_session).of(Profile.EPAYMENT)[:40]
        await CaseExecutor(on.run_session, on.ledger).run_all(cases)
        on.ledger.append(FinishRecord(ended="complete", message="", seconds=0))
        return Evidence(tuple(on.ledger.records))

    return asyncio.run(play())


def test_one_wrong_field_hides_no_other_rule(evidence):
    verdicts = {rule.rule.id: rule.verdict for rule in result_of(evidence).rules}
    assert [name for name, verdict in verdicts.items() if verdict is RuleVerdict.VIOLATED] == ["EP-32"]
    assert {verdicts[rule] for rule in ("EP-05", "EP-06", "EP-33", "INV-2")} == {RuleVerdict.PASSED}


def test_a_history_that_goes_on_after_a_violation_is_consistent_and_follows_from_what_was_observed(evidence):
    assert any(record.independent for record in evidence.of(JudgementRecord))
    check_consistency(evidence, complete=True)
    recompute_judgements(evidence)


@pytest.mark.parametrize("changes", [{"independent": False}, {"examples": ()}, {"findings": (), "status": "conforms"}])
def test_a_forged_judgement_of_such_a_history_is_noticed(evidence, changes):
    forged = next(record for record in evidence.of(JudgementRecord) if record.independent)
    records = [
        msgspec.structs.replace(record, **changes) if record is forged else record for record in evidence.records
    ]
    with pytest.raises(JournalError):
        recompute_judgements(Evidence(tuple(records)))
