"""The verdict of one rule: a table of conditions, from the worst verdict to the best, of which the first decides.

A rule passes only if nothing speaks against it and enough was seen of it. One that was never tested has not passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from conformance.domain.citation import Citation
from conformance.domain.order import Profile
from conformance.judging.verdicts import CHECKS_NEEDED, RuleResult, RuleTally, RuleVerdict, Scope
from conformance.rulebook import Level, Rule, Rulebook, RuleStatus

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

INHERENT: Final[Mapping[str, str]] = {
    "wire": "the target is called without HTTP: what this rule governs does not exist there",
    "concurrent": "the target is called one request at a time: two at the same time do not exist there",
    "units": (
        "the target answers every sales unit alike, and no other one was named (VIPPS_OTHER_MSN): "
        "no order is known to be somebody else's there"
    ),
    "capture": "the integration does not capture: nothing was captured before a cancel, ever",
    "deliver_http": (
        "signatures were not tested: the integration has no handler that takes signed deliveries (deliver_http, a "
        "webhook_url with its webhook_secret, or a webhook registered on this machine)"
    ),
}
"""What a target is or is not, and no test control can give it: without it, there is nothing for a rule to govern."""

_LEFT_OUT: Final = "the target's answers leave out what it is about, as the documentation lets them"
_NEVER_DONE: Final = "nothing that the integration did in this run was about it"
_NOT_YET: Final = "the run ended before it came to an example of it"
_NO_EXAMPLE: Final = "nothing that the target answered in this run was an example of it"
ANOTHER_PERMITTED_RESPONSE: Final = "the target answered in another way, which is permitted as well"
"""Why a history did not check a rule although nothing about it was wrong."""


@dataclass(frozen=True, slots=True)
class RuleEvidence:
    """The rule, what was observed of it, and what could be tested."""

    rule: Rule
    tally: RuleTally
    scope: Scope

    @property
    def checks(self) -> int:
        """How often the rule was checked, and held."""
        return self.tally.examples.total()

    @property
    def sides(self) -> dict[str, int]:
        """How often it was checked on each side of its boundary, if it has one."""
        return {side: self.tally.examples[str(Citation(self.rule.id, side))] for side in self.rule.sides}

    @property
    def thin_sides(self) -> dict[str, int]:
        """The sides of its boundary that were checked too seldom."""
        return {side: checks for side, checks in self.sides.items() if checks < CHECKS_NEEDED}

    @property
    def missing(self) -> list[str]:
        """What the rule needs and the target does not offer."""
        return self._not_offered(self.rule.needs)

    @property
    def partly_missing(self) -> list[str]:
        """What a part of the rule needs and the target does not offer."""
        return self._not_offered(self.rule.partly)

    def _not_offered(self, needs: Iterable[str]) -> list[str]:
        offered = self.scope.offered | ({"wire"} if self.scope.wire else frozenset())
        return [need for need in needs if need not in offered]


# Conditions


def _is_excluded(evidence: RuleEvidence) -> bool:
    return evidence.rule.status is RuleStatus.EXCLUDED


def _is_ignored_advice(evidence: RuleEvidence) -> bool:
    return _is_violated(evidence) and evidence.rule.level is Level.SHOULD and not evidence.scope.strict


def _is_violated(evidence: RuleEvidence) -> bool:
    return evidence.tally.violations > 0


def _is_undocumented(evidence: RuleEvidence) -> bool:
    return evidence.rule.status is RuleStatus.RECORDED


def _is_inconclusive(evidence: RuleEvidence) -> bool:
    return evidence.tally.inconclusive > 0


def _governs_nothing(evidence: RuleEvidence) -> bool:
    return any(need in INHERENT for need in evidence.missing)


def _is_optional_and_unchecked(evidence: RuleEvidence) -> bool:
    return evidence.checks == 0 and evidence.rule.optional


def _is_out_of_reach(evidence: RuleEvidence) -> bool:
    return evidence.checks == 0 and bool(evidence.missing)


def _is_unchecked(evidence: RuleEvidence) -> bool:
    return evidence.checks == 0


def _has_a_thin_side(evidence: RuleEvidence) -> bool:
    return bool(evidence.thin_sides)


def _is_thin(evidence: RuleEvidence) -> bool:
    # What a merchant does only now and then is no less shown for being rare.
    is_rare = evidence.scope.merchant and evidence.rule.optional
    return evidence.checks < CHECKS_NEEDED and not is_rare


def _is_checked_in_part(evidence: RuleEvidence) -> bool:
    return bool(evidence.partly_missing)


def _is_checked(_: RuleEvidence) -> bool:
    return True


# Reasons


def _own_reason(evidence: RuleEvidence) -> str:
    return evidence.rule.reason


def _violation(evidence: RuleEvidence) -> str:
    return evidence.tally.reason


def _observations(evidence: RuleEvidence) -> str:
    commonest = evidence.tally.records.most_common(3)
    observed = ", ".join(f"{text} ({_counted(count, 'time')})" for text, count in commonest)
    return f"{evidence.rule.reason} " + (f"Observed: {observed}." if observed else "Not observed in this run.")


def _commonest_cause(evidence: RuleEvidence) -> str:
    if evidence.tally.once:
        return evidence.tally.once
    causes = evidence.tally.causes
    cause = max(causes, key=causes.__getitem__, default="no answer")
    return f"{evidence.tally.inconclusive} of its histories proved nothing: {cause}"


def _what_the_target_is_not(evidence: RuleEvidence) -> str:
    return next(INHERENT[need] for need in evidence.missing if need in INHERENT)


def _left_out(evidence: RuleEvidence) -> str:
    if evidence.tally.missed.keys() <= {ANOTHER_PERMITTED_RESPONSE}:
        return _why_nothing(evidence.scope, _LEFT_OUT)
    return _why_missed(evidence.tally)


def _missing_capability(evidence: RuleEvidence) -> str:
    return _out_of_reach(evidence.missing)


def _no_check(evidence: RuleEvidence) -> str:
    return _why_missed(evidence.tally) or _why_nothing(evidence.scope, _NO_EXAMPLE)


def _lacking_sides(evidence: RuleEvidence) -> str:
    thin = evidence.thin_sides.items()
    lacking = ", ".join(f"{_counted(count, 'example')} on the side {side!r}" for side, count in thin)
    cannot = f"; {_cannot(evidence.missing)}" if evidence.missing else ""
    return f"{lacking}, where {CHECKS_NEEDED} are needed{cannot}"


def _lacking_checks(evidence: RuleEvidence) -> str:
    return f"{_counted(evidence.checks, 'example')}, where {CHECKS_NEEDED} are needed"


def _passed(evidence: RuleEvidence) -> str:
    return f"{_counted(evidence.checks, 'example')}, no violation"


def _passed_in_part(evidence: RuleEvidence) -> str:
    return f"{_passed(evidence)}; a part of it was not put to the test: {_untried(evidence)}"


def _untried(evidence: RuleEvidence) -> str:
    """Return why a part of a rule could not be tested; nothing where all of it could."""
    missing = evidence.partly_missing
    return (INHERENT.get(missing[0]) or _out_of_reach(missing)) if missing else ""


def _why_missed(tally: RuleTally) -> str:
    """Return why the histories that were meant to check a rule did not, if any."""
    if not tally.missed:
        return ""
    cause = max(tally.missed, key=tally.missed.__getitem__)
    count = tally.missed[cause]
    were = "history was to be an example of it and is" if count == 1 else "histories were to be examples of it and are"
    return f"{count} {were} none: {cause}"


def _why_nothing(scope: Scope, of_a_provider: str) -> str:
    """Return why nothing in a run checked a rule that it could reach."""
    if scope.cut:
        return _NOT_YET
    return _NEVER_DONE if scope.merchant else of_a_provider


def _cannot(missing: list[str]) -> str:
    return "the target offers no way to " + " or to ".join(CAPABILITIES[need] for need in missing)


def _out_of_reach(missing: list[str]) -> str:
    return f"{_cannot(missing)}; a test control API (--control-url) would make it reachable"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


# Whether the rule is in scope, so that it can keep the run from being conformant


def _always(_: RuleEvidence) -> bool:
    return True


def _never(_: RuleEvidence) -> bool:
    return False


def _where_more_could_come(evidence: RuleEvidence) -> bool:
    # Of a provider's run that was cut off, nobody knows what the rest of its responses would have had in them.
    return evidence.scope.cut and not evidence.scope.merchant


# The table


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """A verdict, where it applies, its reason, and whether the rule is in scope."""

    condition: Callable[[RuleEvidence], bool]
    verdict: RuleVerdict
    reason: Callable[[RuleEvidence], str]
    in_scope: Callable[[RuleEvidence], bool] = _always


# fmt: off
TABLE: Final = (
    # condition                     verdict                    reason                   in scope
    VerdictRow(_is_excluded,               RuleVerdict.EXCLUDED,      _own_reason,             _never),
    VerdictRow(_is_ignored_advice,         RuleVerdict.WARNING,       _violation),
    VerdictRow(_is_violated,               RuleVerdict.VIOLATED,      _violation),
    VerdictRow(_is_undocumented,           RuleVerdict.RECORDED,      _observations),
    VerdictRow(_is_inconclusive,           RuleVerdict.INCONCLUSIVE,  _commonest_cause),
    VerdictRow(_governs_nothing,           RuleVerdict.NOT_EXERCISED, _what_the_target_is_not, _never),
    VerdictRow(_is_optional_and_unchecked, RuleVerdict.NOT_EXERCISED, _left_out,               _where_more_could_come),
    VerdictRow(_is_out_of_reach,           RuleVerdict.NOT_EXERCISED, _missing_capability),
    VerdictRow(_is_unchecked,              RuleVerdict.NOT_EXERCISED, _no_check),
    VerdictRow(_has_a_thin_side,           RuleVerdict.THIN,          _lacking_sides),
    VerdictRow(_is_thin,                   RuleVerdict.THIN,          _lacking_checks),
    VerdictRow(_is_checked_in_part,        RuleVerdict.PASSED,        _passed_in_part),
    VerdictRow(_is_checked,                RuleVerdict.PASSED,        _passed),
)
"""The verdict of a rule. The first row whose condition holds decides."""
# fmt: on


def rule_verdict(rule: Rule, tally: RuleTally, scope: Scope, waiver: str | None = None) -> RuleResult:
    """Return the verdict of one rule, by `TABLE`, with its reason in words.

    ``waiver`` is why the user accepts a violation; it changes nothing here.
    """
    evidence = RuleEvidence(rule, tally, scope)
    row = next(row for row in TABLE if row.condition(evidence))
    return RuleResult(
        rule,
        scope.profile,
        row.verdict,
        row.reason(evidence),
        evidence.checks,
        evidence.sides,
        tally.violations,
        dict(tally.records),
        tally.counterexample,
        waiver,
        row.in_scope(evidence),
        untried=_untried(evidence) if row.verdict is RuleVerdict.PASSED else "",
        rank=tally.rank,
    )


def rule_results(
    rulebook: Rulebook,
    scopes: Iterable[Scope],
    tallies: Mapping[tuple[Profile, str], RuleTally],
    waivers: Mapping[str, str],
) -> tuple[RuleResult, ...]:
    """Return one result for each rule that governs an API in scope: none is left out."""
    return tuple(
        rule_verdict(rule, tallies.get((scope.profile, rule.id)) or RuleTally(), scope, waivers.get(rule.id))
        for scope in scopes
        for rule in rulebook.governing(scope.profile)
    )
