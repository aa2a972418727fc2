"""The command ``rules``: prints the rulebook.

With a copy of the documentation page, it marks the rules whose sentence has changed, and names the places that say
something else. Its exit code is 1 where a rule rests on one of them, and 4 where none does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from conformance.cli.arguments import Rules
from conformance.cli.output import output
from conformance.domain.order import Profile
from conformance.rulebook import load, load_obligations, read_page, stale_rules
from conformance.rulebook.render import render_json, render_markdown, render_text

CHANGED: Final = 1
CHANGED_ELSEWHERE: Final = 4
_RENDER: Final = {"text": render_text, "json": render_json, "markdown": render_markdown}


def main(arguments: Rules) -> int:
    """Print the rules; return 0, or what a comparison with the page says."""
    rulebook = load() if arguments.party == "provider" else load_obligations()
    stale = stale_rules(read_page(Path(arguments.docs)), rulebook) if arguments.docs else None
    profiles = tuple(map(Profile, arguments.profile or tuple(Profile)))
    output().answer(_RENDER[arguments.format](rulebook, stale=stale, profiles=profiles))
    if stale is None or not stale.changes:
        return 0
    return CHANGED if stale.stale else CHANGED_ELSEWHERE
