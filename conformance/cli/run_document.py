"""The JSON document of a command that ends with the result of a run.

It has the entries of `report.json` (`report.schema.json` describes them), with ``rules`` in two parts, and where the
files are:

- ``violated`` and ``not_tested``: the entries of ``rules`` that are violated, and those in scope that were not tested,
  or not tested enough, each with ``id``, ``profile``, ``verdict``, ``reason``, ``counterexample`` and the rest;
- ``directory``: the directory of the run; ``files``: the paths of its files by name;
- ``error``: why the target could not be tested to the end, where it could not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from conformance.cli.run_directory import files_of
from conformance.judging.verdicts import RuleVerdict
from conformance.reports.formats.json_report import report_as_json
from conformance.results.result import Result

_NOT_TESTED: Final = (RuleVerdict.INCONCLUSIVE, RuleVerdict.NOT_EXERCISED, RuleVerdict.THIN)


def run_document(result: Result, directory: Path, error: str | None = None) -> dict[str, Any]:
    """Return the document of a run."""
    report = report_as_json(result)
    rules = report.pop("rules")
    not_tested = {verdict.value for verdict in _NOT_TESTED}
    return {
        **report,
        "violated": [rule for rule in rules if rule["verdict"] == RuleVerdict.VIOLATED.value],
        "not_tested": [rule for rule in rules if rule["in_scope"] and rule["verdict"] in not_tested],
        "directory": str(directory),
        "files": files_of(directory),
        **({} if error is None else {"error": error}),
    }
