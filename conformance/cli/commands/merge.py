"""The command ``merge``: makes one run of its shards."""

from __future__ import annotations

from pathlib import Path

from conformance.cli.arguments import Merge
from conformance.cli.options import DEFAULT_OUT
from conformance.cli.summary import print_ending
from conformance.errors import UsageError
from conformance.evidence.journal import JOURNAL_NAME
from conformance.reports import write_reports
from conformance.results.shard_merge import merge


def main(arguments: Merge) -> int:
    """Merge shards and write the reports; return the exit code of the merged run."""
    out = Path(DEFAULT_OUT if arguments.out is None else arguments.out)
    if (out / JOURNAL_NAME).exists():
        raise UsageError(f"{out} already holds the evidence of a run: name another --out directory.")
    merge([Path(directory) for directory in arguments.directories], out)
    result = write_reports(out)
    print_ending(result, out)
    return result.exit_code
