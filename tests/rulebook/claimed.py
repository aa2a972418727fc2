"""What the systematic set claims of each rule: the fields of an observation that can violate it, API by API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cache

from conformance.domain.citation import rule_of
from conformance.domain.order import Profile
from conformance.domain.steps import actions_of
from conformance.model import ModelContext
from conformance.strategies.provider.systematic import systematic
from conformance.strategies.provider.walk import walk

EVERYTHING = frozenset({"age", "concurrent", "units"})
"""What a target can offer, beside the actions of its API."""


@cache
def branches(profile: Profile):
    """Return every outcome that the model permits of a step of the systematic set."""
    context = ModelContext()
    cases = systematic(profile, context, EVERYTHING | actions_of(profile))
    return frozenset(
        branch for case in cases for stride in walk(case.history, context) for branch in stride.expectation.branches
    )


@cache
def claimed(profile: Profile) -> Mapping[str, frozenset[str]]:
    """Return the fields that are claimed under each rule."""
    fields: defaultdict[str, set[str]] = defaultdict(set)
    for branch in branches(profile):
        for claim in branch.claims:
            for rule in map(rule_of, claim.rules):
                fields[rule].add(str(claim.field))
    return {rule: frozenset(names) for rule, names in fields.items()}


@cache
def permitted(profile: Profile) -> frozenset[str]:
    """Return the rules that an outcome is a check of."""
    return frozenset(rule_of(rule) for branch in branches(profile) for rule in branch.rules)
