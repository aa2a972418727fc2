"""The plan of a recorded run, made again: of a provider's run, and of a merchant's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from conformance.domain.order import Profile
from conformance.domain.steps import history_from_json
from conformance.evidence.journal import Evidence, is_merchant_run
from conformance.evidence.record_parts import Record
from conformance.evidence.records import (
    CapabilitiesRecord,
    ExamplesRecord,
    FuzzedRecord,
    HistoryRecord,
    RunRecord,
    WholePlanRecord,
)
from conformance.merchant.campaign import (
    MerchantSettings,
    ScheduledMerchantCase,
    in_turns,
    scheduled_merchant_cases,
)
from conformance.model import ModelContext
from conformance.obligations.history import merchant_history_from_json
from conformance.results.partial_runs import FUZZ
from conformance.runner.blocks import blocks_of
from conformance.runner.example_database import LABEL
from conformance.runner.executor import history_record
from conformance.runner.request_budget import longest_wait
from conformance.runner.schedule import Schedule, ScheduledCase, shared_example
from conformance.runner.session import RunSession
from conformance.runner.settings import BUDGETS, Shard
from conformance.strategies.merchant.plan import MerchantCase
from conformance.targets.adapter.target import STEPS
from conformance.targets.target import ProbeResult
from conformance.verification.recorded_target import RecordedSession
from conformance.verification.replanning import Plan, PlanReport, compare_with_plan, why_no_plan
from conformance.verification.tape import RunRecording

_AT_THE_HEAD: Final = "record 0 (line 1)"


def check_plan(evidence: Evidence, session: RunSession | None) -> PlanReport:
    """Make the plan of a run again, and compare it with the histories.

    Args:
        evidence: the run.
        session: what its target showed that it offers; None where that cannot be known, as it was not reached.

    """
    run, why = evidence.run, why_no_plan(evidence)
    if why:
        return PlanReport(unverified=[f"the plan was not made again: {why}"], not_made=why)
    if run.budget not in BUDGETS:
        return PlanReport([f"{_AT_THE_HEAD}: there is no budget {run.budget!r}"])
    if is_merchant_run(run):
        report = compare_with_plan(evidence, merchant_plan(evidence))
    elif not run.target.wire:
        report = compare_with_plan(evidence, provider_plan(evidence, _session_of_adapter(evidence)))
    elif session is not None:
        report = compare_with_plan(evidence, provider_plan(evidence, session))
    else:
        return PlanReport(not_made="the target was not reached")
    if evidence.first(FuzzedRecord) is not None:
        report.not_made = "which requests are fuzzed depends on the responses and on time"
    return report


def provider_plan(evidence: Evidence, session: RunSession) -> Plan:
    """Return the plan of a provider's run; ``session`` has what its target offers."""
    run = evidence.run
    if run.focus == FUZZ:
        return Plan({})
    shard = None if run.shard is None else Shard(run.shard.number, run.shard.of)
    settings = replace(session.settings, seed=run.seed, budget=run.budget, histories=run.histories, shard=shard)
    planner = RunSession(session.target, settings, contexts=session.contexts, probes=session.probes)
    schedule = Schedule(planner)
    examples = [shared_example(name, history_from_json(history)) for name, history in _examples(evidence)]
    cases = [*examples, *(schedule.all() if run.merged is None else _of_shards(schedule, run, session.contexts))]
    plan = Plan(
        _by_name(history_record(each.case, each.identifier, each.case.source) for each in cases),
        drawn=_from_the_first_drawn(cases),
        blocks=[tuple(each.identifier for each in block.cases) for block in blocks_of(schedule, session.contexts)],
        whole=_whole(schedule),
    )
    return replace(plan, orders=[*_orders(cases, schedule), [name for block in plan.blocks for name in block]])


def merchant_plan(evidence: Evidence) -> Plan:
    """Return the plan of a merchant's run."""
    run = evidence.run
    settings = MerchantSettings(market=run.market, budget=run.budget, histories=run.histories, seed=run.seed)
    # Only an integration in the process of the suite lives by its clock.
    virtual = run.target.kind == "python"
    plans = [
        scheduled_merchant_cases(Profile(record.profile), frozenset(record.offered), settings, virtual=virtual)
        for record in evidence.of(CapabilitiesRecord)
    ]
    examples = [
        ScheduledMerchantCase(name, MerchantCase(merchant_history_from_json(history), LABEL, shared=True))
        for name, history in _examples(evidence)
    ]
    cases = [*examples, *in_turns(plans)]
    return Plan(
        _by_name(each.as_record(each.case.source) for each in cases),
        drawn={each.identifier for each in cases if each.case.generated},
        orders=[[each.identifier for each in cases]],
    )


def _session_of_adapter(evidence: Evidence) -> RunSession:
    """Return a session with what is recorded of a target that is called without HTTP.

    An adapter need not have a method for each step: it can run those that some history has.
    """
    session = RecordedSession(RunRecording(evidence))
    session.target.over_http = False
    market, readings = session.settings.market, session.settings.readings
    run_steps = {name for record in evidence.of(HistoryRecord) for name in record.step_names}
    unplayable = frozenset(STEPS.values()) - run_steps
    for record in evidence.of(CapabilitiesRecord):
        profile, offered = Profile(record.profile), frozenset(record.offered)
        lapses_after = None if record.lapses_after is None else timedelta(seconds=record.lapses_after)
        session.contexts[profile] = ModelContext(market, readings, "units" in offered, lapses_after)
        session.probes[profile] = ProbeResult(offered, record.source, "", "units" in offered, unplayable)
    return session


def _examples(evidence: Evidence) -> Iterable[tuple[str, dict[str, object]]]:
    return ((each.id, each.history) for record in evidence.of(ExamplesRecord) for each in record.histories)


def _by_name(records: Iterable[HistoryRecord]) -> dict[str, HistoryRecord]:
    return {record.id: record for record in records}


def _of_shards(schedule: Schedule, run: RunRecord, profiles: Iterable[Profile]) -> list[ScheduledCase]:
    """Return the cases of the shards that a merged run is made of."""
    merged = run.merged
    assert merged is not None
    plans = [schedule.of(profile) for profile in profiles]
    return [case for shard in merged.shards for plan in plans for case in plan[shard.shard - 1 :: merged.of]]


def _from_the_first_drawn(cases: Sequence[ScheduledCase]) -> set[str]:
    """Return the names of the cases that follow from what was drawn.

    The identifiers of those behind the drawn ones depend on how many were drawn.
    """
    first: dict[Profile, str] = {}
    for each in sorted(cases, key=lambda each: each.identifier):
        if each.case.generated:
            first.setdefault(each.case.history.profile, each.identifier)
    return {
        each.identifier
        for each in cases
        if not each.case.shared and each.identifier >= first.get(each.case.history.profile, "~")
    }


class _WholeSink:
    def __init__(self) -> None:
        self.record: WholePlanRecord | None = None

    def append(self, record: Record) -> None:
        if isinstance(record, WholePlanRecord):
            self.record = record


def _whole(schedule: Schedule) -> WholePlanRecord | None:
    sink = _WholeSink()
    schedule.record_whole(sink)
    return sink.record


def _orders(cases: Sequence[ScheduledCase], schedule: Schedule) -> list[list[str]]:
    """Return the orders in which cases are begun: as planned, or first those that have to wait the longest.

    Those that take a person come before all others.
    """
    waiting = sorted(cases, key=lambda each: -longest_wait(each.case.history))
    return [
        [each.identifier for each in sorted(order, key=lambda each: not schedule.is_manual(each))]
        for order in (cases, waiting)
    ]
