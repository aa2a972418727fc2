"""What two runs differ in, as text for a terminal, as JSON for a program, and as one page of HTML."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from conformance.domain.order import Market
from conformance.judging.verdicts import RuleResult
from conformance.reports.diff.compare import Check, Diff, RuleChange
from conformance.reports.html.render import environment
from conformance.reports.wording.headline import headline
from conformance.reports.wording.provider import counted, reason_in_words
from conformance.reports.wording.sanitize import in_one_line
from conformance.results.result import Result

DIFF_VERSION: Final = 1
_FEW: Final = 20
"""So many checks of a kind are named in the text; JSON has them all."""
_MANY: Final = 200
"""So many are on the page."""


def diff_text(found: Diff, complaints: Sequence[str] = ()) -> str:
    """Return what two runs differ in, for a terminal. ``complaints`` are about the file of known failures."""
    return "\n".join(_lines(found, complaints)) + "\n"


def _lines(found: Diff, complaints: Sequence[str]) -> Iterator[str]:
    yield f"First:  {_one(headline(found.before))}"
    yield f"Second: {_one(headline(found.after))}"
    if found.settings:
        yield from ("", "The runs were made otherwise:")
        yield from (f"  {name}: {_one(was)} -> {_one(became)}" for name, was, became in found.settings)
    yield ""
    yield "Verdicts that are other ones:" if found.rules else "Every rule has the verdict that it had."
    for one in found.rules:
        yield f"  {one.rule} ({one.profile.value}) {_verdicts(one)}: {one.change.value}. {_one(one.title)}"
        if one.change.worse and one.after is not None:
            yield f"    {_one(reason_in_words(one.after.reason, Market(found.after.run.market).currency))}"
    yield ""
    yield "Behaviour under silence that is another one:" if found.silence else "Nothing changed under silence."
    for silent in found.silence:
        luck = "; two requests at once, which come out differently from run to run" if silent.racing else ""
        yield f"  {silent.of} ({silent.profile.value}) {_one(silent.title)}{luck}"
        yield from (f"    now:     {_one(seen)} ({silent.after[seen]} times)" for seen in silent.new)
        yield from (f"    before:  {_one(seen)} ({silent.before[seen]} times)" for seen in silent.gone)
    yield ""
    yield from _checks(found)
    if complaints:
        yield from ("", "The file of known failures is not right:", *(f"  {_one(one)}" for one in complaints))


def _checks(found: Diff) -> Iterator[str]:
    was, became = found.checks
    yield f"Checks made: {was:,} and {became:,}{', in another order' if found.reordered else ''}."
    if not (found.only_before or found.only_after or found.checked_otherwise):
        yield (
            "They are the same, in the same order, with the same outcomes."
            if not found.reordered
            else ("They are the same, with the same outcomes.")
        )
    if found.checked_otherwise:
        yield f"With another outcome: {len(found.checked_otherwise):,}"
        for one in found.outcomes[:_FEW]:
            yield f"  {one.do}: {_one(one.before)} -> {_one(one.after)}: {len(one.checks):,}, first in"
            yield f"    {_one(one.checks[0].label)}"
        yield from _more(found.outcomes)
    for title, checks in (("first", found.only_before), ("second", found.only_after)):
        if checks:
            yield f"Only in the {title} run: {len(checks):,}"
            histories = Counter(check.label for check in checks)
            yield from (f"  {_one(label)}: {number}" for label, number in list(histories.items())[:_FEW])
            yield from _more(list(histories))


def _more(checks: Sequence[object]) -> Iterator[str]:
    if len(checks) > _FEW:
        yield f"  and {len(checks) - _FEW:,} more (--format json has them)"


def _one(text: str) -> str:
    return in_one_line(text, 300)


def _verdicts(one: RuleChange) -> str:
    """Return what a rule's verdict was and has become."""
    return f"{_verdict(one.before)} -> {_verdict(one.after)}"


def _verdict(one: RuleResult | None) -> str:
    if one is None:
        return "(not in this run)"
    return one.verdict.value + (" (waived)" if one.waiver is not None else "")


def diff_json(found: Diff, complaints: Sequence[str] = (), exit_code: int = 0) -> str:
    """Return what two runs differ in, for a program. Its form is fixed by `diff.schema.json`."""
    data = {
        "version": DIFF_VERSION,
        "exit_code": exit_code,
        "runs": [_run(found.before), _run(found.after)],
        "settings": [{"name": name, "before": was, "after": became} for name, was, became in found.settings],
        "rules": [
            {
                "id": one.rule,
                "profile": one.profile.value,
                "title": one.title,
                "change": one.change.value,
                "worse": one.change.worse,
                "before": _rule(one.before),
                "after": _rule(one.after),
            }
            for one in found.rules
        ],
        "silence": [
            {
                "of": one.of,
                "profile": one.profile.value,
                "title": one.title,
                "racing": one.racing,
                "before": dict(one.before),
                "after": dict(one.after),
            }
            for one in found.silence
        ],
        "checks": {
            "before": found.checks[0],
            "after": found.checks[1],
            "reordered": found.reordered,
            "only_before": [_check(one) for one in found.only_before],
            "only_after": [_check(one) for one in found.only_after],
            "otherwise": [
                {"history": one.check.label, "do": one.check.do, "before": one.before, "after": one.after}
                for one in found.checked_otherwise
            ],
        },
        "known": list(complaints),
    }
    return json.dumps(data, indent=2, ensure_ascii=True) + "\n"


def _run(result: Result) -> dict[str, Any]:
    return {
        "verdict": result.verdict.value,
        "reason": result.reason,
        "journal": result.evidence.digest,
        "target": result.run.target.name,
        "started": result.run.started,
        "seed": result.run.seed,
    }


def _rule(one: RuleResult | None) -> Mapping[str, Any] | None:
    if one is None:
        return None
    return {"verdict": one.verdict.value, "reason": one.reason, "examples": one.examples, "waiver": one.waiver}


def _check(one: Check) -> dict[str, str]:
    return {"history": one.label, "do": one.do, "said": one.said}


def diff_html(found: Diff, complaints: Iterable[str] = ()) -> str:
    """Return what two runs differ in as a page that needs nothing but itself."""
    return (
        environment()
        .get_template("diff.html.j2")
        .render(
            found=found,
            runs=(("First run", found.before), ("Second run", found.after)),
            headline=headline,
            complaints=list(complaints),
            lists=(("Only in the first run", found.only_before), ("Only in the second run", found.only_after)),
            most=_MANY,
            few=_FEW,
            currency=Market(found.after.run.market).currency,
            title=f"Two runs: {counted(len(found.worse), 'rule')} worse",
        )
    )
