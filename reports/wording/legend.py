"""The legend: what the verdicts mean, and what to do next."""

from __future__ import annotations

from typing import Final

from conformance.judging.verdicts import RuleVerdict

RULE_LEGEND: Final = (
    (
        RuleVerdict.VIOLATED,
        "The target did something that the documentation does not permit.",
        "Read the counterexample, play it again with its replay line, and mend the target.",
    ),
    (
        RuleVerdict.WARNING,
        "A merchant's integration did something against a recommendation. It does not decide, unless with --strict.",
        "Read the counterexample, and mend the integration or waive it with a reason.",
    ),
    (
        RuleVerdict.INCONCLUSIVE,
        "Histories of this rule ended without an answer that proves anything.",
        "Look at the cause: a timeout, a server error, a rate limit. Then run again.",
    ),
    (
        RuleVerdict.NOT_EXERCISED,
        "No history reached what this rule is about. Nothing is known about it.",
        "Offer the capability it needs, take a larger budget, or waive the rule with a reason.",
    ),
    (
        RuleVerdict.THIN,
        "There are examples, but fewer than three, or fewer than three on one side of a boundary.",
        "Take a larger budget, or offer the capability that reaches the other side.",
    ),
    (
        RuleVerdict.PASSED,
        "At least three examples, on each side of a boundary if there is one, and no violation.",
        "Nothing. It says what was seen, not what can never happen.",
    ),
    (
        RuleVerdict.RECORDED,
        "The documentation does not say what must happen. What did happen is written down, not judged.",
        "Read what was observed, and decide whether you rely on it.",
    ),
    (
        RuleVerdict.EXCLUDED,
        "The rule cannot be seen from outside in a run of this kind; the reason is given with it.",
        "Nothing in this suite tests it. Check it in another way if it matters to you.",
    ),
)
"""Every verdict of a rule, what it means, and what to do next."""

RUN_LEGEND: Final = (
    (
        "Conformant",
        "Rules passed, none is violated, and no required rule that such a target can be held to is open.",
        "0",
    ),
    ("Not conformant", "Some rule is violated and not waived.", "1"),
    (
        "Incomplete",
        "Nothing is violated, but a required rule is not exercised, thin or inconclusive. It is no pass.",
        "4",
    ),
    ("Environment error", "The target could not be reached, refused the credentials, or was unhealthy.", "3"),
    ("Harness fault", "The suite itself failed. Nothing is claimed about the target.", "5"),
    ("Interrupted", "The run was stopped before its end. What it had come to stands; the rest is not known.", "130"),
)
"""Every verdict of a run, what it means, and its exit code."""
