"""Waivers for what no run at a test environment can show: which rules, and the reason for each.

A test environment approves payments by itself and offers nothing else: no clock to turn, and no user who rejects. What
a rule needs beyond that is computed from the rulebook, so that a new rule is covered, and one that could be tested
never is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

from conformance.domain.order import Profile
from conformance.judging.rule_verdicts import INHERENT
from conformance.results.waivers import Waiver
from conformance.rulebook import Level, Rule, RuleStatus, load
from conformance.targets.operator import manual_actions

DAYS: Final = 90
"""How long the waivers hold: by then, somebody should have looked whether their reasons still do."""
FORCED: Final = frozenset({"approve"})
"""What a test environment does for the suite: it has an endpoint that approves a payment."""

REASONS: Final[Mapping[str, str]] = {
    "age": (
        "the test environment has no clock to turn, so no payment is old when the run begins; "
        "`age plant` today and `age harvest` after the limit test this"
    ),
    "start_3ds": (
        "force approve never leads into 3-D Secure; a person with the test app tests this where it offers a card: "
        "run with --operator"
    ),
    "reject": "nobody rejects a payment but a person with the test app: run with --operator",
    "expire": "the run does not wait until a payment times out; leave one unapproved, and read it after ten minutes",
    "become_due": (
        "the run's charges are due 45 days after they are made, which is PENDING, and nothing makes one DUE earlier; "
        "cancel one by hand that is due in a few days"
    ),
    "fail": "nothing in the test environment makes a charge fail on demand; cancel one by hand that has failed",
}
"""Why a test environment cannot show what needs a capability, and how else it can be checked."""


def sandbox_waivers(profiles: Iterable[Profile], until: date, *, operator: bool = False) -> tuple[Waiver, ...]:
    """Return a waiver for each required rule that a run at a test environment leaves open.

    Args:
        profiles: the APIs that are tested.
        until: the last day of the waivers (UTC).
        operator: whether a person at the terminal does what the test environment does not.

    """
    missing: dict[str, list[str]] = {}
    for profile in profiles:
        offered = FORCED | (manual_actions(profile, FORCED) if operator else frozenset())
        for rule in load().governing(profile):
            missing.setdefault(rule.id, []).extend(_out_of_reach(rule, offered))
    return tuple(
        Waiver(rule, "; ".join(REASONS[need] for need in dict.fromkeys(needs)), until)
        for rule, needs in missing.items()
        if needs
    )


def _out_of_reach(rule: Rule, offered: frozenset[str]) -> list[str]:
    """Return what a rule needs and the test environment does not offer, where that keeps a run from being conformant.

    The rule does not where it is not required, or where it governs nothing at such a target.
    """
    decides = rule.level is Level.REQUIRED and rule.status is RuleStatus.CHECKED and not rule.optional
    return [need for need in rule.needs if need not in offered | INHERENT.keys()] if decides else []
