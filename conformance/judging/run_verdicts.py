"""The verdict of a run: the results of its rules reduced to one verdict and one sentence that says why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from conformance.judging.verdicts import RuleResult, RuleVerdict, RunVerdict
from conformance.rulebook import Level

OPEN = (RuleVerdict.INCONCLUSIVE, RuleVerdict.NOT_EXERCISED, RuleVerdict.THIN)
"""Neither violated nor passed."""


def run_verdict(
    results: Iterable[RuleResult], ended: RunVerdict | None = None, waived: Iterable[str] = (), partial: str = ""
) -> tuple[RunVerdict, str]:
    """Return the run's verdict, and one sentence that says why.

    In this order: a run that did not come to its end; a violation; a part of a run; a required rule that is still open;
    a run that tested nothing; a waiver without need, since it would hide the next violation. Only then, conformant.

    Args:
        results: the results of all rules that govern an API in scope.
        ended: how the run ended, if it did not come to its end. What it had proved by then is in the reason.
        waived: the rules that the user waived.
        partial: why the run is only a part of one, as a sentence.

    """
    listed = list(results)
    violated = list(filter(_is_violated, listed))
    if ended is not None:
        return ended, _unfinished(ended, len(violated))
    if violated:
        return RunVerdict.NOT_CONFORMANT, _violations(violated)
    if partial:
        return RunVerdict.INCOMPLETE, partial
    blocking = list(filter(blocks_conformance, listed))
    if blocking:
        return RunVerdict.INCOMPLETE, _open_rules(blocking)
    if not any(result.verdict is RuleVerdict.PASSED for result in listed):
        return RunVerdict.INCOMPLETE, "Nothing was tested."
    needless = needless_waivers(listed, waived)
    if needless:
        return RunVerdict.INCOMPLETE, f"Waived without need: {', '.join(needless)}; take the waiver away."
    return RunVerdict.CONFORMANT, _conformant(listed)


def _is_violated(result: RuleResult) -> bool:
    return result.verdict is RuleVerdict.VIOLATED and result.waiver is None


def _unfinished(ended: RunVerdict, violated: int) -> str:
    if ended is RunVerdict.HARNESS:
        return "The suite itself failed; nothing is claimed about the target."
    noun = "rule" if violated == 1 else "rules"
    return "The run did not come to its end." + (f" {violated} {noun} violated before that." if violated else "")


def _violations(violated: list[RuleResult]) -> str:
    # The shortest counterexample comes nearest to the defect.
    first = min(violated, key=lambda result: result.rank)
    more = f" and {len(violated) - 1} more" if len(violated) > 1 else ""
    return f"{first.rule.id}{more} violated: {first.reason}."


def _open_rules(blocking: list[RuleResult]) -> str:
    counts = Counter(result.verdict.value.lower() for result in blocking)
    listed = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    return f"Nothing was violated, but required rules remain open: {listed}."


def _conformant(results: list[RuleResult]) -> str:
    counts = Counter(result.verdict for result in results)
    accepted = counts[RuleVerdict.VIOLATED]
    violations = f"{accepted} violated ones are waived" if accepted else "none is violated"
    return f"{counts[RuleVerdict.PASSED]} rules passed and {violations}."


def needless_waivers(results: Iterable[RuleResult], waived: Iterable[str]) -> list[str]:
    """Return the waived rules that would have decided nothing in any API."""
    violated = (RuleVerdict.VIOLATED, RuleVerdict.WARNING)
    needed = {
        result.rule.id
        for result in results
        if result.verdict in violated or blocks_conformance(replace(result, waiver=None))
    }
    return [rule for rule in waived if rule not in needed]


def blocks_conformance(result: RuleResult) -> bool:
    """Tell whether a rule that is not violated keeps a run from being conformant."""
    required = result.rule.level is Level.REQUIRED and result.in_scope
    return required and result.waiver is None and result.verdict in OPEN
