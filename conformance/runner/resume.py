"""What an interrupted run left to do: which histories were under way, and where each one is taken up again.

A request that was under way when the run stopped was sent and not answered, and is judged as such: it proves nothing,
and its history is played again on a fresh order. What was judged before is not judged again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from conformance.domain.expectation import LOST, Observation
from conformance.domain.order import Profile
from conformance.domain.steps import History, history_from_json, name_of
from conformance.evidence.consistency import RETRY_SUFFIXES, SEQUENTIAL_SUFFIXES, ends_history
from conformance.evidence.journal import Evidence, JournalError, Record, is_merchant_run
from conformance.evidence.redaction import REMOVED
from conformance.judging.judge import FailureKey
from conformance.judging.tracker import Tracker
from conformance.model import ModelContext

CAUSE: Final = "the run was interrupted"
_OBSERVED: Final[Observation] = {"answer.outcome": LOST, "answer.cause": CAUSE}
RESUMABLE: Final = ("interrupted", "environment")


def is_interruption(record: Record) -> bool:
    """Tell whether a judgement is about a request that was under way when the run was interrupted."""
    return bool(record["kind"] == "judgement" and record["observed"] == _OBSERVED)


class InterruptedRun:
    """What is to be done of a run that stopped before its end."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._played = {record["id"]: record for record in evidence.of_kind("history")}
        self._judged: dict[str, list[Record]] = {name: [] for name in self._played}
        for record in evidence.of_kind("judgement"):
            self._judged[record["history"]].append(record)
        self._under_way = {name for name in self._played if not self._has_ended(name)}

    @property
    def planned(self) -> frozenset[str]:
        """The histories that stand in a plan already."""
        return frozenset(name for record in self._evidence.of_kind("plan") for name in record["histories"])

    @property
    def times(self) -> int:
        """How often the run was resumed before."""
        return sum(1 for _ in self._evidence.of_kind("resumed"))

    def next_attempt(self, name: str) -> str | None:
        """Return how the identifier of a history's next attempt ends, or None where there is none to be played."""
        attempts = [letter for letter in ("", *RETRY_SUFFIXES) if name + letter in self._played]
        if not attempts:
            return ""
        last = name + attempts[-1]
        if not self._proved_nothing(last):
            return None
        return RETRY_SUFFIXES[len(attempts) - 1] if len(attempts) <= len(RETRY_SUFFIXES) else None

    def closings(self, contexts: dict[Profile, ModelContext], *, complete: bool) -> Iterator[dict[str, Any]]:
        """Return the judgements of the requests that were under way, in the order in which they were begun."""
        for name, record in self._played.items():
            if name in self._under_way:
                yield self._closing(name, record, contexts[Profile(record["profile"])], complete=complete)

    def kept(self) -> frozenset[tuple[Profile, FailureKey]]:
        """Return the failures of which a counterexample was kept."""
        found = set()
        for record in self._evidence.of_kind("counterexample"):
            for judgement in self._judged[record["history"]]:
                for finding in judgement.get("findings", ()):
                    if (finding["rule"], finding["reason"]) == (record["rule"], record["reason"]):
                        group = finding["rule"], f"{finding['branch']}: {finding['field']}"
                        found.add((Profile(record["profile"]), group))
        return frozenset(found)

    def _has_ended(self, name: str) -> bool:
        judgements = self._judged[name]
        steps = len(self._played[name]["history"]["steps"])
        return len(judgements) >= steps or bool(judgements and ends_history(judgements[-1]))

    def _proved_nothing(self, name: str) -> bool:
        if name in self._under_way:
            return True
        aside = any(one.get("superseded") for one in self._judged[name])
        alone = [self._judged[name + letter] for letter in SEQUENTIAL_SUFFIXES if name + letter in self._played]
        return aside and not any(each and each[-1]["status"] == "violates" for each in alone)

    def _closing(self, name: str, record: Record, context: ModelContext, *, complete: bool) -> dict[str, Any]:
        history, judgements = history_from_json(record["history"]), self._judged[name]
        index = len(judgements)
        step = history.all_steps[index]
        content: dict[str, Any] = {"status": "inconclusive", "cause": f"no answer ({CAUSE})"}
        tracker = _tracked(history, judgements, context, complete=complete)
        if tracker is not None:
            expectation = tracker.expectation(step)
            content = tracker.observe(step, _OBSERVED).as_json(expectation)
        if (
            record["source"] != "shrinking"
            and self.next_attempt(name.rstrip(SEQUENTIAL_SUFFIXES).rstrip(RETRY_SUFFIXES)) is not None
        ):
            content["superseded"] = True
        return {
            "history": name,
            "step": index,
            "do": name_of(step),
            "seen": LOST,
            "observed": dict(_OBSERVED),
            **content,
        }


def _tracked(history: History, judgements: list[Record], context: ModelContext, *, complete: bool) -> Tracker | None:
    """Return a tracker after the last step that was judged, or None where a secret hides what was observed."""
    tracker = Tracker(history.profile, context, complete=complete)
    for step, record in zip(history.all_steps, judgements, strict=False):
        observation: Observation = record["observed"]
        if any(REMOVED in str(value) for value in observation.values()):
            return None
        tracker.observe(step, observation)
    return tracker


def check_resumable(evidence: Evidence, tool: str, rulebook: str) -> None:
    """Check that a run can be taken up again.

    Raises:
        JournalError: it came to its end, or was made by another version, or is not a run of one's own.

    """
    run, last = evidence.records[0], evidence.records[-1]
    if last["kind"] == "finish" and last["ended"] == "complete":
        raise JournalError("The run came to its end: there is nothing to resume.")
    if last["kind"] == "finish" and last["ended"] not in RESUMABLE:
        raise JournalError("The run ended for a fault of the suite itself: it cannot be resumed; begin another one.")
    if is_merchant_run(run):
        raise JournalError("The run judged a merchant's integration, which takes a moment: begin another one.")
    if "focus" in run:
        raise JournalError(f"The run was one of the command {run['focus']}, which is not resumed: begin another one.")
    if "merged" in run:
        raise JournalError("The evidence was merged from shards: resume the shard that was interrupted.")
    if (run["tool"], run["rulebook"]) != (tool, rulebook):
        raise JournalError(
            f"The run was begun by version {run['tool']} of cancel-conformance and its rulebook: resume it with that."
        )
