"""The differences between two runs as text, as JSON and as an HTML page."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from conformance.domain.order import Market
from conformance.judging.verdicts import RuleResult
from conformance.reports.diff.compare import Diff, RuleChange, SilenceChange, StepCheck
from conformance.reports.html.render import environment
from conformance.reports.wording.headline import headline
from conformance.reports.wording.provider import counted, reason_in_words
from conformance.reports.wording.sanitize import in_one_line
from conformance.results.result import Result

DIFF_VERSION: Final = 1
_FEW: Final = 20
"""The most checks of a kind in the text; JSON has them all."""
_MANY: Final = 200
"""The most checks of a kind on the page."""


def diff_text(comparison: Diff, complaints: Sequence[str] = ()) -> str:
    """Return the differences as text for a terminal.

    ``complaints`` are about the file of known failures.
    """
    return "\n".join(_lines(comparison, complaints)) + "\n"


def _lines(comparison: Diff, complaints: Sequence[str]) -> Iterator[str]:
    yield f"First:  {_line(headline(comparison.before))}"
    yield f"Second: {_line(headline(comparison.after))}"
    if comparison.settings:
        yield from ("", "The runs were made otherwise:")
        yield from (f"  {name}: {_line(was)} -> {_line(became)}" for name, was, became in comparison.settings)
    yield ""
    yield "Verdicts that are other ones:" if comparison.rules else "Every rule has the verdict that it had."
    for change in comparison.rules:
        kind = change.change
        yield f"  {change.rule} ({change.profile.value}) {_verdicts(change)}: {kind.value}. {_line(change.title)}"
        if kind.worse and change.after is not None:
            yield f"    {_line(reason_in_words(change.after.reason, Market(comparison.after.run.market).currency))}"
    yield ""
    yield "Behaviour under silence that is another one:" if comparison.silence else "Nothing changed under silence."
    for silence in comparison.silence:
        note = "; two requests at once, which come out differently from run to run" if silence.racing else ""
        yield f"  {silence.of} ({silence.profile.value}) {_line(silence.title)}{note}"
        yield from (
            f"    now:     {_line(observation)} ({silence.after[observation]} times)" for observation in silence.new
        )
        yield from (
            f"    before:  {_line(observation)} ({silence.before[observation]} times)" for observation in silence.gone
        )
    yield ""
    yield from _checks(comparison)
    if complaints:
        yield from ("", "The file of known failures is not right:")
        yield from (f"  {_line(complaint)}" for complaint in complaints)


def _checks(comparison: Diff) -> Iterator[str]:
    was, became = comparison.checks
    yield f"Checks made: {was:,} and {became:,}{', in another order' if comparison.reordered else ''}."
    if not (comparison.only_before or comparison.only_after or comparison.changed_checks):
        yield (
            "They are the same, in the same order, with the same outcomes."
            if not comparison.reordered
            else ("They are the same, with the same outcomes.")
        )
    if comparison.changed_checks:
        yield f"With another outcome: {len(comparison.changed_checks):,}"
        for group in comparison.outcomes[:_FEW]:
            yield f"  {group.do}: {_line(group.before)} -> {_line(group.after)}: {len(group.checks):,}, first in"
            yield f"    {_line(group.checks[0].label)}"
        yield from _more(comparison.outcomes)
    for title, checks in (("first", comparison.only_before), ("second", comparison.only_after)):
        if checks:
            yield f"Only in the {title} run: {len(checks):,}"
            histories = Counter(check.label for check in checks)
            yield from (f"  {_line(label)}: {number}" for label, number in list(histories.items())[:_FEW])
            yield from _more(list(histories))


def _more(checks: Sequence[object]) -> Iterator[str]:
    if len(checks) > _FEW:
        yield f"  and {len(checks) - _FEW:,} more (--format json has them)"


def _line(text: str) -> str:
    return in_one_line(text, 300)


def _verdicts(change: RuleChange) -> str:
    """Return a rule's verdict before and after."""
    return f"{_verdict(change.before)} -> {_verdict(change.after)}"


def _verdict(rule: RuleResult | None) -> str:
    if rule is None:
        return "(not in this run)"
    return rule.verdict.value + (" (waived)" if rule.waiver is not None else "")


def diff_json(comparison: Diff, complaints: Sequence[str] = (), exit_code: int = 0) -> str:
    """Return the differences as JSON, in the form of `diff.schema.json`."""
    data = {
        "version": DIFF_VERSION,
        "exit_code": exit_code,
        "runs": [_run(comparison.before), _run(comparison.after)],
        "settings": [{"name": name, "before": was, "after": became} for name, was, became in comparison.settings],
        "rules": [_rule_change(change) for change in comparison.rules],
        "silence": [_silence_change(change) for change in comparison.silence],
        "checks": {
            "before": comparison.checks[0],
            "after": comparison.checks[1],
            "reordered": comparison.reordered,
            "only_before": [_check(check) for check in comparison.only_before],
            "only_after": [_check(check) for check in comparison.only_after],
            "otherwise": [
                {"history": change.check.label, "do": change.check.do, "before": change.before, "after": change.after}
                for change in comparison.changed_checks
            ],
        },
        "known": list(complaints),
    }
    return json.dumps(data, indent=2, ensure_ascii=True) + "\n"


def _rule_change(change: RuleChange) -> dict[str, Any]:
    return {
        "id": change.rule,
        "profile": change.profile.value,
        "title": change.title,
        "change": change.change.value,
        "worse": change.change.worse,
        "before": _rule(change.before),
        "after": _rule(change.after),
    }


def _silence_change(change: SilenceChange) -> dict[str, Any]:
    return {
        "of": change.of,
        "profile": change.profile.value,
        "title": change.title,
        "racing": change.racing,
        "before": dict(change.before),
        "after": dict(change.after),
    }


def _run(result: Result) -> dict[str, Any]:
    return {
        "verdict": result.verdict.value,
        "reason": result.reason,
        "journal": result.evidence.digest,
        "target": result.run.target.name,
        "started": result.run.started,
        "seed": result.run.seed,
    }


def _rule(rule: RuleResult | None) -> Mapping[str, Any] | None:
    if rule is None:
        return None
    return {"verdict": rule.verdict.value, "reason": rule.reason, "examples": rule.examples, "waiver": rule.waiver}


def _check(check: StepCheck) -> dict[str, str]:
    return {"history": check.label, "do": check.do, "said": check.outcome}


def diff_html(comparison: Diff, complaints: Iterable[str] = ()) -> str:
    """Return the differences as a self-contained HTML page."""
    return (
        environment()
        .get_template("diff.html.j2")
        .render(
            comparison=comparison,
            runs=(("First run", comparison.before), ("Second run", comparison.after)),
            headline=headline,
            complaints=list(complaints),
            lists=(
                ("Only in the first run", comparison.only_before),
                ("Only in the second run", comparison.only_after),
            ),
            most=_MANY,
            few=_FEW,
            currency=Market(comparison.after.run.market).currency,
            title=f"Two runs: {counted(len(comparison.worse), 'rule')} worse",
        )
    )
