"""Sentences about the defects of a merchant's integration."""

from __future__ import annotations

from conformance.domain.order import Profile
from conformance.judging.verdicts import RuleVerdict
from conformance.reports.wording.provider import counted
from conformance.results.defects import Defect
from conformance.results.result import Result


def defects(result: Result) -> list[Defect]:
    """Return the defects that keep a merchant's run from being conformant, the plainest first."""
    return [defect for defect in result.defects if defect.decides]


def defects_found(result: Result) -> str:
    """Return how many defects were found, and the plainest of them, without a full stop."""
    shown = defects(result)
    rules = [rule for defect in shown for rule in (defect.result, *(each.result for each in defect.following))]
    violated = sum(rule.verdict is RuleVerdict.VIOLATED for rule in rules)
    obligations = f" ({counted(violated, 'obligation')} violated)" if violated > len(shown) else ""
    rule, loss = shown[0].result.rule, shown[0].loss
    first = ": " if len(shown) == 1 else ", first "
    stake = f". {loss.sentence.rstrip('.')}" if loss is not None else ""
    return f"{counted(len(shown), 'defect')} found{obligations}{first}{rule.id}, “{rule.title}”{stake}"


def defect_of(result: Result, rule: tuple[Profile, str]) -> Defect | None:
    """Return the defect that a rule leads; None where it leads none."""
    return next((each for each in result.defects if (each.result.profile, each.result.rule.id) == rule), None)


def listed_under_others(result: Result) -> set[tuple[Profile, str]]:
    """Return the rules that are listed under a defect of another rule, and are not counted as well."""
    return {
        (following.result.profile, following.result.rule.id)
        for defect in result.defects
        for following in defect.following
    }


def defect_in_words(result: Result, defect: Defect) -> str:
    """Return how many histories show a defect, and what somebody loses by it."""
    played = counted(result.histories.get(defect.result.profile, 0), "history", "histories")
    without = defect.without_fault
    faults = f"{without} of them without an injected fault" if without else "each time with an injected fault"
    stake = f" At stake: {_continued(defect.loss.sentence)}" if defect.loss is not None else ""
    return f"In {defect.histories} of {played}, {faults}.{stake}"


def _continued(sentence: str) -> str:
    """Return a sentence as it stands after a colon."""
    return sentence[:1].lower() + sentence[1:]


def following_in_words(defect: Defect) -> str:
    """Return the rules that are violated because of a defect; empty where there are none."""
    named = ", ".join(
        f"{following.result.rule.id} ({counted(following.histories, 'history', 'histories')})"
        for following in defect.following
    )
    return f"Also violated because of this: {named}" if named else ""
