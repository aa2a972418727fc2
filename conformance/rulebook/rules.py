"""What the rulebook is made of: rules, the readings they may have, and where they are documented."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property

from conformance.domain.order import Profile


class Level(StrEnum):
    """How firmly the documentation states an outcome."""

    REQUIRED = "REQUIRED"
    """Stated: anything else is a violation."""
    MAY = "MAY"
    """Possible, not promised: each documented outcome is accepted, and the state that results is compared."""
    SHOULD = "SHOULD"
    """Recommended: a violation is a warning. Only what a merchant owes can be of this level."""
    SILENT = "SILENT"
    """Not stated: what happens is recorded and only the invariants are judged."""


class Status(StrEnum):
    """What the suite does with a rule."""

    CHECKED = "checked"
    RECORDED = "recorded"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Source:
    """A document that rules cite.

    ``observed`` marks somebody's recorded traffic or live test: evidence, and never alone a reason to fail anybody.
    """

    key: str
    title: str
    version: str
    published: str
    observed: bool = False


@dataclass(frozen=True, slots=True)
class SourceCitation:
    """A place in a source: a page heading or an OpenAPI element."""

    source: str
    place: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One documented reading of an ambiguous sentence."""

    name: str
    statement: str
    source: str


@dataclass(frozen=True, slots=True)
class Switch:
    """A question that the documentation leaves open, and the readings to choose from.

    ``default`` names the choices that are accepted when the user says nothing. A fixed switch has one
    choice that cannot be changed, and ``reason`` says why.
    """

    id: str
    topic: str
    question: str
    choices: tuple[Choice, ...]
    default: tuple[str, ...]
    fixed: bool
    reason: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the choices, in the order they are documented here."""
        return tuple(choice.name for choice in self.choices)


@dataclass(frozen=True, slots=True)
class Rule:
    """One documented sentence about Cancel.

    ``needs`` are the capabilities without which some side of the rule cannot be reached, ``partly`` those without which
    only a part of it can be put to the test. ``sides`` are the two sides of its boundary, if it has one. ``neighbours``
    state the same thing elsewhere: one defect turns all of them red. ``sentences`` are the digests of the sentences of
    the SEED page that the rule rests on. ``optional`` says that an answer may leave out what the rule is about.
    ``defects`` are those of real integrations that it catches.
    """

    id: str
    profiles: tuple[Profile, ...]
    level: Level
    status: Status
    title: str
    statement: str
    sources: tuple[SourceCitation, ...]
    reason: str
    causes: tuple[str, ...]
    readings: tuple[str, ...]
    needs: tuple[str, ...]
    sides: tuple[str, ...]
    neighbours: tuple[str, ...]
    sentences: tuple[str, ...]
    optional: bool
    defects: tuple[str, ...] = ()
    partly: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rulebook:
    """Every rule, switch and source, in the order of the data files."""

    rules: tuple[Rule, ...]
    switches: tuple[Switch, ...]
    sources: tuple[Source, ...]

    @cached_property
    def _rules(self) -> Mapping[str, Rule]:
        return {rule.id: rule for rule in self.rules}

    @cached_property
    def _switches(self) -> Mapping[str, Switch]:
        return {switch.id: switch for switch in self.switches}

    @cached_property
    def _sources(self) -> Mapping[str, Source]:
        return {source.key: source for source in self.sources}

    @cached_property
    def _governing(self) -> Mapping[Profile, tuple[Rule, ...]]:
        return {profile: tuple(r for r in self.rules if profile in r.profiles) for profile in Profile}

    def rule(self, rule_id: str) -> Rule:
        """Return the rule with this id, or raise ``KeyError``."""
        return self._rules[rule_id]

    def switch(self, switch_id: str) -> Switch:
        """Return the switch with this id, or raise ``KeyError``."""
        return self._switches[switch_id]

    def source(self, key: str) -> Source:
        """Return the source with this key, or raise ``KeyError``."""
        return self._sources[key]

    def governing(self, profile: Profile) -> tuple[Rule, ...]:
        """Return the rules that govern a profile, whatever their status."""
        return self._governing[profile]

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hex, over the canonical JSON of all the data: equal digests mean equal rules."""
        data = {
            "rules": [_as_data(rule) for rule in self.rules],
            "switches": [asdict(switch) for switch in self.switches],
            "sources": [asdict(source) for source in self.sources],
        }
        canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()


def _as_data(rule: Rule) -> dict[str, object]:
    # What was added later is left out where it is not used, so that it changes no digest.
    data = asdict(rule)
    for name in ("defects", "partly"):
        if not data[name]:
            del data[name]
    return data
