"""Judging: an expectation against an observation, and many judgements reduced to rule verdicts and a run verdict.

Everything here is a pure function over values, so that it can be repeated, months later, from the evidence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from conformance.expectation import (
    ABSENT,
    BROKEN,
    BUSY,
    LOST,
    ODD,
    REFUSED,
    Branch,
    Claim,
    Expectation,
    Fields,
    Missing,
    NoneOf,
    Scalar,
    expectation_as_json,
)
from conformance.order import Profile
from conformance.rulebook import Level, Rule, Rulebook, Status

NEEDED: Final = 3
"""Examples that a rule needs, on each side of its boundary if it has one, before it can pass."""


class OracleError(Exception):
    """The suite does not tell right from wrong, or lost what it was told: nothing that it says can be believed."""


class Judged(StrEnum):
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

    status: Judged
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


def judge(expectation: Expectation, observed: Fields) -> tuple[Judgement, tuple[Branch, ...]]:
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
        return Judgement(Judged.INCONCLUSIVE, examples=meant, cause=cause), ()
    findings = _findings(expectation, observed)
    if findings:
        return Judgement(Judged.VIOLATES, findings=findings), ()
    return Judgement(Judged.INCONCLUSIVE, examples=meant, cause=_preparation(expectation, observed)), ()


def _proves_nothing(expectation: Expectation, observed: Fields) -> str:
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


def _conforming(expectation: Expectation, left: tuple[Branch, ...], observed: Fields) -> Judgement:
    names = _ordered(branch.name for branch in left)
    if not left[0].proves:
        meant = _ordered(rule for branch in expectation.branches for rule in branch.rules)
        return Judgement(Judged.INCONCLUSIVE, names, meant, cause=names[0])
    # A branch that permits anything orderly takes nothing away from one that says what was documented.
    specific = {branch.after for branch in left if branch.rules}
    proving = [branch for branch in left if branch.rules or branch.after not in specific]
    # Only what every remaining branch agrees on was shown; with one branch left, that is all of it.
    agreed = [rule for rule in proving[0].rules if all(rule in branch.rules for branch in proving[1:])]
    examples = [rule for rule in agreed if _seen(rule, proving, observed)]
    readings = [one for one in proving[0].readings if all(one in branch.readings for branch in proving[1:])]
    status = Judged.RECORDED if expectation.records and not examples else Judged.CONFORMS
    return Judgement(status, names, _ordered(examples), readings=tuple(readings), records=expectation.records)


def _seen(rule: str, branches: list[Branch], observed: Fields) -> bool:
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


def _findings(expectation: Expectation, observed: Fields) -> tuple[Finding, ...]:
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


def _fits(branch: Branch, observed: Fields, fields: tuple[str, ...]) -> bool:
    return all(claim.holds(observed) for claim in branch.claims if claim.field in fields)


def _finding(rule: str, branch: Branch, claim: Claim, observed: Fields) -> Finding:
    return Finding(rule, branch.name, claim.field, str(claim.permitted), shown(observed.get(claim.field)))


def shown(value: Scalar) -> str:
    """Return an observed value as text for a person."""
    if value is None:
        return ABSENT
    return str(value).lower() if isinstance(value, bool) else str(value)


def _preparation(expectation: Expectation, observed: Fields) -> str:
    for branch in expectation.branches:
        for claim in branch.claims:
            if not claim.holds(observed):
                return (
                    f"the order could not be brought there: {claim.field} should be {claim.permitted}, "
                    f"but was {shown(observed.get(claim.field))}"
                )
    return "nothing is documented for this step"


def _ordered(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))


class RuleVerdict(StrEnum):
    """What a run says about one rule, worst first."""

    VIOLATED = "VIOLATED"
    WARNING = "WARNING"
    """Violated, and only recommended: it does not decide. Only a merchant's obligations have this verdict."""
    INCONCLUSIVE = "INCONCLUSIVE"
    NOT_EXERCISED = "NOT EXERCISED"
    THIN = "THIN"
    PASSED = "PASSED"
    RECORDED = "RECORDED"
    EXCLUDED = "EXCLUDED"


class RunVerdict(StrEnum):
    """What a run says about the target."""

    CONFORMANT = "CONFORMANT"
    NOT_CONFORMANT = "NOT CONFORMANT"
    INCOMPLETE = "INCOMPLETE"
    ENVIRONMENT = "ENVIRONMENT ERROR"
    HARNESS = "HARNESS FAULT"
    INTERRUPTED = "INTERRUPTED"


EXIT_CODES: Final[Mapping[RunVerdict, int]] = {
    RunVerdict.CONFORMANT: 0,
    RunVerdict.NOT_CONFORMANT: 1,
    RunVerdict.ENVIRONMENT: 3,
    RunVerdict.INCOMPLETE: 4,
    RunVerdict.HARNESS: 5,
    RunVerdict.INTERRUPTED: 130,
}


LAST: Final = (1_000_000, 0)


@dataclass(slots=True)
class Tally:
    """Everything that a run's judgements say about one rule of one profile."""

    examples: Counter[str] = field(default_factory=Counter)
    violations: int = 0
    inconclusive: int = 0
    records: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    """Why a judgement about it was inconclusive."""
    missed: Counter[str] = field(default_factory=Counter)
    """Why a history that was to be an example of it is none."""
    reason: str = ""
    counterexample: str | None = None
    rank: tuple[int, int] = LAST


@dataclass(frozen=True, slots=True)
class Scope:
    """What the target lets the suite do in one profile. ``offered`` uses the words of a rule's needs.

    ``merchant`` tells a merchant's integration from a provider; ``strict`` that what is recommended decides, too;
    ``cut`` that the run did not come to its end.
    """

    profile: Profile
    offered: frozenset[str]
    wire: bool = True
    merchant: bool = False
    strict: bool = False
    cut: bool = False


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule's verdict in one profile, with the reason in words."""

    rule: Rule
    profile: Profile
    verdict: RuleVerdict
    reason: str
    examples: int = 0
    sides: Mapping[str, int] = field(default_factory=dict)
    violations: int = 0
    records: Mapping[str, int] = field(default_factory=dict)
    counterexample: str | None = None
    waiver: str | None = None
    in_scope: bool = True
    untried: str = ""
    """Of a rule that passed: why a part of it was not put to the test."""
    rank: tuple[int, int] = LAST
    """Of a violated rule: the steps of its counterexample, and its place among the rules that this one breaks."""


CAPABILITIES: Final[Mapping[str, str]] = {
    "age": "let time pass for one payment",
    "approve": "approve as the user",
    "reject": "reject as the user",
    "expire": "let a payment time out",
    "start_3ds": "put the user into 3-D Secure",
    "finish_3ds": "finish 3-D Secure",
    "fail_3ds": "fail 3-D Secure",
    "become_due": "make a charge due",
    "start_processing": "start processing a charge",
    "reserve": "reserve a charge",
    "charge": "charge directly",
    "fail": "make a charge fail",
}
"""What a target can let the suite do, in words."""


_NATURES: Final[Mapping[str, str]] = {
    "wire": "the target is called without HTTP: what this rule governs does not exist there",
    "concurrent": "the target is called one request at a time: two at the same time do not exist there",
    "units": (
        "the target answers every sales unit alike, and no other one was named (VIPPS_OTHER_MSN): "
        "no order is known to be somebody else's there"
    ),
    "capture": "the integration does not capture: nothing was captured before a cancel, ever",
}
"""What a target is or is not, and cannot be given: without it, there is nothing for a rule to govern."""


_LEFT_OUT: Final = "the target's answers leave out what it is about, as the documentation lets them"
_NEVER_DONE: Final = "nothing that the integration did in this run was about it"
_NOT_YET: Final = "the run ended before it came to an example of it"
_NO_EXAMPLE: Final = "nothing that the target answered in this run was an example of it"
OTHERWISE: Final = "the target answered in another way, which is permitted as well"
"""Why a history is no example of a rule although nothing about it was wrong."""


def reduce_rule(rule: Rule, tally: Tally, scope: Scope, waiver: str | None = None) -> RuleResult:
    """Reduce everything observed about one rule to its verdict. The first of these that applies, in this order."""
    examples = sum(tally.examples.values())
    sides = {side: tally.examples[f"{rule.id}/{side}"] for side in rule.sides}

    def result(verdict: RuleVerdict, reason: str, *, in_scope: bool = True) -> RuleResult:
        return RuleResult(
            rule,
            scope.profile,
            verdict,
            reason,
            examples,
            sides,
            tally.violations,
            dict(tally.records),
            tally.counterexample,
            waiver,
            in_scope,
            rank=tally.rank,
        )

    if rule.status is Status.EXCLUDED:
        return result(RuleVerdict.EXCLUDED, rule.reason, in_scope=False)
    if tally.violations:
        advice = rule.level is Level.SHOULD and not scope.strict
        return result(RuleVerdict.WARNING if advice else RuleVerdict.VIOLATED, tally.reason)
    if rule.status is Status.RECORDED:
        return result(RuleVerdict.RECORDED, _recorded(rule, tally))
    if tally.inconclusive:
        cause = max(tally.causes, key=tally.causes.__getitem__, default="no answer")
        return result(RuleVerdict.INCONCLUSIVE, f"{tally.inconclusive} of its histories proved nothing: {cause}")
    offered = scope.offered | ({"wire"} if scope.wire else frozenset())
    missing = [need for need in rule.needs if need not in offered]
    for need in missing:
        if need in _NATURES:
            return result(RuleVerdict.NOT_EXERCISED, _NATURES[need], in_scope=False)
    if examples == 0 and rule.optional:
        arrived = tally.missed.keys() <= {OTHERWISE}
        reason = _nothing(scope, _LEFT_OUT) if arrived else _not_arrived(tally)
        # Of a run that was cut off nobody knows what the rest of the answers would have had in them.
        return result(RuleVerdict.NOT_EXERCISED, reason, in_scope=scope.cut and not scope.merchant)
    if examples == 0:
        reason = _not_arrived(tally) or _nothing(scope, _NO_EXAMPLE)
        return result(RuleVerdict.NOT_EXERCISED, _out_of_reach(missing) if missing else reason)
    thin = {side: count for side, count in sides.items() if count < NEEDED}
    if thin:
        lacking = ", ".join(f"{_counted(count, 'example')} on the side {side!r}" for side, count in thin.items())
        reason = f"{lacking}, where {NEEDED} are needed" + (f"; {_cannot(missing)}" if missing else "")
        return result(RuleVerdict.THIN, reason)
    # What a merchant does only now and then is no less shown for being rare.
    if examples < NEEDED and not (scope.merchant and rule.optional):
        return result(RuleVerdict.THIN, f"{_counted(examples, 'example')}, where {NEEDED} are needed")
    passed = result(RuleVerdict.PASSED, f"{_counted(examples, 'example')}, no violation")
    out_of_reach = [need for need in rule.partly if need not in offered]
    if not out_of_reach:
        return passed
    untried = _NATURES.get(out_of_reach[0]) or _out_of_reach(out_of_reach)
    return replace(passed, untried=untried, reason=f"{passed.reason}; a part of it was not put to the test: {untried}")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _recorded(rule: Rule, tally: Tally) -> str:
    seen = ", ".join(f"{text} ({_counted(count, 'time')})" for text, count in tally.records.most_common(3))
    return f"{rule.reason} Observed: {seen}." if seen else f"{rule.reason} Not observed in this run."


def _cannot(missing: list[str]) -> str:
    return "the target offers no way to " + " or to ".join(CAPABILITIES[need] for need in missing)


def _out_of_reach(missing: list[str]) -> str:
    return f"{_cannot(missing)}; a test control API (--control-url) would make it reachable"


def _nothing(scope: Scope, of_a_provider: str) -> str:
    """Say why there is no example of a rule that could be reached."""
    if scope.cut:
        return _NOT_YET
    return _NEVER_DONE if scope.merchant else of_a_provider


def _not_arrived(tally: Tally) -> str:
    """Say why the histories that were to be examples of a rule are none, if there were some."""
    if not tally.missed:
        return ""
    cause = max(tally.missed, key=tally.missed.__getitem__)
    count = tally.missed[cause]
    were = "history was to be an example of it and is" if count == 1 else "histories were to be examples of it and are"
    return f"{count} {were} none: {cause}"


def reduce_run(
    results: Iterable[RuleResult], ended: RunVerdict | None = None, waived: Iterable[str] = (), partial: str = ""
) -> tuple[RunVerdict, str]:
    """Reduce rule verdicts to the run's verdict and one sentence that says why.

    ``ended`` is how a run ended that did not come to its end, and takes precedence over everything; violations that
    were already proved are counted in the reason. An empty run is incomplete, whatever else it is, and so is one that
    ``waived`` a rule and had no need to: a waiver that outlives its reason would hide the next violation. ``partial``
    says in a sentence why a run is only a part of one, which is never conformant.
    """
    listed = list(results)
    violated = [one for one in listed if one.verdict is RuleVerdict.VIOLATED and one.waiver is None]
    if ended is RunVerdict.HARNESS:
        return ended, "The suite itself failed; nothing is claimed about the target."
    if ended is not None:
        seen = f" {_counted(len(violated), 'rule')} violated before that." if violated else ""
        return ended, f"The run did not come to its end.{seen}"
    if violated:
        # The shortest counterexample comes nearest to the defect.
        first = min(violated, key=lambda one: one.rank)
        more = f" and {len(violated) - 1} more" if len(violated) > 1 else ""
        return RunVerdict.NOT_CONFORMANT, f"{first.rule.id}{more} violated: {first.reason}."
    if partial:
        return RunVerdict.INCOMPLETE, partial
    lacking = [one for one in listed if holds_back(one)]
    if lacking:
        counts = Counter(one.verdict.value.lower() for one in lacking)
        said = ", ".join(f"{count} {name}" for name, count in counts.items())
        return RunVerdict.INCOMPLETE, f"Nothing was violated, but required rules remain open: {said}."
    passed = sum(one.verdict is RuleVerdict.PASSED for one in listed)
    if passed == 0:
        return RunVerdict.INCOMPLETE, "Nothing was tested."
    needless = needless_waivers(listed, waived)
    if needless:
        return RunVerdict.INCOMPLETE, f"Waived without need: {', '.join(needless)}; take the waiver away."
    forgiven = sum(one.verdict is RuleVerdict.VIOLATED for one in listed)
    none = f"{forgiven} violated ones are waived" if forgiven else "none is violated"
    return RunVerdict.CONFORMANT, f"{passed} rules passed and {none}."


def needless_waivers(results: Iterable[RuleResult], waived: Iterable[str]) -> list[str]:
    """Return the waived rules that would have decided nothing in any profile."""
    needed = {
        one.rule.id
        for one in results
        if one.verdict in (RuleVerdict.VIOLATED, RuleVerdict.WARNING) or holds_back(replace(one, waiver=None))
    }
    return [rule for rule in waived if rule not in needed]


def holds_back(result: RuleResult) -> bool:
    """Tell whether a rule keeps a run from being conformant although nothing is violated."""
    return (
        result.rule.level is Level.REQUIRED
        and result.in_scope
        and result.waiver is None
        and result.verdict in (RuleVerdict.INCONCLUSIVE, RuleVerdict.NOT_EXERCISED, RuleVerdict.THIN)
    )


def reduce_all(
    rulebook: Rulebook,
    scopes: Iterable[Scope],
    tallies: Mapping[tuple[Profile, str], Tally],
    waivers: Mapping[str, str],
) -> tuple[RuleResult, ...]:
    """Reduce a run to one result per rule and profile: no rule that governs a profile in scope can be left out."""
    return tuple(
        reduce_rule(rule, tallies.get((scope.profile, rule.id)) or Tally(), scope, waivers.get(rule.id))
        for scope in scopes
        for rule in rulebook.governing(scope.profile)
    )
