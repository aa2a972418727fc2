"""The JSON Schema of options in files: ``python -m tests.cli.config_schema > conformance/cli/config.schema.json``."""

import json
import sys

from msgspec.json import schema_components

from conformance.cli.config import options_of, table_type
from conformance.cli.main import cli


def config_schema():
    """Return the schema of ``[tool.cancel-conformance]``, made from the commands' own options."""
    types = {name: table_type(command) for name, command in cli.commands.items()}
    tables, parts = schema_components(types.values(), ref_template="#/$defs/{name}")
    for name, command in cli.commands.items():
        properties = parts[name]["properties"]
        for key, option in options_of(command):
            properties[key] = {**properties[key], "description": option.help}
        parts[name] |= {"title": f"cancel-conformance {name}", "description": command.help.partition("\n")[0]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:cancel-conformance:config:1",
        "title": "Options of cancel-conformance",
        "description": "The table [tool.cancel-conformance] of pyproject.toml, and the tables of a --config file.",
        "type": "object",
        "additionalProperties": False,
        "properties": dict(zip(types, tables, strict=True)),
        "$defs": parts,
    }


def text():
    """Return the text of the file."""
    return json.dumps(config_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
