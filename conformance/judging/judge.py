"""See docs/development.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from conformance.domain.expectation import (
    ABSENT,
    BROKEN,
    BUSY,
    LOST,
    ODD,
    REFUSED,
    Branch,
    Claim,
    Expectation,
    Missing,
    NoneOf,
    Observation,
    Scalar,
    expectation_as_json,
)


class OracleError(Exception):
    """The suite does not tell right from wrong, or lost what it was told: nothing that it says can be believed."""


class StepStatus(StrEnum):
    """What one step proved."""

    CONFORMS = "conforms"
    VIOLATES = "violates"
    RECORDED = "recorded"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that an observation breaks: the field, what was permitted there, and what was seen."""

    rule: str
    branch: str
    field: str
    permitted: str
    observed: str

    @property
    def group(self) -> tuple[str, str]:
        """The identity of the failure: the rule, and the reason without the amounts that differ between histories."""
        return self.rule, f"{self.branch}: {self.field}"

    @property
    def reason(self) -> str:
        """One line that says what is wrong."""
        return f"{self.field} should be {self.permitted}, but was {self.observed}"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a step proved, and about which rules.

    ``examples`` are the rules, with the side of a boundary where they have one, of which a conforming step is an
    example; of an inconclusive step they are the rules it would have been about.
    """

    status: StepStatus
    branches: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    readings: tuple[tuple[str, str], ...] = ()
    records: tuple[str, ...] = ()
    noticed: Mapping[str, str] = field(default_factory=dict)
    """Rules of silence and open questions that the step did not set out for, with what it showed of them."""
    cause: str = ""
    ambiguous: bool = False
    """Inconclusive, but what was read back fits something: the history goes on with all that is possible."""

    def as_json(self, expectation: Expectation) -> dict[str, Any]:
        """Return the judgement for the journal. What was expected is written out where it was not met."""
        out: dict[str, Any] = {"status": self.status.value}
        for name in ("branches", "examples", "records"):
            if getattr(self, name):
                out[name] = list(getattr(self, name))
        for name in ("readings", "noticed"):
            if getattr(self, name):
                out[name] = dict(getattr(self, name))
        if self.cause:
            out["cause"] = self.cause
        if self.ambiguous:
            out["ambiguous"] = True
        if self.findings:
            out["findings"] = [
                {
                    "rule": one.rule,
                    "branch": one.branch,
                    "field": one.field,
                    "permitted": one.permitted,
                    "observed": one.observed,
                    "reason": one.reason,
                }
                for one in self.findings
            ]
            out["expected"] = expectation_as_json(expectation)
        return out


_CAUSES: Final[Mapping[str, str]] = {
    LOST: "no answer",
    BROKEN: "the target answered with a server error",
    BUSY: "the target asked to slow down",
    ODD: "the answer is neither a success nor an error",
}


OUTCOMES: Final = ("answer.outcome", "other.outcome")


def judge(expectation: Expectation, observed: Observation) -> tuple[Judgement, tuple[Branch, ...]]:
    """Compare what was observed with what was permitted.

    Returns the judgement and the branches that the observation leaves. When none is left, the closest branch is the one
    whose answer fits and whose claims fail least, and its failing claims name the violated rules. An observation that
    fails only claims about our own preparations, or that has no answer, is inconclusive.
    """
    left = tuple(branch for branch in expectation.branches if all(claim.holds(observed) for claim in branch.claims))
    # What proves nothing explains only what nothing else does.
    left = tuple(branch for branch in left if branch.proves) or left
    if left:
        return _conforming(expectation, left, observed), left
    meant = _ordered(rule for branch in expectation.branches for rule in branch.rules)
    cause = _proves_nothing(expectation, observed)
    if cause:
        return Judgement(StepStatus.INCONCLUSIVE, examples=meant, cause=cause), ()
    findings = _findings(expectation, observed)
    if findings:
        return Judgement(StepStatus.VIOLATES, findings=findings), ()
    return Judgement(StepStatus.INCONCLUSIVE, examples=meant, cause=_preparation(expectation, observed)), ()


def _proves_nothing(expectation: Expectation, observed: Observation) -> str:
    """Say why an answer, or the read that followed it, says nothing about the order; nothing where it does."""
    for part, what in (("answer", ""), ("other", " to the other request"), ("view", " when the order was read back")):
        answer = (f"{part}.outcome", f"{part}.status")
        expected = any(branch.proves and _fits(branch, observed, answer) for branch in expectation.branches)
        outcome, status = observed.get(f"{part}.outcome"), observed.get(f"{part}.status")
        cause = _CAUSES.get(str(outcome))
        if outcome == REFUSED and (part == "view" or (status in (401, 408) and not expected)):
            cause = "the target refused to answer"
        if cause and (part == "view" or not expected):
            detail = observed.get(f"{part}.cause") or status
            return f"{cause}{what}" + (f" ({detail})" if detail else "")
    return ""


def _conforming(expectation: Expectation, left: tuple[Branch, ...], observed: Observation) -> Judgement:
    names = _ordered(branch.name for branch in left)
    if not left[0].proves:
        meant = _ordered(rule for branch in expectation.branches for rule in branch.rules)
        return Judgement(StepStatus.INCONCLUSIVE, names, meant, cause=names[0])
    # A branch that permits anything orderly takes nothing away from one that says what was documented.
    specific = {branch.after for branch in left if branch.rules}
    proving = [branch for branch in left if branch.rules or branch.after not in specific]
    # Only what every remaining branch agrees on was shown; with one branch left, that is all of it.
    agreed = [rule for rule in proving[0].rules if all(rule in branch.rules for branch in proving[1:])]
    examples = [rule for rule in agreed if _seen(rule, proving, observed)]
    readings = [one for one in proving[0].readings if all(one in branch.readings for branch in proving[1:])]
    status = StepStatus.RECORDED if expectation.records and not examples else StepStatus.CONFORMS
    return Judgement(status, names, _ordered(examples), readings=tuple(readings), records=expectation.records)


def _seen(rule: str, branches: list[Branch], observed: Observation) -> bool:
    """Tell whether anything that a rule claims was there to be seen. An optional part that is missing shows nothing."""
    name = rule.partition("/")[0]
    claims = [
        claim
        for branch in branches
        for claim in branch.claims
        if any(cited.partition("/")[0] == name for cited in claim.rules)
    ]
    return not claims or any(
        observed.get(claim.field) is not None or isinstance(claim.permitted, Missing | NoneOf) for claim in claims
    )


def _findings(expectation: Expectation, observed: Observation) -> tuple[Finding, ...]:
    proving = [branch for branch in expectation.branches if branch.proves]
    fitting = [branch for branch in proving if _fits(branch, observed, OUTCOMES)]
    if not fitting:
        # No documented way to turn out begins like this: every one of them failed by its last outcome at the latest,
        # and at whatever the answer may not give as its reason.
        failed = [
            (branch, claim)
            for branch in proving
            for index, claim in enumerate(branch.claims)
            if not claim.holds(observed) and (index < _beginning(branch) or isinstance(claim.permitted, NoneOf))
        ]
    else:
        closest = min(fitting, key=lambda branch: sum(not claim.holds(observed) for claim in branch.claims))
        failed = [(closest, claim) for claim in closest.claims if not claim.holds(observed)]
    findings: dict[str, Finding] = {}
    for branch, claim in failed:
        for rule in claim.rules:
            name = rule.partition("/")[0]
            findings.setdefault(name, _finding(name, branch, claim, observed))
    return tuple(findings.values())


def _beginning(branch: Branch) -> int:
    """Return how many claims a branch begins with before it goes into what was answered and read.

    It has some: one without would fit every answer.
    """
    return max(index for index, claim in enumerate(branch.claims, 1) if claim.field in OUTCOMES)


def _fits(branch: Branch, observed: Observation, fields: tuple[str, ...]) -> bool:
    return all(claim.holds(observed) for claim in branch.claims if claim.field in fields)


def _finding(rule: str, branch: Branch, claim: Claim, observed: Observation) -> Finding:
    return Finding(rule, branch.name, claim.field, str(claim.permitted), observed_text(observed.get(claim.field)))


def observed_text(value: Scalar) -> str:
    """Return an observed value as text for a person."""
    if value is None:
        return ABSENT
    return str(value).lower() if isinstance(value, bool) else str(value)


def _preparation(expectation: Expectation, observed: Observation) -> str:
    for branch in expectation.branches:
        for claim in branch.claims:
            if not claim.holds(observed):
                return (
                    f"the order could not be brought there: {claim.field} should be {claim.permitted}, "
                    f"but was {observed_text(observed.get(claim.field))}"
                )
    return "nothing is documented for this step"


def _ordered(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))


FailureKey = tuple[str, str]


Findings = tuple[Finding, ...]
