"""The verdicts that a run can end with, about one rule and about the target, and what they are made from.

`rule_verdicts` reduces many judgements to a verdict for each rule, `run_verdicts` those to one for the run. Both are
pure functions over these values, so that they can be repeated, months later, from the evidence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from conformance.domain.order import Profile
from conformance.rulebook import Rule

CHECKS_NEEDED: Final = 3
"""Checks that a rule needs before it can pass; if it has a boundary, on each side of it."""


class RuleVerdict(StrEnum):
    """What a run says about one rule, worst first.

    Of a rule of undocumented behaviour it is always `RECORDED`, of one that no client can see `EXCLUDED`.
    """

    VIOLATED = "VIOLATED"
    WARNING = "WARNING"
    """Violated, but only recommended: it does not decide. Only a merchant's obligations have this verdict."""
    INCONCLUSIVE = "INCONCLUSIVE"
    NOT_EXERCISED = "NOT EXERCISED"
    """Not tested: nothing in the run was a check of it."""
    THIN = "THIN"
    """Insufficient evidence: checked too seldom, or on one side of its boundary alone."""
    PASSED = "PASSED"
    RECORDED = "RECORDED"
    EXCLUDED = "EXCLUDED"


class RunVerdict(StrEnum):
    """What a run says about the target; the last three, about one that was cut off."""

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
"""The rank of a rule without a counterexample: behind every other."""


@dataclass(slots=True)
class RuleTally:
    """Everything that a run's judgements say about one rule of one API.

    ``examples`` are the checks that it passed, by rule and side (`KB-02/beyond`); ``records`` what was observed of
    undocumented behaviour; ``reason``, ``counterexample`` (a file) and ``rank`` describe the violation shown first.
    """

    examples: Counter[str] = field(default_factory=Counter)
    violations: int = 0
    inconclusive: int = 0
    once: str = ""
    """What was violated once, and not when the same history was played again: both observations."""
    records: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    """Why a judgement about it was inconclusive."""
    missed: Counter[str] = field(default_factory=Counter)
    """Why a history that was meant to check it did not."""
    reason: str = ""
    counterexample: str | None = None
    rank: tuple[int, int] = LAST


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run could test in one API.

    ``offered`` are the target's capabilities, in the words of a rule's needs; ``wire`` says whether it is reached over
    HTTP, ``merchant`` whether it is a merchant's integration; with ``strict``, recommendations decide too; a run that
    is ``cut`` did not come to its end.
    """

    profile: Profile
    offered: frozenset[str]
    wire: bool = True
    merchant: bool = False
    strict: bool = False
    cut: bool = False


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule's verdict in one API, with the reason in words.

    A rule that is not ``in_scope`` does not keep the run from being conformant, whatever its verdict.
    """

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
    """Of a rule that passed: why a part of it was not tested."""
    rank: tuple[int, int] = LAST
    """Of a violated rule: the steps of its counterexample, and its place among the rules that this one breaks."""
