"""Coverage of the model: which documented outcomes a run observed, out of those that its target's capabilities allow.

A branch of the model is one permitted outcome of one kind of step, such as "cancel flag=true: released", with the rules
that it is a check of. The branches that exist are those that the systematic set comes to with an ideal provider; where
several outcomes of a step are permitted, a target chooses, and those that it did not choose are no gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Final, TypeAlias

from conformance.domain.citation import Citation
from conformance.domain.order import Profile
from conformance.domain.steps import History, history_from_json
from conformance.evidence.journal import is_merchant_run
from conformance.evidence.records import CapabilitiesRecord, HistoryRecord, JudgementRecord
from conformance.judging.judge import PERMITTED
from conformance.judging.rule_verdicts import CAPABILITIES
from conformance.model import ModelContext
from conformance.reports.wording.provider import ABLE
from conformance.results.audit import contexts_of
from conformance.results.result import Result
from conformance.strategies.provider.situations import needs
from conformance.strategies.provider.systematic import recipes
from conformance.strategies.provider.walk import Question, kind_of_step, questions

EVERYTHING: Final = frozenset({*CAPABILITIES, *ABLE})
"""Everything that a target can let the suite do."""


@dataclass(frozen=True, slots=True)
class ModelBranch:
    """One permitted outcome of one kind of step. ``rules`` are those that it is a check of, with their sides."""

    step: str
    outcome: str
    rules: tuple[str, ...]

    @property
    def words(self) -> str:
        """The branch in one line."""
        return f"{self.step}: {self.outcome}"


Shortest: TypeAlias = Mapping[ModelBranch, History]
"""Every branch, and the shortest history that comes to it."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A branch that was not observed: what the target lacks for it, and the shortest history that comes to it."""

    branch: ModelBranch
    lacks: tuple[str, ...]
    history: History


@dataclass(frozen=True)
class ModelCoverage:
    """One API's branches: those observed, each with the history that showed it first, and the others.

    ``unchosen`` were permitted where the target did something else that is permitted as well. ``gaps`` were asked of it
    by no history that was judged to its end.
    """

    profile: Profile
    observed: Mapping[ModelBranch, str]
    unchosen: tuple[ModelBranch, ...]
    gaps: tuple[Gap, ...]

    @cached_property
    def within_reach(self) -> tuple[Gap, ...]:
        """The gaps for which the target lacks nothing."""
        return tuple(gap for gap in self.gaps if not gap.lacks)

    @cached_property
    def out_of_reach(self) -> tuple[Gap, ...]:
        """The gaps that need a capability which the target does not offer."""
        return tuple(gap for gap in self.gaps if gap.lacks)

    @property
    def lacking(self) -> Mapping[tuple[str, ...], list[Gap]]:
        """The gaps out of reach, by what the target would have to offer."""
        groups: dict[tuple[str, ...], list[Gap]] = {}
        for gap in self.out_of_reach:
            groups.setdefault(gap.lacks, []).append(gap)
        return groups

    @property
    def allowed(self) -> int:
        """The number of branches that the target's capabilities allow, without those that it did not choose."""
        return len(self.observed) + len(self.within_reach)

    def by_rule(self) -> list[RuleCoverage]:
        """Return the branches of each rule, those with gaps within reach first."""
        rules: dict[str, RuleCoverage] = {}
        for branch, group in self._grouped():
            for rule in dict.fromkeys(Citation.parse(citation).rule for citation in branch.rules):
                row = rules.setdefault(rule, RuleCoverage(rule))
                getattr(row, group).append(branch)
        return sorted(rules.values(), key=lambda row: (not row.within_reach, not row.out_of_reach, row.rule))

    def _grouped(self) -> Iterator[tuple[ModelBranch, str]]:
        yield from ((branch, "observed") for branch in self.observed)
        yield from ((branch, "unchosen") for branch in self.unchosen)
        yield from ((gap.branch, "within_reach") for gap in self.within_reach)
        yield from ((gap.branch, "out_of_reach") for gap in self.out_of_reach)


@dataclass(slots=True)
class RuleCoverage:
    """The branches that are checks of one rule."""

    rule: str
    observed: list[ModelBranch] = field(default_factory=list)
    unchosen: list[ModelBranch] = field(default_factory=list)
    within_reach: list[ModelBranch] = field(default_factory=list)
    out_of_reach: list[ModelBranch] = field(default_factory=list)

    @property
    def allowed(self) -> int:
        """The number of branches that the target's capabilities allow, without those that it did not choose."""
        return len(self.observed) + len(self.within_reach)


def model_coverage_of(result: Result) -> list[ModelCoverage]:
    """Return the coverage of each API of a provider's run; nothing of a merchant's or the fuzzer's."""
    run, evidence = result.run, result.evidence
    if is_merchant_run(run) or not any(True for _ in evidence.of(HistoryRecord)):
        return []
    contexts, shown = contexts_of(evidence), _observed(result)
    return [
        _coverage(
            Profile(record.profile),
            contexts[record.profile],
            frozenset(record.offered),
            shown.get(Profile(record.profile), {}),
            wire=run.target.wire,
        )
        for record in evidence.of(CapabilitiesRecord)
    ]


def _coverage(
    profile: Profile, context: ModelContext, offered: frozenset[str], shown: Mapping[_Shown, str], *, wire: bool
) -> ModelCoverage:
    branches, asked = branches_of(profile, context, wire=wire)
    observed: dict[ModelBranch, str] = {}
    for (step, outcome, examples), name in shown.items():
        branch = _branch_shown(branches, step, outcome, examples)
        if branch is not None:
            observed.setdefault(branch, name)
    chosen = {
        (step, outcome) for step, outcomes in asked for outcome in outcomes if _observed_one(step, outcomes, observed)
    }
    unchosen, gaps = [], []
    for branch, history in branches.items():
        if branch in observed:
            continue
        lacks = tuple(sorted(needs(history) - offered))
        if not lacks and (branch.step, (branch.outcome, branch.rules)) in chosen:
            unchosen.append(branch)
        else:
            gaps.append(Gap(branch, lacks, history))
    return ModelCoverage(profile, observed, tuple(unchosen), tuple(gaps))


def _observed_one(step: str, outcomes: Iterable[tuple[str, tuple[str, ...]]], observed: Iterable[ModelBranch]) -> bool:
    return any(ModelBranch(step, *outcome) in observed for outcome in outcomes)


@cache
def branches_of(profile: Profile, context: ModelContext, *, wire: bool) -> tuple[Shortest, frozenset[Question]]:
    """Return the branches that the systematic set comes to where everything is offered, and what it asks."""
    shortest: dict[ModelBranch, History] = {}
    asked: set[Question] = set()
    cells = recipes(profile, context, EVERYTHING, wire=wire)
    for history in sorted((history for _, history in cells), key=lambda history: len(history.steps)):
        # In an order that does not depend on the process, because the page is compared byte by byte.
        for step, outcomes in sorted(
            questions(history, context), key=lambda question: (question[0], sorted(question[1]))
        ):
            asked.add((step, outcomes))
            for outcome, rules in sorted(outcomes):
                if rules:
                    shortest.setdefault(ModelBranch(step, outcome, rules), history)
    return shortest, frozenset(asked)


_Shown: TypeAlias = tuple[str, str, tuple[str, ...]]
"""What a judgement says of a step: its kind, the outcome, and the rules that it was a check of."""


def _observed(result: Result) -> Mapping[Profile, Mapping[_Shown, str]]:
    """Return what the permitted steps of a run showed, each with the first history that did."""
    histories = {
        record.id: history_from_json(record.history)
        for record in result.evidence.of(HistoryRecord)
        if record.source != "shrinking"
    }
    shown: dict[Profile, dict[_Shown, str]] = {}
    for record in result.evidence.of(JudgementRecord):
        history = histories.get(record.history)
        if history is None or record.superseded or record.status not in PERMITTED:
            continue
        step = kind_of_step(history.all_steps[record.step])
        for outcome in record.branches:
            shown.setdefault(history.profile, {}).setdefault((step, outcome, record.examples), record.history)
    return shown


def _branch_shown(branches: Shortest, step: str, outcome: str, examples: Iterable[str]) -> ModelBranch | None:
    """Return the branch that a judgement is of: the one with these examples and the fewest rules beside them."""
    wanted = frozenset(examples)
    if not wanted:
        return None
    matching = [
        branch
        for branch in branches
        if branch.step == step and branch.outcome == outcome and wanted.issubset(branch.rules)
    ]
    return min(matching, key=lambda branch: len(branch.rules), default=None)


def model_coverage_as_json(result: Result) -> list[dict[str, Any]]:
    """Return the coverage for `report.json`."""
    return [
        {
            "profile": coverage.profile.value,
            "observed": len(coverage.observed),
            "allowed": coverage.allowed,
            "unchosen": len(coverage.unchosen),
            "gaps": [
                {
                    "step": gap.branch.step,
                    "outcome": gap.branch.outcome,
                    "rules": list(gap.branch.rules),
                    "lacks": list(gap.lacks),
                    "history": repr(gap.history),
                }
                for gap in coverage.gaps
            ],
        }
        for coverage in model_coverage_of(result)
    ]
