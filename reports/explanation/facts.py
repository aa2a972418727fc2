"""What the package knows of a rule: from the rulebook, the systematic set, and the measured detection power."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from conformance.domain.api_table import spec_of
from conformance.domain.citation import Citation
from conformance.domain.names import did_you_mean
from conformance.domain.order import Market, Profile
from conformance.errors import UsageError
from conformance.judging.rule_verdicts import CAPABILITIES
from conformance.model import ModelContext
from conformance.reports.detection_power import FILE, MERCHANTS_FILE, DetectionFigures, load_figures
from conformance.reports.model_coverage import EVERYTHING
from conformance.reports.wording.provider import ABLE, step_in_words
from conformance.rulebook import Rule, Rulebook, Switch, load, load_http_rules, load_obligations
from conformance.strategies.provider.case import Case
from conformance.strategies.provider.systematic import systematic

PROVIDER: Final = "provider"
HTTP: Final = "HTTP layer"
MERCHANT: Final = "merchant"

_CAPABILITIES: Final = {
    **CAPABILITIES,
    **ABLE,
    "wire": "be reached over HTTP",
    "capture": "capture",
    "deliver_http": "take signed deliveries",
}
"""What a target or an integration has to be able to do, in words."""
_COMMANDS: Final[Mapping[str, str]] = {
    PROVIDER: "run --target TARGET",
    HTTP: "fuzz --target TARGET",
    MERCHANT: "merchant --integration INTEGRATION",
}
"""The command that tests a rule of each party, up to the API."""


class Document(Struct, frozen=True):
    """Where a rule is documented. ``observed`` marks traffic that somebody recorded, and no documentation."""

    key: str
    title: str
    version: str
    published: str
    place: str
    observed: bool


class Interpretation(Struct, frozen=True):
    """One documented meaning of an ambiguous sentence, and whether it is accepted where the user chooses nothing."""

    name: str
    statement: str
    source: str
    accepted: bool


class Question(Struct, frozen=True, tag_field="kind", tag="interpretation"):
    """An ambiguous sentence: its meanings, why it is fixed if it is, and the titles of the rules that it touches."""

    id: str
    topic: str
    question: str
    interpretations: tuple[Interpretation, ...]
    fixed: str
    rules: dict[str, str]


class Coverage(Struct, frozen=True):
    """The histories of the systematic set that check a rule in one API, on one side of its boundary if it has one.

    ``situations`` has the number of histories by the situation that the order is in, the most frequent first.
    ``smallest`` are the steps of the shortest history.
    """

    api: str
    side: str
    histories: int
    situations: dict[str, int]
    smallest: tuple[str, ...]


class KnownFault(Struct, frozen=True):
    """A faulty implementation that violates the rule; ``alone`` if only it, and rules that fail with it, detect it."""

    name: str
    sentence: str
    alone: bool


class Explanation(Struct, frozen=True, tag_field="kind", tag="rule"):
    """What is known of a rule or an obligation.

    ``needs`` are the capabilities without which some of it cannot be tested, in words by name. ``reproduce`` are the
    arguments of commands.
    """

    id: str
    party: str
    title: str
    statement: str
    level: str
    status: str
    reason: str
    apis: tuple[str, ...]
    documents: tuple[Document, ...]
    questions: tuple[Question, ...]
    needs: dict[str, str]
    coverage: tuple[Coverage, ...]
    causes: tuple[str, ...]
    fails_with: tuple[str, ...]
    faults: tuple[KnownFault, ...]
    reproduce: tuple[str, ...]


def explain(name: str) -> Explanation | Question:
    """Return what is known of a rule, an obligation or an interpretation: ``EC-08``, ``ec-8`` or ``EC08``.

    Raises:
        UsageError: there is none of that name; the message suggests the nearest.

    """
    wanted = _spelling(name)
    for party, book in _books().items():
        for rule in book.rules:
            if _spelling(rule.id) == wanted:
                return _explanation(rule, book, party)
    for switch in load().switches:
        if _spelling(switch.id) == wanted:
            return _question(switch)
    raise UsageError(
        f"There is no rule, obligation or interpretation {name!r}.{did_you_mean(name, _names())} "
        "`cancel-conformance rules` lists the rules, and with --party merchant the obligations."
    )


def _spelling(name: str) -> str:
    """Return a name without what people leave out: capitals, hyphens and zeros in front of a number."""
    return re.sub(r"(?<!\d)0+(?=\d)", "", name.strip().casefold().replace("-", ""))


def _books() -> Mapping[str, Rulebook]:
    return {PROVIDER: load(), HTTP: load_http_rules(), MERCHANT: load_obligations()}


def _names() -> Iterator[str]:
    for book in _books().values():
        yield from (rule.id for rule in book.rules)
    yield from (switch.id for switch in load().switches)


def _explanation(rule: Rule, book: Rulebook, party: str) -> Explanation:
    profiles = rule.profiles
    test = [f"{_COMMANDS[party]} --profile {profile}" for profile in profiles]
    return Explanation(
        rule.id,
        party,
        rule.title,
        rule.statement,
        rule.level.value,
        rule.status.value,
        rule.reason,
        tuple(spec_of(profile).title for profile in profiles),
        tuple(_documents(rule, book)),
        tuple(_question(book.switch(switch)) for switch in rule.readings),
        {need: _CAPABILITIES[need] for need in (*rule.needs, *rule.partly)},
        tuple(_coverage(rule)) if party == PROVIDER else (),
        rule.causes,
        rule.neighbours,
        tuple(_known_faults(rule, load_figures(MERCHANTS_FILE if party == MERCHANT else FILE))),
        (*test, f"replay conformance-report {rule.id}"),
    )


def _documents(rule: Rule, book: Rulebook) -> Iterator[Document]:
    for citation in rule.sources:
        source = book.source(citation.source)
        yield Document(source.key, source.title, source.version, source.published, citation.place, source.observed)


def _question(switch: Switch) -> Question:
    meanings = (
        Interpretation(choice.name, choice.statement, choice.source, choice.name in switch.default)
        for choice in switch.choices
    )
    touched = {rule.id: rule.title for book in _books().values() for rule in book.rules if switch.id in rule.readings}
    return Question(switch.id, switch.topic, switch.question, tuple(meanings), switch.reason, touched)


def _coverage(rule: Rule) -> Iterator[Coverage]:
    for profile in rule.profiles:
        cases = systematic(profile, ModelContext(), EVERYTHING)
        for side in rule.sides or ("",):
            goal = str(Citation(rule.id, side))
            checking = [case for case in cases if goal in case.goals]
            if checking:
                yield _coverage_of(checking, profile, side)


def _coverage_of(cases: list[Case], profile: Profile, side: str) -> Coverage:
    situations = Counter(case.cell["situation"] for case in cases)
    smallest = min(cases, key=lambda case: len(case.history.steps)).history
    steps = (step_in_words(step, profile, Market.NO.currency) for step in smallest.all_steps)
    return Coverage(spec_of(profile).title, side, len(cases), dict(situations.most_common()), tuple(steps))


def _known_faults(rule: Rule, figures: DetectionFigures) -> list[KnownFault]:
    """Return the known faults that violate a rule, those first that nothing else detects."""
    violated: dict[str, set[str]] = {}
    sentences: dict[str, str] = {}
    for detections in figures.detections.values():
        for (_, rule_id), faults in detections.items():
            for fault in faults:
                violated.setdefault(fault.fault, set()).add(rule_id)
                if rule_id == rule.id:
                    sentences[fault.fault] = fault.sentence
    same = {rule.id, *rule.neighbours}
    known = (KnownFault(name, sentence, violated[name] <= same) for name, sentence in sorted(sentences.items()))
    return sorted(known, key=lambda fault: not fault.alone)
