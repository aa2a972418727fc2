"""The command ``init``: writes the files that a kind of project begins with.

As JSON it has ``written`` (the paths of the files), ``next`` (the command to type), ``folder`` (where to type it) and
``exit_code``.
"""

from __future__ import annotations

from pathlib import Path

from conformance.cli.arguments import Init
from conformance.cli.output import output
from conformance.cli.scaffold import KINDS, choices_from, texts_of, write_new


def main(arguments: Init) -> int:
    """Write the files, and say which they are and what to type next; return 0."""
    kind = KINDS[arguments.kind]
    choices = choices_from(arguments.profile, operator=arguments.operator)
    texts = texts_of(kind, choices)
    folder = Path(arguments.folder)
    paths = write_new(texts, folder, force=arguments.force)
    command = kind.next_command.format(profile=choices.profile)
    place = "" if folder == Path() else f"  (in {folder})"
    output().say(*(f"Written: {path}" for path in paths), *kind.notes, "", f"Next: {command}{place}")
    written = [str(path) for path in paths]
    output().answer_json({"written": written, "next": command, "folder": str(folder), "exit_code": 0})
    return 0
