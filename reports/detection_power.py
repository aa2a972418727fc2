"""The measured detection power: how many histories it takes to detect each known fault.

The figures are measured against the museum of faulty providers (`nox -s power`) and are data of this package: a report
says beside every rule that passed what a run of the same size would have detected. Nothing here runs a history.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Final

from conformance.domain.api_table import spec_of
from conformance.domain.order import Profile
from conformance.evidence.journal import is_merchant_run
from conformance.evidence.records import CapabilitiesRecord, HistoryRecord, PlanRecord
from conformance.judging.verdicts import RuleResult, RuleVerdict, RunVerdict
from conformance.reports.wording.provider import counted
from conformance.results.result import Result

FILE: Final = "power.json"
"""The figures of faulty providers."""
MERCHANTS_FILE: Final = "power-merchants.json"
"""The figures of faulty merchants."""


@dataclass(frozen=True, slots=True)
class FaultDetection:
    """How soon one known fault violated one rule.

    ``after`` has, for every seed, the number of histories up to the first that violated the rule, in the order of a
    run; None where a run of the standard budget had none. ``needs`` are the actions of a merchant without which none
    of these histories can be run.
    """

    fault: str
    sentence: str
    after: tuple[int | None, ...]
    needs: frozenset[str] = frozenset()

    def within(self, histories: int) -> int:
        """Return the number of seeds with which so many histories detect the fault."""
        return sum(count is not None and count <= histories for count in self.after)

    @property
    def slowest(self) -> int | None:
        """The number of histories that suffices with every seed; None where some seed did not detect the fault."""
        counts = [count for count in self.after if count is not None]
        return max(counts) if len(counts) == len(self.after) else None


@dataclass(frozen=True, slots=True)
class RuleDetection:
    """What a run of a given size detects of the known faults that violate one rule.

    ``certain`` of the ``known`` faults are detected with every seed that was tried, ``possible`` with at least one.
    ``half`` is the number of histories that detects half of the known faults, ``slowest`` the number that detects the
    last of the certain ones; ``missed`` names the others.
    """

    known: int
    certain: int
    possible: int
    half: int | None
    slowest: int | None
    missed: tuple[str, ...]


@dataclass(frozen=True)
class DetectionFigures:
    """The measured figures: when, at which commit and with how many seeds, and the detections of every rule.

    ``settings`` are sets of capabilities, by name; the figures of a setting hold for a target that offers at least
    as much.
    """

    measured: str
    commit: str
    seeds: int
    settings: Mapping[str, Mapping[Profile, frozenset[str]]]
    plans: Mapping[str, Mapping[Profile, Mapping[str, Any]]]
    detections: Mapping[str, Mapping[tuple[Profile, str], tuple[FaultDetection, ...]]]

    def setting_for(self, profile: Profile, offered: frozenset[str]) -> str | None:
        """Return the largest setting that a target offers all of, or None where none was measured for it."""
        fitting = [name for name, offers in self.settings.items() if profile in offers and offers[profile] <= offered]
        return max(fitting, key=lambda name: len(self.settings[name][profile]), default=None)

    def rule_detection(
        self, profile: Profile, rule: str, offered: frozenset[str], histories: int
    ) -> RuleDetection | None:
        """Return what a run of so many histories detects of the known faults that violate a rule.

        Returns None where it was not measured: no known fault violates the rule, or the target offers less than any
        that was measured.
        """
        setting = self.setting_for(profile, offered)
        measured = self.detections[setting].get((profile, rule), ()) if setting else ()
        detections = [detection for detection in measured if detection.needs <= offered]
        if not detections:
            return None
        certain = [detection for detection in detections if detection.within(histories) == len(detection.after)]
        medians = sorted(_median(detection.after) for detection in detections)
        half = medians[(len(medians) - 1) // 2]
        return RuleDetection(
            known=len(detections),
            certain=len(certain),
            possible=sum(detection.within(histories) > 0 for detection in detections),
            half=int(half) if half <= histories else None,
            slowest=max((detection.slowest or 0 for detection in certain), default=None),
            missed=tuple(detection.fault for detection in detections if detection not in certain),
        )

    def count_detected(self, profile: Profile, offered: frozenset[str], histories: int) -> tuple[int, int]:
        """Return how many known faults so many histories detect with every seed, and how many are known."""
        setting = self.setting_for(profile, offered)
        detected: set[str] = set()
        known: set[str] = set()
        for (api, _), detections in (self.detections[setting] if setting else {}).items():
            concerned = [detection for detection in detections if api is profile and detection.needs <= offered]
            known.update(detection.fault for detection in concerned)
            detected.update(
                detection.fault for detection in concerned if detection.within(histories) == len(detection.after)
            )
        return len(detected), len(known)


def _median(after: tuple[int | None, ...]) -> float:
    counts = sorted(float("inf") if count is None else count for count in after)
    return counts[(len(counts) - 1) // 2]


def figures_from(content: Mapping[str, Any]) -> DetectionFigures:
    """Return the figures in a file's content, where a number stands for all seeds that gave the same."""
    seeds = int(content["seeds"])
    detections: dict[str, dict[tuple[Profile, str], list[FaultDetection]]] = {name: {} for name in content["settings"]}
    for name, fault in content["faults"].items():
        profile = Profile(fault["profile"])
        for setting, rules in fault["after"].items():
            for rule, after in rules.items():
                counts = tuple(after) if isinstance(after, list) else (after,) * seeds
                detection = FaultDetection(name, fault["sentence"], counts, frozenset(fault.get("needs", ())))
                detections[setting].setdefault((profile, rule), []).append(detection)
    return DetectionFigures(
        measured=content["measured"],
        commit=content["commit"],
        seeds=seeds,
        settings={
            name: {Profile(profile): frozenset(offered) for profile, offered in setting.items()}
            for name, setting in content["settings"].items()
        },
        plans={
            name: {Profile(profile): plan for profile, plan in plans.items()}
            for name, plans in content["plans"].items()
        },
        detections={
            setting: {key: tuple(measured) for key, measured in rules.items()} for setting, rules in detections.items()
        },
    )


@cache
def load_figures(file: str = FILE) -> DetectionFigures:
    """Return the figures of this package: of faulty providers, or of merchants where that file is named."""
    return figures_from(json.loads(files("conformance.reports").joinpath(file).read_text(encoding="utf-8")))


@dataclass(frozen=True)
class DetectionTable:
    """The measured detection power of the suite at the size of one run."""

    result: Result
    figures: DetectionFigures

    @cached_property
    def _played(self) -> Mapping[Profile, int]:
        """The number of histories of the plan that were begun: the place in the plan where the run ended."""
        begun = {record.id: Profile(record.profile) for record in self.result.evidence.of(HistoryRecord)}
        planned = (name for record in self.result.evidence.of(PlanRecord) for name in record.histories)
        return Counter(begun[name] for name in planned if name in begun)

    @cached_property
    def _offered(self) -> Mapping[Profile, frozenset[str]]:
        looked = self.result.evidence.of(CapabilitiesRecord)
        return {Profile(record.profile): frozenset(record.offered) for record in looked}

    def of(self, rule: RuleResult) -> RuleDetection | None:
        """Return the detection power for a rule that passed; None for any other, and where nothing was measured."""
        if rule.verdict is not RuleVerdict.PASSED or rule.profile not in self._offered:
            return None
        return self.figures.rule_detection(
            rule.profile, rule.rule.id, self._offered[rule.profile], self._played.get(rule.profile, 0)
        )

    def is_weak(self, rule: RuleResult) -> bool:
        """Return whether a run of this size detects fewer than half of the rule's known faults for certain."""
        detection = self.of(rule)
        return detection is not None and 2 * detection.certain < detection.known

    def sentence(self, rule: RuleResult) -> str:
        """Return the detection power for a rule in words, or nothing where it is not known."""
        detection = self.of(rule)
        if detection is None:
            return ""
        sentence = _in_words(detection)
        return f"Little power: {sentence[:1].lower()}{sentence[1:]}" if self.is_weak(rule) else sentence

    def by_profile(self) -> list[tuple[Profile, int, int]]:
        """Return for every API how many known faults such a run detects, and how many are known."""
        rows = []
        for profile, offered in self._offered.items():
            detected, known = self.figures.count_detected(profile, offered, self._played.get(profile, 0))
            if known:
                rows.append((profile, detected, known))
        return rows

    def headline(self) -> str:
        """Return what such a run detects of all known faults; nothing where a rule was violated or the run stopped."""
        rows = self.by_profile()
        if not self._played or not rows or self.result.verdict not in (RunVerdict.CONFORMANT, RunVerdict.INCOMPLETE):
            return ""
        counts = ", ".join(f"{detected} of {known} in {spec_of(profile).title}" for profile, detected, known in rows)
        kind = "integrations" if is_merchant_run(self.result.run) else "implementations"
        return f"A run of this size catches these known faulty {kind} with every seed that was tried: {counts}."

    def as_json(self) -> dict[str, Any]:
        """Return the figures of the whole run, as the report's JSON has them."""
        return {
            "measured": self.figures.measured,
            "commit": self.figures.commit,
            "seeds": self.figures.seeds,
            "faults": {
                profile.value: {"caught": detected, "known": known} for profile, detected, known in self.by_profile()
            },
        }


def _in_words(detection: RuleDetection) -> str:
    if detection.certain == 0:
        return f"A run of this size is not sure to catch any of the known faults that break it ({detection.known})."
    verb = "breaks it" if detection.known == 1 else "break it"
    half = f", half of them within {counted(detection.half, 'history', 'histories')}" if detection.half else ""
    slowest = counted(detection.slowest or 0, "history", "histories")
    last = f", the slowest after {slowest}" if detection.certain > 1 else f", after {slowest}"
    return (
        f"A run of this size catches {detection.certain} of {counted(detection.known, 'known fault')} "
        f"that {verb}{half if detection.known > 1 else ''}{last}."
    )


def detection_of(result: Result, figures: DetectionFigures | None = None) -> DetectionTable:
    """Return the detection power at the size of a run; ``figures`` are those of this package by default."""
    return DetectionTable(result, figures or load_figures(MERCHANTS_FILE if is_merchant_run(result.run) else FILE))
