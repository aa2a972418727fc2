"""The values that the templates of `report.html` show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Final

from conformance.domain.order import Profile
from conformance.evidence.records import CapabilitiesRecord, FinishRecord, HandRecord, RunRecord
from conformance.judging.verdicts import RuleResult, RuleVerdict, RunVerdict
from conformance.reports.detection_power import DetectionTable, detection_of
from conformance.reports.fuzzing import FuzzPart
from conformance.reports.html.age_distribution import AgeDistribution
from conformance.reports.html.coverage import CoverageGrid
from conformance.reports.html.histories import HistoryView
from conformance.reports.html.lifecycle import Lifecycle
from conformance.reports.html.sections import (
    Example,
    ReadingRow,
    RecordedRow,
    RuleRow,
    ViolationSection,
    chosen_readings,
    repetitions,
)
from conformance.reports.html.story import ExchangeView
from conformance.reports.model_coverage import ModelCoverage
from conformance.reports.wording.deliveries import signed_deliveries
from conformance.reports.wording.headline import (
    Untested,
    about,
    because,
    counts,
    ending,
    ending_note,
    headline,
    product,
    profiles,
    proved_nothing,
    unseen,
    unseen_from_outside,
    untested,
    verdict_name,
    verdicts,
    violations,
)
from conformance.reports.wording.troubles import Trouble, troubles
from conformance.reports.wording.ways import declared_ways, undeclared_ways
from conformance.results.result import Result
from conformance.rulebook import Rulebook, Source

RELIED_ON: Final = timedelta(days=90)
"""How long a report can be relied on."""
_DATED_VERDICTS: Final = (RunVerdict.CONFORMANT, RunVerdict.NOT_CONFORMANT, RunVerdict.INCOMPLETE)
"""The verdicts that say something about the target, and so can go out of date."""
_TONES: Final = {
    RunVerdict.CONFORMANT: "passed",
    RunVerdict.NOT_CONFORMANT: "violated",
    RunVerdict.INCOMPLETE: "inconclusive",
    RunVerdict.ENVIRONMENT: "not-exercised",
    RunVerdict.HARNESS: "not-exercised",
    RunVerdict.INTERRUPTED: "not-exercised",
}


@dataclass(frozen=True, slots=True)
class SummaryView:
    """The first screen of the page: verdict, what was tested, and what was not."""

    tone: str
    headline: str
    verdict_name: str
    product: str
    because: str
    about: str
    note: str
    unseen_from_outside: int
    detection: DetectionTable
    started: str
    finish: FinishRecord | None
    is_dated: bool
    relied_on_days: int
    relied_on_until: str
    verdicts: list[RuleVerdict]
    tables: list[tuple[Profile, dict[RuleVerdict, int]]]
    unseen: list[Profile]
    unwaived: list[RuleResult]
    untested: list[Untested]
    chosen_readings: list[str]
    repetitions: int
    proved_nothing: str
    troubles: list[Trouble]
    declared: str
    undeclared: list[str]
    deliveries: str


@dataclass(frozen=True, slots=True)
class Page:
    """The whole page.

    A template reads a field of it, or of its summary, by the name of the field.
    """

    summary: SummaryView
    result: Result
    run: RunRecord
    merchant: bool
    currency: str
    profiles: list[Profile]
    rows_of: dict[Profile, list[RuleRow]]
    distributions: Callable[[RuleRow], list[AgeDistribution]]
    violations: list[ViolationSection]
    readings: list[ReadingRow]
    recorded: list[RecordedRow]
    lifecycles: list[Lifecycle]
    grids: list[CoverageGrid]
    model_coverage: list[ModelCoverage]
    examples: list[Example]
    left_out: list[HistoryView]
    capabilities: list[CapabilitiesRecord]
    setup_exchanges: list[ExchangeView]
    more_setup_exchanges: int
    manual_steps: list[HandRecord]
    fuzz: FuzzPart | None
    sources: list[Source]
    rule_legend: list[tuple[RuleVerdict, str, str]]
    run_legend: tuple[tuple[str, str, str], ...]

    def variables(self) -> dict[str, object]:
        """Return the variables of the templates, by name."""
        return {
            field.name: getattr(part, field.name)
            for part in (self.summary, self)
            for field in fields(part)
            if field.name != "summary"
        }


def summary_of(result: Result, book: Rulebook) -> SummaryView:
    """Return the first screen of a result's page."""
    started = datetime.fromisoformat(result.run.started)
    return SummaryView(
        tone="violated" if violations(result) else _TONES[result.verdict],
        headline=headline(result),
        verdict_name=verdict_name(result),
        product=product(result),
        because=because(result),
        about=about(result),
        note=ending_note(result),
        unseen_from_outside=unseen_from_outside(result),
        detection=detection_of(result),
        started=f"{started.day} {started:%B %Y, %H:%M} UTC",
        finish=ending(result),
        is_dated=result.verdict in _DATED_VERDICTS,
        relied_on_days=RELIED_ON.days,
        relied_on_until=(started + RELIED_ON).date().isoformat(),
        verdicts=verdicts(result),
        tables=[(profile, counts(result.of(profile))) for profile in profiles(result)],
        unseen=unseen(result),
        unwaived=violations(result),
        untested=untested(result),
        chosen_readings=chosen_readings(result, book),
        repetitions=repetitions(result),
        proved_nothing=proved_nothing(result),
        troubles=troubles(result),
        declared=declared_ways(result),
        undeclared=list(undeclared_ways(result)),
        deliveries=signed_deliveries(result),
    )
