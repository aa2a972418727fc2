"""The command ``explain``: what is known of one rule, obligation or interpretation."""

from __future__ import annotations

import shutil
from typing import Final

from msgspec import json

from conformance.cli.arguments import Explain
from conformance.cli.output import output
from conformance.reports.explanation.facts import explain
from conformance.reports.explanation.render import render_text

WIDEST: Final = 100
"""The most characters of a line, however wide the terminal is."""


def main(arguments: Explain) -> int:
    """Print the explanation; return 0."""
    explained = explain(arguments.name)
    if arguments.format == "json":
        output().answer(json.format(json.encode(explained), indent=2).decode() + "\n")
    else:
        output().answer(render_text(explained, min(shutil.get_terminal_size().columns, WIDEST)))
    return 0
