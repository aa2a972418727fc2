"""Judges a merchant's history: every obligation on every order, from the trace alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from conformance.domain.order import Profile
from conformance.evidence.record_parts import FindingRecord
from conformance.evidence.records import JudgementRecord
from conformance.obligations import fault_rules, outcome_rules, request_rules, timing_rules
from conformance.obligations.finding import Obligation, ObligationFinding
from conformance.obligations.history import QUIET
from conformance.obligations.observation import MerchantTrace
from conformance.rulebook import Level, Rule, Rulebook

OBLIGATIONS: Final[Mapping[str, Obligation]] = {
    "MC-1": fault_rules.mc1_ends,
    "MC-2": fault_rules.mc2_nobody_else,
    "M1": request_rules.m1_route,
    "M2": request_rules.m2_target,
    "M3": request_rules.m3_credentials,
    "M4": request_rules.m4_body,
    "M6": request_rules.m6_key,
    "M8": request_rules.m8_key_distinct,
    "M9": request_rules.m9_key_renewed,
    "M27": fault_rules.m27_limit,
    "M5": timing_rules.m5_flag,
    "M11": timing_rules.m11_rest,
    "M12": timing_rules.m12_last,
    "M15": timing_rules.m15_early,
    "M22": outcome_rules.m22_async,
    "M18": outcome_rules.m18_success,
    "M19": outcome_rules.m19_amount,
    "M25": fault_rules.m25_unknown,
    "M20": outcome_rules.m20_not_payable,
    "M21": outcome_rules.m21_words,
    "M23": outcome_rules.m23_captured,
    "M24": outcome_rules.m24_books,
    "M16": timing_rules.m16_race,
    "M10": timing_rules.m10_release,
    "M3b": request_rules.m3b_headers,
    "M6b": request_rules.m6b_key,
    "M7": request_rules.m7_key_stable,
    "M13": timing_rules.m13_pointless,
    "M14": timing_rules.m14_deadline,
    "M17": timing_rules.m17_not_now,
    "M26": fault_rules.m26_converge,
    "M27b": fault_rules.m27b_policy,
    "M28": fault_rules.m28_duplicates,
    "M29": fault_rules.m29_elsewhere,
    "M30": fault_rules.m30_thread,
}
"""The obligations by rule id, the one nearest to the cause first: a later one can be broken because of it."""
GENERAL: Final = ("M24", "M16", "M10", "M17", "M26", "M28")
"""Obligations about a wrong end. Where a particular obligation is broken, these are its consequences."""
CONSEQUENCES: Final[Mapping[str, tuple[str, ...]]] = {"M10": ("M17",)}
"""Obligations, and those that they follow from: a cancel that is not repeated leaves money reserved."""
CAUSE_ORDER: Final = {rule: place for place, rule in enumerate(OBLIGATIONS)}


@dataclass(frozen=True, slots=True)
class ObligationResult:
    """The finding on one obligation in one history, and the number of the order that it is about.

    ``follows`` is the rule whose violation explains this one, which then counts neither as a violation nor as a check.
    """

    rule: str
    finding: ObligationFinding
    order: int
    follows: str = ""

    @property
    def counts(self) -> bool:
        """Whether the obligation was broken, and nothing else explains it."""
        return self.finding.broken and not self.follows

    def as_record(self, trace: MerchantTrace, history: str) -> JudgementRecord:
        """Return the result for the journal; ``history`` is the history's id."""
        step, reason = self.finding.step, self.finding.reason
        do = QUIET if step >= trace.last_step else trace.history.steps[step].do
        if not self.finding.broken:
            return JudgementRecord(
                history=history,
                step=step,
                do=do,
                seen=reason or "as owed",
                observed={},
                status="conforms",
                examples=(self.rule,),
            )
        finding = FindingRecord(
            rule=self.rule,
            branch=do,
            field=self.rule,
            permitted="what the obligation says",
            observed=reason,
            reason=reason,
            exchange=_place(self.finding.exchange, trace),
            earlier=_place(self.finding.earlier, trace),
            follows=self.follows,
        )
        return JudgementRecord(
            history=history,
            step=step,
            do=do,
            seen=reason or "as owed",
            observed={},
            status="violates",
            findings=(finding,),
            expected=(),
        )


def _place(number: int | None, trace: MerchantTrace) -> int | None:
    """Return a request's place in its history, which it keeps where records are numbered anew."""
    return None if number is None else [request.n for request in trace.requests].index(number)


def judge(trace: MerchantTrace, book: Rulebook) -> list[ObligationResult]:
    """Judge every obligation that governs the history's API.

    Returns one result for each obligation that the history says something about. A violation that another one of the
    same order explains says which.
    """
    rules = {rule.id: rule for rule in book.governing(Profile(trace.history.profile))}
    judged = [rule for rule in OBLIGATIONS if rule in rules and trace.offered.issuperset(rules[rule].needs)]
    results = [result for rule in judged for result in _results(rule, trace)]
    explained = [replace(result, follows=_cause_of(result, results, rules)) for result in results]
    return [_worst([result for result in explained if result.rule == rule]) for rule in judged if rule in _ids(results)]


def _ids(results: list[ObligationResult]) -> set[str]:
    return {result.rule for result in results}


def _results(rule: str, trace: MerchantTrace) -> Iterator[ObligationResult]:
    for order in range(len(trace.history.amounts)):
        finding = OBLIGATIONS[rule](trace, order)
        if finding is not None:
            yield ObligationResult(rule, finding, order)


def _worst(results: list[ObligationResult]) -> ObligationResult:
    """Return the first violation that nothing explains, else the first violation, else the first result."""
    return min(results, key=lambda result: (not result.counts, not result.finding.broken))


def _cause_of(result: ObligationResult, results: list[ObligationResult], rules: Mapping[str, Rule]) -> str:
    """Return the rule whose violation explains another one of the same order; empty where there is none."""
    if not result.finding.broken:
        return ""
    violated = [each.rule for each in results if each.finding.broken and each.order == result.order]
    if result.rule in GENERAL:
        particular = (each for each in violated if each not in GENERAL and rules[each].level is Level.REQUIRED)
        if cause := next(particular, ""):
            return cause
    return next((each for each in CONSEQUENCES.get(result.rule, ()) if each in violated), "")
