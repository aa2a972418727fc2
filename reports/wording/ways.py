"""Sentences about a shop's ways: those that its integration declares, and those that were only observed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.domain.api_table import spec_of
from conformance.domain.order import Profile
from conformance.evidence.records import CapabilitiesRecord
from conformance.reports.wording.integration import declarations_in_words
from conformance.reports.wording.provider import counted
from conformance.results.result import Result
from conformance.results.ways import observed_ways


def declared_ways(result: Result) -> str:
    """Return the ways that the integration declares, as one phrase; empty where it declares none."""
    declared: dict[str, Any] = {}
    for record in result.evidence.of(CapabilitiesRecord):
        declared |= record.declared
    return declarations_in_words(declared)


def undeclared_ways(result: Result) -> Iterator[str]:
    """Yield the ways that were observed and are not declared, each as a phrase that says what to declare."""
    for way in observed_ways(result.evidence):
        words = declarations_in_words({way.name: way.seconds or True})
        where = f"in {counted(way.histories, 'history', 'histories')} of {spec_of(Profile(way.profile)).title}"
        yield f"{words}, {where} (not declared: {way.name}{f'={way.seconds}' if way.seconds else ''})"
