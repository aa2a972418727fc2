"""Scopes, rules and tallies for the tests of the verdicts."""

from collections import Counter

from conformance.domain.order import Profile
from conformance.judging.verdicts import RuleTally, Scope
from conformance.rulebook import load

USERS = frozenset({"age", "approve", "reject", "expire", "start_3ds", "finish_3ds", "fail_3ds"})
FULL = Scope(Profile.ECOM, USERS | {"concurrent", "units"})
BARE = Scope(Profile.ECOM, frozenset())
PLAIN = load().rule("EC-03")
SIDED = load().rule("KB-01")
AGED = load().rule("KB-02")
WIRED = load().rule("EC-23")
BARE_WIRE = Scope(Profile.ECOM, frozenset(), wire=False)


def tally(violations=0, inconclusive=0, causes=(), missed=(), **examples):
    names = {name.replace("__", "/").replace("_", "-"): count for name, count in examples.items()}
    return RuleTally(
        Counter(names), violations, inconclusive, causes=Counter(causes), missed=Counter(missed), reason="because"
    )


SHOP = Scope(Profile.ECOM, frozenset(), merchant=True)
