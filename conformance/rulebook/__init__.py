"""The documented rules of Cancel as data, their loader, and the readings of what is ambiguous.

``load()`` returns the rulebook, ``load_http_rules()`` the rules of the HTTP layer, ``load_obligations()`` what a
merchant owes. ``Readings`` are the documented readings that a run accepts; ``stale_rules`` compares the rules with a
copy of the page that they rest on.
"""

from conformance.rulebook.loader import NEEDS, RulebookError, load, load_http_rules, load_obligations
from conformance.rulebook.readings import ReadingError, Readings
from conformance.rulebook.rules import Choice, Level, Rule, Rulebook, RuleStatus, Source, SourceCitation, Switch
from conformance.rulebook.source_drift import PageError, Staleness, read_page, stale_rules

__all__ = [
    "NEEDS",
    "Choice",
    "Level",
    "PageError",
    "ReadingError",
    "Readings",
    "Rule",
    "RuleStatus",
    "Rulebook",
    "RulebookError",
    "Source",
    "SourceCitation",
    "Staleness",
    "Switch",
    "load",
    "load_http_rules",
    "load_obligations",
    "read_page",
    "stale_rules",
]
