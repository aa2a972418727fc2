"""The command ``init``: writes the files that a kind of project begins with."""

from __future__ import annotations

import sys
from pathlib import Path

from conformance.cli.arguments import Init
from conformance.cli.scaffold import KINDS, choices_from, texts_of, write_new


def main(arguments: Init) -> int:
    """Write the files, and say which they are and what to type next; return 0."""
    kind = KINDS[arguments.kind]
    choices = choices_from(arguments.profile, operator=arguments.operator)
    texts = texts_of(kind, choices)
    folder = Path(arguments.folder)
    paths = write_new(texts, folder, force=arguments.force)
    lines = [*(f"Written: {path}" for path in paths), "", f"Next: {kind.next_command.format(profile=choices.profile)}"]
    if folder != Path():
        lines[-1] += f"  (in {folder})"
    sys.stdout.write("\n".join(lines) + "\n")
    return 0
