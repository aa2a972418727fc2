"""The two JSON Schemas, as they are found in the packages."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator, ValidationError


def journal_schema() -> dict[str, Any]:
    return json.loads(files("conformance.evidence").joinpath("journal.schema.json").read_text(encoding="utf-8"))


def report_schema() -> dict[str, Any]:
    return json.loads(files("conformance.reports").joinpath("report.schema.json").read_text(encoding="utf-8"))


def faults_of(records: Iterable[dict[str, Any]]) -> list[ValidationError]:
    """What is wrong with records. Each is held against the definition of its kind, as the schema does."""
    definitions = journal_schema()["$defs"]
    kinds = {
        kind: Draft202012Validator({"$defs": definitions, **definitions[kind]})
        for kind in journal_schema()["properties"]["kind"]["enum"]
    }
    return [fault for record in records for fault in kinds[record["kind"]].iter_errors(record)]
