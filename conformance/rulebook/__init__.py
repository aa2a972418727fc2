"""The documented rules of Cancel as data, their loader, and the readings of what is ambiguous.

``load()`` gives the rulebook, ``load_wire()`` the rules of the HTTP layer; ``Readings`` says which documented readings
a run accepts; ``stale_rules`` compares the rules with a copy of the page that they rest on.
"""

from conformance.rulebook.loader import NEEDS, RulebookError, load, load_obligations, load_wire
from conformance.rulebook.readings import ReadingError, Readings
from conformance.rulebook.rules import Choice, Citation, Level, Rule, Rulebook, Source, Status, Switch
from conformance.rulebook.source_drift import PageError, Staleness, read_page, stale_rules

__all__ = [
    "NEEDS",
    "Choice",
    "Citation",
    "Level",
    "PageError",
    "ReadingError",
    "Readings",
    "Rule",
    "Rulebook",
    "RulebookError",
    "Source",
    "Staleness",
    "Status",
    "Switch",
    "load",
    "load_obligations",
    "load_wire",
    "read_page",
    "stale_rules",
]
