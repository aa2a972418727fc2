"""A merchant's run: every history of the plan, the smallest one of each broken obligation, and the evidence."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from msgspec import structs

from conformance import __version__
from conformance.domain.order import Profile
from conformance.domain.steps import HistoryError
from conformance.evidence.consistency import digest_of
from conformance.evidence.journal import JOURNAL_VERSION, MERCHANT_PARTY, Journal
from conformance.evidence.record_parts import CellRecord, Record, TargetRecord
from conformance.evidence.records import (
    CapabilitiesRecord,
    ExchangeRecord,
    HistoryRecord,
    MissedRecord,
    PlanRecord,
    RunRecord,
    SmokeRecord,
)
from conformance.judging.judge import Finding
from conformance.merchant.failures import MerchantFailures
from conformance.merchant.first_payment import (
    PaymentWatch,
    exchanges_in,
    first_failed_create,
    unknown_operations,
    what_was_sent,
)
from conformance.merchant.harness import KeepingSink, MerchantHarness, MerchantTrialResult
from conformance.merchant.integration.base import MerchantCapabilities
from conformance.merchant.pace import Pace
from conformance.obligations.history import MerchantHistory, merchant_history_as_json, merchant_history_from_json
from conformance.obligations.outcome_rules import why_nothing_was_captured
from conformance.reports.wording.integration import introduction
from conformance.results.result import Result
from conformance.results.waivers import Waiver
from conformance.rulebook import load_obligations
from conformance.runner.example_database import LABEL, ExampleExchange
from conformance.runner.executor import Observer
from conformance.runner.recorded_run import RecordedRun
from conformance.runner.settings import drawing_library, timestamp
from conformance.runner.trial import TrialResult, TrialStatus
from conformance.strategies.merchant.plan import BUDGETS, SYSTEMATIC, MerchantCase, plan_merchant_cases
from conformance.targets.transport import TargetError

FIRST: Final = 48
"""Of the systematic set, what the quick budget runs where every action takes real time."""
PROBE: Final = "probe"


@dataclass(frozen=True, slots=True)
class MerchantSettings:
    """What a run was asked to do.

    Without ``profiles``, those are tested that the integration says it uses.
    """

    profiles: tuple[Profile, ...] | None = None
    market: str = "no"
    budget: str = "standard"
    histories: int | None = None
    seed: int = 0
    strict: bool = False
    waivers: tuple[Waiver, ...] = ()
    command: str = ""
    examples: tuple[str, ...] = ()
    """The directories with the examples that machines share."""

    @property
    def generated(self) -> int:
        """How many histories are drawn for each API."""
        return BUDGETS[self.budget] if self.histories is None else self.histories


@dataclass(frozen=True, slots=True)
class ScheduledMerchantCase:
    """A case and its identifier."""

    identifier: str
    case: MerchantCase

    def as_record(self, source: str) -> HistoryRecord:
        """Return the record that says that its history begins."""
        return HistoryRecord(
            id=self.identifier,
            profile=self.case.history.profile.value,
            source=source,
            label=self.case.label,
            cell=_cell(self.case),
            goals=(),
            history=merchant_history_as_json(self.case.history),
        )


def scheduled_merchant_cases(
    profile: Profile, offered: frozenset[str], settings: MerchantSettings, *, virtual: bool
) -> list[ScheduledMerchantCase]:
    """Return the plan of an API for an integration with these actions; ``virtual`` as in `Integration`."""
    part, generated = SYSTEMATIC[settings.budget], settings.generated
    if settings.budget == "quick" and not virtual:
        part, generated = FIRST, settings.histories or 0
    cases = plan_merchant_cases(profile, offered, settings.seed, generated, part)
    return [ScheduledMerchantCase(f"{profile.value}-{number:05d}", case) for number, case in enumerate(cases, 1)]


def in_turns(plans: Sequence[Sequence[ScheduledMerchantCase]]) -> list[ScheduledMerchantCase]:
    """Return the cases of all APIs, which take turns, so that a run that is cut short has seen some of each."""
    turns = max(map(len, plans), default=0)
    return [plan[turn] for turn in range(turns) for plan in plans if turn < len(plan)]


class MerchantCampaign:
    """One run against one integration, from the first request to the last record.

    Args:
        harness: the integration, and what it is run with.
        settings: what is asked for.
        directory: where the evidence goes.
        observer: is notified of progress.
        journal: where the evidence goes, where it is open already.

    """

    def __init__(
        self,
        harness: MerchantHarness,
        settings: MerchantSettings,
        directory: Path,
        observer: Observer | None = None,
        journal: Journal | None = None,
    ) -> None:
        self._harness = harness
        self._settings = settings
        self._directory = directory
        self.observer = observer or Observer()
        self._journal = journal or Journal(directory)
        self._run = RecordedRun(self._journal, harness.clean)
        self._failures = MerchantFailures(harness, directory, self._journal, self._run_as)
        self._pace = Pace(self._say)
        self._payments = PaymentWatch()
        self._examples = ExampleExchange(settings.examples, MERCHANT_PARTY, settings.market)

    def run(self) -> Result:
        """Run everything; return the result as the journal gives it.

        Every ending leaves a readable journal.
        """
        settings = self._settings
        with self._run.recording(), closing(self._harness):
            offer = self._start()
            profiles = settings.profiles or offer.profiles
            plans = {profile: self._plan(profile, offer) for profile in profiles}
            examples = self._shared_examples(profiles, offer.actions)
            try:
                self._run_all(plans, examples)
                self.observer.phase("minimising", len(self._failures))
                for note in self._failures.shrink(settings.market, settings.seed):
                    self.observer.note(note)
            finally:
                if self._examples.is_enabled:
                    self._examples.give_back(self._run.evidence, self._journal, self.observer)
        return self._run.result()

    def _say(self, line: str) -> None:
        """Print a line, through the observer that is there when it is printed."""
        self.observer.note(line)

    def _start(self) -> MerchantCapabilities:
        """Reach the integration, and open the journal with what was asked for.

        Raises:
            TargetError: it cannot be asked, or does not use an API that is to be tested.

        """
        try:
            offer = self._harness.open()
        except TargetError as error:
            self._journal.append(self._header(self._settings.profiles or tuple(Profile), None))
            raise self._with_evidence(error, self._harness.opening.records) from error
        profiles = self._settings.profiles or offer.profiles
        self._journal.append(self._header(profiles, offer))
        for line in introduction(offer.product, offer.version, offer.declared.as_json()):
            self._say(line)
        unknown = [profile.value for profile in profiles if profile not in offer.profiles]
        if unknown:
            known = ", ".join(profile.value for profile in offer.profiles)
            raise TargetError(f"{self._harness.integration.name} does not use {unknown[0]}: its profiles are {known}.")
        return offer

    def _shared_examples(self, profiles: tuple[Profile, ...], offered: frozenset[str]) -> list[ScheduledMerchantCase]:
        """Return the examples that other runs found and that can be run here."""
        examples: list[ScheduledMerchantCase] = []
        as_stored: list[tuple[str, dict[str, Any]]] = []
        unusable = 0
        for profile in profiles:
            stored = self._examples.read(profile)
            unusable += stored.unread
            for data in stored.histories:
                history = _usable(data, profile, offered)
                if history is None:
                    unusable += 1
                    continue
                name = f"{profile.value}-e{len(examples) + 1:05d}"
                examples.append(ScheduledMerchantCase(name, MerchantCase(history, LABEL, shared=True)))
                as_stored.append((name, data))
        self._examples.record_tried(self._journal, self.observer, as_stored, unusable)
        return examples

    def _plan(self, profile: Profile, offer: MerchantCapabilities) -> list[ScheduledMerchantCase]:
        """Record what the integration offers, try one order, and plan an API's cases.

        Raises:
            TargetError: no payment comes of it.

        """
        offered = offer.actions
        self._journal.append(
            CapabilitiesRecord(
                profile=profile.value,
                offered=tuple(sorted(offered)),
                source=f"the integration has {', '.join(sorted(offered))}",
                lapses_after=None,
                declared=offer.declared.as_json(),
            )
        )
        virtual = self._harness.integration.virtual
        plan = scheduled_merchant_cases(profile, offered, self._settings, virtual=virtual)
        self._probe(plan[0].case.history)
        return plan

    def _probe(self, history: MerchantHistory) -> None:
        """Run one order before anything else, and record whether a payment came of it.

        Raises:
            TargetError: none did, or the adapter does not keep to the protocol.

        """
        profile, sink, began = history.profile.value, KeepingSink(), time.monotonic()
        try:
            paid = self._harness.run(history, f"{PROBE}-{profile}", sink).paid
        except TargetError as error:
            raise self._with_evidence(error, sink.records) from error
        self._pace.probed(time.monotonic() - began)
        failed = first_failed_create(sink.records)
        trouble = failed.told.rstrip(".") if failed is not None else ""
        self._journal.append(SmokeRecord(profile=profile, ok=paid, note=trouble))
        if not paid:
            name, exchanges = self._harness.integration.name, exchanges_in(sink.records)
            because = f" ({trouble})" if trouble else ""
            sent = what_was_sent(exchanges, self._harness.base_url)
            message = f"The adapter is at fault: create of {name} made no payment in {profile}{because}: {sent}."
            if unknown_operations(exchanges):
                message = f"create of {name} made no payment in {profile}{because}."
            raise self._with_evidence(TargetError(message, failed.crash if failed else ""), sink.records)
        self._record_setup(exchanges_in(sink.records))

    def _record_setup(self, exchanges: list[ExchangeRecord]) -> None:
        """Record what was sent before the first history."""
        for exchange in exchanges:
            self._journal.append(structs.replace(exchange, history=""))

    def _with_evidence(self, error: TargetError, records: list[Record]) -> TargetError:
        """Record what was sent before an error, and return it with the paths that the double does not know."""
        exchanges = exchanges_in(records)
        self._record_setup(exchanges)
        unknown = unknown_operations(exchanges)
        return TargetError(f"{str(error).rstrip('.')}; {unknown}.", error.crash) if unknown else error

    def _header(self, profiles: tuple[Profile, ...], offer: MerchantCapabilities | None) -> RunRecord:
        settings, integration = self._settings, self._harness.integration
        return RunRecord(
            format=JOURNAL_VERSION,
            tool=__version__,
            started=timestamp(self._run.started),
            command=settings.command,
            seed=settings.seed,
            budget=settings.budget,
            histories=settings.histories,
            profiles=tuple(profile.value for profile in profiles),
            market=settings.market,
            readings={},
            rulebook=load_obligations().digest,
            nonce="cc",
            target=TargetRecord(
                kind=integration.kind,
                name=integration.name,
                wire=True,
                control=None,
                product=offer.product if offer else "",
                version=offer.version if offer else "",
            ),
            waivers=tuple(waiver.as_record() for waiver in settings.waivers),
            python=platform.python_version(),
            hypothesis=drawing_library(),
            party=MERCHANT_PARTY,
            strict=settings.strict,
            examples=settings.examples,
        )

    # Running

    def _run_all(
        self, plans: Mapping[Profile, list[ScheduledMerchantCase]], examples: list[ScheduledMerchantCase]
    ) -> None:
        """Run what other runs found, and then the plans."""
        planned = [*examples, *in_turns(list(plans.values()))]
        digest = digest_of(
            (scheduled.identifier, merchant_history_as_json(scheduled.case.history)) for scheduled in planned
        )
        names = tuple(scheduled.identifier for scheduled in planned)
        self._journal.append(PlanRecord(histories=names, digest=digest))
        self.observer.phase("histories", len(planned))
        self._pace.begin(len(planned))
        for scheduled in planned:
            history = scheduled.case.history
            trial = self._run_case(scheduled, scheduled.case.source)
            self.observer.played(history.profile, _as_provider_trial(trial))
            self._pace.played()
            self._payments.note(trial.trace, paid=trial.paid)
            self._end_without_payments(history.profile, at_end=False)
            self._failures.note(scheduled.identifier, history, trial)
        for profile in plans:
            self._end_without_payments(profile, at_end=True)

    def _end_without_payments(self, profile: Profile, *, at_end: bool) -> None:
        """Raise a TargetError where most histories had no payment: what was judged then says nothing."""
        problem = self._payments.problem(profile, at_end=at_end)
        if problem:
            raise TargetError(f"{self._harness.integration.name}: {problem}.")

    def _run_as(self, identifier: str, history: MerchantHistory) -> MerchantTrialResult:
        """Run and record the smallest history that fails."""
        return self._run_case(
            ScheduledMerchantCase(identifier, MerchantCase(history, "smallest history that fails")), "shrinking"
        )

    def _run_case(self, scheduled: ScheduledMerchantCase, source: str) -> MerchantTrialResult:
        """Run a case, and record it with its judgements."""
        identifier = scheduled.identifier
        self._journal.append(scheduled.as_record(source))
        trial = self._harness.run(scheduled.case.history, identifier, self._journal)
        for result in trial.results:
            self._journal.append(result.as_record(trial.trace, identifier))
        self._record_missed(trial, scheduled)
        return trial

    def _record_missed(self, trial: MerchantTrialResult, scheduled: ScheduledMerchantCase) -> None:
        """Record which obligations a case aimed at in vain, as nothing was captured."""
        judged = {result.rule for result in trial.results}
        cause = why_nothing_was_captured(trial.trace)
        governing = self._harness.book.governing(scheduled.case.history.profile)
        rules = [rule.id for rule in governing if "capture" in rule.needs and rule.id not in judged]
        if cause and rules:
            self._journal.append(MissedRecord(history=scheduled.identifier, rules=tuple(rules), cause=cause))


_CLASSES: Final = {
    "lost": "no answer",
    "slow": "no answer",
    "error": "server error",
    "timeout": "server error",
    "busy": "not now",
    "locked": "not now",
    "processing": "not now",
    "unauthorized": "refused",
    "forbidden": "refused",
    "missing": "refused",
    "sticky": "refused",
    "redirect": "refused",
    "empty": "odd success",
    "html": "odd success",
    "accepted": "odd success",
    "unchanged": "odd success",
    "approve": "race",
    "deliver": "race",
    "twice": "sent twice",
}


def _cell(case: MerchantCase) -> CellRecord:
    """Return a case's cell of the coverage grid: situation, and what goes wrong first."""
    if not case.situation:
        return CellRecord()
    kinds = [_CLASSES[fault.kind.partition("-")[0]] for fault in case.history.faults]
    return CellRecord(situation=case.situation, age="what goes wrong", flag=kinds[0] if kinds else "nothing")


def _usable(data: dict[str, Any], profile: Profile, offered: frozenset[str]) -> MerchantHistory | None:
    """Return a stored example's history, or None where it cannot be run here."""
    try:
        history = merchant_history_from_json(data)
    except HistoryError:
        return None
    return history if history.profile is profile and history.needs <= offered else None


def _as_provider_trial(trial: MerchantTrialResult) -> TrialResult:
    """Return a trial as a display of progress takes it."""
    findings = tuple(Finding(rule, "", "", "", "") for rule in trial.broken)
    return TrialResult(TrialStatus.VIOLATES if findings else TrialStatus.CONFORMS, own_findings=findings)
