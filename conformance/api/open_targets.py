"""Targets that are opened once and kept for many histories."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

from conformance.api.own_loop import OwnLoop
from conformance.api.provider_run import member_named
from conformance.api.recording import current_recording
from conformance.domain.order import Market, Profile
from conformance.domain.steps import History, Step
from conformance.domain.visible_text import visible
from conformance.errors import NotTestedError, UsageError
from conformance.evidence.journal import Journal
from conformance.evidence.record_parts import Record
from conformance.evidence.records import StoppedRecord
from conformance.judging.judge import Judgement
from conformance.judging.rule_verdicts import CAPABILITIES
from conformance.model import ModelContext
from conformance.rulebook import Readings
from conformance.runner.executor import CaseExecutor, Observer, history_record, plan_of
from conformance.runner.live_order import LiveOrder, RecordList
from conformance.runner.recorded_run import run_end_after
from conformance.runner.schedule import ScheduledCase
from conformance.runner.session import RunSession
from conformance.runner.settings import Settings, header, nonce_for
from conformance.runner.trial import TrialResult
from conformance.strategies.provider.case import Case
from conformance.strategies.provider.situations import needs, on_wire_only
from conformance.targets.from_object import target_from_object
from conformance.targets.resolve import resolve_target
from conformance.targets.target import Target, Worker
from conformance.targets.transport import TargetError

AnyTarget: TypeAlias = "OpenTarget | str | Any"
"""A target: one that is open, the text of ``--target``, or an ASGI or WSGI application or an adapter as an object."""

_WORDS: Final = {
    **CAPABILITIES,
    "concurrent": "take two requests at the same time",
    "wire": "be sent a malformed request",
}
"""What a capability is for, in words that follow "no way to"."""


@dataclass(frozen=True, slots=True)
class PlayedHistory:
    """A history that was played: how it ended, and its records, those of its repetitions included."""

    history: History
    trial: TrialResult
    records: tuple[Record, ...]


class _LastTrial(Observer):
    def __init__(self) -> None:
        self.trial = TrialResult()

    def played(self, profile: Profile, trial: TrialResult) -> None:
        self.trial = trial


class OpenTarget:
    """An implementation under test that is reached once, on first use, and kept for many histories.

    Made by `open_target`. It may be used from several threads, and from a test with a running event loop; histories
    are played one after the other.
    """

    def __init__(self, target: Target, settings: Settings) -> None:
        self.left_out: set[str] = set()
        """Why histories were left out so far, as the target does not offer what they need."""
        self._target = target
        self._loop = OwnLoop()
        self._numbers = count(1)
        self._opened = False
        self._trouble = ""
        self._recording = current_recording()
        self._parts: dict[Profile, Journal] = {}
        self._opening: tuple[Record, ...] = ()
        self._name = "t"
        if self._recording is not None:
            self._name = self._recording.next_name()
            nonce = f"{self._recording.nonce}-{self._name}"
            settings = replace(settings, nonce=nonce, command=self._recording.command)
        self._session = RunSession(target, settings)
        self._worker: Worker | None = None
        self._sink = RecordList()
        self._observer = _LastTrial()
        self._executor = CaseExecutor(self._session, self._sink, self._observer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"open_target({self.name!r})"

    @property
    def name(self) -> str:
        """The name of the target, as reports show it."""
        return self._target.name

    @property
    def market(self) -> Market:
        """The market of the sales unit."""
        return self._session.settings.market

    @property
    def over_http(self) -> bool:
        """Whether the target is reached in HTTP messages."""
        return self._target.over_http

    def capabilities(self, profile: str) -> frozenset[str]:
        """Return what the target lets the suite do in an API, such as ``approve`` and ``age``. It is opened for that.

        Raises:
            UsageError: there is no such API, or the target is closed.
            TargetError: the target cannot be reached or tested.

        """
        api = member_named(Profile, "profile", profile)
        self._check_open()
        self._loop.wait(self._look(api))
        return self._session.probes[api].offered

    def context(self, profile: str) -> ModelContext:
        """Return the market and the interpretations in force, and what was measured of the target, for the model.

        Raises:
            UsageError: there is no such API, or the target is closed.
            TargetError: the target cannot be reached or tested.

        """
        self.capabilities(profile)
        return self._session.contexts[Profile(profile)]

    def play(self, history: History) -> PlayedHistory:
        """Play a history on an order of its own, and again where it was inconclusive.

        Raises:
            UsageError: the target is closed.
            NotTestedError: the target does not offer what the history needs.
            TargetError: the target cannot be reached or tested, or is not healthy.

        """
        self._check_open()
        return self._loop.wait(self._play(history))

    def new_order(self, profile: str) -> LiveOrder:
        """Return a new order that is driven one step at a time, with `do`, and given back with `keep`.

        Raises:
            UsageError: there is no such API, or the target is closed.
            TargetError: the target cannot be reached or tested.

        """
        self.capabilities(profile)
        assert self._worker is not None
        return LiveOrder(self._session, Profile(profile), self._identifier(Profile(profile)), self._worker)

    def do(self, order: LiveOrder, step: Step) -> tuple[Judgement, str]:
        """Execute the next step of an order; return its judgement, and what was observed in words."""
        return self._loop.wait(order.do(step))

    def records_of(self, order: LiveOrder) -> list[Record]:
        """Return the records of everything that was done to an order so far; the last one is its last judgement."""
        scheduled = ScheduledCase(order.identifier, _case(order.history))
        begun = history_record(scheduled.case, order.identifier, scheduled.case.source)
        return [plan_of([scheduled]), begun, *order.sink.records]

    def keep(self, order: LiveOrder) -> None:
        """Take an order of which every step was done, for the evidence."""
        self._write(order.profile, self.records_of(order))

    def close(self) -> None:
        """Leave the target. A closed one is not opened again."""
        if not self._loop.is_open:
            return
        try:
            self._loop.wait(self._close())
        finally:
            self._loop.close()
            for part in self._parts.values():
                part.close()

    def _check_open(self) -> None:
        if not self._loop.is_open:
            raise UsageError(f"The target {self.name} is closed: use it within its `with` block or its fixture.")

    async def _look(self, profile: Profile) -> None:
        """Reach the target and probe an API, unless that was done before."""
        if self._trouble:
            raise TargetError(self._trouble)
        if profile in self._session.probes:
            return
        try:
            if not self._opened:
                self._opened = True
                await self._session.open(self._sink)
                self._worker = self._target.worker()
                self._opening = tuple(self._sink.records)
            else:
                # Every part says how the target was reached.
                self._sink.records.extend(self._opening)
            await self._session.look(profile, self._sink)
        except TargetError as error:
            self._trouble = visible(self._session.redactor.clean(str(error)))
            self._sink.append(StoppedRecord(ended="environment", message=self._trouble))
            raise TargetError(self._trouble) from None
        finally:
            self._write(profile, self._taken())

    async def _play(self, history: History) -> PlayedHistory:
        await self._look(history.profile)
        missing = self._missing(history)
        if missing:
            raise NotTestedError(*map(self._no_way_to, missing))
        scheduled = ScheduledCase(self._identifier(history.profile), _case(history))
        self._sink.append(plan_of([scheduled]))
        assert self._worker is not None
        try:
            await self._executor.run_case(scheduled, self._worker)
        except BaseException as error:
            end = run_end_after(error)
            self._sink.append(StoppedRecord(ended=end.ended, message=self._session.redactor.clean(end.message)))
            raise
        finally:
            records = self._taken()
            self._write(history.profile, records)
        return PlayedHistory(history, self._observer.trial, tuple(records))

    def _missing(self, history: History) -> list[str]:
        """Return what the target does not offer and a history needs, in words."""
        probe = self._session.probes[history.profile]
        missing = set(needs(history) - probe.offered)
        if on_wire_only(history) and not self._target.over_http:
            missing.add("wire")
        unplayable = [] if probe.can_run(history) else [f"{name} an order" for name in sorted(probe.unplayable)]
        return [*(_WORDS[name] for name in sorted(missing)), *unplayable]

    def _no_way_to(self, what: str) -> str:
        return f"{self.name} offers no way to {what}."

    def reasons_without(self, capabilities: Iterable[str]) -> list[str]:
        """Return for each of the capabilities, which the target lacks, a sentence that says so."""
        return [self._no_way_to(_WORDS[name]) for name in sorted(capabilities)]

    def _identifier(self, profile: Profile) -> str:
        return f"{profile.value}-{self._name}-{next(self._numbers):05d}"

    def _taken(self) -> list[Record]:
        records = list(self._sink.records)
        self._sink.records.clear()
        return records

    def _write(self, profile: Profile, records: Iterable[Record]) -> None:
        """Write records into the part of an API, if they are kept. Each API has its own, as it is a run of its own."""
        if self._recording is None:
            return
        if profile not in self._parts:
            part = self._parts[profile] = self._recording.part(f"{self._name}-{profile.value}")
            part.append(header(self._session.settings, self._target, (profile,), datetime.now(UTC)))
        for record in records:
            self._parts[profile].append(record)

    async def _close(self) -> None:
        if self._worker is not None:
            await self._worker.close()
        await self._target.close()


def _case(history: History) -> Case:
    """Return a history as a case of the test that is running, where pytest says which one that is."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    return Case(history, f"drawn in {test}" if test else "drawn", {}, (), generated=True)


def open_target(
    target: str | Any, *, control_url: str | None = None, market: str = "no", interpretations: Iterable[str] = ()
) -> OpenTarget:
    """Return a target that is reached on first use and kept until it is closed, as a context manager does.

        @pytest.fixture(scope="session")
        def provider():
            with open_target("http://127.0.0.1:8000", control_url="http://127.0.0.1:8000/control") as target:
                yield target

    Args:
        target: what ``--target`` takes (``embedded``, a base URL, ``asgi:module:app``, ``wsgi:module:app``,
            ``python:module:Adapter``), or an ASGI or WSGI application, or an adapter class or object.
        control_url: the base of the target's test control API; a path of an application.
        market: ``no``, ``dk`` or ``fi``.
        interpretations: interpretations of ambiguous sentences to insist on, such as ``C8=reject``.

    Raises:
        UsageError: the market makes no sense.
        ReadingError: an interpretation makes no sense.
        TargetUsageError: the target makes no sense.

    """
    chosen = [interpretations] if isinstance(interpretations, str) else interpretations
    # The test itself says what it makes of a violation.
    settings = Settings(market=member_named(Market, "market", market), readings=Readings.choose(chosen), confirms=False)
    if isinstance(target, str):
        resolved = resolve_target(target, control_url=control_url)
    else:
        resolved = target_from_object(target, control_url=control_url)
    return OpenTarget(resolved, replace(settings, nonce=nonce_for(resolved, settings.seed)))


_kept: dict[tuple[object, ...], tuple[OpenTarget, object]] = {}
"""The targets that are open because somebody named them, with the object that was named, so that its id stays its."""


def opened(target: AnyTarget, control_url: str | None, market: str, interpretations: Iterable[str]) -> OpenTarget:
    """Return an open target: the one that is given, or the one that is kept under the same name and options.

    Raises:
        UsageError: options are given for a target that is open already, or make no sense.
        ReadingError: an interpretation makes no sense.
        TargetUsageError: the target makes no sense.

    """
    chosen = (interpretations,) if isinstance(interpretations, str) else tuple(interpretations)
    if isinstance(target, OpenTarget):
        if control_url is not None or market != "no" or chosen:
            raise UsageError("The target is open: its options are those of open_target().")
        return target
    key = (target if isinstance(target, str) else id(target), control_url, market, chosen)
    if key not in _kept:
        _kept[key] = open_target(target, control_url=control_url, market=market, interpretations=chosen), target
    return _kept[key][0]


@atexit.register
def close_kept_targets() -> None:
    """Leave every target that is kept open because it was named."""
    while _kept:
        _, (target, _) = _kept.popitem()
        target.close()
