"""The command ``schema``: prints the JSON Schema of a file that the suite reads or writes.

With either format the output is the schema.
"""

from __future__ import annotations

from importlib.resources import files

from conformance.cli.arguments import SCHEMAS, Schema
from conformance.cli.output import output


def main(arguments: Schema) -> int:
    """Print a schema of the package; return 0."""
    name = arguments.schema
    output().answer(files(SCHEMAS[name]).joinpath(f"{name}.schema.json").read_text(encoding="utf-8"))
    return 0
