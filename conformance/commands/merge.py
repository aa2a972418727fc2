"""``merge``: one verdict of the shards that several machines played."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from conformance.commands.ending import print_ending
from conformance.commands.errors import UsageError
from conformance.journal import JOURNAL_NAME
from conformance.merging import merge
from reports import write_reports

DEFAULT_OUT: Final = "conformance-report"


def main(arguments: argparse.Namespace) -> int:
    """Merge shards, write the reports, and return the exit code of the run that they make."""
    out = Path(arguments.out)
    if (out / JOURNAL_NAME).exists():
        raise UsageError(f"{out} already holds the evidence of a run: name another --out directory.")
    merge([Path(directory) for directory in arguments.directories], out)
    result = write_reports(out)
    print_ending(result, out)
    return result.exit_code
