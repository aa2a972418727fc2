"""The pytest fixture ``cancel_conformance``: a merchant's run as a test in the merchant's own repository."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from conformance.domain.visible_text import visible
from conformance.judging.run_verdicts import blocks_conformance
from conformance.judging.verdicts import RunVerdict
from conformance.merchant.api import run_merchant
from conformance.reports.wording.headline import ending_note, headline, violations, warnings
from conformance.results.result import Result

SHOWN: Final = 10
"""How many violations and warnings the failure of a test lists."""


class CancelConformance:
    """Tests an integration, and fails the test if it is not conformant.

        def test_cancel(cancel_conformance):
            cancel_conformance(Adapter, budget="quick")

    Args:
        directory: where evidence and reports go unless a call names another place.

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
        declare: Mapping[str, Any] | Iterable[str] = (),
        out: str | Path | None = None,
    ) -> Result:
        """Test an integration; return the result if it is conformant, and fail the test otherwise.

        The arguments are those of `run_merchant`. Recommendations that are not followed are warnings in
        ``result.rules``.

        Raises:
            UsageError: An argument makes no sense.
            TargetUsageError: The integration makes no sense.

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
            declare=declare,
            out=directory,
        )
        if result.verdict is not RunVerdict.CONFORMANT:
            pytest.fail(visible("\n".join(_failure_lines(result, directory))), pytrace=False)
        return result


def _failure_lines(result: Result, directory: Path) -> Iterable[str]:
    yield headline(result)
    if ending_note(result):
        yield ending_note(result)
    problems = [*violations(result), *warnings(result)]
    for problem in problems[:SHOWN]:
        yield f"{problem.rule.id} ({problem.profile.value}, {problem.verdict.value.lower()}): {problem.reason}"
        if problem.counterexample:
            target = shlex.quote(result.run.target.name)
            yield f"  cancel-conformance replay {directory} {Path(problem.counterexample).name} --target {target}"
    if len(problems) > SHOWN:
        yield f"and {len(problems) - SHOWN} more"
    for blocking in filter(blocks_conformance, result.rules):
        verdict = blocking.verdict.value.lower()
        yield f"{blocking.rule.id} ({blocking.profile.value}) is open: {verdict}: {blocking.reason}"
    yield f"Report: {directory / 'report.html'}"
