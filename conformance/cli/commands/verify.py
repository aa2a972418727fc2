"""The command ``verify``: recomputes every verdict of a run from its exchanges.

It needs no network.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from conformance.cli.arguments import Verify
from conformance.reports.wording.sanitize import visible
from conformance.verification.verify import as_json, lines, verify


def main(arguments: Verify) -> int:
    """Verify a directory or a bundle.

    Returns 0 where everything follows from the evidence, 1 where something does not, 4 where it cannot be known.
    """
    key = None if arguments.public_key is None else Path(arguments.public_key)
    verification = verify(Path(arguments.path), digest=arguments.digest, key=key)
    if arguments.format == "json":
        sys.stdout.write(json.dumps(as_json(verification), indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"{visible(line)}\n" for line in lines(verification)))
    return verification.exit_code
