"""What is printed when a run is over: the verdict, what was violated, what was not tested and why."""

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
from conformance.results.result import Result

FEW: Final = 5
"""So many violations, reasons and rules of one reason are named; the reports have the rest."""


def print_ending(result: Result, directory: Path) -> None:
    """Print what a run came to, for a person at a terminal or the log of a CI job."""
    sys.stdout.write("\n".join(_lines(result, directory)) + "\n")
    sys.stdout.flush()


def _lines(result: Result, directory: Path) -> Iterator[str]:
    yield ""
    yield headline(result)
    if result.verdict not in (RunVerdict.ENVIRONMENT, RunVerdict.HARNESS) and ending_note(result):
        yield in_one_line(ending_note(result))
    yield from _profiles(result)
    yield from _violated(result, directory)
    yield from _warned(result, directory)
    yield from _untested(result)
    yield from _needless(result)
    yield f"Digest of the journal: {result.evidence.digest}"
    yield f"Report: {directory / 'report.html'}"


def _profiles(result: Result) -> Iterator[str]:
    yield ""
    for profile in profiles(result):
        found = {verdict: count for verdict, count in counts(result.of(profile)).items() if count}
        said = ", ".join(f"{count} {verdict.value.lower()}" for verdict, count in found.items())
        played = counted(result.histories.get(profile, 0), "history", "histories")
        fuzzed = sum(part.judged for part in result.evidence.of(FuzzProfileRecord) if part.profile == profile.value)
        played += f", {counted(fuzzed, 'fuzzed request')}" if fuzzed else ""
        yield f"  {profile.value:<10} {played}: {said or 'nothing was judged'}"
    yield ""


def _violated(result: Result, directory: Path) -> Iterator[str]:
    violated = violations(result)
    for one in violated[:FEW]:
        yield f"{one.rule.id} ({one.profile.value}) is violated: {in_one_line(one.reason, 300)}"
        if one.counterexample:
            file = Path(one.counterexample)
            yield f"  counterexample: {directory / file}"
            target = shlex.quote(result.run.target.name)
            yield f"  again: cancel-conformance replay {shlex.quote(str(directory))} {file.name} --target {target}"
        finding = first_finding(result.evidence, one.profile, one.rule.id)
        if finding is not None:
            yield f"  again: {finding.curl}"
    if len(violated) > FEW:
        yield f"and {counted(len(violated) - FEW, 'more violated rule')}, in the report"
    if violated:
        yield ""


def _warned(result: Result, directory: Path) -> Iterator[str]:
    warned = warnings(result)
    for one in warned[:FEW]:
        yield f"Warning: {one.rule.id} ({one.profile.value}) is recommended: {in_one_line(one.reason, 300)}"
        if one.counterexample:
            yield f"  counterexample: {directory / one.counterexample}"
    if len(warned) > FEW:
        yield f"and {counted(len(warned) - FEW, 'more warning')}, in the report"
    if warned:
        yield ""


def _untested(result: Result) -> Iterator[str]:
    groups = [group for group in untested(result) if group.verdict is not RuleVerdict.EXCLUDED]
    if groups:
        yield "Not tested, or not enough:"
    for group in groups[:FEW]:
        weight = "" if group.holds_back else " (does not decide)"
        yield f"  {_named(group.rules)}: {group.verdict.value.lower()}{weight}: {in_one_line(group.reason, 300)}"
    if len(groups) > FEW:
        rest = sum(len(group.rules) for group in groups[FEW:])
        yield f"  and {counted(rest, 'more rule')} for {counted(len(groups) - FEW, 'other reason')}, in the report"
    if groups:
        yield ""


def _named(rules: tuple[RuleResult, ...]) -> str:
    ids = list(dict.fromkeys(one.rule.id for one in rules))
    more = f" and {len(ids) - FEW} more" if len(ids) > FEW else ""
    return ", ".join(ids[:FEW]) + more


def _needless(result: Result) -> Iterator[str]:
    if result.verdict not in (RunVerdict.CONFORMANT, RunVerdict.NOT_CONFORMANT, RunVerdict.INCOMPLETE):
        return
    for rule in needless(result):
        yield f"Error: {rule} is waived and needs no waiver: take it away."
