"""Reading the rulebook's data files, strictly: what is wrong in them never reaches a verdict."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any, TypeVar

from conformance.domain.order import Profile
from conformance.rulebook.rules import Choice, Level, Rule, Rulebook, Source, SourceCitation, Status, Switch

NEEDS = frozenset({
    "age", "approve", "reject", "expire", "start_3ds", "finish_3ds", "fail_3ds",
    "become_due", "start_processing", "reserve", "charge", "fail", "wire", "concurrent", "units",
    "capture",
})  # fmt: skip
"""Capabilities a rule may need: the test control's actions, ``age``, ``wire`` for a target that speaks HTTP, and
``concurrent`` for one that takes two requests at the same time, ``units`` for one that tells sales units apart,
``capture`` for a merchant's integration that captures."""

RULE_FILES = ("general", "ecom", "epayment", "recurring", "invariants")
MERCHANT_FILE = "merchant"
SEED = "SEED"
"""The key of the page whose sentences are digested."""

_RULE_KEYS = frozenset({
    "id", "profiles", "level", "status", "title", "statement", "sources", "reason", "causes",
    "readings", "needs", "sides", "neighbours", "sentences", "optional", "defects",
    "partly",
})  # fmt: skip
_SWITCH_KEYS = frozenset({"id", "topic", "question", "choices", "default", "fixed", "reason"})
_SOURCE_KEYS = frozenset({"key", "title", "version", "published", "observed"})
_CHOICE_KEYS = frozenset({"name", "statement", "source"})
_T = TypeVar("_T")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class RulebookError(Exception):
    """The rulebook's data contradicts itself; the message says where."""


@cache
def load() -> Rulebook:
    """Return the rulebook that this package carries."""
    folder = resources.files("conformance.rulebook")
    names = (*RULE_FILES, "readings", "sources")
    return parse({name: folder.joinpath(f"{name}.toml").read_text(encoding="utf-8") for name in names})


@cache
def load_http_rules() -> Rulebook:
    """Return the rules of the HTTP layer, which only a run that fuzzes puts to the test."""
    return _beside("wire", ("readings", "sources"))


@cache
def load_obligations() -> Rulebook:
    """Return what a merchant's integration owes: a rulebook of its own, with the same sources."""
    return _beside(MERCHANT_FILE, ("sources",))


def _beside(name: str, shared: Iterable[str]) -> Rulebook:
    """Return a rulebook that stands beside the one of Cancel and shares some of its files."""
    folder = resources.files("conformance.rulebook")
    texts = {each: folder.joinpath(f"{each}.toml").read_text(encoding="utf-8") for each in (name, *shared)}
    return parse({"readings": "", **texts}, (name,))


def parse(files: Mapping[str, str], rule_files: Iterable[str] = RULE_FILES) -> Rulebook:
    """Return the rulebook in these TOML texts, by file name without ending; ``rule_files`` are those that have rules.

    Raises:
        RulebookError: a text is not TOML, or what it says does not hold together.

    """
    data = {name: _toml(name, text) for name, text in files.items()}
    rules = [
        _guarded({"profiles": data[name].get("profiles", []), **entry}, _rule)
        for name in rule_files
        for entry in data[name].get("rule", [])
    ]
    book = Rulebook(
        rules=_symmetric(rules),
        switches=tuple(_guarded(entry, _switch) for entry in data["readings"].get("switch", [])),
        sources=tuple(
            _guarded(entry, _source) for name in ("sources", *rule_files) for entry in data[name].get("source", [])
        ),
    )
    problems = list(_problems(book))
    if problems:
        raise RulebookError("; ".join(problems))
    return book


def _toml(name: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RulebookError(f"{name}.toml: {error}") from error


def _guarded(entry: Mapping[str, Any], build: Callable[[Mapping[str, Any]], _T]) -> _T:
    """Build one entry, naming it when a key is missing or a value is not what it must be."""
    try:
        return build(entry)
    except KeyError as error:
        raise RulebookError(f"{_name(entry)}: {error.args[0]} is missing") from error
    except (TypeError, ValueError) as error:
        raise RulebookError(f"{_name(entry)}: {error}") from error


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry.get("id") or entry.get("key") or "an entry without a name")


def _only(entry: Mapping[str, Any], known: frozenset[str]) -> None:
    unknown = sorted(entry.keys() - known)
    if unknown:
        raise ValueError(f"unknown key {', '.join(unknown)}")


def _text(entry: Mapping[str, Any], key: str, *, optional: bool = False) -> str:
    value = entry.get(key, "") if optional else entry[key]
    if not isinstance(value, str) or not (value or optional) or value != value.strip():
        raise TypeError(f"{key} must be a text without surrounding space")
    return value


def _texts(entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = entry.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise TypeError(f"{key} must be a list of texts")
    if len(set(value)) != len(value):
        raise ValueError(f"{key} names something twice")
    return tuple(value)


def _flag(entry: Mapping[str, Any], key: str) -> bool:
    value = entry.get(key, False)
    if not isinstance(value, bool):
        raise TypeError(f"{key} must be true or false")
    return value


def _citation(text: str) -> SourceCitation:
    key, colon, place = text.partition(": ")
    if not colon or not place:
        raise ValueError(f"{text!r} is not a source and a place, as in 'SEED: Cancel a pending order'")
    return SourceCitation(key, place)


def _rule(entry: Mapping[str, Any]) -> Rule:
    _only(entry, _RULE_KEYS)
    return Rule(
        id=_text(entry, "id"),
        profiles=tuple(Profile(profile) for profile in _texts(entry, "profiles")),
        level=Level(entry["level"]),
        status=Status(entry["status"]),
        title=_text(entry, "title"),
        statement=_text(entry, "statement"),
        sources=tuple(_citation(text) for text in _texts(entry, "sources")),
        reason=_text(entry, "reason", optional=True),
        causes=_texts(entry, "causes"),
        readings=_texts(entry, "readings"),
        needs=_texts(entry, "needs"),
        sides=_texts(entry, "sides"),
        neighbours=_texts(entry, "neighbours"),
        sentences=_texts(entry, "sentences"),
        optional=_flag(entry, "optional"),
        defects=_texts(entry, "defects"),
        partly=_texts(entry, "partly"),
    )


def _choice(entry: Mapping[str, Any]) -> Choice:
    _only(entry, _CHOICE_KEYS)
    return Choice(_text(entry, "name"), _text(entry, "statement"), _text(entry, "source"))


def _switch(entry: Mapping[str, Any]) -> Switch:
    _only(entry, _SWITCH_KEYS)
    choices = tuple(_choice(choice) for choice in entry["choices"])
    names = tuple(choice.name for choice in choices)
    return Switch(
        id=_text(entry, "id"),
        topic=_text(entry, "topic"),
        question=_text(entry, "question"),
        choices=choices,
        default=names if entry["default"] == "any" else _texts(entry, "default"),
        fixed=_flag(entry, "fixed"),
        reason=_text(entry, "reason", optional=True),
    )


def _source(entry: Mapping[str, Any]) -> Source:
    _only(entry, _SOURCE_KEYS)
    return Source(
        key=_text(entry, "key"),
        title=_text(entry, "title"),
        version=_text(entry, "version"),
        published=_text(entry, "published"),
        observed=_flag(entry, "observed"),
    )


def _symmetric(rules: list[Rule]) -> tuple[Rule, ...]:
    """Make every neighbour mutual: it is enough that one of the two names the other."""
    return tuple(
        replace(
            rule,
            neighbours=tuple(dict.fromkeys((*rule.neighbours, *(r.id for r in rules if rule.id in r.neighbours)))),
        )
        for rule in rules
    )


def _problems(book: Rulebook) -> Iterable[str]:
    """Yield what does not hold together between the entries."""
    names = [*(r.id for r in book.rules), *(s.id for s in book.switches), *(s.key for s in book.sources)]
    yield from (f"{name} is used twice" for name in sorted({name for name in names if names.count(name) > 1}))
    rules = {rule.id for rule in book.rules}
    switches = {switch.id for switch in book.switches}
    sources = {source.key: source for source in book.sources}
    for rule in book.rules:
        yield from (f"{rule.id}: {problem}" for problem in _rule_problems(rule, rules, switches, sources))
        yield from (
            f"{rule.id}: neighbour {other.id} governs another API"
            for other in book.rules
            if other.id in rule.neighbours and set(other.profiles).isdisjoint(rule.profiles)
        )
    for switch in book.switches:
        yield from (f"{switch.id}: {problem}" for problem in _switch_problems(switch, sources))


def _rule_problems(rule: Rule, rules: set[str], switches: set[str], sources: Mapping[str, Source]) -> Iterable[str]:
    cited = {citation.source for citation in rule.sources}
    yield from _unknown("source", cited, sources)
    yield from _unknown("reading", rule.readings, switches)
    yield from _unknown("need", {*rule.needs, *rule.partly}, NEEDS)
    yield from _unknown("neighbour", rule.neighbours, rules - {rule.id})
    checked = rule.status is Status.CHECKED
    documented = {source for source in cited if source in sources and not sources[source].observed}
    faults = {
        "governs no profile": not rule.profiles,
        "has no source": not rule.sources,
        "has a title of more than eight words": len(rule.title.split()) > 8,
        "has a statement that is not a sentence": not rule.statement.endswith("."),
        "has a boundary with only one side": len(rule.sides) == 1,
        "has a sentence that is not a SHA-256 digest in hex": not all(map(_DIGEST.fullmatch, rule.sentences)),
        f"must keep digests exactly when it cites {SEED}": bool(rule.sentences) != (SEED in cited),
        "is checked and must have one to three causes, as questions": checked
        and not (1 <= len(rule.causes) <= 3 and all(cause.endswith("?") for cause in rule.causes)),
        "is checked and needs no reason": checked and bool(rule.reason),
        "is checked although the documentation is silent": checked and rule.level is Level.SILENT,
        "is required on observations alone": rule.level is Level.REQUIRED and not documented,
        f"is {rule.status} and must say why, in a sentence": not checked and not rule.reason.endswith("."),
        f"is {rule.status} and cannot be violated: it has no causes": not checked and bool(rule.causes),
    }
    yield from (message for message, found in faults.items() if found)


def _switch_problems(switch: Switch, sources: Mapping[str, Source]) -> Iterable[str]:
    yield from _unknown("source", {choice.source for choice in switch.choices}, sources)
    yield from _unknown("default", switch.default, switch.names)
    if len(set(switch.names)) != len(switch.names):
        yield "has two choices of one name"
    if not switch.default:
        yield "accepts nothing by default"
    if not switch.question.endswith("?"):
        yield "has a question that is not one"
    if switch.fixed != (len(switch.choices) == 1) or switch.fixed != bool(switch.reason):
        yield "must have one choice and a reason when it is fixed, and several and no reason when it is not"


def _unknown(what: str, names: Iterable[str], known: Iterable[str]) -> Iterable[str]:
    yield from (f"unknown {what} {name}" for name in sorted(set(names) - set(known)))
