"""The text that a command prints when a run is over.

It says the verdict, what was violated, and what was not tested and why.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from conformance.evidence.records import FuzzProfileRecord
from conformance.judging.verdicts import RuleResult, RuleVerdict, RunVerdict
from conformance.reports.fuzzing import first_finding
from conformance.reports.wording.headline import (
    counts,
    ending_note,
    headline,
    needless,
    profiles,
    untested,
    violations,
    warnings,
)
from conformance.reports.wording.provider import counted
from conformance.reports.wording.sanitize import in_one_line
from conformance.reports.wording.troubles import troubles
from conformance.results.result import Result

FEW: Final = 5
"""The most violations, reasons and rules of a reason that are printed; the reports have them all."""


def print_ending(result: Result, directory: Path) -> None:
    """Print the outcome of a run, for a terminal or the log of a CI job."""
    sys.stdout.write("\n".join(_lines(result, directory)) + "\n")
    sys.stdout.flush()


def _lines(result: Result, directory: Path) -> Iterator[str]:
    yield ""
    yield headline(result)
    if result.verdict is not RunVerdict.HARNESS and ending_note(result):
        yield in_one_line(ending_note(result))
    yield from _troubles(result)
    yield from _profiles(result)
    yield from _violated(result, directory)
    yield from _warned(result, directory)
    yield from _untested(result)
    yield from _needless(result)
    yield f"Digest of the journal: {result.evidence.digest}"
    yield f"Report: {directory / 'report.html'}"


def _troubles(result: Result) -> Iterator[str]:
    for trouble in troubles(result):
        yield from ("", f"{trouble.title}:", *(f"  {line}".rstrip() for line in trouble.lines))


def _profiles(result: Result) -> Iterator[str]:
    yield ""
    if _tested_nothing(result):
        return
    for profile in profiles(result):
        tally = {verdict: count for verdict, count in counts(result.of(profile)).items() if count}
        verdict_counts = ", ".join(f"{count} {verdict.value.lower()}" for verdict, count in tally.items())
        played = counted(result.histories.get(profile, 0), "history", "histories")
        fuzzed = sum(part.judged for part in result.evidence.of(FuzzProfileRecord) if part.profile == profile.value)
        played += f", {counted(fuzzed, 'fuzzed request')}" if fuzzed else ""
        yield f"  {profile.value:<10} {played}: {verdict_counts or 'nothing was judged'}"
    yield ""


def _violated(result: Result, directory: Path) -> Iterator[str]:
    violated = violations(result)
    for rule in violated[:FEW]:
        yield f"{rule.rule.id} ({rule.profile.value}) is violated: {in_one_line(rule.reason, 300)}"
        if rule.counterexample:
            file = Path(rule.counterexample)
            yield f"  counterexample: {directory / file}"
            target = shlex.quote(result.run.target.name)
            yield f"  again: cancel-conformance replay {shlex.quote(str(directory))} {file.name} --target {target}"
        finding = first_finding(result.evidence, rule.profile, rule.rule.id)
        if finding is not None:
            yield f"  again: {finding.curl}"
    if len(violated) > FEW:
        yield f"and {counted(len(violated) - FEW, 'more violated rule')}, in the report"
    if violated:
        yield ""


def _warned(result: Result, directory: Path) -> Iterator[str]:
    warned = warnings(result)
    for rule in warned[:FEW]:
        yield f"Warning: {rule.rule.id} ({rule.profile.value}) is recommended: {in_one_line(rule.reason, 300)}"
        if rule.counterexample:
            yield f"  counterexample: {directory / rule.counterexample}"
    if len(warned) > FEW:
        yield f"and {counted(len(warned) - FEW, 'more warning')}, in the report"
    if warned:
        yield ""


def _untested(result: Result) -> Iterator[str]:
    if _tested_nothing(result):
        return
    groups = [group for group in untested(result) if group.verdict is not RuleVerdict.EXCLUDED]
    if groups:
        yield "Not tested, or not enough:"
    for group in groups[:FEW]:
        note = "" if group.is_blocking else " (does not decide)"
        yield f"  {_rule_ids(group.rules)}: {group.verdict.value.lower()}{note}: {in_one_line(group.reason, 300)}"
    if len(groups) > FEW:
        count = sum(len(group.rules) for group in groups[FEW:])
        yield f"  and {counted(count, 'more rule')} for {counted(len(groups) - FEW, 'other reason')}, in the report"
    if groups:
        yield ""


def _tested_nothing(result: Result) -> bool:
    """Return whether a run ended before its first history: lists of what was tested would say nothing."""
    return result.verdict is RunVerdict.ENVIRONMENT and not result.histories


def _rule_ids(rules: tuple[RuleResult, ...]) -> str:
    ids = list(dict.fromkeys(rule.rule.id for rule in rules))
    more = f" and {len(ids) - FEW} more" if len(ids) > FEW else ""
    return ", ".join(ids[:FEW]) + more


def _needless(result: Result) -> Iterator[str]:
    if result.verdict not in (RunVerdict.CONFORMANT, RunVerdict.NOT_CONFORMANT, RunVerdict.INCOMPLETE):
        return
    for rule in needless(result):
        yield f"Error: {rule} is waived and needs no waiver: take it away."
