"""Whether a run's evidence hangs together: one run, nothing twice, and everything that was begun is accounted for.

The journal's chain shows that its lines are those that were written. This shows that what was written can be the
evidence of one run: a report of anything else would be made of parts.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import zip_longest
from typing import Any, Final

from conformance.domain.steps import Cancel, History, Together, history_from_json, name_of, parts_of
from conformance.evidence.journal import DuplicateRecordError, Evidence, JournalError
from conformance.evidence.record_parts import FindingRecord, Record
from conformance.evidence.records import (
    CapabilitiesRecord,
    CounterexampleRecord,
    ExchangeRecord,
    FinishRecord,
    FuzzedRecord,
    FuzzProfileRecord,
    FuzzRecord,
    HistoryRecord,
    JudgementRecord,
    MissedRecord,
    PlanRecord,
    ResumedRecord,
    RunRecord,
    WholePlanRecord,
)
from conformance.evidence.recurrence import CONFIRMATION, SHRINKING, failure_groups

_RACE: Final = name_of(Together(Cancel(), Cancel()))
PLANNED: Final = frozenset({"systematic", "generated", "example"})
"""Where a history comes from that stands in the plan of a run."""
NOT_ONE_RUN: Final = "The evidence is not that of one run"
_LAST: Final = ("violates", "inconclusive")
RETRY_SUFFIXES: Final = "bc"
"""How the identifiers of later attempts end."""
SEQUENTIAL_SUFFIXES: Final = "xy"
"""How the identifiers of histories end in which two requests that raced are sent one after the other."""


def digest_of(histories: Iterable[tuple[str, Mapping[str, Any]]]) -> str:
    """Return the digest of histories as JSON, each with its identifier, in whatever order they come."""
    lines = sorted(json.dumps([name, history], sort_keys=True) for name, history in histories)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def check_consistency(evidence: Evidence, *, complete: bool) -> None:
    """Check that evidence is of one run. Of a ``complete`` one, everything that was planned must be there.

    A run that was stopped at any moment is sound: what follows its last record is missing, and nothing else.

    Raises:
        JournalError: it is not; the message says what is wrong, and where.

    """
    for complaint in _complaints(evidence, complete=complete):
        raise JournalError(f"{NOT_ONE_RUN}: {complaint}.")


def _complaints(evidence: Evidence, *, complete: bool) -> Iterator[str]:
    run = evidence.run
    yield from _one_beginning_and_end(evidence)
    looked = [record.profile for record in evidence.of(CapabilitiesRecord)]
    if len(looked) != len(set(looked)) or not set(looked) <= set(run.profiles):
        yield f"its target was looked at for {', '.join(looked)}, and the run is of {', '.join(run.profiles)}"
    played: dict[str, HistoryRecord] = {}
    judged: dict[str, list[JudgementRecord]] = {}
    for record in evidence.records:
        yield from _in_place(record, played, judged, looked)
    for name, record in played.items():
        yield from _judged_in_order(record, judged[name], complete=complete)
        yield from _set_aside(record, judged, played, complete=complete)
        yield from _apart(record, played)
    yield from _explained(evidence, played, judged)
    yield from _confirmed(evidence, played, judged, complete=complete)
    if complete:
        yield from missing_profiles(run, looked)
        yield from _as_planned(evidence, played)
        yield from _whole(evidence, played)
    yield from _fuzzed(evidence, complete=complete)


def _one_beginning_and_end(evidence: Evidence) -> Iterator[str]:
    for record, following in zip_longest(evidence.records[1:], evidence.records[2:]):
        ends_here = following is None or isinstance(following, ResumedRecord)
        if isinstance(record, RunRecord) or (isinstance(record, FinishRecord) and not ends_here):
            yield f"there is a second beginning or something after the end at record {record.n}"


def missing_profiles(run: RunRecord, looked: Iterable[str]) -> Iterator[str]:
    """Complain of the profiles of a complete run of which it does not say what is offered."""
    missing = [profile for profile in run.profiles if profile not in looked]
    if missing:
        yield f"it is complete, and says nothing of {', '.join(missing)}"


def _fuzzed(evidence: Evidence, *, complete: bool) -> Iterator[str]:
    """Complain of requests of the fuzzer that are missing, or that nobody said would be sent."""
    begun = evidence.first(FuzzRecord)
    judged = Counter(record.profile for record in evidence.of(FuzzedRecord))
    if begun is None:
        if judged:
            yield "requests were fuzzed, and nothing says from which description"
        return
    if not set(judged) <= set(begun.profiles) or sum(1 for _ in evidence.of(FuzzRecord)) > 1:
        yield "requests were fuzzed that the run did not set out for"
    # One for each time that the profile was fuzzed: a run that is resumed begins it anew.
    ended: dict[str, int] = {}
    for record in evidence.of(FuzzProfileRecord):
        ended[record.profile] = ended.get(record.profile, 0) + record.judged
    for profile in begun.profiles:
        if complete and ended.get(profile) != judged[profile]:
            yield f"{judged[profile]} requests of {profile} were fuzzed, and {ended.get(profile)} are said to be"


def _in_place(
    record: Record, played: dict[str, HistoryRecord], judged: dict[str, list[JudgementRecord]], looked: list[str]
) -> Iterator[str]:
    """Complain of a record whose history was not begun before it, and of a history that was begun before."""
    match record:
        case HistoryRecord(id=name):
            if name in played:
                raise DuplicateRecordError(f"{NOT_ONE_RUN}: {name} is there twice.")
            if record.profile not in looked:
                yield f"{name} is of {record.profile}, of which the run knows nothing"
            played[name], judged[name] = record, []
        case JudgementRecord() | MissedRecord() if record.history not in played:
            yield f"record {record.n} is about {record.history}, which was not begun before it"
        case ExchangeRecord() if record.history and record.history not in played:
            yield f"record {record.n} is about {record.history}, which was not begun before it"
        case JudgementRecord():
            judged[record.history].append(record)


def _judged_in_order(record: HistoryRecord, judgements: list[JudgementRecord], *, complete: bool) -> Iterator[str]:
    """Complain of steps that were left out or judged twice, and of judgements that are none of the history's."""
    name, history = record.id, _history(record)
    if history.profile.value != record.profile:
        yield f"{name} is a history of {history.profile.value}"
    steps = [name_of(step) for step in history.all_steps]
    judged_steps = [(judgement.step, judgement.do) for judgement in judgements]
    if judged_steps != list(enumerate(steps))[: len(judged_steps)]:
        yield f"the judgements of {name} are not those of its steps, one after the other"
    if any(ends_history(judgement) for judgement in judgements[:-1]):
        yield f"{name} goes on after a step that should have ended it"
    open_end = len(judgements) < len(steps) and not (judgements and ends_history(judgements[-1]))
    if complete and open_end:
        yield f"{name} was not judged to its end"
    for judgement in judgements:
        if (judgement.status == "violates") != bool(judgement.findings):
            yield f"step {judgement.step} of {name} {judgement.status}, and its findings do not say so"


def ends_history(judgement: JudgementRecord) -> bool:
    """Tell whether a history ends with a judgement.

    One that was settled by reading does not end it, nor a violation that leaves no doubt about the order.
    """
    return judgement.status in _LAST and not judgement.ambiguous and not judgement.independent


def _set_aside(
    record: HistoryRecord, judged: dict[str, list[JudgementRecord]], played: dict[str, HistoryRecord], *, complete: bool
) -> Iterator[str]:
    """Complain of judgements that were set aside without a reason, or without another history to take their place."""
    name = record.id
    aside = [judgement for judgement in judged[name] if judgement.superseded]
    if any(judgement.status != "inconclusive" for judgement in aside):
        yield f"{name} has a judgement that proves something and is not counted"
    follower = played.get(_next(name))
    if any(judgement.do == _RACE for judgement in aside) and follower is None:
        alone = [judged[name + letter] for letter in SEQUENTIAL_SUFFIXES if name + letter in played]
        if complete and not any(judgement.status in _LAST for each in alone for judgement in each):
            yield f"{name} is said to fail without a race as well, and no history shows it"
        return
    if name[-1] in SEQUENTIAL_SUFFIXES and _next(name[:-1]) in played:
        # Its race was played again, and with it whatever was played in the race's place.
        return
    yield from _played_again(record, follower, complete=complete, aside=bool(aside))


def _played_again(
    record: HistoryRecord, follower: HistoryRecord | None, *, complete: bool, aside: bool
) -> Iterator[str]:
    """Complain of a history that proved nothing and was not played again, or was played again for no reason."""
    if complete and aside and (follower is None or follower.history != record.history):
        yield f"{record.id} proved nothing and was not played again"
    if follower is not None and not aside:
        yield f"{record.id} was played again for no reason"


def _apart(record: HistoryRecord, played: dict[str, HistoryRecord]) -> Iterator[str]:
    """Complain of a history that sends two requests one after the other, and of no race that asked for it."""
    name = record.id
    race = played.get(name[:-1])
    if name[-1] not in SEQUENTIAL_SUFFIXES:
        return
    if race is None or race.source != record.source or _history(record) not in _one_by_one(_history(race)):
        yield f"{name} was played and not planned"


def _one_by_one(race: History) -> Iterator[History]:
    """Return a race's history with its two requests one after the other, both ways round."""
    for index, step in enumerate(race.steps):
        if isinstance(step, Together):
            for pair in (parts_of(step), parts_of(step)[::-1]):
                yield replace(race, steps=(*race.steps[:index], *pair))


def _next(name: str) -> str:
    base = name.rstrip(RETRY_SUFFIXES)
    attempts = [base, *(base + letter for letter in RETRY_SUFFIXES), ""]
    return attempts[attempts.index(name) + 1] if name in attempts else ""


def _explained(
    evidence: Evidence, played: dict[str, HistoryRecord], judged: dict[str, list[JudgementRecord]]
) -> Iterator[str]:
    """Complain of counterexamples that do not show what they are said to show."""
    for record in evidence.of(CounterexampleRecord):
        for name in (record.history, record.first):
            if name not in played or played[name].profile != record.profile:
                yield f"the counterexample of {record.rule} is {name}, which was not played"
                return
            if not any(finding.rule == record.rule for finding in _findings(judged[name])):
                yield f"the counterexample of {record.rule} is {name}, which does not violate it"
        smallest = played[record.history]
        if smallest.source != SHRINKING or smallest.step_count - 1 != record.steps:
            yield f"the counterexample of {record.rule} is {record.history}, which is not the one that was kept"
        if record.reason not in {finding.reason for finding in _findings(judged[record.history])}:
            yield f"the counterexample of {record.rule} has another reason than {record.history}"


def _confirmed(
    evidence: Evidence, played: dict[str, HistoryRecord], judged: dict[str, list[JudgementRecord]], *, complete: bool
) -> Iterator[str]:
    """Complain of violations that were seen once and not played again, and of what was played again for no reason."""
    for name, record in played.items():
        if record.source == CONFIRMATION and name[-1] not in SEQUENTIAL_SUFFIXES:
            first = played.get(name[:-1])
            if first is None or first.history != record.history or not _findings(judged[first.id]):
                yield f"{name} was played again for no reason"
    if not complete or not evidence.run.confirms:
        return
    for group in failure_groups(evidence.records).values():
        if not group.recurs and not group.passed and not group.undecided:
            yield f"{group.first.judgement.history} violates a rule once and was not played again"


def _findings(judgements: list[JudgementRecord]) -> list[FindingRecord]:
    return [finding for judgement in judgements for finding in judgement.findings]


def _as_planned(evidence: Evidence, played: dict[str, HistoryRecord]) -> Iterator[str]:
    """Complain of histories that were planned and not played, or played and not planned."""
    begun = {name: record for name, record in played.items() if record.source in PLANNED}
    planned: set[str] = set()
    for record in evidence.of(PlanRecord):
        names = record.histories
        twice = len(names) != len(set(names)) or planned & set(names)
        planned.update(names)
        if twice:
            yield "a history is planned twice"
        if not set(names) <= set(begun):
            yield f"{', '.join(sorted(set(names) - set(begun))[:3])} was planned and not played"
        elif digest_of((name, begun[name].history) for name in names) != record.digest:
            yield f"what was played from {names[0] if names else 'nothing'} on is not what was planned"
    more = {name.rstrip(SEQUENTIAL_SUFFIXES).rstrip(RETRY_SUFFIXES) for name in begun} - planned
    if more:
        yield f"{', '.join(sorted(more)[:3])} was played and not planned"


def _whole(evidence: Evidence, played: dict[str, HistoryRecord]) -> Iterator[str]:
    """Complain of shards that are said to be all there, and do not make up the plan."""
    run = evidence.run
    wholes = {(record.histories, record.digest) for record in evidence.of(WholePlanRecord)}
    if len(wholes) > 1:
        yield "its shards are not those of one plan"
    if run.merged is not None and not missing_shards(run):
        # What other runs found is no part of the plan: every shard tries it.
        planned = (name for record in evidence.of(PlanRecord) for name in record.histories)
        names = [name for name in planned if played[name].source != "example"]
        planned_whole = len(names), digest_of((name, played[name].history) for name in names)
        if wholes != {planned_whole}:
            yield "its shards do not make up the whole plan"


def missing_shards(run: RunRecord) -> list[int]:
    """Return the shards of a merged run that are not there."""
    merged = run.merged
    if merged is None:
        return []
    there = {shard.shard for shard in merged.shards}
    return [number for number in range(1, merged.of + 1) if number not in there]


def _history(record: HistoryRecord) -> History:
    return history_from_json(record.history)
