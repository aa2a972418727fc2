"""A second reduction of a journal to its headline, written from the words of the design and from nothing of ours.

It reads the lines itself, and takes from the rulebook only what a rule is: its level, status, sides and needs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from conformance.rulebook import load

WORST_FIRST = ("VIOLATED", "INCONCLUSIVE", "NOT EXERCISED", "THIN", "PASSED")
CODES = {
    "CONFORMANT": 0,
    "NOT CONFORMANT": 1,
    "ENVIRONMENT ERROR": 3,
    "INCOMPLETE": 4,
    "HARNESS FAULT": 5,
    "INTERRUPTED": 130,
}
ENOUGH = 3


@dataclass(frozen=True)
class Headline:
    """What a journal comes to: the run's verdict, and each rule's by profile and id."""

    verdict: str
    rules: dict[tuple[str, str], str]
    red: frozenset[tuple[str, str]]
    """The rules that alone would keep the run from being conformant."""
    sides: dict[tuple[str, str], dict[str, int]]
    """How often each side of a boundary was shown, by profile and rule."""

    @property
    def code(self):
        return CODES[self.verdict]


NATURES = {"wire", "concurrent", "units"}
"""What a target is or is not. A rule about it keeps nobody back who is not."""


def headline_of(path):
    """Reduce a journal's file."""
    lines = path.read_bytes().split(b"\n")[:-1]
    records = [json.loads(line) for line in lines]
    run, last = records[0], records[-1]
    waived = {one["rule"] for one in run["waivers"]}
    rules, sides, red, needless = {}, {}, set(), set(waived)
    for offer in records:
        if offer["kind"] != "capabilities":
            continue
        said = _said(records, offer["profile"])
        for rule in load().rules:
            if offer["profile"] in [profile.value for profile in rule.profiles]:
                key = offer["profile"], rule.id
                there = {*offer["offered"], *(["wire"] if run["target"]["wire"] else [])}
                # Of a run that was cut off nobody knows what the rest of it would have shown.
                optional = rule.optional and last.get("ended") == "complete"
                beyond_reach = not there.issuperset(NATURES.intersection(rule.needs))
                sides[key] = {side: said.count(("shown", f"{rule.id}/{side}")) for side in rule.sides}
                rules[key] = _rule(rule, said, beyond_reach=beyond_reach)
                if _is_red(rule, rules[key], may_be_missing=beyond_reach or optional):
                    needless.discard(rule.id)
                    if rule.id not in waived:
                        red.add(key)
    return Headline(_run(last, rules, red, needless), rules, frozenset(red), sides)


def _said(records, profile):
    """Return, judgement by judgement, what each says about which rules: pairs of a word and a name."""
    counting = {
        one["id"]
        for one in records
        if one["kind"] == "history" and one["profile"] == profile and one["source"] not in ("shrinking", "confirmation")
    }
    said = []
    for one in records:
        if one["kind"] != "judgement" or one["history"] not in counting or "superseded" in one:
            continue
        if one["status"] == "violates":
            said += [("violated", finding["rule"]) for finding in one["findings"]]
        elif one["status"] == "inconclusive":
            said += [("open", name) for name in one.get("examples", [])]
        else:
            said += [("shown", name) for name in one.get("examples", [])]
    return said


def _rule(rule, said, *, beyond_reach):
    if rule.status.value == "excluded":
        return "EXCLUDED"
    mine = [(word, name) for word, name in said if name.split("/")[0] == rule.id]
    words = [word for word, _ in mine]
    found = {"PASSED"}
    if "violated" in words:
        found.add("VIOLATED")
    if "open" in words:
        found.add("INCONCLUSIVE")
    if "shown" not in words or beyond_reach:
        found.add("NOT EXERCISED")
    if words.count("shown") < ENOUGH or any(mine.count(("shown", f"{rule.id}/{side}")) < ENOUGH for side in rule.sides):
        found.add("THIN")
    worst = next(verdict for verdict in WORST_FIRST if verdict in found)
    return "RECORDED" if rule.status.value == "recorded" and worst != "VIOLATED" else worst


def _is_red(rule, verdict, *, may_be_missing):
    if verdict == "VIOLATED":
        return True
    unproved = verdict in ("INCONCLUSIVE", "NOT EXERCISED", "THIN")
    out_of_scope = may_be_missing and verdict == "NOT EXERCISED"
    return rule.level.value == "REQUIRED" and unproved and not out_of_scope


def _run(last, rules, red, needless):
    ended = last["ended"] if last["kind"] == "finish" else "interrupted"
    if ended != "complete":
        return {"environment": "ENVIRONMENT ERROR", "harness": "HARNESS FAULT", "interrupted": "INTERRUPTED"}[ended]
    if any(rules[key] == "VIOLATED" for key in red):
        return "NOT CONFORMANT"
    if red or needless or "PASSED" not in rules.values():
        return "INCOMPLETE"
    return "CONFORMANT"
