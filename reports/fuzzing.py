"""What the reports say of fuzzing: the description and its own defects, the findings, what was drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from conformance.domain.order import Profile
from conformance.evidence.journal import Evidence, record_as_json
from conformance.evidence.record_parts import DescriptionRecord, part_as_json
from conformance.evidence.records import FuzzedRecord, FuzzProfileRecord, FuzzRecord

MOST: Final = 3
"""Findings of one rule in one profile that are told."""


@dataclass(frozen=True, slots=True)
class FuzzFinding:
    """One request that broke a rule, and the line for curl that sends it again."""

    rule: str
    profile: Profile
    operation: str
    label: str
    reason: str
    curl: str
    record: FuzzedRecord


@dataclass(frozen=True, slots=True)
class FuzzPart:
    """What there is to tell of a run's fuzzing."""

    document: DescriptionRecord
    findings: tuple[FuzzFinding, ...]
    profiles: tuple[FuzzProfileRecord, ...]
    """How each went on, once for every time that it was fuzzed."""
    unbegun: tuple[Profile, ...]
    """The APIs that were to be fuzzed, and at which the run did not arrive."""


def fuzz_part(evidence: Evidence) -> FuzzPart | None:
    """Return what there is to tell; None where nothing was fuzzed."""
    begun = evidence.first(FuzzRecord)
    if begun is None:
        return None
    parts = tuple(evidence.of(FuzzProfileRecord))
    arrived = {part.profile for part in parts} | {request.profile for request in evidence.of(FuzzedRecord)}
    unbegun = tuple(Profile(profile) for profile in begun.profiles if profile not in arrived)
    return FuzzPart(begun.document, tuple(_findings(evidence)), parts, unbegun)


def first_finding(evidence: Evidence, profile: Profile, rule: str) -> FuzzFinding | None:
    """Return the first request that broke a rule, or None."""
    found = (one for one in _findings(evidence) if (one.profile, one.rule) == (profile, rule))
    return next(found, None)


def _findings(evidence: Evidence) -> Iterator[FuzzFinding]:
    told: dict[tuple[str, str], int] = {}
    for record in evidence.of(FuzzedRecord):
        for finding in record.findings:
            key = (record.profile, finding.rule)
            told[key] = told.get(key, 0) + 1
            if told[key] <= MOST:
                yield FuzzFinding(
                    finding.rule,
                    Profile(record.profile),
                    record.operation,
                    record.label,
                    finding.reason,
                    record.curl,
                    record,
                )


def fuzz_as_json(evidence: Evidence) -> dict[str, Any] | None:
    """Return the part of `report.json` about fuzzing; None where nothing was fuzzed."""
    part = fuzz_part(evidence)
    if part is None:
        return None
    return {
        "document": part_as_json(part.document),
        "findings": [
            {
                "rule": one.rule,
                "profile": one.profile.value,
                "operation": one.operation,
                "request": one.record.id,
                "reason": one.reason,
                "curl": one.curl,
            }
            for one in part.findings
        ],
        "profiles": [
            {name: value for name, value in record_as_json(record).items() if name != "kind"}
            for record in part.profiles
        ],
    }
