"""`report.html`: one file that needs neither the suite nor a network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from conformance.domain.api_table import SPECS
from conformance.domain.order import Market
from conformance.evidence.journal import is_merchant_run
from conformance.evidence.records import CapabilitiesRecord, HandRecord
from conformance.judging.verdicts import RuleVerdict
from conformance.reports.fuzzing import fuzz_part
from conformance.reports.html.age_distribution import AgeDistribution, age_distributions_of
from conformance.reports.html.charts import shares
from conformance.reports.html.coverage import grids_of
from conformance.reports.html.histories import (
    EvidenceRef,
    HistoryView,
    RuleKey,
    exchanges_outside_histories,
    history_views_of,
)
from conformance.reports.html.lifecycle import lifecycles_of
from conformance.reports.html.merchant_story import is_merchant_history, merchant_story_of
from conformance.reports.html.page import Page, summary_of
from conformance.reports.html.sections import (
    Example,
    RuleRow,
    ViolationSection,
    cited_sources,
    counterexamples,
    reading_rows,
    recorded_rows,
    related_rows,
    rule_rows,
    violation_anchor,
)
from conformance.reports.html.story import ExchangeView, evidence_anchor, exchange_view, history_anchor, story_of
from conformance.reports.model_coverage import model_coverage_of
from conformance.reports.wording.boundary import boundary_in_words
from conformance.reports.wording.defects import defect_in_words, defect_of, listed_under_others
from conformance.reports.wording.headline import profiles
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
"""The page stays below so many bytes, and names the histories that are left out for it."""
_ROOMS: Final = (2_300_000, 1_200_000, 400_000)
"""Bytes for histories. The first that keeps the page below its limit is used."""
_FOR_VIOLATIONS: Final = 0.6
"""The share of those bytes that violations may take."""
_FOR_SETUP: Final = 100_000
"""Bytes for the exchanges before the first history."""
_BODY_OF_VIOLATION: Final = 8_000
_BODY_OF_EXAMPLE: Final = 2_000
_MOST_BRANCHES: Final = 6
"""The most branches of the model that the page lists for one rule."""
_RULE_ID: Final = re.compile(r"\b[A-Z]{2,3}-\d+[a-z]?\b")
_SHOWN_AS_VIOLATION: Final = ("violated", "warning")


@cache
def environment() -> Environment:
    """Return the environment of the templates.

    Every text that reaches a page is escaped, made visible and shortened.
    """
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
        boundary_in_words=boundary_in_words,
        most_branches=_MOST_BRANCHES,
        shares=shares,
    )
    environment.filters.update(
        text_block=Markup.escape,
        sentence=sentence,
        whole_ids=_whole_ids,
        in_words=reason_in_words,
        offered=offered_in_words,
    )
    return environment


def _harmless(value: object) -> object:
    """Return a value with every text visible and short, whatever record it is from."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return shortened(value)
    return value


def _whole_ids(text: str) -> Markup:
    """Return text whose rule ids do not break: browsers break lines after a hyphen."""
    return Markup(_RULE_ID.sub(r'<span class="whole">\g<0></span>', str(escape(shortened(text)))))  # nosec B704


@dataclass(slots=True)
class _RenderedHistories:
    """The histories that fit on the page, each rendered once.

    It grows while the page is put together.
    """

    currency: str
    markup: dict[str, Markup] = field(default_factory=dict)
    left_out: list[HistoryView] = field(default_factory=list)

    def add(self, play: HistoryView, body_limit: int, room: int) -> int:
        """Render a new history that fits into ``room`` bytes; return the bytes it took."""
        if play.id in self.markup:
            return 0
        make_story = merchant_story_of if is_merchant_history(play) else story_of
        story = make_story(play, self.currency, body_limit)
        markup = Markup(environment().get_template("history.html.j2").render(story=story))  # nosec B704  # escaped by the template
        size = len(markup.encode())
        if size > room:
            self.left_out.append(play)
            return 0
        self.markup[play.id] = markup
        return size

    def ref_of(self, row: RuleRow) -> EvidenceRef | None:
        """Return the first place on the page where a rule's verdict can be seen."""
        return next((ref for ref in row.refs if ref.play.id in self.markup), None)


def html_text(result: Result, rulebook: Rulebook | None = None) -> str:
    """Return the text of `report.html`."""
    book = rulebook or book_of(result.evidence)
    plays = history_views_of(result.evidence)
    template = environment().get_template("report.html.j2")
    text = ""
    for room in _ROOMS:
        text = template.render(_page(result, book, plays, room).variables())
        if len(text.encode()) < LARGEST:
            break
    return text


def _page(result: Result, book: Rulebook, plays: dict[str, HistoryView], room: int) -> Page:
    """Return the page, whose histories take at most ``room`` bytes."""
    market, merchant = Market(result.run.market), is_merchant_run(result.run)
    histories = _RenderedHistories(market.currency)
    rows = rule_rows(result, plays)
    sections, taken = _add_violations(_violations(result, rows, plays), histories, int(room * _FOR_VIOLATIONS))
    examples = _add_examples(rows.values(), histories, room - taken)
    linked = [_linked(row, histories) for row in rows.values()]
    setup_exchanges, more_setup_exchanges = _setup_exchanges(result)
    summary = summary_of(result, book)
    return Page(
        summary=summary,
        result=result,
        run=result.run,
        merchant=merchant,
        currency=market.currency,
        profiles=profiles(result),
        rows_of={profile: [row for row in linked if row.result.profile is profile] for profile in profiles(result)},
        distributions=_no_distributions if merchant else lambda row: age_distributions_of(row.refs, market),
        violations=sections,
        readings=reading_rows(result, book),
        recorded=recorded_rows(linked),
        lifecycles=[] if merchant else lifecycles_of(plays.values()),
        grids=grids_of(plays.values(), market),
        model_coverage=model_coverage_of(result),
        examples=examples,
        left_out=histories.left_out,
        capabilities=list(result.evidence.of(CapabilitiesRecord)),
        setup_exchanges=setup_exchanges,
        more_setup_exchanges=more_setup_exchanges,
        manual_steps=list(result.evidence.of(HandRecord)),
        fuzz=fuzz_part(result.evidence),
        sources=cited_sources(result, book),
        rule_legend=[entry for entry in RULE_LEGEND if entry[0] in summary.verdicts],
        run_legend=RUN_LEGEND,
    )


def _no_distributions(_: RuleRow) -> list[AgeDistribution]:
    """Return nothing: a shop's histories have no age of their own and no flag."""
    return []


def _violations(
    result: Result, rows: Mapping[RuleKey, RuleRow], plays: dict[str, HistoryView]
) -> list[ViolationSection]:
    """Return the violated rules and the warnings, the worst first, without those that a defect of another explains.

    Their counterexamples have no story yet.
    """
    explained = listed_under_others(result)
    shown = (row for key, row in rows.items() if row.kind in _SHOWN_AS_VIOLATION and key not in explained)
    sections = []
    for row in sorted(shown, key=lambda row: (row.kind == "warning", row.result.rank)):
        views, more = counterexamples(result, row, plays)
        section = ViolationSection(row, violation_anchor(row), related_rows(row, rows), tuple(views), more)
        defect = defect_of(result, (row.result.profile, row.result.rule.id))
        if defect is not None:
            following = tuple(
                (rows[each.result.profile, each.result.rule.id], each.histories) for each in defect.following
            )
            section = replace(section, defect=defect_in_words(result, defect), following=following)
        sections.append(section)
    return sections


def _setup_exchanges(result: Result) -> tuple[list[ExchangeView], int]:
    """Return the exchanges before the first history, and how many do not fit."""
    records = exchanges_outside_histories(result.evidence)
    views: list[ExchangeView] = []
    room = _FOR_SETUP
    for record in records:
        view = exchange_view(record, _BODY_OF_EXAMPLE)
        room -= len(repr(view))
        if room < 0:
            break
        views.append(view)
    return views, len(records) - len(views)


def _add_violations(
    sections: list[ViolationSection], histories: _RenderedHistories, available: int
) -> tuple[list[ViolationSection], int]:
    """Render the counterexamples, the first of every rule before any second one.

    Returns the violations with the stories of their counterexamples, and the bytes that these take.
    """
    room = available
    stories: dict[tuple[int, int], Markup] = {}
    turns = sorted(
        (turn, number) for number, section in enumerate(sections) for turn in range(len(section.counterexamples))
    )
    for turn, number in turns:
        play = sections[number].counterexamples[turn].play
        is_new = play.id not in histories.markup
        room -= histories.add(play, _BODY_OF_VIOLATION, room)
        if is_new and play.id in histories.markup:
            stories[number, turn] = histories.markup[play.id]
    complete = []
    for number, section in enumerate(sections):
        views = tuple(
            replace(
                view,
                story=stories.get((number, turn)),
                evidence=view.evidence if view.play.id in histories.markup else "",
            )
            for turn, view in enumerate(section.counterexamples)
        )
        complete.append(replace(section, counterexamples=views))
    return complete, available - room


def _add_examples(rows: Iterable[RuleRow], histories: _RenderedHistories, room: int) -> list[Example]:
    """Render a history for every rule, as far as there is room.

    It is one that is on the page already, or else the shortest. The rules that few histories show come first, because
    those histories show other rules as well.
    """
    shown: dict[str, tuple[HistoryView, list[str]]] = {}
    candidates = (row for row in rows if row.refs and row.kind not in _SHOWN_AS_VIOLATION)
    for row in sorted(candidates, key=lambda row: len(row.refs)):
        ref = histories.ref_of(row) or min(row.refs, key=lambda ref: len(ref.play.exchanges))
        play = ref.play
        if play.id not in histories.markup and play not in histories.left_out:
            room -= histories.add(play, _BODY_OF_EXAMPLE, room)
            if play.id in histories.markup:
                shown[play.id] = (play, [])
        if play.id in shown:
            shown[play.id][1].append(row.result.rule.id)
    ordered = sorted(shown.values(), key=lambda entry: entry[0].record.n)
    return [Example(play, tuple(rules), histories.markup[play.id]) for play, rules in ordered]


def _linked(row: RuleRow, histories: _RenderedHistories) -> RuleRow:
    """Return a row with a link to where the page shows its verdict, if it does."""
    if row.kind in _SHOWN_AS_VIOLATION:
        return replace(row, link=violation_anchor(row), link_text="counterexample")
    ref = histories.ref_of(row)
    if ref is None:
        return row
    if ref.step is None:
        return replace(row, link=history_anchor(ref.play), link_text="what stopped it")
    return replace(row, link=evidence_anchor(ref.play, ref.step), link_text="exchange")
