"""The parts of the page, as values: what the template shows, and nothing that it has to find out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from conformance.domain.order import Profile
from conformance.evidence.records import CounterexampleRecord, HistoryRecord, PlanRecord
from conformance.judging.verdicts import RuleResult, RuleVerdict
from conformance.reports.html.histories import EvidenceRef, HistoryView, RuleKey, counterexamples_of, evidence_refs_of
from conformance.reports.html.story import evidence_anchor, what_differs
from conformance.reports.wording.headline import replay_line
from conformance.reports.wording.provider import kind_of
from conformance.results.result import Result
from conformance.rulebook import Rulebook, Source, Switch

_SIGHT_OF: Mapping[RuleVerdict, tuple[str, ...]] = {
    RuleVerdict.VIOLATED: ("violates",),
    RuleVerdict.WARNING: ("violates",),
    RuleVerdict.INCONCLUSIVE: ("inconclusive", "missed"),
    RuleVerdict.NOT_EXERCISED: ("missed",),
    RuleVerdict.THIN: ("conforms", "missed"),
    RuleVerdict.PASSED: ("conforms",),
    RuleVerdict.RECORDED: ("recorded", "conforms"),
    RuleVerdict.EXCLUDED: (),
}
MOST_COUNTEREXAMPLES = 3
"""Counterexamples of one rule that are told in full."""


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule in one profile. ``sights`` is where its verdict can be seen; ``link`` leads to one that is told here."""

    result: RuleResult
    anchor: str
    sights: tuple[EvidenceRef, ...]
    link: str = ""
    link_text: str = ""

    @property
    def sight(self) -> EvidenceRef | None:
        """The first place where its verdict can be seen."""
        return self.sights[0] if self.sights else None

    @property
    def kind(self) -> str:
        """The verdict as a class name."""
        return kind_of(self.result.verdict)


@dataclass(frozen=True, slots=True)
class CounterexampleView:
    """A counterexample with the history that shows it. ``story`` is None when the page had no room for it.

    ``differs`` says whether it is the answer that is wrong, or the order, where that can be told, and ``question`` what
    to ask then. ``earlier`` leads to an exchange before the one that is wrong, where that one is wrong only for it.
    """

    record: CounterexampleRecord | None
    play: HistoryView
    step: int
    replay: str
    evidence: str
    earlier: str
    differs: str
    question: str
    story: Markup | None


@dataclass(frozen=True, slots=True)
class Violation:
    """One violated rule of one profile and everything that shows it."""

    row: RuleRow
    anchor: str
    related: tuple[RuleRow, ...]
    told: tuple[CounterexampleView, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Example:
    """A history that is told because verdicts rest on it, and the rules that they are about."""

    play: HistoryView
    rules: tuple[str, ...]
    story: Markup


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """A question that the documentation leaves open: what this run accepted, and what it saw.

    ``seen`` counts the readings that were met, ``noticed`` what was seen where no reading stands apart by itself.
    """

    switch: Switch
    accepted: tuple[str, ...]
    seen: tuple[tuple[Profile, Mapping[str, int]], ...]
    noticed: tuple[tuple[Profile, tuple[tuple[str, int], ...]], ...]


@dataclass(frozen=True, slots=True)
class RecordedRow:
    """A rule of silence: what was observed, most frequent first."""

    row: RuleRow
    seen: tuple[tuple[str, int], ...]
    more: int


def rule_rows(result: Result, plays: dict[str, HistoryView]) -> dict[RuleKey, RuleRow]:
    """Return one row for each rule of each profile, in the order of the result."""
    sights = evidence_refs_of(result.evidence, plays)
    rows: dict[RuleKey, RuleRow] = {}
    for one in result.rules:
        key = (one.profile, one.rule.id)
        found = (sights.get((key, status), []) for status in _SIGHT_OF[one.verdict])
        rows[key] = RuleRow(one, f"rule-{one.profile.value}-{one.rule.id}", tuple(next(filter(None, found), ())))
    return rows


def violation_anchor(row: RuleRow) -> str:
    """Return the fragment that leads to a violated rule's section."""
    return f"violation-{row.result.profile.value}-{row.result.rule.id}"


def counterexamples(
    result: Result, row: RuleRow, plays: dict[str, HistoryView]
) -> tuple[list[CounterexampleView], int]:
    """Return what tells of a violation, and how many counterexamples more there are.

    Without a stored counterexample (a run that was stopped before it had one) it is the first history that failed.
    """
    rule = row.result.rule.id
    records = counterexamples_of(result.evidence).get((row.result.profile, rule), [])
    told = [
        _told(record, plays[record.history], rule, replay_line(result, record.file))
        for record in records[:MOST_COUNTEREXAMPLES]
    ]
    if not told and row.sights:
        told.append(_told(None, row.sights[0].play, rule, ""))
    return told, max(len(records) - MOST_COUNTEREXAMPLES, 0)


def _told(record: CounterexampleRecord | None, play: HistoryView, rule: str, replay: str) -> CounterexampleView:
    judgement = play.violation_of(rule)
    if judgement is None:
        return CounterexampleView(record, play, 0, replay, evidence_anchor(play, 0), "", "", "", None)
    step = judgement.step
    finding = next(finding for finding in judgement.findings if finding.rule == rule)
    evidence = evidence_anchor(play, step, finding.exchange)
    earlier = "" if finding.earlier is None else evidence_anchor(play, step, finding.earlier)
    return CounterexampleView(record, play, step, replay, evidence, earlier, *what_differs(judgement), None)


def related_rows(row: RuleRow, rows: Mapping[RuleKey, RuleRow]) -> tuple[RuleRow, ...]:
    """Return the violated rules that state the same thing elsewhere."""
    keys = ((row.result.profile, neighbour) for neighbour in row.result.rule.neighbours)
    found = (rows[key] for key in keys if key in rows)
    violated = [one for one in found if one.result.verdict is RuleVerdict.VIOLATED]
    return tuple(sorted(violated, key=lambda one: one.result.rank))


def chosen_readings(result: Result, book: Rulebook) -> list[str]:
    """Return the readings that somebody chose for this run, such as ``C8=reject``."""
    accepted = result.run.readings
    return [
        f"{switch.id}={','.join(accepted[switch.id])}"
        for switch in book.switches
        if switch.id in accepted and tuple(accepted[switch.id]) != switch.default
    ]


def repetitions(result: Result) -> int:
    """Return how many of the histories that count repeat one that proved nothing, or take a race's requests apart."""
    planned = {name for record in result.evidence.of(PlanRecord) for name in record.histories}
    shown = (history.id for history in result.evidence.of(HistoryRecord) if history.source != "shrinking")
    return sum(name not in planned for name in shown) if planned else 0


def reading_rows(result: Result, book: Rulebook) -> list[ReadingRow]:
    """Return every question of the rulebook that this run's profiles can meet, with what was seen, that first."""
    rows = []
    for switch in book.switches:
        seen = [
            (profile, dict(found)) for (profile, name), found in sorted(result.readings.items()) if name == switch.id
        ]
        noticed = [
            (profile, tuple(sorted(found.items(), key=lambda item: _in_order(item[0]))))
            for (profile, name), found in sorted(result.noticed.items())
            if name == switch.id
        ]
        if seen or noticed or _meets(result, book, switch):
            accepted = tuple(result.run.readings.get(switch.id, ()))
            rows.append(ReadingRow(switch, accepted, tuple(seen), tuple(noticed)))
    return sorted(rows, key=lambda row: (not row.seen, not row.noticed))


def _meets(result: Result, book: Rulebook, switch: Switch) -> bool:
    """Tell whether a run can meet a question: it is asked of one of its APIs, or of none in particular."""
    of_one = {rule.profiles[0] for rule in book.rules if switch.id in rule.readings and len(rule.profiles) == 1}
    return not of_one or any(profile.value in result.run.profiles for profile in of_one)


def _in_order(text: str) -> list[tuple[int, str]]:
    """Return what puts texts in the order of the numbers in them: 7 days before 90 days."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in text.split()]


def recorded_rows(rows: Iterable[RuleRow], most: int = 6) -> list[RecordedRow]:
    """Return the rules that are recorded and not judged, with what was seen of them."""
    found = []
    for row in rows:
        if row.result.verdict is RuleVerdict.RECORDED:
            seen = sorted(row.result.records.items(), key=lambda item: -item[1])
            found.append(RecordedRow(row, tuple(seen[:most]), max(len(seen) - most, 0)))
    return found


def cited_sources(result: Result, book: Rulebook) -> list[Source]:
    """Return the documents that the rules of this run cite."""
    keys = {citation.source for one in result.rules for citation in one.rule.sources}
    return [source for source in book.sources if source.key in keys]
