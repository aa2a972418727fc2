"""``verify``: every judgement and verdict of a run again, from its exchanges, without a network."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from conformance.reports.wording.sanitize import visible
from conformance.verification.verify import as_json, lines, verify


def main(arguments: argparse.Namespace) -> int:
    """Verify a directory or a bundle; return 0 where everything follows, 1 where not, 4 where it cannot be told."""
    key = None if arguments.public_key is None else Path(arguments.public_key)
    done = verify(Path(arguments.path), digest=arguments.digest, key=key)
    if arguments.format == "json":
        sys.stdout.write(json.dumps(as_json(done), indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"{visible(line)}\n" for line in lines(done)))
    return done.exit_code
