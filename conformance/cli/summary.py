"""The text that a command prints when a run is over.

It says the verdict, what was violated, and what was not tested and why.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from conformance import __version__
from conformance.cli.output import Tone, output
from conformance.evidence.journal import JOURNAL_NAME, JournalError
from conformance.evidence.records import FuzzProfileRecord
from conformance.judging.verdicts import RuleResult, RuleVerdict, RunVerdict
from conformance.reports.fuzzing import first_finding
from conformance.reports.wording.boundary import boundary_of
from conformance.reports.wording.defects import defect_in_words, defect_of, following_in_words, listed_under_others
from conformance.reports.wording.headline import (
    counts,
    demonstration,
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
from conformance.reports.wording.ways import undeclared_ways
from conformance.results.result import Result
from conformance.rulebook import load
from conformance.runner.resume import check_resumable

TONES: Final[Mapping[RunVerdict, Tone]] = {
    RunVerdict.CONFORMANT: "good",
    RunVerdict.NOT_CONFORMANT: "bad",
    RunVerdict.INCOMPLETE: "open",
    RunVerdict.ENVIRONMENT: "bad",
    RunVerdict.HARNESS: "bad",
    RunVerdict.INTERRUPTED: "open",
}


def print_ending(result: Result, directory: Path) -> None:
    """Print what a run has shown, for a terminal or the log of a CI job."""
    most = output().most
    output().say(*_lines(result, directory, most))


def print_verdict(result: Result, directory: Path) -> None:
    """Print the verdict, how to go on, and where the report is: the last lines of every run."""
    out = output()
    shown = demonstration(result)
    out.say("", *([] if shown is None or out.last else [shown, ""]))
    out.conclude(headline(result), TONES[result.verdict])
    # What ended these is the error that the command ends with.
    if result.verdict not in (RunVerdict.HARNESS, RunVerdict.ENVIRONMENT) and ending_note(result):
        out.say(in_one_line(ending_note(result)))
    if result.verdict is RunVerdict.INTERRUPTED or (result.verdict is RunVerdict.ENVIRONMENT and result.histories):
        out.say(*_continuation(result, directory))
    out.say(*out.last, f"Report: {directory / 'report.html'}")


def _lines(result: Result, directory: Path, most: int | None) -> Iterator[str]:
    yield from _troubles(result)
    yield from _profiles(result)
    yield from _violated(result, directory, most)
    yield from _warned(result, directory, most)
    yield from _untested(result, most)
    yield from _needless(result)
    yield from _observed_ways(result)
    if result.busy.responses:
        yield f"{result.busy}."
    yield f"SHA-256 of the journal: {result.evidence.digest}"


def _continuation(result: Result, directory: Path) -> Iterator[str]:
    played = counted(sum(result.histories.values()), "history", "histories")
    yield f"Kept: {played} in {directory / JOURNAL_NAME}, and the reports."
    try:
        check_resumable(result.evidence, __version__, load().digest)
    except JournalError as error:
        yield in_one_line(str(error))
        return
    yield f"Continue with: {resume_command(directory)}"


def resume_command(directory: Path) -> str:
    """Return the command that continues an interrupted run."""
    return shlex.join(["cancel-conformance", "run", "--resume", str(directory)])


def _troubles(result: Result) -> Iterator[str]:
    for trouble in troubles(result):
        yield from ("", f"{trouble.title}:", *(f"  {line}".rstrip() for line in trouble.lines))


def _profiles(result: Result) -> Iterator[str]:
    yield ""
    if _has_no_history(result):
        return
    for profile in profiles(result):
        tally = {verdict: count for verdict, count in counts(result.of(profile)).items() if count}
        verdict_counts = ", ".join(f"{count} {verdict.value.lower()}" for verdict, count in tally.items())
        played = counted(result.histories.get(profile, 0), "history", "histories")
        fuzzed = sum(part.judged for part in result.evidence.of(FuzzProfileRecord) if part.profile == profile.value)
        played += f", {counted(fuzzed, 'fuzzed request')}" if fuzzed else ""
        yield f"  {profile.value:<10} {played}: {verdict_counts or 'nothing was judged'}"
    yield ""


def _violated(result: Result, directory: Path, most: int | None) -> Iterator[str]:
    following = listed_under_others(result)
    violated = [rule for rule in violations(result) if (rule.profile, rule.rule.id) not in following]
    for rule in violated[:most]:
        yield f"{rule.rule.id} ({rule.profile.value}) is violated: {in_one_line(rule.reason, 300)}"
        yield from _as_defect(result, rule)
        if boundary := boundary_of(result, rule):
            yield f"  {boundary}"
        if rule.counterexample:
            file = Path(rule.counterexample)
            yield f"  counterexample: {directory / file}"
            target = shlex.quote(result.run.target.name)
            yield f"  again: cancel-conformance replay {shlex.quote(str(directory))} {file.name} --target {target}"
        finding = first_finding(result.evidence, rule.profile, rule.rule.id)
        if finding is not None:
            yield f"  again: {finding.curl}"
    if more := len(violated[most:]) if most else 0:
        noun = "defect" if result.defects else "violated rule"
        yield f"and {counted(more, f'more {noun}')}, in the report and with --verbose"
    if violated:
        yield ""


def _as_defect(result: Result, rule: RuleResult) -> Iterator[str]:
    """Yield what is known of the defect that a rule leads, in a merchant's run."""
    defect = defect_of(result, (rule.profile, rule.rule.id))
    if defect is not None:
        yield f"  {defect_in_words(result, defect)}"
        if defect.following:
            yield f"  {following_in_words(defect)}"


def _warned(result: Result, directory: Path, most: int | None) -> Iterator[str]:
    warned = warnings(result)
    for rule in warned[:most]:
        yield f"Warning: {rule.rule.id} ({rule.profile.value}) is recommended: {in_one_line(rule.reason, 300)}"
        if rule.counterexample:
            yield f"  counterexample: {directory / rule.counterexample}"
    if more := len(warned[most:]) if most else 0:
        yield f"and {counted(more, 'more warning')}, in the report and with --verbose"
    if warned:
        yield ""


def _untested(result: Result, most: int | None) -> Iterator[str]:
    if _has_no_history(result):
        return
    groups = [group for group in untested(result) if group.verdict is not RuleVerdict.EXCLUDED]
    if groups:
        yield "Not tested, or not enough:"
    for group in groups[:most]:
        note = "" if group.is_blocking else " (does not decide)"
        yield f"  {_rule_ids(group.rules, most)}: {group.verdict.value.lower()}{note}: {in_one_line(group.reason, 300)}"
    if more := groups[most:] if most else []:
        count = sum(len(group.rules) for group in more)
        yield f"  and {counted(count, 'more rule')} for {counted(len(more), 'other reason')}, in the report"
    if groups:
        yield ""


def _observed_ways(result: Result) -> Iterator[str]:
    ways = [f"Observed: {in_one_line(way, 300)}" for way in undeclared_ways(result)]
    if ways:
        yield from (*ways, "")


def _has_no_history(result: Result) -> bool:
    """Return whether a run ended before its first history: lists of what was tested would say nothing."""
    return result.verdict in (RunVerdict.ENVIRONMENT, RunVerdict.INTERRUPTED) and not sum(result.histories.values())


def _rule_ids(rules: tuple[RuleResult, ...], most: int | None) -> str:
    ids = list(dict.fromkeys(rule.rule.id for rule in rules))
    more = len(ids[most:]) if most else 0
    return ", ".join(ids[:most]) + (f" and {more} more" if more else "")


def _needless(result: Result) -> Iterator[str]:
    if result.verdict not in (RunVerdict.CONFORMANT, RunVerdict.NOT_CONFORMANT, RunVerdict.INCOMPLETE):
        return
    for rule in needless(result):
        yield f"Error: {rule} is waived and needs no waiver: take it away."
