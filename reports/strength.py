"""How much a rule that passed is worth: what a run of the same size is known to catch of the faults that break it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from conformance.obligations.evidence import is_merchants
from conformance.order import Profile
from conformance.power import FILE, SHOPS_FILE, Power, Strength, load_power
from conformance.result import Result
from conformance.verdict import RuleResult, RuleVerdict, RunVerdict
from reports.words import PROFILES, counted


@dataclass(frozen=True)
class Strengths:
    """The measured power of the suite, at the size of one run."""

    result: Result
    power: Power

    @cached_property
    def _played(self) -> Mapping[Profile, int]:
        """How many histories of the plan were begun, which is where in the plan the run ended."""
        begun = {record["id"]: Profile(record["profile"]) for record in self.result.evidence.of_kind("history")}
        planned = (name for record in self.result.evidence.of_kind("plan") for name in record["histories"])
        return Counter(begun[name] for name in planned if name in begun)

    @cached_property
    def _offered(self) -> Mapping[Profile, frozenset[str]]:
        looked = self.result.evidence.of_kind("capabilities")
        return {Profile(record["profile"]): frozenset(record["offered"]) for record in looked}

    def of(self, one: RuleResult) -> Strength | None:
        """Return what is known of a rule that passed; None of any other, and where nothing was measured."""
        if one.verdict is not RuleVerdict.PASSED or one.profile not in self._offered:
            return None
        return self.power.strength(
            one.profile, one.rule.id, self._offered[one.profile], self._played.get(one.profile, 0)
        )

    def is_weak(self, one: RuleResult) -> bool:
        """Tell whether a run of this size is sure to catch less than half of the known faults that break a rule."""
        found = self.of(one)
        return found is not None and 2 * found.certain < found.known

    def said(self, one: RuleResult) -> str:
        """Return it as a sentence, or nothing."""
        found = self.of(one)
        if found is None:
            return ""
        said = _in_words(found)
        return f"Little power: {said[:1].lower()}{said[1:]}" if self.is_weak(one) else said

    def overall(self) -> list[tuple[Profile, int, int]]:
        """Return for every profile how many of the known faults such a run catches, and how many are known."""
        rows = []
        for profile, offered in self._offered.items():
            caught, known = self.power.caught(profile, offered, self._played.get(profile, 0))
            if known:
                rows.append((profile, caught, known))
        return rows

    def headline(self) -> str:
        """Return what such a run catches of all known faults, or nothing where something was violated or cut off."""
        rows = self.overall()
        if not self._played or not rows or self.result.verdict not in (RunVerdict.CONFORMANT, RunVerdict.INCOMPLETE):
            return ""
        told = ", ".join(f"{caught} of {known} in {PROFILES[profile]}" for profile, caught, known in rows)
        them = "integrations" if is_merchants(self.result.run) else "implementations"
        return f"A run of this size catches these known faulty {them} with every seed that was tried: {told}."

    def as_json(self) -> dict[str, Any]:
        """Return the figures of the whole run."""
        return {
            "measured": self.power.measured,
            "commit": self.power.commit,
            "seeds": self.power.seeds,
            "faults": {profile.value: {"caught": caught, "known": known} for profile, caught, known in self.overall()},
        }


def _in_words(found: Strength) -> str:
    if found.certain == 0:
        return f"A run of this size is not sure to catch any of the known faults that break it ({found.known})."
    them = "breaks it" if found.known == 1 else "break it"
    soon = f", half of them within {counted(found.half, 'history', 'histories')}" if found.half else ""
    slowest = counted(found.slowest or 0, "history", "histories")
    last = f", the slowest after {slowest}" if found.certain > 1 else f", after {slowest}"
    return (
        f"A run of this size catches {found.certain} of {counted(found.known, 'known fault')} "
        f"that {them}{soon if found.known > 1 else ''}{last}."
    )


def strengths_of(result: Result, power: Power | None = None) -> Strengths:
    """Return what is known of the suite's power at the size of a run."""
    return Strengths(result, power or load_power(SHOPS_FILE if is_merchants(result.run) else FILE))
