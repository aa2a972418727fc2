"""What the suite is known to catch: how many histories it takes until a rule turns red for each known fault.

The figures are measured against the museum of faulty providers (`nox -s power`), and are data of the package: a report
says beside every rule that passed what a run of the same size would have caught. Nothing here plays anything.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Final

from conformance.domain.order import Profile
from conformance.evidence.journal import is_merchant_run
from conformance.judging.verdicts import RuleResult, RuleVerdict, RunVerdict
from conformance.reports.wording.provider import PROFILES, counted
from conformance.results.result import Result

FILE: Final = "power.json"
MERCHANTS_FILE: Final = "power-merchants.json"
"""The same for faulty merchants."""


@dataclass(frozen=True, slots=True)
class Detection:
    """How soon one rule turned red for one known fault.

    ``after`` has, for every seed, the number of histories until the first one that broke the rule, in the order in
    which a run plays them; None where a run of the standard budget did not. ``needs`` are the actions of a merchant
    without which none of these histories can be played.
    """

    fault: str
    sentence: str
    after: tuple[int | None, ...]
    needs: frozenset[str] = frozenset()

    def within(self, histories: int) -> int:
        """Return for how many seeds so many histories turn the rule red."""
        return sum(one is not None and one <= histories for one in self.after)

    @property
    def slowest(self) -> int | None:
        """The number of histories that suffices with every seed; None where some seed found nothing."""
        found = [one for one in self.after if one is not None]
        return max(found) if len(found) == len(self.after) else None


@dataclass(frozen=True, slots=True)
class RuleDetection:
    """What a run of some size is known to catch of the faults that break one rule.

    ``certain`` of the ``known`` faults are caught with every seed that was tried, ``possible`` with at least one.
    ``half`` is the number of histories after which half of the known faults are caught, ``slowest`` after which the
    last of the certain ones is.
    """

    known: int
    certain: int
    possible: int
    half: int | None
    slowest: int | None
    missed: tuple[str, ...]


@dataclass(frozen=True)
class Power:
    """The measured figures: when, at which commit, with how many seeds, and per fault and rule what came out.

    ``settings`` are what a target may offer, by name; the figures hold for one that offers at least as much.
    """

    measured: str
    commit: str
    seeds: int
    settings: Mapping[str, Mapping[Profile, frozenset[str]]]
    plans: Mapping[str, Mapping[Profile, Mapping[str, Any]]]
    detections: Mapping[str, Mapping[tuple[Profile, str], tuple[Detection, ...]]]

    def setting_for(self, profile: Profile, offered: frozenset[str]) -> str | None:
        """Return the richest setting that such a target offers all of, or None where even the poorest asks for more."""
        fitting = [name for name, offers in self.settings.items() if offers[profile] <= offered]
        return max(fitting, key=lambda name: len(self.settings[name][profile]), default=None)

    def strength(self, profile: Profile, rule: str, offered: frozenset[str], histories: int) -> RuleDetection | None:
        """Return what a run of so many histories is known to catch of the faults that break a rule.

        Returns None where it was not measured: no known fault breaks the rule, or the target offers less than any that
        was measured.
        """
        setting = self.setting_for(profile, offered)
        known = self.detections[setting].get((profile, rule), ()) if setting else ()
        found = [one for one in known if one.needs <= offered]
        if not found:
            return None
        certain = [one for one in found if one.within(histories) == len(one.after)]
        typical = sorted(_median(one.after) for one in found)
        half = typical[(len(typical) - 1) // 2]
        return RuleDetection(
            known=len(found),
            certain=len(certain),
            possible=sum(one.within(histories) > 0 for one in found),
            half=int(half) if half <= histories else None,
            slowest=max((one.slowest or 0 for one in certain), default=None),
            missed=tuple(one.fault for one in found if one not in certain),
        )

    def caught(self, profile: Profile, offered: frozenset[str], histories: int) -> tuple[int, int]:
        """Return how many known faults so many histories catch with every seed, and how many are known."""
        setting = self.setting_for(profile, offered)
        caught: set[str] = set()
        known: set[str] = set()
        for (of, _), found in (self.detections[setting] if setting else {}).items():
            fitting = [one for one in found if of is profile and one.needs <= offered]
            known.update(one.fault for one in fitting)
            caught.update(one.fault for one in fitting if one.within(histories) == len(one.after))
        return len(caught), len(known)


def _median(after: tuple[int | None, ...]) -> float:
    known = sorted(float("inf") if one is None else one for one in after)
    return known[(len(known) - 1) // 2]


def power_from(content: Mapping[str, Any]) -> Power:
    """Make the figures of the file's content.

    A number stands for all seeds that came to the same.
    """
    seeds = int(content["seeds"])
    detections: dict[str, dict[tuple[Profile, str], list[Detection]]] = {name: {} for name in content["settings"]}
    for name, fault in content["faults"].items():
        profile = Profile(fault["profile"])
        for setting, rules in fault["after"].items():
            for rule, after in rules.items():
                each = tuple(after) if isinstance(after, list) else (after,) * seeds
                one = Detection(name, fault["sentence"], each, frozenset(fault.get("needs", ())))
                detections[setting].setdefault((profile, rule), []).append(one)
    return Power(
        measured=content["measured"],
        commit=content["commit"],
        seeds=seeds,
        settings={
            name: {Profile(profile): frozenset(words) for profile, words in each.items()}
            for name, each in content["settings"].items()
        },
        plans={
            name: {Profile(profile): plan for profile, plan in each.items()} for name, each in content["plans"].items()
        },
        detections={
            setting: {key: tuple(found) for key, found in each.items()} for setting, each in detections.items()
        },
    )


@cache
def load_power(file: str = FILE) -> Power:
    """Return the figures of this package: of faulty providers, or of merchants where that file is named."""
    return power_from(json.loads(files("conformance.reports").joinpath(file).read_text(encoding="utf-8")))


@dataclass(frozen=True)
class DetectionTable:
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

    def of(self, one: RuleResult) -> RuleDetection | None:
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
        them = "integrations" if is_merchant_run(self.result.run) else "implementations"
        return f"A run of this size catches these known faulty {them} with every seed that was tried: {told}."

    def as_json(self) -> dict[str, Any]:
        """Return the figures of the whole run."""
        return {
            "measured": self.power.measured,
            "commit": self.power.commit,
            "seeds": self.power.seeds,
            "faults": {profile.value: {"caught": caught, "known": known} for profile, caught, known in self.overall()},
        }


def _in_words(found: RuleDetection) -> str:
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


def detection_of(result: Result, power: Power | None = None) -> DetectionTable:
    """Return what is known of the suite's power at the size of a run."""
    return DetectionTable(result, power or load_power(MERCHANTS_FILE if is_merchant_run(result.run) else FILE))
