"""Reading the rulebook's data files, strictly: what is wrong in them never reaches a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from conformance.domain.api_table import SPECS
from conformance.domain.order import Profile
from conformance.domain.registry import Registry
from conformance.domain.toml import TomlError, parse_toml
from conformance.rulebook.rules import Level, Rule, Rulebook, RuleStatus, Source, Switch

NEEDS: Final = frozenset({
    "age", "approve", "reject", "expire", "start_3ds", "finish_3ds", "fail_3ds",
    "become_due", "start_processing", "reserve", "charge", "fail", "wire", "concurrent", "units",
    "capture", "deliver_http",
})  # fmt: skip
"""Capabilities a rule may need: the test control's actions, ``age``, ``wire`` for a target that speaks HTTP, and
``concurrent`` for one that takes two requests at the same time, ``units`` for one that tells sales units apart,
``capture`` for a merchant's integration that captures, ``deliver_http`` for one that takes signed deliveries."""

_FOLDER: Final = resources.files("conformance.rulebook")
RULES: Final = Registry[Traversable]("file of rules")
"""The rules of each API alone, in TOML."""
for _profile in SPECS:
    RULES.register(_profile, _FOLDER / f"{_profile}.toml")
HTTP_FILES: Final = ("sources", "http", "readings")
MERCHANT_FILES: Final = ("sources", "merchant")
SEED: Final = "SEED"
"""The key of the page whose sentences are digested."""


class RulebookError(Exception):
    """The rulebook's data contradicts itself; the message says where."""


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    """One data file.

    ``profiles`` are those of every rule in it that names none. ``also`` are the general rules and invariants that
    govern these APIs as well, as far as those do not name them themselves.
    """

    profiles: tuple[Profile, ...] = ()
    also: tuple[str, ...] = ()
    rule: tuple[Rule, ...] = ()
    switch: tuple[Switch, ...] = ()
    source: tuple[Source, ...] = ()


def load() -> Rulebook:
    """Return the rules of Cancel: the general ones, those of every registered API, and the invariants."""
    return _load(tuple(RULES.items()))


@cache
def _load(api_files: tuple[tuple[Profile, Traversable], ...]) -> Rulebook:
    return parse(_texts(api_files))


def rule_texts() -> dict[str, str]:
    """Return the text of the data files of the rules of Cancel, by name without ending."""
    return _texts(tuple(RULES.items()))


def _texts(api_files: tuple[tuple[Profile, Traversable], ...]) -> dict[str, str]:
    own = {profile.value: path.read_text(encoding="utf-8") for profile, path in api_files}
    return {**read_files(("sources", "general")), **own, **read_files(("invariants", "readings"))}


@cache
def load_http_rules() -> Rulebook:
    """Return the rules of the HTTP layer, which only a run that fuzzes tests."""
    return parse(read_files(HTTP_FILES))


@cache
def load_obligations() -> Rulebook:
    """Return what a merchant's integration owes: a rulebook of its own, with the same sources."""
    return parse(read_files(MERCHANT_FILES))


def read_files(names: Iterable[str]) -> dict[str, str]:
    """Return the text of data files of this package, by name without ending."""
    return {name: _FOLDER.joinpath(f"{name}.toml").read_text(encoding="utf-8") for name in names}


def parse(texts: Mapping[str, str]) -> Rulebook:
    """Return the rulebook in these TOML texts, by file name without ending.

    Raises:
        RulebookError: a text is not TOML, has an unknown, a missing or an impossible entry, or contradicts another.

    """
    try:
        files = [parse_toml(text, _File, f"{name}.toml") for name, text in texts.items()]
    except TomlError as error:
        raise RulebookError(str(error)) from error
    rules = [replace(rule, profiles=rule.profiles or file.profiles) for file in files for rule in file.rule]
    for file in files:
        rules = _also_governing(file, rules)
    book = Rulebook(
        rules=_with_mutual_neighbours(rules),
        switches=tuple(switch for file in files for switch in file.switch),
        sources=tuple(source for file in files for source in file.source),
    )
    problems = list(_problems(book))
    if problems:
        raise RulebookError("; ".join(problems))
    return book


def _also_governing(file: _File, rules: list[Rule]) -> list[Rule]:
    """Return the rules with an API's file's own profiles added to those that it names under ``also``."""
    if unknown := sorted(set(file.also) - {rule.id for rule in rules}):
        raise RulebookError(f"also names {unknown[0]}, which is no rule")
    return [
        replace(rule, profiles=tuple(dict.fromkeys((*rule.profiles, *file.profiles)))) if rule.id in file.also else rule
        for rule in rules
    ]


def _with_mutual_neighbours(rules: list[Rule]) -> tuple[Rule, ...]:
    """Return the rules with every neighbour mutual: it is enough that one of the two names the other."""
    naming: dict[str, list[str]] = {}
    for rule in rules:
        for neighbour in rule.neighbours:
            naming.setdefault(neighbour, []).append(rule.id)
    return tuple(
        replace(rule, neighbours=tuple(dict.fromkeys((*rule.neighbours, *naming.get(rule.id, ()))))) for rule in rules
    )


def _problems(book: Rulebook) -> Iterable[str]:
    """Yield what contradicts itself between the entries."""
    names = [*(r.id for r in book.rules), *(s.id for s in book.switches), *(s.key for s in book.sources)]
    yield from (f"{name} is used twice" for name in _repeated(names))
    for rule in book.rules:
        yield from (f"{rule.id}: {problem}" for problem in _rule_problems(rule, book))
        yield from (
            f"{rule.id}: neighbour {other.id} governs another API"
            for other in book.rules
            if other.id in rule.neighbours and set(other.profiles).isdisjoint(rule.profiles)
        )
    for switch in book.switches:
        yield from (f"{switch.id}: {problem}" for problem in _switch_problems(switch, book))


def _rule_problems(rule: Rule, book: Rulebook) -> Iterable[str]:
    sources = {source.key: source for source in book.sources}
    cited = {citation.source for citation in rule.sources}
    yield from _unknown("source", cited, sources)
    yield from _unknown("reading", rule.readings, (switch.id for switch in book.switches))
    yield from _unknown("need", {*rule.needs, *rule.partly}, NEEDS)
    yield from _unknown("neighbour", rule.neighbours, {other.id for other in book.rules} - {rule.id})
    for name in ("profiles", "cited", "causes", "readings", "needs", "sides", "sentences", "defects", "partly"):
        if _repeated(getattr(rule, name)):
            yield f"{'sources' if name == 'cited' else name} names something twice"
    checked = rule.status is RuleStatus.CHECKED
    documented = {source for source in cited if source in sources and not sources[source].observed}
    problems = {
        "governs no profile": not rule.profiles,
        "has no source": not rule.sources,
        "has a title of more than eight words": len(rule.title.split()) > 8,
        "has a statement that is not a sentence": not rule.statement.endswith("."),
        "has a boundary with only one side": len(rule.sides) == 1,
        f"must keep digests exactly when it cites {SEED}": bool(rule.sentences) != (SEED in cited),
        "is checked and must have one to three causes, as questions": checked
        and not (1 <= len(rule.causes) <= 3 and all(cause.endswith("?") for cause in rule.causes)),
        "is checked and needs no reason": checked and bool(rule.reason),
        "is checked although the documentation is silent": checked and rule.level is Level.SILENT,
        "is required on observations alone": rule.level is Level.REQUIRED and not documented,
        f"is {rule.status} and must say why, in a sentence": not checked and not rule.reason.endswith("."),
        f"is {rule.status} and cannot be violated: it has no causes": not checked and bool(rule.causes),
    }
    yield from (problem for problem, present in problems.items() if present)


def _switch_problems(switch: Switch, book: Rulebook) -> Iterable[str]:
    yield from _unknown("source", {choice.source for choice in switch.choices}, {source.key for source in book.sources})
    yield from _unknown("default", switch.default, switch.names)
    if _repeated(switch.names):
        yield "has two choices of one name"
    if not switch.default:
        yield "accepts nothing by default"
    if not switch.question.endswith("?"):
        yield "has a question that is not one"
    if switch.fixed != (len(switch.choices) == 1) or switch.fixed != bool(switch.reason):
        yield "must have one choice and a reason when it is fixed, and several and no reason when it is not"


def _repeated(names: Iterable[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)


def _unknown(what: str, names: Iterable[str], known: Iterable[str]) -> Iterable[str]:
    yield from (f"unknown {what} {name}" for name in sorted(set(names) - set(known)))
