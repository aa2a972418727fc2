"""The parts of the page as values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from conformance.domain.order import Profile
from conformance.evidence.records import CounterexampleRecord, HistoryRecord, PlanRecord
from conformance.evidence.recurrence import REPLAYED
from conformance.judging.verdicts import RuleResult, RuleVerdict
from conformance.reports.html.histories import EvidenceRef, HistoryView, RuleKey, counterexamples_of, evidence_refs_of
from conformance.reports.html.story import evidence_anchor, what_differs
from conformance.reports.wording.headline import replay_line
from conformance.reports.wording.provider import kind_of
from conformance.results.result import Result
from conformance.rulebook import Rulebook, Source, Switch

_STATUSES_OF: Mapping[RuleVerdict, tuple[str, ...]] = {
    RuleVerdict.VIOLATED: ("violates",),
    RuleVerdict.WARNING: ("violates",),
    RuleVerdict.INCONCLUSIVE: ("violates", "inconclusive", "missed"),
    RuleVerdict.NOT_EXERCISED: ("missed",),
    RuleVerdict.THIN: ("conforms", "missed"),
    RuleVerdict.PASSED: ("conforms",),
    RuleVerdict.RECORDED: ("recorded", "conforms"),
    RuleVerdict.EXCLUDED: (),
}
MOST_COUNTEREXAMPLES = 3
"""The most counterexamples of a rule on the page."""


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule of one API.

    ``refs`` are the histories that show its verdict; ``link`` leads to one that is on the page.
    """

    result: RuleResult
    anchor: str
    refs: tuple[EvidenceRef, ...]
    link: str = ""
    link_text: str = ""

    @property
    def first_ref(self) -> EvidenceRef | None:
        """The first history that shows its verdict."""
        return self.refs[0] if self.refs else None

    @property
    def kind(self) -> str:
        """The verdict as a CSS class."""
        return kind_of(self.result.verdict)


@dataclass(frozen=True, slots=True)
class CounterexampleView:
    """A counterexample and the history that shows it.

    ``story`` is None where the page had no room for it. ``differs`` says whether the response or the order is wrong,
    where that is known, and ``question`` what to ask then. ``earlier`` leads to an exchange without which the wrong
    one would be right.
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
class ViolationSection:
    """One violated rule of one API and the counterexamples that show it.

    Of a merchant's run it is the leading rule of a defect: ``defect`` says how many histories show that, and what is
    at stake, and ``following`` are the rules that are violated because of it, with the number of histories of each.
    """

    row: RuleRow
    anchor: str
    related: tuple[RuleRow, ...]
    counterexamples: tuple[CounterexampleView, ...]
    more: int
    defect: str = ""
    following: tuple[tuple[RuleRow, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """A history that verdicts rest on, and the rules of these verdicts."""

    play: HistoryView
    rules: tuple[str, ...]
    story: Markup


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """An open question of the documentation: what was accepted, and what observed.

    ``observed`` counts the interpretations, ``noticed`` what was observed where no interpretation follows from it.
    """

    switch: Switch
    accepted: tuple[str, ...]
    observed: tuple[tuple[Profile, Mapping[str, int]], ...]
    noticed: tuple[tuple[Profile, tuple[tuple[str, int], ...]], ...]


@dataclass(frozen=True, slots=True)
class RecordedRow:
    """A rule about undocumented behaviour: what was observed, most frequent first."""

    row: RuleRow
    observed: tuple[tuple[str, int], ...]
    more: int


def rule_rows(result: Result, plays: dict[str, HistoryView]) -> dict[RuleKey, RuleRow]:
    """Return a row for each rule of each API, in the order of the result."""
    refs_by_status = evidence_refs_of(result.evidence, plays)
    rows: dict[RuleKey, RuleRow] = {}
    for rule in result.rules:
        key = (rule.profile, rule.rule.id)
        refs = (refs_by_status.get((key, status), []) for status in _STATUSES_OF[rule.verdict])
        rows[key] = RuleRow(rule, f"rule-{rule.profile.value}-{rule.rule.id}", tuple(next(filter(None, refs), ())))
    return rows


def violation_anchor(row: RuleRow) -> str:
    """Return the anchor of a violated rule's section."""
    return f"violation-{row.result.profile.value}-{row.result.rule.id}"


def counterexamples(
    result: Result, row: RuleRow, plays: dict[str, HistoryView]
) -> tuple[list[CounterexampleView], int]:
    """Return the counterexamples of a violation to show, and how many more there are.

    Without a stored counterexample (the run was stopped before) it is the first history that failed.
    """
    rule = row.result.rule.id
    records = counterexamples_of(result.evidence).get((row.result.profile, rule), [])
    views = [
        _counterexample_view(record, plays[record.history], rule, replay_line(result, record.file))
        for record in records[:MOST_COUNTEREXAMPLES]
    ]
    if not views and row.refs:
        views.append(_counterexample_view(None, row.refs[0].play, rule, ""))
    return views, max(len(records) - MOST_COUNTEREXAMPLES, 0)


def _counterexample_view(
    record: CounterexampleRecord | None, play: HistoryView, rule: str, replay: str
) -> CounterexampleView:
    judgement = play.violation_of(rule)
    if judgement is None:
        return CounterexampleView(record, play, 0, replay, evidence_anchor(play, 0), "", "", "", None)
    step = judgement.step
    finding = next(finding for finding in judgement.findings if finding.rule == rule)
    evidence = evidence_anchor(play, step, finding.exchange)
    earlier = "" if finding.earlier is None else evidence_anchor(play, step, finding.earlier)
    return CounterexampleView(record, play, step, replay, evidence, earlier, *what_differs(judgement), None)


def related_rows(row: RuleRow, rows: Mapping[RuleKey, RuleRow]) -> tuple[RuleRow, ...]:
    """Return the violated rules that state the same elsewhere."""
    keys = ((row.result.profile, neighbour) for neighbour in row.result.rule.neighbours)
    related = (rows[key] for key in keys if key in rows)
    violated = [row for row in related if row.result.verdict is RuleVerdict.VIOLATED]
    return tuple(sorted(violated, key=lambda row: row.result.rank))


def chosen_readings(result: Result, book: Rulebook) -> list[str]:
    """Return the interpretations chosen for this run, such as ``C8=reject``."""
    accepted = result.run.readings
    return [
        f"{switch.id}={','.join(accepted[switch.id])}"
        for switch in book.switches
        if switch.id in accepted and tuple(accepted[switch.id]) != switch.default
    ]


def repetitions(result: Result) -> int:
    """Return how many histories repeat a planned one.

    They repeat one that proved nothing, or send a race's requests one after the other.
    """
    planned = {name for record in result.evidence.of(PlanRecord) for name in record.histories}
    shown = (history.id for history in result.evidence.of(HistoryRecord) if history.source not in REPLAYED)
    return sum(name not in planned for name in shown) if planned else 0


def reading_rows(result: Result, book: Rulebook) -> list[ReadingRow]:
    """Return the open questions that this run's APIs can meet, observed ones first."""
    rows = []
    for switch in book.switches:
        observed = [
            (profile, dict(counts)) for (profile, name), counts in sorted(result.readings.items()) if name == switch.id
        ]
        noticed = [
            (profile, tuple(sorted(counts.items(), key=lambda item: _numeric_key(item[0]))))
            for (profile, name), counts in sorted(result.noticed.items())
            if name == switch.id
        ]
        if observed or noticed or _concerns(result, book, switch):
            accepted = tuple(result.run.readings.get(switch.id, ()))
            rows.append(ReadingRow(switch, accepted, tuple(observed), tuple(noticed)))
    return sorted(rows, key=lambda row: (not row.observed, not row.noticed))


def _concerns(result: Result, book: Rulebook, switch: Switch) -> bool:
    """Return whether a run can meet a question: it concerns one of its APIs, or all."""
    apis = {rule.profiles[0] for rule in book.rules if switch.id in rule.readings and len(rule.profiles) == 1}
    return not apis or any(profile.value in result.run.profiles for profile in apis)


def _numeric_key(text: str) -> list[tuple[int, str]]:
    """Return a sort key by the numbers in a text: 7 days before 90 days."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in text.split()]


def recorded_rows(rows: Iterable[RuleRow], most: int = 6) -> list[RecordedRow]:
    """Return the rules that are observed and not judged, with the observations."""
    recorded = []
    for row in rows:
        if row.result.verdict is RuleVerdict.RECORDED:
            observed = sorted(row.result.records.items(), key=lambda item: -item[1])
            recorded.append(RecordedRow(row, tuple(observed[:most]), max(len(observed) - most, 0)))
    return recorded


def cited_sources(result: Result, book: Rulebook) -> list[Source]:
    """Return the documents that the rules of this run cite."""
    keys = {citation.source for rule in result.rules for citation in rule.rule.sources}
    return [source for source in book.sources if source.key in keys]
