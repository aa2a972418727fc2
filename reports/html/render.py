"""`report.html`: one file that needs neither the suite nor a network, for a reader who was not there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from conformance.domain.api_table import SPECS
from conformance.domain.order import Market
from conformance.evidence.journal import is_merchant_run
from conformance.evidence.records import CapabilitiesRecord, HandRecord
from conformance.judging.run_verdicts import blocks_conformance
from conformance.judging.verdicts import RuleVerdict, RunVerdict
from conformance.reports.detection_power import detection_of
from conformance.reports.fuzzing import fuzz_part
from conformance.reports.html.age_distribution import AgeDistribution, age_distributions_of
from conformance.reports.html.charts import shares
from conformance.reports.html.coverage import grids_of
from conformance.reports.html.histories import EvidenceRef, HistoryView, first_read_back, history_views_of
from conformance.reports.html.lifecycle import lifecycles_of
from conformance.reports.html.merchant_story import is_merchant_history, merchant_story_of
from conformance.reports.html.sections import (
    Example,
    RuleRow,
    Violation,
    chosen_readings,
    cited_sources,
    counterexamples,
    reading_rows,
    recorded_rows,
    related_rows,
    repetitions,
    rule_rows,
    violation_anchor,
)
from conformance.reports.html.story import ExchangeView, evidence_anchor, exchange_view, history_anchor, story_of
from conformance.reports.wording.headline import (
    about,
    because,
    counts,
    ending,
    ending_note,
    headline,
    profiles,
    proved_nothing,
    unseen,
    unseen_from_outside,
    untested,
    verdict_name,
    verdicts,
    violations,
)
from conformance.reports.wording.legend import RULE_LEGEND, RUN_LEGEND
from conformance.reports.wording.provider import (
    MARKETS,
    REACHED,
    counted,
    kind_of,
    offered_in_words,
    reason_in_words,
    sentence,
)
from conformance.reports.wording.sanitize import shortened
from conformance.results.result import Result, book_of
from conformance.rulebook import Rulebook

LARGEST: Final = 3_000_000
"""Bytes that the page stays below; what is left out for that is named."""
RELIED_ON: Final = timedelta(days=90)
"""How long a report says something about its target."""
_ROOMS: Final = (2_300_000, 1_200_000, 400_000)
"""Bytes for histories: the first that keeps the page below its limit is taken."""
_FOR_VIOLATIONS: Final = 0.6
_FOR_LOOKING: Final = 100_000
_BODY_OF_VIOLATION: Final = 8_000
_BODY_OF_EXAMPLE: Final = 2_000
_RULE_ID: Final = re.compile(r"\b[A-Z]{2,3}-\d+[a-z]?\b")
_FOUND: Final = ("violated", "warning")
_SAYING: Final = (RunVerdict.CONFORMANT, RunVerdict.NOT_CONFORMANT, RunVerdict.INCOMPLETE)
"""Of these verdicts one can say until when they are good."""
_TONES: Final = {
    RunVerdict.CONFORMANT: "passed",
    RunVerdict.NOT_CONFORMANT: "violated",
    RunVerdict.INCOMPLETE: "inconclusive",
    RunVerdict.ENVIRONMENT: "not-exercised",
    RunVerdict.HARNESS: "not-exercised",
    RunVerdict.INTERRUPTED: "not-exercised",
}


@cache
def environment() -> Environment:
    """Return what renders our templates: everything that reaches a page is shown as text, visible and short."""
    environment = Environment(
        loader=PackageLoader("conformance.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        apis=SPECS,
        MARKETS=MARKETS,
        REACHED=REACHED,
        RuleVerdict=RuleVerdict,
        counted=counted,
        kind_of=kind_of,
        shares=shares,
    )
    environment.filters.update(
        text_block=Markup.escape,
        sentence=sentence,
        whole_ids=_whole_ids,
        in_words=reason_in_words,
        offered=offered_in_words,
    )
    environment.tests["holding_back"] = blocks_conformance
    return environment


def _harmless(value: object) -> object:
    """Make every text that reaches the page visible and short, whichever record it came from."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return shortened(value)
    return value


def _whole_ids(text: str) -> Markup:
    """Keep a rule's id on one line: browsers break lines after its hyphen."""
    return Markup(_RULE_ID.sub(r'<span class="whole">\g<0></span>', str(escape(shortened(text)))))


@dataclass(slots=True)
class _Histories:
    """The histories that fit on the page, each told once."""

    currency: str
    kept: dict[str, Markup]
    left_out: list[HistoryView]

    def told(self, play: HistoryView, body_limit: int, room: int) -> int:
        """Tell a history unless it was told or does not fit, and return the bytes that it took."""
        if play.id in self.kept:
            return 0
        tell = merchant_story_of if is_merchant_history(play) else story_of
        story = tell(play, self.currency, body_limit)
        markup = Markup(environment().get_template("history.html.j2").render(story=story))
        size = len(markup.encode())
        if size > room:
            self.left_out.append(play)
            return 0
        self.kept[play.id] = markup
        return size


def html_text(result: Result, rulebook: Rulebook | None = None) -> str:
    """Return the text of `report.html`."""
    book = rulebook or book_of(result.evidence)
    plays = history_views_of(result.evidence)
    text = ""
    for room in _ROOMS:
        text = _page(result, book, plays, room)
        if len(text.encode()) < LARGEST:
            break
    return text


def _page(result: Result, book: Rulebook, plays: dict[str, HistoryView], room: int) -> str:
    rows = rule_rows(result, plays)
    histories = _Histories(Market(result.run.market).currency, {}, [])
    found = (row for row in rows.values() if row.kind in _FOUND)
    violated = sorted(found, key=lambda row: (row.kind == "warning", row.result.rank))
    told = [_violation(result, row, rows, plays) for row in violated]
    in_violations, taken = _tell_violations(told, histories, int(room * _FOR_VIOLATIONS))
    examples = _tell_examples(rows.values(), histories, room - taken)
    linked = {key: _linked(row, histories) for key, row in rows.items()}
    looked, looked_more = _looked(result)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            result=result,
            run=result.run,
            tone="violated" if violations(result) else _TONES[result.verdict],
            currency=Market(result.run.market).currency,
            says_something=result.verdict in _SAYING,
            headline=headline(result),
            verdict_name=verdict_name(result),
            because=because(result),
            about=about(result),
            unseen_from_outside=unseen_from_outside(result),
            note=ending_note(result),
            finish=ending(result),
            detection=detection_of(result),
            spread=_spread(result),
            started=_moment(result.run.started),
            relied_on_days=RELIED_ON.days,
            relied_on_until=(datetime.fromisoformat(result.run.started) + RELIED_ON).date().isoformat(),
            profiles=profiles(result),
            tables=[(profile, counts(result.of(profile))) for profile in profiles(result)],
            rows=linked,
            rows_of={
                profile: [row for (of, _), row in linked.items() if of is profile] for profile in profiles(result)
            },
            unseen=unseen(result),
            unwaived=violations(result),
            verdicts=verdicts(result),
            merchant=is_merchant_run(result.run),
            violations=in_violations,
            untested=untested(result),
            chosen_readings=chosen_readings(result, book),
            repetitions=repetitions(result),
            proved_nothing=proved_nothing(result),
            readings=reading_rows(result, book),
            recorded=recorded_rows(linked.values()),
            lifecycles=[] if is_merchant_run(result.run) else lifecycles_of(plays.values()),
            grids=grids_of(plays.values(), Market(result.run.market)),
            examples=examples,
            left_out=histories.left_out,
            capabilities=list(result.evidence.of(CapabilitiesRecord)),
            looked=looked,
            looked_more=looked_more,
            hands=list(result.evidence.of(HandRecord)),
            fuzz=fuzz_part(result.evidence),
            sources=cited_sources(result, book),
            records=len(result.evidence.records),
            rule_legend=[one for one in RULE_LEGEND if one[0] in verdicts(result)],
            run_legend=RUN_LEGEND,
        )
    )


def _spread(result: Result) -> Callable[[RuleRow], list[AgeDistribution]]:
    """Return what tells of a rule's examples; a shop's histories have no age of their own and no flag."""
    if is_merchant_run(result.run):
        return lambda _: []
    return lambda row: age_distributions_of(row.sights, Market(result.run.market))


def _violation(result: Result, row: RuleRow, rows: Any, plays: dict[str, HistoryView]) -> Violation:
    told, more = counterexamples(result, row, plays)
    return Violation(row, violation_anchor(row), related_rows(row, rows), tuple(told), more)


def _looked(result: Result) -> tuple[list[ExchangeView], int]:
    records = first_read_back(result.evidence)
    views: list[ExchangeView] = []
    room = _FOR_LOOKING
    for record in records:
        view = exchange_view(record, _BODY_OF_EXAMPLE)
        room -= len(repr(view))
        if room < 0:
            break
        views.append(view)
    return views, len(records) - len(views)


def _tell_violations(violated: list[Violation], histories: _Histories, available: int) -> tuple[list[Violation], int]:
    """Put the histories into their violations, the first counterexample of every rule before any second one.

    Return them with the bytes that the histories take.
    """
    room = available
    place: dict[tuple[int, int], Markup] = {}
    turns = sorted((turn, number) for number, one in enumerate(violated) for turn in range(len(one.told)))
    for turn, number in turns:
        play = violated[number].told[turn].play
        first = play.id not in histories.kept
        room -= histories.told(play, _BODY_OF_VIOLATION, room)
        if first and play.id in histories.kept:
            place[number, turn] = histories.kept[play.id]
    out = []
    for number, one in enumerate(violated):
        told = tuple(
            replace(
                each,
                story=place.get((number, turn)),
                evidence=each.evidence if each.play.id in histories.kept else "",
            )
            for turn, each in enumerate(one.told)
        )
        out.append(replace(one, told=told))
    return out, available - room


def _tell_examples(rows: Iterable[RuleRow], histories: _Histories, room: int) -> list[Example]:
    """Tell a history for every rule, as far as there is room: one that is told already, or else the shortest.

    The rules that few histories show come first, because those histories show other rules as well.
    """
    shown: dict[str, tuple[HistoryView, list[str]]] = {}
    wanting = (row for row in rows if row.sights and row.kind not in _FOUND)
    for row in sorted(wanting, key=lambda row: len(row.sights)):
        sight = _told(row, histories) or min(row.sights, key=lambda sight: len(sight.play.exchanges))
        play = sight.play
        if play.id not in histories.kept and play not in histories.left_out:
            room -= histories.told(play, _BODY_OF_EXAMPLE, room)
            if play.id in histories.kept:
                shown[play.id] = (play, [])
        if play.id in shown:
            shown[play.id][1].append(row.result.rule.id)
    told = sorted(shown.values(), key=lambda one: int(one[0].record.n))
    return [Example(play, tuple(rules), histories.kept[play.id]) for play, rules in told]


def _told(row: RuleRow, histories: _Histories) -> EvidenceRef | None:
    return next((sight for sight in row.sights if sight.play.id in histories.kept), None)


def _linked(row: RuleRow, histories: _Histories) -> RuleRow:
    if row.kind in _FOUND:
        return replace(row, link=violation_anchor(row), link_text="counterexample")
    sight = _told(row, histories)
    if sight is None:
        return row
    if sight.step is None:
        return replace(row, link=history_anchor(sight.play), link_text="what stopped it")
    return replace(row, link=evidence_anchor(sight.play, sight.step), link_text="exchange")


def _moment(stamp: str) -> str:
    moment = datetime.fromisoformat(stamp)
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"
