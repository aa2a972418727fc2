"""The rulebook in print: a table for a terminal, JSON for a program, a page in Markdown.

Every function takes the APIs to show and, where the rules were compared with a copy of the SEED page, the result of
that comparison.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

from msgspec import to_builtins

from conformance.domain.api_table import SPECS
from conformance.domain.order import Profile
from conformance.rulebook.rules import Rule, Rulebook, RuleStatus, Switch
from conformance.rulebook.source_drift import PageChange, Staleness

_SHARED = "Several APIs"


def render_text(
    rulebook: Rulebook, *, stale: Staleness | None = None, profiles: Collection[Profile] | None = None
) -> str:
    """Return one line per rule, under a heading per API, and a last line with their number."""
    lines: list[str] = []
    rules = _rules_of(rulebook, profiles)
    id_width = max((len(rule.id) for rule in rules), default=0)
    for heading, group in _grouped(rules):
        lines += [heading, ""]
        for rule in group:
            mark = "  STALE" if stale and rule.id in stale.stale else ""
            lines.append(f"  {rule.id:<{id_width}}  {rule.level:<8}  {rule.status:<8}  {rule.title}{mark}")
            if rule.reason:
                lines.append(f"  {'':<{id_width}}  {'':<8}  {'':<8}  {rule.reason}")
        lines.append("")
    lines.append(_summary(rules))
    if stale:
        lines += [_comparison(rules, stale), *_change_lines(rulebook, stale)]
    return "\n".join(lines) + "\n"


def render_json(
    rulebook: Rulebook, *, stale: Staleness | None = None, profiles: Collection[Profile] | None = None
) -> str:
    """Return the rules and switches as JSON; ``stale`` of a rule is null where it was not compared with the page."""
    data = {
        "digest": rulebook.digest,
        "rules": [_rule_json(rulebook, rule, stale) for rule in _rules_of(rulebook, profiles)],
        "switches": [_switch_json(switch) for switch in rulebook.switches],
        **({"changes": to_builtins(stale.changes)} if stale is not None else {}),
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def render_markdown(
    rulebook: Rulebook, *, stale: Staleness | None = None, profiles: Collection[Profile] | None = None
) -> str:
    """Return the whole rulebook as a page: the rules by API, the readings, the sources."""
    rules = _rules_of(rulebook, profiles)
    lines = ["# Rulebook" if rulebook.switches else "# What a merchant owes", "", _summary(rules), ""]
    if stale:
        lines += [_comparison(rules, stale), "", *_change_lines(rulebook, stale), ""]
    for heading, group in _grouped(rules):
        lines += [f"## {heading}", ""]
        for rule in group:
            lines += [*_rule_markdown(rulebook, rule, stale), ""]
    lines += ["## Readings", ""] if rulebook.switches else []
    for switch in rulebook.switches:
        lines += [*_switch_markdown(switch), ""]
    lines += ["## Sources", "", "| key | title | version | published |", "| --- | --- | --- | --- |"]
    for source in rulebook.sources:
        kind = " (observed, not documented)" if source.observed else ""
        lines.append(f"| {source.key} | {source.title}{kind} | {source.version} | {source.published} |")
    lines += ["", f"Digest of this rulebook: `{rulebook.digest}`."]
    return "\n".join(lines) + "\n"


def _rules_of(rulebook: Rulebook, profiles: Collection[Profile] | None) -> list[Rule]:
    wanted = set(Profile if profiles is None else profiles)
    return [rule for rule in rulebook.rules if not wanted.isdisjoint(rule.profiles)]


def _grouped(rules: list[Rule]) -> Iterator[tuple[str, list[Rule]]]:
    """Yield headings with their rules: what governs several APIs first, then each API."""
    groups: dict[str, list[Rule]] = {_SHARED: [], **{spec.title: [] for spec in SPECS.values()}}
    for rule in rules:
        groups[SPECS[rule.profiles[0]].title if len(rule.profiles) == 1 else _SHARED].append(rule)
    yield from ((heading, group) for heading, group in groups.items() if group)


def _summary(rules: list[Rule]) -> str:
    counts = ", ".join(f"{sum(rule.status is status for rule in rules)} {status}" for status in RuleStatus)
    return f"{len(rules)} rules: {counts}."


def _comparison(rules: list[Rule], stale: Staleness) -> str:
    ids = {rule.id for rule in rules}
    changed = [rule_id for rule_id in stale.stale if rule_id in ids]
    compared = len(changed) + sum(rule_id in ids for rule_id in stale.fresh)
    if not changed:
        return f"All {compared} rules that rest on the page are up to date with it."
    return f"{len(changed)} of the {compared} rules that rest on the page are STALE: {', '.join(changed)}."


def _change_lines(rulebook: Rulebook, stale: Staleness) -> list[str]:
    """Return what the page says differently, a numbered place each, and what to do about it."""
    if not stale.changes:
        return []
    titles = {rule.id: rule.title for rule in rulebook.rules}
    lines = ["", f"What the page says differently, in {_counted(len(stale.changes), 'place')}:"]
    for number, change in enumerate(stale.changes, 1):
        where = f'After "{change.after}"' if change.after else "At the beginning"
        lines.append(f"{number}. {where}, {_what_changed(change)}")
        lines += [f'   "{sentence}"' for sentence in change.new]
        lines += [f"   {rule} rests on what was there: {titles[rule]}." for rule in change.rules]
        if not change.rules:
            lines.append("   No rule rests on this place.")
    return [
        *lines,
        "",
        "Read each place. If it means what it did, the rules are right and only their digests are old. If it means",
        "something else, or something new about Cancel, a rule is wrong or missing: open an issue with the sentence.",
        "Until then, waive a rule that accuses your target of what the page now permits.",
    ]


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _what_changed(change: PageChange) -> str:
    was = _counted(change.gone, "sentence")
    if not change.new:
        return f"{was} {'is' if change.gone == 1 else 'are'} gone."
    return f"in place of {was}, there is now:" if change.gone else "this was added:"


def _rule_json(rulebook: Rulebook, rule: Rule, stale: Staleness | None) -> dict[str, Any]:
    compared = stale is not None and rule.id in (*stale.fresh, *stale.stale)
    return {
        "id": rule.id,
        "profiles": list(rule.profiles),
        "level": rule.level,
        "status": rule.status,
        "title": rule.title,
        "statement": rule.statement,
        "clauses": [
            {"words": clause.words, "fields": list(clause.fields), "exempt": list(clause.exempt)}
            for clause in rule.clauses
        ],
        "reason": rule.reason or None,
        "sources": [
            {"key": citation.source, "title": rulebook.source(citation.source).title, "place": citation.place}
            for citation in rule.sources
        ],
        "readings": list(rule.readings),
        "needs": list(rule.needs),
        "sides": list(rule.sides),
        "neighbours": list(rule.neighbours),
        "causes": list(rule.causes),
        "optional": rule.optional,
        **({"defects": list(rule.defects)} if rule.defects else {}),
        **({"partly": list(rule.partly)} if rule.partly else {}),
        "stale": rule.id in stale.stale if stale is not None and compared else None,
    }


def _switch_json(switch: Switch) -> dict[str, Any]:
    return {
        "id": switch.id,
        "topic": switch.topic,
        "question": switch.question,
        "choices": to_builtins(switch.choices),
        "default": list(switch.default),
        "fixed": switch.fixed,
        "reason": switch.reason or None,
    }


def _rule_markdown(rulebook: Rulebook, rule: Rule, stale: Staleness | None) -> list[str]:
    mark = " **STALE**: the page no longer says this in the same words." if stale and rule.id in stale.stale else ""
    governs = ", ".join(SPECS[profile].title for profile in rule.profiles)
    lines = [f"### {rule.id}: {rule.title}", "", f"{rule.statement}{mark}", ""]
    lines.append(f"- Level and status: {rule.level}, {rule.status}")
    if rule.reason:
        lines.append(f"- Reason: {rule.reason}")
    if len(rule.profiles) > 1:
        lines.append(f"- Governs: {governs}")
    lists = (
        ("Readings", [f"{switch_id} ({rulebook.switch(switch_id).topic})" for switch_id in rule.readings]),
        ("Needs", list(rule.needs)),
        ("Needs for a part of it", list(rule.partly)),
        ("Sides of its boundary", list(rule.sides)),
        ("Fails together with", list(rule.neighbours)),
    )
    lines += [f"- {name}: {', '.join(items)}" for name, items in lists if items]
    if rule.defects:
        lines.append(f"- Catches the defects of real integrations: {', '.join(rule.defects)}")
    if rule.optional and rule.defects:
        lines.append("- Not needed for a verdict where an integration never comes to what it is about")
    elif rule.optional:
        lines.append("- Optional: an answer may leave out what the rule is about")
    lines.append(f"- Source: {'; '.join(f'{citation.source}, {citation.place}' for citation in rule.sources)}")
    if rule.causes:
        lines += ["- If it is violated:", *(f"  - {cause}" for cause in rule.causes)]
    return lines


def _switch_markdown(switch: Switch) -> list[str]:
    lines = [f"### {switch.id}: {switch.topic}", "", switch.question, ""]
    for choice in switch.choices:
        condition = "" if choice.name in switch.default else " Not accepted unless it is chosen."
        lines.append(f"- `{choice.name}`: {choice.statement}{condition} ({choice.source})")
    if switch.fixed:
        lines.append(f"- Fixed: {switch.reason}")
    return lines
