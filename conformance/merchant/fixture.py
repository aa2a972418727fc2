"""The pytest fixture ``cancel_conformance``: a merchant's run as a test of its own repository."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from conformance.judging.run_verdicts import blocks_conformance
from conformance.judging.verdicts import RunVerdict
from conformance.merchant.api import run_merchant
from conformance.reports.wording.headline import ending_note, headline, violations, warnings
from conformance.results.result import Result

SHOWN: Final = 10


class CancelConformance:
    """Tests an integration, and fails the test if it is not conformant.

    Args:
        directory: where evidence and reports go if a call names no other place.

    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._runs = 0

    def __call__(
        self,
        integration: Any,
        *,
        profiles: Iterable[str] | None = None,
        market: str = "no",
        budget: str = "quick",
        histories: int | None = None,
        seed: int = 0,
        strict: bool = False,
        waive: Mapping[str, str] | Iterable[str] = (),
        out: str | Path | None = None,
    ) -> Result:
        """Test an integration: an adapter class, or what the command line's ``--integration`` takes.

        Returns the result if it is conformant, and fails the test otherwise. What is recommended and not done is in
        ``result.rules`` as a warning.

        Raises:
            UsageError: an argument makes no sense.
            TargetUsageError: the integration makes no sense.

        """
        self._runs += 1
        directory = self._directory / f"conformance-report-{self._runs}" if out is None else Path(out)
        result = run_merchant(
            integration,
            profiles=profiles,
            market=market,
            budget=budget,
            histories=histories,
            seed=seed,
            strict=strict,
            waive=waive,
            out=directory,
        )
        if result.verdict is not RunVerdict.CONFORMANT:
            pytest.fail("\n".join(_told(result, directory)), pytrace=False)
        return result


def _told(result: Result, directory: Path) -> Iterable[str]:
    yield headline(result)
    if ending_note(result):
        yield ending_note(result)
    found = [*violations(result), *warnings(result)]
    for one in found[:SHOWN]:
        yield f"{one.rule.id} ({one.profile.value}, {one.verdict.value.lower()}): {one.reason}"
        if one.counterexample:
            yield f"  cancel-conformance replay {directory} {Path(one.counterexample).name}"
    if len(found) > SHOWN:
        yield f"and {len(found) - SHOWN} more"
    for one in result.rules:
        if blocks_conformance(one):
            yield f"{one.rule.id} ({one.profile.value}) is open: {one.verdict.value.lower()}: {one.reason}"
    yield f"Report: {directory / 'report.html'}"
