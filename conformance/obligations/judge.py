"""Judging a shop's history: every obligation, on every order, as a pure function of what was seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from conformance.domain.order import Profile
from conformance.obligations import fault_rules as trouble
from conformance.obligations import outcome_rules as answers
from conformance.obligations import request_rules as requests
from conformance.obligations import timing_rules as timing
from conformance.obligations.finding import Obligation, ObligationFinding
from conformance.obligations.history import QUIET
from conformance.obligations.observation import MerchantTrace
from conformance.rulebook import Level, Rulebook

OBLIGATIONS: Final[Mapping[str, Obligation]] = {
    "MC-1": trouble.mc1_ends,
    "MC-2": trouble.mc2_nobody_else,
    "M1": requests.m1_route,
    "M2": requests.m2_target,
    "M3": requests.m3_credentials,
    "M4": requests.m4_body,
    "M6": requests.m6_key,
    "M8": requests.m8_key_distinct,
    "M9": requests.m9_key_renewed,
    "M27": trouble.m27_limit,
    "M5": timing.m5_flag,
    "M11": timing.m11_rest,
    "M12": timing.m12_last,
    "M15": timing.m15_early,
    "M22": answers.m22_async,
    "M18": answers.m18_success,
    "M19": answers.m19_amount,
    "M25": trouble.m25_unknown,
    "M20": answers.m20_not_payable,
    "M21": answers.m21_words,
    "M23": answers.m23_captured,
    "M24": answers.m24_books,
    "M16": timing.m16_race,
    "M10": timing.m10_release,
    "M3b": requests.m3b_headers,
    "M6b": requests.m6b_key,
    "M7": requests.m7_key_stable,
    "M13": timing.m13_pointless,
    "M14": timing.m14_deadline,
    "M17": timing.m17_not_now,
    "M26": trouble.m26_converge,
    "M27b": trouble.m27b_policy,
    "M28": trouble.m28_duplicates,
    "M29": trouble.m29_elsewhere,
    "M30": trouble.m30_thread,
}
"""The obligations by rule, the one nearest to the cause first: what comes later can follow from it."""
GENERAL: Final = ("M24", "M16", "M10", "M17", "M26", "M28")
"""What says that the end is wrong, and not why. Where a particular obligation is broken, these follow from it."""
EXPLAINED: Final = {"M10": "M17"}
"""What follows from another recommendation: a cancel that was not tried again after "not now" leaves money reserved."""
CAUSE_ORDER: Final = {rule: place for place, rule in enumerate(OBLIGATIONS)}


@dataclass(frozen=True, slots=True)
class ObligationResult:
    """One obligation in one history."""

    rule: str
    ruling: ObligationFinding
    order: int

    def as_json(self, seen: MerchantTrace) -> dict[str, Any]:
        """Return the content of a judgement's record."""
        step = self.ruling.step
        do = QUIET if step >= seen.last_step else seen.history.steps[step].do
        content: dict[str, Any] = {
            "step": step,
            "do": do,
            "status": "violates" if self.ruling.broken else "conforms",
            "seen": self.ruling.reason or "as owed",
            "observed": {},
        }
        if not self.ruling.broken:
            return {**content, "examples": [self.rule]}
        finding: dict[str, Any] = {
            "rule": self.rule,
            "branch": do,
            "field": self.rule,
            "permitted": "what the obligation says",
            "observed": self.ruling.reason,
            "reason": self.ruling.reason,
        }
        for name, number in (("exchange", self.ruling.exchange), ("earlier", self.ruling.earlier)):
            if number is not None:
                # Its place in the history, which stays what it is where records are numbered anew.
                finding[name] = [one.n for one in seen.exchanges].index(number)
        return {**content, "findings": [finding], "expected": []}


def judge(seen: MerchantTrace, book: Rulebook) -> list[ObligationResult]:
    """Judge every obligation that governs the history's API; what follows from another one is left out."""
    profile = Profile(seen.history.profile)
    governing = {rule.id: rule for rule in book.governing(profile)}
    said = [
        one
        for rule in OBLIGATIONS
        if rule in governing and _can(seen, governing[rule].needs)
        for one in [_worst(rule, seen)]
        if one is not None
    ]
    causes = {
        one.order
        for one in said
        if one.ruling.broken and one.rule not in GENERAL and governing[one.rule].level is Level.REQUIRED
    }
    found = {(one.rule, one.order) for one in said if one.ruling.broken}
    return [one for one in said if not (one.ruling.broken and _follows(one, causes, found))]


def _follows(one: ObligationResult, causes: set[int], found: set[tuple[str, int]]) -> bool:
    """Whether what is broken follows from something else that is broken of the same order."""
    return (one.rule in GENERAL and one.order in causes) or (EXPLAINED.get(one.rule, ""), one.order) in found


def _can(seen: MerchantTrace, needs: tuple[str, ...]) -> bool:
    return all(need in seen.offered for need in needs)


def _worst(rule: str, seen: MerchantTrace) -> ObligationResult | None:
    rulings = list(_rulings(rule, seen))
    return next((one for one in rulings if one.ruling.broken), rulings[0] if rulings else None)


def _rulings(rule: str, seen: MerchantTrace) -> Iterator[ObligationResult]:
    for order in range(len(seen.history.amounts)):
        ruling = OBLIGATIONS[rule](seen, order)
        if ruling is not None:
            yield ObligationResult(rule, ruling, order)
