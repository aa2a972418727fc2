"""A campaign in parts: blocks of planned histories, each played and written down on its own, and joined into one run.

Every process of a run sits down at the target and comes to the same plan. Whoever plays a block writes it into a part
of its own; at the end one process joins the parts into the journal, in the order of the plan, and minimises what
failed.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final, TypeVar

from conformance.domain.order import Profile
from conformance.domain.steps import history_as_json
from conformance.evidence.consistency import digest_of
from conformance.evidence.journal import Journal, Record, RecordSink, read_journal
from conformance.results.audit import audit
from conformance.results.result import Result
from conformance.rulebook import Status, load
from conformance.runner.executor import CaseExecutor, Observer
from conformance.runner.finish import Ended, ended_by
from conformance.runner.session import RunSession, ScheduledCase, start_journal
from conformance.runner.settings import Settings
from conformance.runner.shrinking import FailureShrinker, failures
from conformance.runner.trial import TrialResult, TrialStatus
from conformance.targets.target import Target

BLOCK: Final = 25
"""Histories in a block."""
PARTS: Final = "parts"
"""The folder that holds a run's parts until they are joined."""
_ONCE: Final = frozenset({"capabilities", "smoke"})
"""What every process learns of the target, and the journal is told once."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Block:
    """Histories that follow each other in the plan, and the block's own place in it, from 1."""

    name: str
    place: int
    histories: tuple[ScheduledCase, ...]


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a history broke."""

    history: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class BlockOutcome:
    """What playing a block showed. ``violations`` are those that no waiver covers."""

    histories: int
    inconclusive: int
    violations: tuple[Violation, ...]


class BlockJournal:
    """A ledger of its own for one block, or for what one process said before its first."""

    def __init__(self, directory: Path, name: str) -> None:
        self._journal = Journal(directory / PARTS, f"{name}.jsonl")
        self.violations: list[Violation] = []

    def append(self, kind: str, **content: Any) -> None:
        """Write one record."""
        self._journal.append(kind, **content)
        if kind == "judgement" and content["status"] == "violates":
            for finding in content["findings"]:
                self.violations.append(Violation(content["history"], finding["rule"], finding["reason"]))

    def close(self) -> None:
        """Close the file."""
        self._journal.close()


class BlockRunner:
    """One process' place at the target: what it does there happens in one event loop, from opening to closing."""

    def __init__(self, target: Target, settings: Settings, directory: Path) -> None:
        self.run_session = RunSession(target, settings)
        self.directory = directory
        self._runner = asyncio.Runner()
        self._blocks: list[Block] | None = None
        self._outcomes: dict[str, BlockOutcome] = {}

    def wait(self, task: Coroutine[Any, Any, T]) -> T:
        """Do something at the target; return when it is done."""
        return self._runner.run(task)

    def look(self, ledger: RecordSink) -> None:
        """Reach the target and look at every profile.

        Raises:
            TargetError: the target cannot be tested.

        """

        async def looking() -> None:
            for profile in await self.run_session.open(ledger):
                await self.run_session.look(profile, ledger)

        self.wait(looking())

    def join_in(self, name: str) -> None:
        """Look at the target as one of several processes, and write down what makes the plan of one that of all.

        Where that cannot be done there is no plan, and the reason is written down for whoever ends the run.
        """
        part = BlockJournal(self.directory, f"0000-{name}")
        try:
            self.look(part)
            part.append("agreed", digest=self._digest())
        except Exception as error:
            self._blocks = []
            self._stopped(part, error)
        finally:
            part.close()

    def blocks(self) -> list[Block]:
        """Return the plan in blocks. The profiles take turns, as they do in a campaign."""
        if self._blocks is None:
            plans = [_cut(profile, self.run_session.plan(profile)) for profile in self.run_session.contexts]
            turns = [one for turn in zip_longest(*plans) for one in turn if one is not None]
            self._blocks = [Block(name, place, histories) for place, (name, histories) in enumerate(turns, 1)]
        return self._blocks

    def play(self, block: Block) -> BlockOutcome:
        """Play a block and write it into its part. A block is played once, however often it is asked for.

        Raises:
            TargetError: the target is not healthy.

        """
        if block.name not in self._outcomes:
            part = BlockJournal(self.directory, f"{block.place:04d}-{block.name}")
            counting = _Counting()
            try:
                self.wait(CaseExecutor(self.run_session, part, counting).run_all(block.histories))
            except Exception as error:
                self._stopped(part, error)
                raise
            finally:
                part.close()
            counted = tuple(one for one in part.violations if self._counts(one.rule))
            self._outcomes[block.name] = BlockOutcome(len(block.histories), counting.inconclusive, counted)
        return self._outcomes[block.name]

    def close(self) -> None:
        """Leave the target."""
        try:
            self.wait(self.run_session.target.close())
        finally:
            self._runner.close()

    def _counts(self, rule: str) -> bool:
        waived = {waiver.rule for waiver in self.run_session.settings.waivers}
        return rule not in waived and load().rule(rule).status is not Status.EXCLUDED

    def _stopped(self, part: BlockJournal, error: Exception) -> None:
        ended = ended_by(error)
        part.append("stopped", ended=ended.how, message=self.run_session.redactor.clean(ended.message))

    def _digest(self) -> str:
        histories = [one for block in self.blocks() for one in block.histories]
        return digest_of((one.identifier, history_as_json(one.planned.history)) for one in histories)


class BlockRun:
    """A run whose histories are played in parts: its beginning and its end."""

    def __init__(self, bench: BlockRunner) -> None:
        self._bench = bench
        self._started = datetime.now(UTC)
        self._journal = Journal(bench.directory)
        self.observer = _Notes()

    def begin(self) -> None:
        """Reach the target, and open the journal with what was learnt.

        Raises:
            TargetError: the target cannot be tested.

        """
        self._bench.wait(start_journal(self._bench.run_session, self._journal, self._started))

    def end(self, ended: Ended, write_reports: Callable[[Path], Result], reported: int = 0) -> Result:
        """Join the parts, minimise what failed, write the last record and the reports; return what they report.

        ``write_reports`` reports the run whose journal is in a directory. ``reported`` is how many histories were said
        to be played: so many must be in the parts.
        """
        stopped = self._join(reported)
        # Who could not go on says why; that the session was stopped for it says less.
        ended = ended if stopped.how == "complete" else stopped
        try:
            if ended.how == "complete":
                ended = self._minimise()
            self._bench.close()
        finally:
            seconds = round((datetime.now(UTC) - self._started).total_seconds(), 3)
            message = self._bench.run_session.redactor.clean(ended.message)
            self._journal.append("finish", ended=ended.how, message=message, seconds=seconds)
            self._journal.close()
        result = write_reports(self._bench.directory)
        shutil.rmtree(self._bench.directory / PARTS, ignore_errors=True)
        return result

    def _join(self, reported: int) -> Ended:
        ended = Ended()
        plans: set[str] = set()
        found = 0
        for path in sorted((self._bench.directory / PARTS).glob("*.jsonl")):
            for record in _records(path):
                kind = record["kind"]
                content = {name: value for name, value in record.items() if name not in ("n", "kind", "prev")}
                if kind == "stopped":
                    ended = Ended(content["ended"], content["message"])
                elif kind == "agreed":
                    plans.add(content["digest"])
                elif kind not in _ONCE:
                    found += len(content["histories"]) if kind == "plan" else 0
                    self._journal.append(kind, **content)
        if len(plans) > 1 and ended.how == "complete":
            name = self._bench.run_session.target.name
            return Ended(
                "environment", f"{name} did not offer the same to every worker: what was played is no one run."
            )
        if found < reported and ended.how == "complete":
            return Ended("harness", f"{reported} histories were played, and the evidence has {found} of them.")
        return ended

    def _minimise(self) -> Ended:
        bench = self._bench
        try:
            found = failures(read_journal(bench.directory))
            if found:
                bench.wait(
                    FailureShrinker(bench.run_session, self._journal, bench.directory, self.observer).shrink_all(found)
                )
            audit(read_journal(bench.directory))
        except (Exception, KeyboardInterrupt) as error:
            return ended_by(error)
        return Ended()


class _Counting(Observer):
    def __init__(self) -> None:
        self.inconclusive = 0

    def played(self, profile: Profile, trial: TrialResult) -> None:
        """Count what proved nothing."""
        self.inconclusive += trial.ending is TrialStatus.INCONCLUSIVE


class _Notes(Observer):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        """Keep the line for the summary."""
        self.notes.append(text)


def join_parts(directory: Path) -> None:
    """Write what is left of a run's parts into its journal, so that the run can be gone on with in one process.

    What the journal has already is not written twice, should this itself have been interrupted.

    Raises:
        JournalError: there is no journal.

    """
    parts = directory / PARTS
    if not parts.is_dir():
        return
    journal, evidence, _ = Journal.continued(directory)
    there = {record["id"] for record in evidence.of_kind("history")}
    planned = {name for record in evidence.of_kind("plan") for name in record["histories"]}
    try:
        for path in sorted(parts.glob("*.jsonl")):
            for record in _records(path):
                content = {name: value for name, value in record.items() if name not in ("n", "kind", "prev")}
                kind = record["kind"]
                known = content.get("id") or content.get("history")
                fresh = planned.isdisjoint(content["histories"]) if kind == "plan" else known and known not in there
                if fresh:
                    journal.append(kind, **content)
    finally:
        journal.close()
    shutil.rmtree(parts, ignore_errors=True)


def _cut(profile: Profile, plan: list[ScheduledCase]) -> list[tuple[str, tuple[ScheduledCase, ...]]]:
    cut: list[tuple[str, tuple[ScheduledCase, ...]]] = []
    for source, generated in (("systematic", False), ("generated", True)):
        mine = [one for one in plan if one.planned.generated is generated]
        for number, start in enumerate(range(0, len(mine), BLOCK), 1):
            cut.append((f"{profile.value}-{source}-{number:02d}", tuple(mine[start : start + BLOCK])))
    return cut


def _records(path: Path) -> Iterator[Record]:
    # The last line of a process that was killed may have been cut off.
    lines = path.read_bytes().split(b"\n")[:-1]
    return (json.loads(line) for line in lines)
