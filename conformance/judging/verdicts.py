"""Judging: an expectation against an observation, and many judgements reduced to rule verdicts and a run verdict.

Everything here is a pure function over values, so that it can be repeated, months later, from the evidence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from conformance.domain.order import Profile
from conformance.rulebook import Level, Rule, Rulebook, Status

CHECKS_NEEDED: Final = 3
"""Examples that a rule needs, on each side of its boundary if it has one, before it can pass."""


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
class RuleTally:
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
ANOTHER_PERMITTED_RESPONSE: Final = "the target answered in another way, which is permitted as well"
"""Why a history is no example of a rule although nothing about it was wrong."""


def rule_verdict(rule: Rule, tally: RuleTally, scope: Scope, waiver: str | None = None) -> RuleResult:
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
        arrived = tally.missed.keys() <= {ANOTHER_PERMITTED_RESPONSE}
        reason = _nothing(scope, _LEFT_OUT) if arrived else _not_arrived(tally)
        # Of a run that was cut off nobody knows what the rest of the answers would have had in them.
        return result(RuleVerdict.NOT_EXERCISED, reason, in_scope=scope.cut and not scope.merchant)
    if examples == 0:
        reason = _not_arrived(tally) or _nothing(scope, _NO_EXAMPLE)
        return result(RuleVerdict.NOT_EXERCISED, _out_of_reach(missing) if missing else reason)
    thin = {side: count for side, count in sides.items() if count < CHECKS_NEEDED}
    if thin:
        lacking = ", ".join(f"{_counted(count, 'example')} on the side {side!r}" for side, count in thin.items())
        reason = f"{lacking}, where {CHECKS_NEEDED} are needed" + (f"; {_cannot(missing)}" if missing else "")
        return result(RuleVerdict.THIN, reason)
    # What a merchant does only now and then is no less shown for being rare.
    if examples < CHECKS_NEEDED and not (scope.merchant and rule.optional):
        return result(RuleVerdict.THIN, f"{_counted(examples, 'example')}, where {CHECKS_NEEDED} are needed")
    passed = result(RuleVerdict.PASSED, f"{_counted(examples, 'example')}, no violation")
    out_of_reach = [need for need in rule.partly if need not in offered]
    if not out_of_reach:
        return passed
    untried = _NATURES.get(out_of_reach[0]) or _out_of_reach(out_of_reach)
    return replace(passed, untried=untried, reason=f"{passed.reason}; a part of it was not put to the test: {untried}")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _recorded(rule: Rule, tally: RuleTally) -> str:
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


def _not_arrived(tally: RuleTally) -> str:
    """Say why the histories that were to be examples of a rule are none, if there were some."""
    if not tally.missed:
        return ""
    cause = max(tally.missed, key=tally.missed.__getitem__)
    count = tally.missed[cause]
    were = "history was to be an example of it and is" if count == 1 else "histories were to be examples of it and are"
    return f"{count} {were} none: {cause}"


def run_verdict(
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
    lacking = [one for one in listed if blocks_conformance(one)]
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
        if one.verdict in (RuleVerdict.VIOLATED, RuleVerdict.WARNING) or blocks_conformance(replace(one, waiver=None))
    }
    return [rule for rule in waived if rule not in needed]


def blocks_conformance(result: RuleResult) -> bool:
    """Tell whether a rule keeps a run from being conformant although nothing is violated."""
    return (
        result.rule.level is Level.REQUIRED
        and result.in_scope
        and result.waiver is None
        and result.verdict in (RuleVerdict.INCONCLUSIVE, RuleVerdict.NOT_EXERCISED, RuleVerdict.THIN)
    )


def rule_results(
    rulebook: Rulebook,
    scopes: Iterable[Scope],
    tallies: Mapping[tuple[Profile, str], RuleTally],
    waivers: Mapping[str, str],
) -> tuple[RuleResult, ...]:
    """Reduce a run to one result per rule and profile: no rule that governs a profile in scope can be left out."""
    return tuple(
        rule_verdict(rule, tallies.get((scope.profile, rule.id)) or RuleTally(), scope, waivers.get(rule.id))
        for scope in scopes
        for rule in rulebook.governing(scope.profile)
    )
