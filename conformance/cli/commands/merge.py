"""The command ``merge``: makes one run of its shards."""

from __future__ import annotations

from pathlib import Path

from conformance.cli.arguments import Merge
from conformance.cli.run_and_report import conclude
from conformance.cli.run_directory import run_directory
from conformance.cli.summary import print_ending
from conformance.reports import write_reports
from conformance.results.shard_merge import merge, read_shards


def main(arguments: Merge) -> int:
    """Merge shards and write the reports; return the exit code of the merged run."""
    directories = [Path(directory) for directory in arguments.directories]
    shards = read_shards(directories)
    out = run_directory(arguments.out, force=arguments.force, needed=directories)
    merge(shards, out)
    result = write_reports(out)
    print_ending(result, out)
    return conclude(result, out)
