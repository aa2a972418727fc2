"""Judges a merchant's history: every obligation on every order and payment, from the trace alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from conformance.domain.order import Profile
from conformance.evidence.record_parts import FindingRecord
from conformance.evidence.records import JudgementRecord
from conformance.obligations import (
    cause_rules,
    fault_rules,
    life_rules,
    money_rules,
    outcome_rules,
    request_rules,
    surroundings_rules,
    timing_rules,
    webhook_rules,
)
from conformance.obligations.finding import Obligation, ObligationFinding
from conformance.obligations.history import QUIET, ZONES
from conformance.obligations.observation import MerchantTrace
from conformance.rulebook import Level, Rule, Rulebook

OBLIGATIONS: Final[Mapping[str, Obligation]] = {
    "MC-1": fault_rules.mc1_ends,
    "MC-2": fault_rules.mc2_nobody_else,
    "M37": webhook_rules.m37_verified,
    "M38": webhook_rules.m38_failed,
    "M39": webhook_rules.m39_kept,
    "M1": request_rules.m1_route,
    "M2": request_rules.m2_target,
    "M3": request_rules.m3_credentials,
    "M4": request_rules.m4_body,
    "M6": request_rules.m6_key,
    "M8": request_rules.m8_key_distinct,
    "M9": request_rules.m9_key_renewed,
    "M41": surroundings_rules.m41_surroundings,
    "M27": fault_rules.m27_limit,
    "M5": timing_rules.m5_flag,
    "M11": timing_rules.m11_rest,
    "M12": timing_rules.m12_last,
    "M42": cause_rules.m42_agreement,
    "M32": cause_rules.m32_asked,
    "M35": life_rules.m35_settled,
    "M36": money_rules.m36_released,
    "M13b": timing_rules.m13b_refused,
    "M15": timing_rules.m15_early,
    "M22": outcome_rules.m22_async,
    "M18": outcome_rules.m18_success,
    "M19": outcome_rules.m19_amount,
    "M25": fault_rules.m25_unknown,
    "M20": outcome_rules.m20_not_payable,
    "M21": outcome_rules.m21_words,
    "M23": outcome_rules.m23_captured,
    "M34": life_rules.m34_gone,
    "M31": money_rules.m31_paid,
    "M33": life_rules.m33_lives,
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
    "M32b": cause_rules.m32b_declared,
    "M40": webhook_rules.m40_in_time,
}
"""The obligations by rule id, the one nearest to the cause first: a later one can be broken because of it."""
GENERAL: Final = ("M24", "M16", "M10", "M17", "M26", "M28")
"""Obligations about a wrong end. Where a particular obligation is broken, these are its consequences."""
CONSEQUENCES: Final[Mapping[str, tuple[str, ...]]] = {
    "M32": ("M42",),
    "M35": ("M32",),
    "M15": ("M32",),
    "M34": ("M18", "M19", "M20", "M21"),
    "M31": ("M8", "M11", "M12", "M18", "M20", "M32", "M35"),
    "M33": ("M15", "M18", "M19", "M20", "M21", "M22", "M25", "M32", "M35"),
    "M10": ("M17",),
    "M13": ("M13b",),
    "M29": ("M20", "M21", "M34"),
}
"""Obligations, and the ones whose violation explains theirs in the same order."""
WEBHOOKS: Final = ("M37", "M38", "M39")
"""Obligations about notifications: a shop that believes a wrong one, or loses a true one, goes wrong because of it."""
SURROUNDINGS: Final = "M41"
"""The obligation that explains whatever else goes wrong with an order in another time zone or currency."""
FORM: Final = frozenset({"M1", "M2", "M3", "M4", "M6", "M8", "M9"})
"""Obligations about what a request looks like: where one is broken, the provider refuses the request."""
_NOT_ABOUT_WEBHOOKS: Final = FORM | {*WEBHOOKS, "M3b", "M6b", "M7", "M27", "M27b", "MC-1", "MC-2"}
ABOUT_REFUSALS: Final = frozenset({"M9", "M17", "M18", "M26"})
"""Obligations about what a refused request leads to."""
ABOUT_ORDERS: Final = frozenset({
    "MC-1", "MC-2", "M1", "M2", "M3", "M3b", "M8", "M28", "M30", "M31", "M32", "M32b", "M35", "M37", "M38",
    "M39", "M40", "M41", "M42",
})  # fmt: skip
"""Obligations about an order and all its payments together."""
ABOUT_EVERY_PAYMENT: Final = frozenset({"M4", "M6", "M6b", "M7", "M9", "M27", "M27b"})
"""Obligations about the requests of one payment. All others are about an order's current payment."""
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
    results = [
        ObligationResult(rule, finding, order)
        for order in range(len(trace.history.amounts))
        for rule, finding in _findings(trace, order, judged)
    ]
    explained = [replace(result, follows=_cause_of(result, results, rules, trace)) for result in results]
    of_rule = {rule: [result for result in explained if result.rule == rule] for rule in judged}
    return [_worst(of_one) for of_one in of_rule.values() if of_one]


def _findings(trace: MerchantTrace, order: int, rules: list[str]) -> Iterator[tuple[str, ObligationFinding]]:
    """Yield the findings on an order, each obligation judged over the payments that it is about."""
    payments = [trace.about(order, payment) for payment in trace.payments_of(order)]
    current = trace.current_payment(order)
    of_current = trace if current is None else trace.about(order, current)
    for rule in rules:
        if rule in ABOUT_ORDERS:
            parts = [trace]
        elif rule in ABOUT_EVERY_PAYMENT:
            parts = payments
        else:
            parts = [of_current]
        for part in parts:
            finding = OBLIGATIONS[rule](part, order)
            if finding is not None:
                yield rule, finding


def _worst(results: list[ObligationResult]) -> ObligationResult:
    """Return the first violation that nothing explains, else the first violation, else the first result."""
    return min(results, key=lambda result: (not result.counts, not result.finding.broken))


def _cause_of(
    result: ObligationResult, results: list[ObligationResult], rules: Mapping[str, Rule], trace: MerchantTrace
) -> str:
    """Return the rule whose violation explains another one of the same order; empty where there is none."""
    if not result.finding.broken:
        return ""
    violations = [each for each in results if each.finding.broken and each.order == result.order]
    violated = [each.rule for each in violations]
    required = [each for each in violations if rules[each.rule].level is Level.REQUIRED]
    causes = [
        *([SURROUNDINGS] if _comes_from_surroundings(result, results, trace) else []),
        *(each for each in WEBHOOKS if each in violated and result.rule not in _NOT_ABOUT_WEBHOOKS),
        *(each for each in CONSEQUENCES.get(result.rule, ()) if each in violated),
        *(each.rule for each in required if each.rule not in GENERAL and result.rule in GENERAL),
        *(each.rule for each in required if _was_refused_for(each, result, trace)),
    ]
    return next((cause for cause in causes if cause != result.rule), "")


def _comes_from_surroundings(result: ObligationResult, results: list[ObligationResult], trace: MerchantTrace) -> bool:
    """Return whether a violation shows only since the process was in another time zone, or with another currency."""
    wrong = [each for each in results if each.rule == SURROUNDINGS and each.finding.broken]
    if not wrong:
        return False
    moved = next((place for place, step in enumerate(trace.history.steps) if step.do in ZONES), None)
    if moved is None:
        return any(each.order == result.order for each in wrong)
    return not any(each.rule == result.rule and each.finding.broken and each.finding.step < moved for each in results)


def _was_refused_for(earlier: ObligationResult, later: ObligationResult, trace: MerchantTrace) -> bool:
    """Return whether a request looked wrong and was refused for that, and a later violation is about the refusal.

    What is sent again in the same way, under the same key, counts as the same request.
    """
    if earlier.rule not in FORM or later.rule not in ABOUT_REFUSALS:
        return False
    requests = {request.n: request for request in trace.requests}
    first, second = (requests.get(-1 if n is None else n) for n in (earlier.finding.exchange, later.finding.exchange))
    if first is None or second is None or second.fault:
        return False
    return (first.route, first.key) == (second.route, second.key)
