"""`summary.md`: the verdict on one screen, for the summary page of a CI job."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from conformance.domain.api_table import spec_of
from conformance.evidence.record_parts import WaiverRecord
from conformance.judging.verdicts import RuleResult, RuleVerdict
from conformance.reports.detection_power import detection_of
from conformance.reports.fuzzing import first_finding, fuzz_part
from conformance.reports.wording.boundary import boundary_of
from conformance.reports.wording.defects import defect_in_words, defect_of, following_in_words, listed_under_others
from conformance.reports.wording.deliveries import signed_deliveries
from conformance.reports.wording.headline import (
    Untested,
    counts,
    ending_note,
    headline,
    profiles,
    proved_nothing,
    replay_line,
    untested,
    verdicts,
    warnings,
)
from conformance.reports.wording.provider import counted, sentence
from conformance.reports.wording.sanitize import in_one_line
from conformance.reports.wording.troubles import troubles
from conformance.reports.wording.ways import declared_ways, undeclared_ways
from conformance.results.result import Result

_SPECIAL: Final = re.compile(r"[\\`*_{}\[\]<>#|~!&@]")
_LINKS: Final = re.compile(r"(?<=\w):(?=//)|(?<=www)\.", re.IGNORECASE)
_MOST_NAMED: Final = 12
_LONGEST: Final = 300


def summary_text(result: Result) -> str:
    """Return the text of `summary.md`."""
    return "\n".join(_lines(result)) + "\n"


def _plain(text: str) -> str:
    """Return text that Markdown shows as it is, without markup, images and links."""
    return _LINKS.sub(r"\\\g<0>", _SPECIAL.sub(r"\\\g<0>", in_one_line(text, _LONGEST)))


def _code(text: str) -> str:
    return f"`{in_one_line(text, _LONGEST).replace('`', 'ˋ')}`"


def _lines(result: Result) -> Iterator[str]:
    yield f"## {_plain(headline(result))}"
    yield ""
    yield from _about_run(result)
    yield ""
    for trouble in troubles(result):
        # A block that is indented: no line of it can end it.
        yield from (f"{_plain(trouble.title)}:", "", *(f"    {line}".rstrip() for line in trouble.lines), "")
    yield from _table(result)
    following = listed_under_others(result)
    violated = (
        rule
        for rule in result.rules
        if rule.verdict is RuleVerdict.VIOLATED and (rule.profile, rule.rule.id) not in following
    )
    yield from _violations(result, sorted(violated, key=lambda rule: rule.rank))
    warned = warnings(result)
    if warned:
        yield from ("### Warnings: recommended, and not done", "")
        for rule in warned[:_MOST_NAMED]:
            yield from _violated(result, rule)
        yield ""
    yield from _not_tested(untested(result))
    if result.run.waivers:
        yield from ("### Waived by the user", "")
        yield from (
            f"- {_plain(waiver.rule)}: {_plain(waiver.reason)}{_until(waiver)}" for waiver in result.run.waivers
        )
        yield ""
    power = detection_of(result).headline()
    if power:
        yield from (_plain(power), "")
    part = fuzz_part(result.evidence)
    if part is not None and part.document.defects:
        yield from ("### Defects of the OpenAPI description, not of the target", "")
        yield from (f"- {_plain(defect.id)}: {_plain(defect.reason)}" for defect in part.document.defects)
        yield ""
    yield "The evidence is in `report.html`."


def _about_run(result: Result) -> Iterator[str]:
    run = result.run
    note = ending_note(result)
    if note:
        yield from (_plain(note), "")
    played = sum(result.histories.values())
    fuzzed = f"{counted(result.fuzzed, 'fuzzed request')}, " if result.fuzzed else ""
    busy = f" {result.busy}." if result.busy.responses else ""
    yield (
        f"Target {_code(run.target.name)}, market {run.market.upper()}, budget {run.budget}, "
        f"seed {run.seed}: {counted(played, 'history', 'histories')}, {fuzzed}"
        f"{counted(result.exchanges, 'exchange')}. Version {run.tool}, started {run.started}.{busy}"
    )
    ways = declared_ways(result)
    if ways:
        yield from ("", _plain(f"Declared by the integration: {ways}."))
    for way in undeclared_ways(result):
        yield from ("", _plain(f"Observed: {way}."))
    deliveries = signed_deliveries(result)
    if deliveries:
        yield from ("", _plain(f"Notifications: {deliveries}."))
    nothing = proved_nothing(result)
    if nothing:
        yield from ("", _plain(sentence(nothing)))


def _until(waiver: WaiverRecord) -> str:
    return f" (until {waiver.until})" if waiver.until else ""


def _table(result: Result) -> Iterator[str]:
    columns = verdicts(result)
    yield "| | " + " | ".join(verdict.value.lower() for verdict in columns) + " |"
    yield "| --- |" + " ---: |" * len(columns)
    for profile in profiles(result):
        tally = counts(result.of(profile))
        yield f"| {spec_of(profile).title} | " + " | ".join(str(tally[verdict]) for verdict in columns) + " |"
    yield ""


def _violations(result: Result, violated: list[RuleResult]) -> Iterator[str]:
    if not violated:
        return
    yield from ("### Violated", "")
    for rule in violated[:_MOST_NAMED]:
        yield from _violated(result, rule)
    more = violated[_MOST_NAMED:]
    if more:
        yield f"- and {counted(len(more), 'more rule')}: {_rule_ids(tuple(more))}"
    yield ""


def _violated(result: Result, rule: RuleResult) -> Iterator[str]:
    waived = f" Waived: {_plain(rule.waiver)}" if rule.waiver is not None else ""
    api, level = spec_of(rule.profile).title, rule.rule.level.value
    yield f"- **{rule.rule.id}** ({api}, {level}) {_plain(rule.rule.statement)}{waived}"
    yield f"  - {_code(rule.reason)}"
    defect = defect_of(result, (rule.profile, rule.rule.id))
    if defect is not None:
        yield f"  - {_plain(defect_in_words(result, defect))}"
        if defect.following:
            yield f"  - {_plain(following_in_words(defect))}"
    if boundary := boundary_of(result, rule):
        yield f"  - {_plain(boundary)}"
    if rule.counterexample:
        yield f"  - {_code(replay_line(result, rule.counterexample))}"
    finding = first_finding(result.evidence, rule.profile, rule.rule.id)
    if finding is not None:
        yield f"  - {_code(finding.curl)}"


def _not_tested(groups: list[Untested]) -> Iterator[str]:
    open_groups = [group for group in groups if group.verdict is not RuleVerdict.EXCLUDED]
    excluded = [rule for group in groups if group.verdict is RuleVerdict.EXCLUDED for rule in group.rules]
    if open_groups or excluded:
        yield from ("### Not tested, and why", "")
    for group in open_groups:
        note = ", holds the verdict back" if group.is_blocking else ""
        yield f"- {_plain(group.reason)} ({group.verdict.value.lower()}{note}): {_rule_ids(group.rules)}"
    if excluded:
        yield f"- excluded by the rulebook, each with its reason in the report: {_rule_ids(tuple(excluded))}"
    if open_groups or excluded:
        yield ""


def _rule_ids(rules: tuple[RuleResult, ...]) -> str:
    ids = list(dict.fromkeys(rule.rule.id for rule in rules))
    more = f" and {len(ids) - _MOST_NAMED} more" if len(ids) > _MOST_NAMED else ""
    return ", ".join(ids[:_MOST_NAMED]) + more
