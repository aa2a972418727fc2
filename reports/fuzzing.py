"""The fuzzing of a run, as the reports show it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from conformance.domain.order import Profile
from conformance.evidence.journal import Evidence, record_as_json
from conformance.evidence.record_parts import DescriptionRecord, part_as_json
from conformance.evidence.records import FuzzedRecord, FuzzProfileRecord, FuzzRecord

MOST_FINDINGS: Final = 3
"""The most findings of a rule in an API that are shown."""


@dataclass(frozen=True, slots=True)
class FuzzFinding:
    """A request that violated a rule, and the curl command that sends it again."""

    rule: str
    profile: Profile
    operation: str
    label: str
    reason: str
    curl: str
    record: FuzzedRecord


@dataclass(frozen=True, slots=True)
class FuzzPart:
    """The fuzzing of a run: its description, its findings, and what was sent."""

    document: DescriptionRecord
    findings: tuple[FuzzFinding, ...]
    profiles: tuple[FuzzProfileRecord, ...]
    """What was sent to each API, once for every time that it was fuzzed."""
    not_reached: tuple[Profile, ...]
    """The APIs that were to be fuzzed and that the run did not get to."""


def fuzz_part(evidence: Evidence) -> FuzzPart | None:
    """Return the fuzzing of a run; None where nothing was fuzzed."""
    begun = evidence.first(FuzzRecord)
    if begun is None:
        return None
    parts = tuple(evidence.of(FuzzProfileRecord))
    reached = {part.profile for part in parts} | {request.profile for request in evidence.of(FuzzedRecord)}
    not_reached = tuple(Profile(profile) for profile in begun.profiles if profile not in reached)
    return FuzzPart(begun.document, tuple(_findings(evidence)), parts, not_reached)


def first_finding(evidence: Evidence, profile: Profile, rule: str) -> FuzzFinding | None:
    """Return the first request that violated a rule, or None."""
    findings = (finding for finding in _findings(evidence) if (finding.profile, finding.rule) == (profile, rule))
    return next(findings, None)


def _findings(evidence: Evidence) -> Iterator[FuzzFinding]:
    counts: dict[tuple[str, str], int] = {}
    for record in evidence.of(FuzzedRecord):
        for finding in record.findings:
            key = (record.profile, finding.rule)
            counts[key] = counts.get(key, 0) + 1
            if counts[key] <= MOST_FINDINGS:
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
    """Return the `fuzz` part of `report.json`; None where nothing was fuzzed."""
    part = fuzz_part(evidence)
    if part is None:
        return None
    return {
        "document": part_as_json(part.document),
        "findings": [
            {
                "rule": finding.rule,
                "profile": finding.profile.value,
                "operation": finding.operation,
                "request": finding.record.id,
                "reason": finding.reason,
                "curl": finding.curl,
            }
            for finding in part.findings
        ],
        "profiles": [
            {name: value for name, value in record_as_json(record).items() if name != "kind"}
            for record in part.profiles
        ],
    }
