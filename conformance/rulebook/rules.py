"""What the rulebook is made of: rules, the readings they may have, and where they are documented.

Their fields are the keys of the tables in the data files, and their types say what may stand there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, field, to_builtins

from conformance.domain.order import Profile
from conformance.domain.toml import Text, Texts

ANY: Final = "any"
GIVEN: Final = "given"
PERMITTED: Final = "permitted"
EXCEPT: Final = "except:"
"""Begins the name of an API in which a clause has nothing that shows it."""

SourceText = Annotated[
    str,
    Meta(pattern=r"\A[^\s:]+: \S", description="a source and a place, as in 'SEED: Cancel a pending order'"),
]
ClauseText = Annotated[
    str,
    Meta(
        pattern=r"\A\S.*\S: \S",
        description="words of the statement and the fields that show them, as in 'is refused: answer.outcome'",
    ),
]
Digest = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z", description="a SHA-256 digest in hex")]


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


class RuleStatus(StrEnum):
    """What the suite does with a rule."""

    CHECKED = "checked"
    RECORDED = "recorded"
    EXCLUDED = "excluded"


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """A document that rules cite.

    ``observed`` marks somebody's recorded traffic or live test: evidence, and never alone a reason to fail anybody.
    """

    key: Text
    title: Text
    version: Text
    published: Text
    observed: bool = False


@dataclass(frozen=True, slots=True)
class SourceCitation:
    """A place in a source: a page heading or an OpenAPI element."""

    source: str
    place: str

    @classmethod
    def parse(cls, text: str) -> SourceCitation:
        """Return the citation that a data file writes as ``SEED: Cancel a pending order``."""
        source, _, place = text.partition(": ")
        return cls(source, place)


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a rule's statement, and what shows whether it holds.

    Attributes:
        words: the part, word for word.
        fields: the fields of an observation of which one at least is judged under the rule, in every API that it
            governs; a name may end in ``*``. ``given`` instead says that the words are the rule's premise, and
            ``permitted`` that they permit an outcome and demand none.
        exempt: the APIs in which nothing shows it.

    """

    words: str
    fields: tuple[str, ...]
    exempt: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Clause:
        """Return the clause that a data file writes as ``is refused: answer.outcome answer.status``."""
        words, _, names = text.rpartition(": ")
        exempt = tuple(name.removeprefix(EXCEPT) for name in names.split() if name.startswith(EXCEPT))
        return cls(words, tuple(name for name in names.split() if not name.startswith(EXCEPT)), exempt)


class Choice(Struct, frozen=True, forbid_unknown_fields=True):
    """One documented reading of an ambiguous sentence."""

    name: Text
    statement: Text
    source: Text


class Switch(Struct, frozen=True, forbid_unknown_fields=True):
    """A question that the documentation leaves open, and the readings to choose from.

    A fixed switch has one choice that cannot be changed, and ``reason`` says why.
    """

    id: Text
    topic: Text
    question: Text
    choices: tuple[Choice, ...]
    listed: Literal["any"] | Texts = field(name="default")
    """The default as the data file has it."""
    fixed: bool = False
    reason: Text = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the choices, in the order they are documented here."""
        return tuple(choice.name for choice in self.choices)

    @property
    def default(self) -> tuple[str, ...]:
        """The names of the choices that are accepted when the user chooses nothing."""
        return self.names if isinstance(self.listed, str) else self.listed


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """One documented sentence about Cancel.

    ``needs`` are the capabilities without which some side of the rule cannot be reached, ``partly`` those without which
    only a part of it can be tested. ``sides`` are the two sides of its boundary, if it has one. ``neighbours``
    state the same thing elsewhere: one defect turns all of them red. ``sentences`` are the digests of the sentences of
    the SEED page that the rule rests on. ``optional`` says that a response may leave out what the rule is about.
    ``defects`` are those of real integrations that it catches. ``clauses`` are what the statement says, part by part,
    each with the fields of an observation that show it.
    """

    id: Text
    level: Level
    status: RuleStatus
    title: Text
    statement: Text
    cited: tuple[SourceText, ...] = field(name="sources", default=())
    """The sources as the data file has them."""
    profiles: tuple[Profile, ...] = ()
    reason: Text = ""
    causes: Texts = ()
    readings: Texts = ()
    needs: Texts = ()
    sides: Texts = ()
    neighbours: Texts = ()
    sentences: tuple[Digest, ...] = ()
    optional: bool = False
    defects: Texts = ()
    partly: Texts = ()
    parts: tuple[ClauseText, ...] = field(name="clauses", default=())
    """The clauses as the data file has them."""

    @property
    def clauses(self) -> tuple[Clause, ...]:
        """What the statement says, part by part, and what shows whether it holds."""
        return tuple(Clause.parse(text) for text in self.parts)

    @property
    def sources(self) -> tuple[SourceCitation, ...]:
        """Where the rule is documented."""
        return tuple(SourceCitation.parse(text) for text in self.cited)


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
        return {profile: tuple(rule for rule in self.rules if profile in rule.profiles) for profile in Profile}

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
        """Return the rules that govern an API, whatever their status."""
        return self._governing.get(profile, ())

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hex, over the canonical JSON of all the data: equal digests mean equal rules."""
        data = {
            "rules": [_rule_data(rule) for rule in self.rules],
            "switches": [{**to_builtins(switch), "default": switch.default} for switch in self.switches],
            "sources": to_builtins(self.sources),
        }
        canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()


def _rule_data(rule: Rule) -> dict[str, object]:
    data = {**to_builtins(rule, enc_hook=str), "sources": [asdict(citation) for citation in rule.sources]}
    # What was added later is left out where it is not used, so that it changes no digest.
    for name in ("defects", "partly", "clauses"):
        if not data[name]:
            del data[name]
    return data
