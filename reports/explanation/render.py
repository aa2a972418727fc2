"""An explanation as text for a terminal of any width."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from conformance.reports.explanation.facts import MERCHANT, Coverage, Explanation, Interpretation, KnownFault, Question
from conformance.reports.wording.provider import counted, sentence
from conformance.rulebook import Level, RuleStatus

PROGRAM: Final = "cancel-conformance"
FEW: Final = 6
"""The most situations, and the most faults of a kind, that are listed."""
_LEVELS: Final[Mapping[str, str]] = {
    Level.REQUIRED: "required: anything else is a violation",
    Level.MAY: "permitted: every documented outcome is accepted",
    Level.SHOULD: "recommended: a violation is a warning",
    Level.SILENT: "undocumented: what happens is observed, not judged",
}
_STATUSES: Final[Mapping[str, str]] = {
    RuleStatus.CHECKED: "yes",
    RuleStatus.RECORDED: "no, it is observed",
    RuleStatus.EXCLUDED: "no, it cannot be tested",
}


def render_text(explained: Explanation | Question, width: int) -> str:
    """Return an explanation as text with lines of up to ``width`` characters where its words allow it."""
    lines = _question(explained) if isinstance(explained, Question) else _rule(explained)
    return "\n".join(part for line in lines for part in _wrapped(line, width)) + "\n"


def _wrapped(line: str, width: int) -> list[str]:
    """Return a line in pieces; what follows the first is indented below the line's text."""
    text = line.lstrip()
    indent = " " * (len(line) - len(text))
    more = indent + ("  " if text.startswith(("- ", "$ ")) else "")
    return textwrap.wrap(text, max(width, 20), initial_indent=indent, subsequent_indent=more, break_long_words=False,
                         break_on_hyphens=False) or [""]  # fmt: skip


def _section(heading: str, lines: Iterable[str]) -> Iterator[str]:
    listed = list(lines)
    if listed:
        yield from ("", f"{heading}:", *(f"  {line}" for line in listed))


def _rule(rule: Explanation) -> Iterator[str]:
    yield from (f"{rule.id}: {rule.title}", "", rule.statement, "")
    yield f"Whose: {rule.party}"
    yield f"APIs: {', '.join(rule.apis)}"
    yield f"Level: {_LEVELS[rule.level]}"
    yield f"Tested: {_STATUSES[rule.status]}{f'. {rule.reason}' if rule.reason else ''}"
    yield from _section("Source", _documents(rule))
    yield from _section("Interpretations", (line for asked in rule.questions for line in _asked(asked)))
    yield from _section("Checked by", _checked_by(rule))
    yield from _section("Likely causes when it is violated", (f"- {cause}" for cause in rule.causes))
    yield from _section("How others got it wrong", _wrong(rule.faults))
    yield from _section("Fails together with", [", ".join(rule.fails_with)] if rule.fails_with else [])
    if rule.status != RuleStatus.EXCLUDED:
        yield from _section("Reproduce", (f"$ {PROGRAM} {words}" for words in rule.reproduce))


def _documents(rule: Explanation) -> Iterator[str]:
    for document in rule.documents:
        observed = " (observed traffic, not documentation)" if document.observed else ""
        yield f"- {document.key}, {document.title}, {document.version}: {document.place}{observed}"
        yield f"    {document.published}"


def _asked(question: Question) -> Iterator[str]:
    yield f"- {question.id}, {question.topic}: {question.question}"
    for meaning in question.interpretations:
        yield f"    {meaning.name}: {meaning.statement}{_condition(meaning)}"
    if question.fixed:
        yield f"    {question.fixed}"
    else:
        yield f"    Choose with --reading {question.id}={question.interpretations[0].name}"


def _condition(meaning: Interpretation) -> str:
    return "" if meaning.accepted else " Not accepted unless chosen."


def _checked_by(rule: Explanation) -> Iterator[str]:
    for coverage in rule.coverage:
        yield from _coverage(coverage)
    for need in rule.needs.values():
        who = "an integration" if rule.party == MERCHANT else "a target"
        yield f"- It needs {who} that can {need}; elsewhere it, or a part of it, is not tested."
    if not rule.coverage and rule.status == RuleStatus.CHECKED:
        yield f"- Every history of `{PROGRAM} {rule.reproduce[0].split(maxsplit=1)[0]}` in which it applies."


def _coverage(coverage: Coverage) -> Iterator[str]:
    side = f", {coverage.side}" if coverage.side else ""
    situations = [f"{name} ({count})" for name, count in coverage.situations.items()]
    more = f" and {len(situations) - FEW} more" if len(situations) > FEW else ""
    histories = counted(coverage.histories, "history", "histories")
    yield f"- {coverage.api}{side}: {histories} of the systematic set; {', '.join(situations[:FEW])}{more}"
    yield f"    The shortest: {'; '.join(coverage.smallest)}."


def _wrong(faults: tuple[KnownFault, ...]) -> Iterator[str]:
    for heading, alone in (
        ("Detected by this rule and those that fail together with it, and by no other:", True),
        ("Detected by other rules as well:", False),
    ):
        sentences = list(
            dict.fromkeys(sentence(" ".join(each.sentence.split())) for each in faults if each.alone is alone)
        )
        if sentences:
            yield heading
            yield from (f"  - {text}" for text in sentences[:FEW])
        if len(sentences) > FEW:
            yield f"  - and {counted(len(sentences) - FEW, 'more seeded fault')}"


def _question(question: Question) -> Iterator[str]:
    yield from (f"{question.id}: {question.topic}", "", question.question)
    meanings = (
        f"- {meaning.name}: {meaning.statement} ({meaning.source}){_condition(meaning)}"
        for meaning in question.interpretations
    )
    yield from _section("Documented interpretations", meanings)
    if question.fixed:
        yield from ("", question.fixed)
    else:
        chosen = question.interpretations[0].name
        yield from _section(
            "Accept one of them only", [f"$ {PROGRAM} run --target TARGET --reading {question.id}={chosen}"]
        )
    yield from _section("Rules that it touches", (f"- {rule}: {title}" for rule, title in question.rules.items()))
