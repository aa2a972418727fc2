"""One step judged: what the model permits against what was observed.

An expectation is a set of branches, each one documented way for the step to turn out, and a branch is a conjunction of
claims about single fields. For example, of a cancel of a reserved order::

    released:   answer.status 200 [EC-01]   view.cancelled 1000 [EC-03]   view.captured 0 [INV-2]

1. Every claim of a branch holds: the step conforms, and the branch's rules are what it is a check of.
2. No branch holds: the branch whose answer fits, and which fails at the fewest claims, is what should have happened.
   The rules of its failing claims are violated. Where no answer fits, every branch is blamed for its answer.
   If the failing claims are about fields that decide nothing (see `independence`), the history goes on nevertheless.
3. There was no response, or a response that says nothing about the order: nothing is proved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from conformance.domain.citation import rule_of
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
)
from conformance.domain.observation import Field
from conformance.evidence.record_parts import ClaimRecord, ExpectedRecord, FindingRecord
from conformance.evidence.records import JudgementRecord
from conformance.judging.independence import outcomes_apart_from

T = TypeVar("T")


class OracleError(Exception):
    """The suite is at fault, so that no verdict holds.

    It no longer tells right from wrong, or lost what it had recorded.
    """


class StepStatus(StrEnum):
    """What one step proved."""

    CONFORMS = "conforms"
    VIOLATES = "violates"
    RECORDED = "recorded"
    """It is permitted, and a check of nothing: only undocumented behaviour was observed."""
    INCONCLUSIVE = "inconclusive"


PERMITTED: Final = (StepStatus.CONFORMS, StepStatus.RECORDED)


FailureKey = tuple[str, str]
"""The identity of a failure: the rule, and the branch and field that fail.

Values are left out on purpose: a smaller history that fails with other amounts still shows the same defect.
"""


class Finding(Struct, frozen=True):
    """One violated rule: the field, what was permitted, and what was observed.

    ``rule`` is empty where no rule is about what is wrong. ``request`` is what was special about the request, in words;
    empty where nothing was.
    """

    rule: str
    branch: str
    field: str
    permitted: str
    observed: str
    request: str = ""

    @property
    def failure_key(self) -> FailureKey:
        """What a smaller history has to violate as well."""
        return self.rule, f"{self.branch}: {self.field}"

    @property
    def reason(self) -> str:
        """What is wrong, such as ``view.captured should be 0, but was 300``, after what was special of the request."""
        special = f"{self.request}: " if self.request else ""
        return f"{special}{self.field} should be {self.permitted}, but was {self.observed}"

    def as_record(self) -> FindingRecord:
        """Return the finding for the journal."""
        return FindingRecord(
            rule=self.rule,
            branch=self.branch,
            field=self.field,
            permitted=self.permitted,
            observed=self.observed,
            reason=self.reason,
        )


Findings = tuple[Finding, ...]


class Judgement(Struct, frozen=True):
    """What a step proved, and about which rules.

    Attributes:
        status: what the step proved.
        branches: the names of the outcomes that fit.
        examples: the rules that a conforming step is a check of, with the side of a boundary where they have one; of an
            inconclusive step, those it would have been a check of.
        findings: the violated rules.
        readings: the interpretations that the target was seen to follow, as switch and value.
        records: the rules about undocumented behaviour that the step is about: observed, not judged.
        noticed: undocumented behaviour that the step is not about, and what it showed of that.
        cause: why the step is inconclusive.
        ambiguous: inconclusive, but what was read back fits something: the history goes on with every possible order.
        independent: the fields that are wrong decide nothing, and the history goes on.
        unexpected: what was not as it should be, and no rule is about.

    """

    status: StepStatus
    branches: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    findings: Findings = ()
    readings: tuple[tuple[str, str], ...] = ()
    records: tuple[str, ...] = ()
    noticed: Mapping[str, str] = {}
    cause: str = ""
    ambiguous: bool = False
    independent: bool = False
    unexpected: Findings = ()

    @property
    def is_permitted(self) -> bool:
        """Whether the step turned out in a way that the documentation permits."""
        return self.status in PERMITTED

    @property
    def goes_on(self) -> bool:
        """Whether some order is possible after the step."""
        return self.is_permitted or self.ambiguous or self.independent

    def as_record(
        self, expectation: Expectation, *, history: str, step: int, do: str, response: str, observed: Observation
    ) -> JudgementRecord:
        """Return the judgement of one step for the journal.

        What was expected is written out where it was not met.
        """
        return JudgementRecord(
            history=history,
            step=step,
            do=do,
            seen=response,
            observed=dict(observed),
            status=self.status.value,
            branches=self.branches,
            examples=self.examples,
            records=self.records,
            readings=dict(self.readings),
            noticed=dict(self.noticed),
            cause=self.cause,
            ambiguous=self.ambiguous,
            independent=self.independent,
            unexpected=tuple(finding.as_record() for finding in self.unexpected),
            findings=tuple(finding.as_record() for finding in self.findings),
            expected=_expected_records(expectation) if self.findings else None,
        )


OUTCOMES: Final = (Field.ANSWER_OUTCOME, Field.OTHER_OUTCOME)
"""How a request turned out, and the second of two requests."""

_UNINFORMATIVE: Final[Mapping[str, str]] = {
    LOST: "no answer",
    BROKEN: "the target answered with a server error",
    BUSY: "the target asked to slow down",
    ODD: "the answer is neither a success nor an error",
}
"""The outcomes that say nothing about the order, unless they are documented for the step."""
_NOT_ABOUT_THE_ORDER: Final = (401, 408)
"""Refusals that concern the request alone: its credentials, or how long it took."""
_PARTS: Final = (("answer", ""), ("other", " to the other request"), ("view", " when the order was read back"))


def judge(expectation: Expectation, observation: Observation) -> tuple[Judgement, tuple[Branch, ...]]:
    """Compare what was observed with what is permitted.

    Returns the judgement, and the branches that fit; none where the step violates a rule, unless the wrong fields
    decide nothing. For example, of an order that should be cancelled and is not:

    >>> from conformance.domain.expectation import OneOf
    >>> from conformance.domain.order import Kind, Order, Profile, Stage
    >>> order = Order(Profile.ECOM, Kind.PAYMENT, 1000, "NOK", Stage.CANCELLED)
    >>> claims = (Claim("answer.outcome", OneOf(("accepted",))), Claim("view.to_capture", OneOf((0,)), ("INV-2",)))
    >>> released = Branch("released", claims, order)
    >>> judgement, _ = judge(Expectation((released,)), {"answer.outcome": "accepted", "view.to_capture": 1000})
    >>> judgement.status.value, [f"{finding.rule}: {finding.reason}" for finding in judgement.findings]
    ('violates', ['INV-2: view.to_capture should be 0, but was 1000'])
    """
    fitting = tuple(branch for branch in expectation.branches if branch.fits(observation))
    # An outcome that is still to come explains only what no finished outcome does.
    fitting = tuple(branch for branch in fitting if branch.proves) or fitting
    if fitting:
        return _judge_fitting(expectation, fitting, observation), fitting
    cause = _why_inconclusive(expectation, observation)
    if cause:
        return Judgement(StepStatus.INCONCLUSIVE, examples=rules_of(expectation), cause=cause), ()
    return _judge_wrong(expectation, observation)


def wrong_claims(expectation: Expectation, observation: Observation) -> tuple[Claim, ...]:
    """Return what keeps an observation from fitting the closest outcome; nothing where something fits."""
    if any(not _failed_claims(branch, observation) for branch in expectation.branches):
        return ()
    return tuple(claim for _, claim in _claims_to_blame(expectation, observation))


def rules_of(expectation: Expectation) -> tuple[str, ...]:
    """Return every rule that a step with this expectation can be a check of."""
    return _distinct(rule for branch in expectation.branches for rule in branch.rules)


def observed_text(value: Scalar) -> str:
    """Return an observed value as text for a person."""
    if value is None:
        return ABSENT
    return str(value).lower() if isinstance(value, bool) else str(value)


# A step that fits


def _judge_fitting(expectation: Expectation, fitting: tuple[Branch, ...], observation: Observation) -> Judgement:
    names = _distinct(branch.name for branch in fitting)
    if not fitting[0].proves:
        return Judgement(StepStatus.INCONCLUSIVE, names, rules_of(expectation), cause=names[0])
    documented = documented_branches(fitting)
    # Where several branches fit, nobody knows which of them happened: only what they agree on was shown.
    agreed = _common([branch.rules for branch in documented])
    examples = _distinct(rule for rule in agreed if _was_seen(rule, documented, observation))
    readings = _common([branch.readings for branch in documented])
    status = StepStatus.RECORDED if expectation.records and not examples else StepStatus.CONFORMS
    return Judgement(status, names, examples, readings=tuple(readings), records=expectation.records)


def documented_branches(fitting: Iterable[Branch]) -> list[Branch]:
    """Return the branches that decide what a step was a check of.

    A branch without rules is dropped where one with rules leads to the same order. Where it leads to another order it
    stays: nobody knows which of the two happened.
    """
    branches = list(fitting)
    documented = {branch.after for branch in branches if branch.rules}
    return [branch for branch in branches if branch.rules or branch.after not in documented]


def _was_seen(citation: str, branches: list[Branch], observation: Observation) -> bool:
    """Return whether the observation has a field that the rule makes a claim about.

    A missing field that is optional is a check of nothing.
    """
    rule = rule_of(citation)
    claims = [claim for branch in branches for claim in branch.claims if rule in map(rule_of, claim.rules)]
    return not claims or any(_is_seen(claim, observation) for claim in claims)


def _is_seen(claim: Claim, observation: Observation) -> bool:
    return observation.get(claim.field) is not None or isinstance(claim.permitted, Missing | NoneOf)


# A step that does not fit


def _why_inconclusive(expectation: Expectation, observation: Observation) -> str:
    """Return why the observation says nothing about the order; empty if it says something."""
    for part, where in _PARTS:
        cause = "" if is_documented(expectation, observation, part) else _why_uninformative(part, observation)
        if cause:
            status = observation.get(f"{part}.status")
            detail = observation.get(f"{part}.cause") or status
            return f"{cause}{where}" + (f" ({detail})" if detail else "")
    return ""


def is_documented(expectation: Expectation, observation: Observation, part: str = "answer") -> bool:
    """Return whether some outcome permits how a request was answered, whatever was read back then."""
    return part != "view" and any(
        branch.proves and _fits(branch, observation, (f"{part}.outcome", f"{part}.status"))
        for branch in expectation.branches
    )


def _why_uninformative(part: str, observation: Observation) -> str:
    outcome, status = observation.get(f"{part}.outcome"), observation.get(f"{part}.status")
    if outcome == REFUSED and (part == "view" or status in _NOT_ABOUT_THE_ORDER):
        return "the target refused to answer"
    return _UNINFORMATIVE.get(str(outcome), "")


def _judge_wrong(expectation: Expectation, observation: Observation) -> tuple[Judgement, tuple[Branch, ...]]:
    """Judge a step that fits no outcome: what it violates, and whether the history can go on."""
    blamed = _claims_to_blame(expectation, observation)
    findings, unexpected = _findings(blamed, observation), _unexpected(blamed, observation)
    # What no rule is about may be another sensible design: nothing that follows from it is held against a target.
    fitting = () if unexpected else outcomes_apart_from(expectation, observation, blamed)
    if fitting:
        wrong = {rule_of(rule) for _, claim in blamed for rule in claim.rules}
        rest = _judge_fitting(expectation, fitting, observation)
        examples = tuple(rule for rule in rest.examples if rule_of(rule) not in wrong)
        return (
            replace(rest, status=StepStatus.VIOLATES, examples=examples, findings=findings, independent=True),
            fitting,
        )
    if findings:
        return Judgement(StepStatus.VIOLATES, findings=findings), ()
    cause = "nothing is documented for this step"
    if unexpected:
        cause = f"the order could not be brought there: {unexpected[0].reason}"
    return Judgement(StepStatus.INCONCLUSIVE, examples=rules_of(expectation), cause=cause, unexpected=unexpected), ()


def _findings(blamed: list[tuple[Branch, Claim]], observation: Observation) -> Findings:
    """Return one finding for each violated rule, about its first claim that failed."""
    findings: dict[str, Finding] = {}
    for branch, claim in blamed:
        for rule in map(rule_of, claim.rules):
            findings.setdefault(rule, _finding(rule, branch, claim, observation))
    return tuple(findings.values())


def _unexpected(blamed: list[tuple[Branch, Claim]], observation: Observation) -> Findings:
    """Return what is wrong and no rule is about, each field once."""
    unexpected: dict[str, Finding] = {}
    for branch, claim in blamed:
        if not claim.rules:
            unexpected.setdefault(claim.field, _finding("", branch, claim, observation))
    return tuple(unexpected.values())


def _finding(rule: str, branch: Branch, claim: Claim, observation: Observation) -> Finding:
    observed = observed_text(observation.get(claim.field))
    return Finding(rule, branch.name, claim.field, str(claim.permitted), observed)


def _claims_to_blame(expectation: Expectation, observation: Observation) -> list[tuple[Branch, Claim]]:
    """Return the failed claims of the closest branch whose answer fits, or else the failed answers of all."""
    candidates = [branch for branch in expectation.branches if branch.proves]
    answered = [branch for branch in candidates if _fits(branch, observation, OUTCOMES)]
    if not answered:
        return [(branch, claim) for branch in candidates for claim in _failed_answer_claims(branch, observation)]
    closest = min(answered, key=lambda branch: len(_failed_claims(branch, observation)))
    return [(closest, claim) for claim in _failed_claims(closest, observation)]


def _failed_claims(branch: Branch, observation: Observation) -> list[Claim]:
    return [claim for claim in branch.claims if not claim.holds(observation)]


def _failed_answer_claims(branch: Branch, observation: Observation) -> list[Claim]:
    """Return the failed claims about the answer's outcome, and about reasons that a refusal may not give.

    A branch states its outcomes first, so that is everything up to its last outcome. Every branch has one: without it,
    the branch would fit every answer.
    """
    beginning = max(place for place, claim in enumerate(branch.claims, 1) if claim.field in OUTCOMES)
    return [
        claim
        for place, claim in enumerate(branch.claims)
        if not claim.holds(observation) and (place < beginning or isinstance(claim.permitted, NoneOf))
    ]


def _fits(branch: Branch, observation: Observation, fields: tuple[str, ...]) -> bool:
    return all(claim.holds(observation) for claim in branch.claims if claim.field in fields)


def _common(groups: list[tuple[T, ...]]) -> list[T]:
    """Return the items that are in every group, in the order of the first."""
    first, *others = groups
    return [item for item in first if all(item in group for group in others)]


def _distinct(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))


# For the journal


def _expected_records(expectation: Expectation) -> tuple[ExpectedRecord, ...]:
    """Return the branches that would have proved something, as the journal stores them."""
    return tuple(
        ExpectedRecord(
            name=branch.name,
            rules=branch.rules,
            readings=dict(branch.readings),
            claims=tuple(
                ClaimRecord(field=claim.field, permitted=claim.permitted.as_json(), rules=claim.rules)
                for claim in branch.claims
            ),
        )
        for branch in expectation.branches
        if branch.proves
    )
