"""Rebuilding what a run says from its exchanges: the whole run once more, against its own recording, without a network.

How a target is reached and looked at, how steps become requests and answers observations, the model and the judge all
do their work again. Nothing that was recorded of what they found is taken for true.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

from conformance.journal import Evidence, JournalError, Record
from conformance.playback import LOOKS, CutOffError, PlaybackError, Recording, RemovedError
from conformance.playing import Playing
from conformance.recorded import RecordedSitting
from conformance.rejudging import rejudge
from conformance.soundness import AGAIN, ALONE, PLANNED
from conformance.steps import history_from_json
from conformance.targets.base import TargetError
from conformance.trial import Ending, Trial
from strategies.plan import Planned

_UNREADABLE: Final = (KeyError, TypeError, AttributeError, ValueError, OverflowError, RecursionError, IndexError)
WITHOUT_EXCHANGES: Final = (
    "the target was called without HTTP, so there are no exchanges: the judgements follow from what is said to have "
    "been observed, and that it was observed is taken on trust"
)


@dataclass
class Rebuilt:
    """What came of it: what does not follow, what cannot be repeated and why, and how much was."""

    faults: list[str] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)
    histories: int = 0
    exchanges: int = 0
    judgements: int = 0


def rebuild(evidence: Evidence) -> Rebuilt:
    """Rebuild every judgement of a run from its exchanges, and compare.

    The evidence must be that of one run (``conformance.soundness``).
    """
    out = Rebuilt(
        histories=sum(1 for _ in evidence.of_kind("history")),
        exchanges=sum(1 for _ in evidence.of_kind("exchange")),
        judgements=sum(1 for _ in evidence.of_kind("judgement")),
    )
    if not evidence.records[0]["target"]["wire"]:
        out.unverified.append(WITHOUT_EXCHANGES)
        try:
            rejudge(evidence)
        except JournalError as error:
            out.faults.append(str(error))
        return out
    asyncio.run(_Rebuilding(evidence, out).everything())
    return out


class _Playing(Playing):
    """Plays what has no secrets any more."""

    def _cleaned(self, value: Any) -> Any:
        return value


class _Rebuilding:
    def __init__(self, evidence: Evidence, out: Rebuilt) -> None:
        self._evidence = evidence
        self._out = out
        self._complete = evidence.records[-1].get("ended") == "complete"
        self._recording = Recording(evidence)
        self._histories = {record["id"]: record for record in evidence.of_kind("history")}
        self._trials: dict[str, Trial] = {}
        self._said_missed: dict[str, list[Record]] = {}
        for record in evidence.of_kind("missed"):
            self._said_missed.setdefault(record["history"], []).append(record)

    async def everything(self) -> None:
        try:
            self._sitting = RecordedSitting(self._recording)
        except _UNREADABLE as error:
            self._out.faults.append(f"the first record does not say how the run was made: {error!r}")
            return
        await self._look()
        if not self._sitting.opened:
            # Nothing could be played before the target was reached; what was, is without a beginning.
            if self._histories and not self._out.faults:
                self._out.faults.append("histories were played, and how the target was reached cannot be gone through")
            return
        self._playing = _Playing(self._sitting, self._recording)
        for name, record in self._histories.items():
            base = name.rstrip(AGAIN)
            if record["source"] in PLANNED and name != base:
                continue
            if name[-1] not in ALONE:
                await self._guarded(name, self._play_all(name, record))
        self._explained()

    async def _guarded(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Do a part of the work; note what does not follow, or cannot be repeated."""
        where = name or "what came before the first history"
        try:
            await work
        except PlaybackError as error:
            self._out.faults.append(str(error))
        except RemovedError:
            self._out.unverified.append(f"{where}: a secret stood where it mattered, and was not written down")
        except CutOffError:
            if self._complete:
                self._out.faults.append(f"{where} is not there to its end, and the run is said to be complete")
        except _UNREADABLE as error:
            self._out.faults.append(f"{where}: a record is not as it should be: {error!r}")

    async def _look(self) -> None:
        """Look at the target once more, as often as it was looked at: every process of a run does so."""
        looks = self._recording.looks
        first = True
        while first or looks.left:
            before = len(self._out.faults)
            await self._guarded(LOOKS, self._look_once(first=first))
            if len(self._out.faults) > before or not looks.left:
                break
            first = False

    async def _look_once(self, *, first: bool) -> None:
        run = self._recording.run
        self._recording.learnt.clear()
        try:
            profiles = await self._sitting.open(self._recording)
            if [one.value for one in profiles] != run["profiles"]:
                raise PlaybackError(
                    f"the run is said to be of {', '.join(run['profiles'])}, and the target offers others"
                )
            for profile in profiles:
                await self._sitting.look(profile, self._recording)
        except TargetError as error:
            if self._complete:
                raise PlaybackError(f"the run is complete, and its target could not be tested: {error}") from None
        finally:
            if first:
                self._compare_learnt()

    def _compare_learnt(self) -> None:
        said = [record for record in self._evidence.records if record["kind"] in ("capabilities", "smoke")]
        free = ("n", "prev")
        plain = [{name: value for name, value in record.items() if name not in free} for record in said]
        for record, has_to_be in zip(plain, self._recording.learnt, strict=False):
            if record != has_to_be:
                self._out.faults.append(
                    f"what is said of the target in {record['profile']} is not what it showed: "
                    f"{record} has to be {has_to_be}"
                )
        if len(plain) > len(self._recording.learnt) or (self._complete and len(plain) < len(self._recording.learnt)):
            self._out.faults.append("there is not one record of what the target offers for each time that it was asked")

    async def _play_all(self, name: str, record: Record) -> None:
        """Play a history, and again where it proved nothing."""
        planned = record["source"] in PLANNED
        trial = Trial()
        last = name
        for attempt in ("", *AGAIN) if planned else ("",):
            last = name + attempt
            if last not in self._histories:
                raise CutOffError
            trial = await self._play(last, last_attempt=not planned or attempt == AGAIN[-1])
            if trial.ending is not Ending.INCONCLUSIVE:
                break
        if planned:
            self._missed(last, record, trial)

    async def _play(self, name: str, *, last_attempt: bool) -> Trial:
        record = self._histories[name]
        history = history_from_json(record["history"])
        one = Planned(history, record["label"], record["cell"], tuple(record["goals"]))
        worker = self._sitting.seat.worker()
        trial = await self._playing.play(one, name, record["source"], worker, last=last_attempt)
        for played in (name, *(name + letter for letter in ALONE)):
            if played in self._recording.tapes:
                self._recording.tapes[played].check_empty()
        self._trials[name] = trial
        return trial

    def _missed(self, name: str, record: Record, trial: Trial) -> None:
        said = self._said_missed.get(name, [])
        goals = [goal for goal in record["goals"] if goal not in trial.examples]
        rules = list(dict.fromkeys(goal.partition("/")[0] for goal in goals))
        expected = [(rules, trial.cause)] if trial.ending is Ending.INCONCLUSIVE and goals else []
        if [(one["rules"], one["cause"]) for one in said] != expected and (self._complete or said):
            raise PlaybackError(f"what {name} is said to have missed is not what it missed")

    def _explained(self) -> None:
        """Hold every counterexample against what its history broke."""
        for record in self._evidence.of_kind("counterexample"):
            trial = self._trials.get(record["history"])
            if trial is None:
                continue
            found = [(one.rule, one.reason, one.field) for one in trial.own_findings]
            if (record["rule"], record["reason"], record["field"]) not in found:
                self._out.faults.append(
                    f"the counterexample of {record['rule']} does not show what {record['history']} broke"
                )
