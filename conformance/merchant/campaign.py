"""A merchant's run: every history of the plan, the smallest one of each broken obligation, and the evidence."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from conformance import __version__
from conformance.domain.order import Profile
from conformance.domain.steps import HistoryError
from conformance.evidence.consistency import digest_of
from conformance.evidence.counterexamples import FOLDER
from conformance.evidence.journal import JOURNAL_VERSION, PARTY, Journal, read_journal
from conformance.judging.judge import Finding
from conformance.merchant.harness import CountingSink, MerchantHarness, MerchantTrialResult
from conformance.merchant.shrinking import shrink_history
from conformance.obligations.history import MerchantHistory, merchant_history_as_json, merchant_history_from_json
from conformance.obligations.outcome_rules import why_nothing_was_captured
from conformance.results.audit import audit
from conformance.results.merchant_counterexamples import MerchantCounterexample, write_merchant_counterexample
from conformance.results.result import Result, result_of
from conformance.results.waivers import Waiver
from conformance.rulebook import load_obligations
from conformance.runner.example_database import LABEL, ExampleExchange
from conformance.runner.executor import Observer
from conformance.runner.trial import TrialResult as Shown
from conformance.runner.trial import TrialStatus
from conformance.strategies.merchant.plan import BUDGETS, MerchantCase, plan_merchant_cases
from conformance.targets.transport import TargetError

MOST_TRIED: Final = {True: 150, False: 40}
"""Histories that are tried to make one smaller: in this process, and where each takes real time."""
FIRST: Final = 48
"""Of the systematic set, what the quick budget plays where every action takes real time."""
SHRINKING_SECONDS: Final = 60.0
"""After so long, what is found is no longer made smaller."""
ENDLESS: Final = "MC-1"
PROBE: Final = "probe"


@dataclass(frozen=True, slots=True)
class MerchantSettings:
    """What a run was asked to do. Without ``profiles``, those are tested that the integration says it uses."""

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


@dataclass(slots=True)
class _Failure:
    first: str
    history: MerchantHistory


class MerchantCampaign:
    """One run against one integration, from the first request to the last record.

    Args:
        harness: the integration, and what it is played with.
        settings: what is asked for.
        directory: where the evidence goes.
        observer: is told how the run goes on.

    """

    def __init__(
        self, harness: MerchantHarness, settings: MerchantSettings, directory: Path, observer: Observer | None = None
    ) -> None:
        self._harness = harness
        self._settings = settings
        self._directory = directory
        self.observer = observer or Observer()
        self._journal = Journal(directory)
        self._started = datetime.now(UTC)
        self._failures: dict[tuple[Profile, str], _Failure] = {}
        self._shrunk = 0
        self._examples = ExampleExchange(settings.examples, PARTY, settings.market)

    def run(self) -> Result:
        """Play everything; return the result as it stands in the journal.

        Every ending leaves a readable journal. An integration that cannot be asked ends the run as an environment
        error; any other exception as a fault of the harness.
        """
        ended, message = "harness", ""
        try:
            self._run()
            audit(read_journal(self._directory))
            ended = "complete"
        except TargetError as error:
            ended, message = "environment", str(error)
        except KeyboardInterrupt:
            ended, message = "interrupted", "stopped by the user"
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            raise
        finally:
            self._harness.close()
            seconds = round((datetime.now(UTC) - self._started).total_seconds(), 3)
            self._journal.append("finish", ended=ended, message=message, seconds=seconds)
            self._journal.close()
        return result_of(read_journal(self._directory))

    def _run(self) -> None:
        try:
            offer = self._harness.open()
        except TargetError:
            self._journal.append("run", **self._header(self._settings.profiles or tuple(Profile)))
            raise
        profiles = self._settings.profiles or offer.profiles
        self._journal.append("run", **self._header(profiles))
        unknown = [profile.value for profile in profiles if profile not in offer.profiles]
        if unknown:
            said = ", ".join(one.value for one in offer.profiles)
            raise TargetError(f"{self._harness.integration.name} does not use {unknown[0]}: its profiles are {said}.")
        plans = {profile: self._look(profile, offer.actions) for profile in profiles}
        shared = self._shared(profiles, offer.actions)
        try:
            self._play_all(plans, shared)
            self._keep_smallest()
        finally:
            if self._examples.is_enabled:
                self._examples.give_back(read_journal(self._directory), self._journal, self.observer)

    def _shared(self, profiles: tuple[Profile, ...], offered: frozenset[str]) -> list[tuple[str, MerchantCase]]:
        """Return the examples that other runs found and that can be played here."""
        named: list[tuple[str, MerchantCase]] = []
        as_found: list[tuple[str, dict[str, Any]]] = []
        left = 0
        for profile in profiles:
            found = self._examples.read(profile)
            left += found.unread
            for data in found.histories:
                try:
                    history = merchant_history_from_json(data)
                except HistoryError:
                    left += 1
                    continue
                if history.profile is not profile or not history.needs <= offered:
                    left += 1
                    continue
                name = f"{profile.value}-e{len(named) + 1:05d}"
                named.append((name, MerchantCase(history, LABEL, shared=True)))
                as_found.append((name, data))
        self._examples.record_tried(self._journal, self.observer, as_found, left)
        return named

    def _look(self, profile: Profile, offered: frozenset[str]) -> list[tuple[str, MerchantCase]]:
        """Try the simplest order, and plan an API's histories.

        Raises:
            TargetError: no payment comes of it.

        """
        source = f"the integration has {', '.join(sorted(offered))}"
        self._journal.append(
            "capabilities", profile=profile.value, offered=sorted(offered), source=source, lapses_after=None
        )
        settings = self._settings
        plan = plan_merchant_cases(profile, offered, settings.seed, settings.generated)
        if settings.budget == "quick" and not self._harness.integration.virtual:
            fixed = [one for one in plan if not one.generated]
            plan = [*fixed[:FIRST], *(one for one in plan if one.generated and settings.histories is not None)]
        trial = self._harness.run(plan[0].history, f"{PROBE}-{profile.value}", CountingSink())
        made = any(one.payment is not None for one in trial.trace.snapshots)
        told = next(
            (act.message for act in trial.trace.actions if act.action == "create" and act.ending != "returned"), ""
        )
        self._journal.append("smoke", profile=profile.value, ok=made, note=told)
        if not made:
            raise TargetError(
                f"The adapter is at fault: create of {self._harness.integration.name} "
                f"made no payment in {profile.value}"
                + (f" ({told})" if told else f", which answers at {self._harness.base_url}")
                + "."
            )
        return [(f"{profile.value}-{number:05d}", one) for number, one in enumerate(plan, 1)]

    def _header(self, profiles: tuple[Profile, ...]) -> dict[str, Any]:
        settings, integration = self._settings, self._harness.integration
        return {
            "format": JOURNAL_VERSION,
            "tool": __version__,
            "started": self._started.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "command": settings.command,
            "seed": settings.seed,
            "budget": settings.budget,
            "histories": settings.histories,
            "profiles": [profile.value for profile in profiles],
            "market": settings.market,
            "readings": {},
            "rulebook": load_obligations().digest,
            "nonce": "cc",
            "target": {"kind": integration.kind, "name": integration.name, "wire": True, "control": None},
            "waivers": [waiver.as_json() for waiver in settings.waivers],
            "python": platform.python_version(),
            "party": PARTY,
            "strict": settings.strict,
            **({"examples": list(settings.examples)} if settings.examples else {}),
        }

    # Playing

    def _play_all(
        self, plans: Mapping[Profile, list[tuple[str, MerchantCase]]], shared: list[tuple[str, MerchantCase]]
    ) -> None:
        """Play what other runs found, and then the plans.

        The APIs take turns, so that a run that is cut short has seen some of each.
        """
        turns = max(map(len, plans.values()), default=0)
        planned = [*shared, *(plan[turn] for turn in range(turns) for plan in plans.values() if turn < len(plan))]
        self._journal.append(
            "plan",
            histories=[name for name, _ in planned],
            digest=digest_of((name, merchant_history_as_json(one.history)) for name, one in planned),
        )
        self.observer.phase("histories", len(planned))
        for name, one in planned:
            trial = self._play(one, name, one.source)
            self.observer.played(one.history.profile, _shown(trial))
            for rule in trial.broken:
                key = one.history.profile, rule
                known = self._failures.get(key)
                if known is None or one.history.size < known.history.size:
                    self._failures[key] = _Failure(name, one.history)

    def _play(self, one: MerchantCase, name: str, source: str) -> MerchantTrialResult:
        self._journal.append(
            "history",
            id=name,
            profile=one.history.profile.value,
            source=source,
            label=one.label,
            cell=_cell(one),
            goals=[],
            history=merchant_history_as_json(one.history),
        )
        trial = self._harness.run(one.history, name, self._journal)
        for judged in trial.results:
            self._journal.append("judgement", history=name, **judged.as_json(trial.trace))
        self._say_what_was_missed(trial, name, one.history.profile)
        return trial

    def _say_what_was_missed(self, trial: MerchantTrialResult, name: str, profile: Profile) -> None:
        """Write down which obligations a history set out for in vain: nothing was captured that was to be."""
        said = {judged.rule for judged in trial.results}
        cause = why_nothing_was_captured(trial.trace)
        book = self._harness.book
        rules = [one.id for one in book.governing(profile) if "capture" in one.needs and one.id not in said]
        if cause and rules:
            self._journal.append("missed", history=name, rules=rules, cause=cause)

    # Making failures smaller

    def _keep_smallest(self) -> None:
        self.observer.phase("minimising", len(self._failures))
        until = time.monotonic() + SHRINKING_SECONDS
        for (profile, rule), failure in self._failures.items():
            most = MOST_TRIED[self._harness.integration.virtual and rule != ENDLESS] if time.monotonic() < until else 0
            found, tried = shrink_history(failure.history, lambda one, rule=rule: self._breaks(one, rule), most)  # type: ignore[misc]
            self._keep(profile, rule, failure, found, tried)

    def _breaks(self, history: MerchantHistory, rule: str) -> bool:
        return rule in self._harness.run(history, self._fresh(history.profile), CountingSink()).broken

    def _fresh(self, profile: Profile) -> str:
        self._shrunk += 1
        return f"{profile.value}-s{self._shrunk:05d}"

    def _keep(self, profile: Profile, rule: str, failure: _Failure, found: MerchantHistory, tried: int) -> None:
        """Play the smallest once more, and keep it: what is shown is what was recorded."""
        for history in (found, failure.history):
            name = self._fresh(profile)
            trial = self._play(MerchantCase(history, "smallest history that fails"), name, "shrinking")
            if rule in trial.broken:
                break
        else:
            self.observer.note(f"{rule} failed once and could not be made to fail again")
            return
        file = f"{FOLDER}/{profile.value}-{rule}-1.json"
        settings = self._settings
        example = MerchantCounterexample(
            rule, trial.broken[rule], history, settings.market, settings.seed, self._harness.integration.name
        )
        write_merchant_counterexample(self._directory / file, example)
        self._journal.append(
            "counterexample",
            rule=rule,
            profile=profile.value,
            reason=trial.broken[rule],
            field=rule,
            file=file,
            history=name,
            first=failure.first,
            steps=len(history.steps),
            tried=tried,
        )


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
    "twice": "sent twice",
}


def _cell(one: MerchantCase) -> dict[str, str]:
    """Return a history's place in the coverage grid: its way of life, and what goes wrong first."""
    if not one.situation:
        return {}
    kinds = [_CLASSES[fault.kind.partition("-")[0]] for fault in one.history.faults]
    return {"situation": one.situation, "age": "what goes wrong", "flag": kinds[0] if kinds else "nothing"}


def _shown(trial: MerchantTrialResult) -> Shown:
    """Return a trial for the display of progress."""
    findings = tuple(Finding(rule, "", "", "", "") for rule in trial.broken)
    return Shown(TrialStatus.VIOLATES if findings else TrialStatus.CONFORMS, findings=findings)
