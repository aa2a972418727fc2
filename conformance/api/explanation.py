"""What a failed assertion says: the rules with their sources, the step, the request and the response."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import indent
from typing import Final

from conformance.domain.order import Market
from conformance.domain.steps import History
from conformance.errors import ViolationError, violation_class
from conformance.evidence.record_parts import Record
from conformance.evidence.records import ExchangeRecord, HistoryRecord, JudgementRecord
from conformance.reports.html.histories import HistoryView
from conformance.reports.html.story import ExchangeView, StepView, Story, story_of, what_differs
from conformance.reports.wording.provider import PURPOSES, sentence
from conformance.reports.wording.sanitize import in_one_line
from conformance.rulebook import Rule, load

BODY_LIMIT: Final = 700
"""The most characters of a body that are shown."""
MOST_RULES: Final = 5
"""So many violated rules are explained; the others are named."""
_ACT, _READ, _POLL = PURPOSES["act"], PURPOSES["read"], PURPOSES["poll"]


def violation_error(history: History, records: Sequence[Record], market: Market) -> ViolationError:
    """Return the exception for a history that violated rules, ready to be raised.

    Args:
        history: what was played.
        records: the records of the play; the last violation in them is explained.
        market: the market of the sales unit.

    """
    judgement = next(record for record in reversed(records) if isinstance(record, JudgementRecord) and record.findings)
    story = story_in(records, judgement.history, market)
    rules = tuple(dict.fromkeys(finding.rule for finding in judgement.findings))
    lines = [
        _headline(rules),
        "",
        *_earlier_steps(story, judgement.step),
        *_step_lines(story, judgement),
        "",
        *(line for rule in rules[:MOST_RULES] for line in _rule_lines(load().rule(rule))),
        "",
        f"Play it again: @example({history!r})",
    ]
    return violation_class(rules[0])("\n".join(lines), rules)


def inconclusive_text(history: History, records: Sequence[Record], market: Market, cause: str) -> str:
    """Return what an exception says about a history that proved nothing, with its last exchange."""
    judged = [record for record in records if isinstance(record, JudgementRecord)]
    lines = [f"The history proved nothing, which is neither a success nor a violation: {sentence(cause)}"]
    if judged:
        last = judged[-1]
        step = story_in(records, last.history, market).steps[last.step]
        lines += ["", f"Step {last.step + 1}: {step.words}", *_indented(_exchange_lines(step.exchanges))]
    return "\n".join([*lines, "", f"Play it again: @example({history!r})"])


def story_in(records: Iterable[Record], name: str, market: Market) -> Story:
    """Return the story of a history in some records."""
    listed = list(records)
    record = next(record for record in listed if isinstance(record, HistoryRecord) and record.id == name)
    exchanges = [record for record in listed if isinstance(record, ExchangeRecord) and record.history == name]
    judgements = [record for record in listed if isinstance(record, JudgementRecord) and record.history == name]
    return story_of(HistoryView(record, exchanges, judgements), market.currency, BODY_LIMIT)


def _headline(rules: Sequence[str]) -> str:
    first, *others = rules
    return f"{first} is violated: {load().rule(first).title}." + (f" Also: {', '.join(others)}." if others else "")


def _earlier_steps(story: Story, number: int) -> Iterator[str]:
    for step in story.steps[:number]:
        yield f"{step.number + 1}. {step.words} -> {step.observed}"


def _step_lines(story: Story, judgement: JudgementRecord) -> Iterator[str]:
    step = story.steps[judgement.step]
    yield f"{step.number + 1}. {step.words} -> {step.observed}"
    yield from _indented(_exchange_lines(step.exchanges))
    yield from _indented(step.reasons)
    summary, question = what_differs(judgement)
    if summary:
        yield from _indented([f"{summary} {question}"])
    yield from _indented(_permitted_lines(step))


def _permitted_lines(step: StepView) -> Iterator[str]:
    """Yield what was permitted: the names of all outcomes, and where the closest one differs."""
    names = list(dict.fromkeys(branch.name for branch in step.branches))
    yield f"Permitted here: {', or '.join(names)}."
    if step.closest is not None:
        yield f"The closest is “{step.closest.name}”, which differs in:"
        for claim in step.closest.claims:
            if not claim.holds:
                yield f"   {claim.words}: {claim.permitted}, but was {claim.observed}"


def _exchange_lines(exchanges: Sequence[ExchangeView]) -> Iterator[str]:
    """Yield the requests that acted on the order, and the last one that read it."""
    polled = any(exchange.purpose == _POLL for exchange in exchanges)
    reads = [exchange for exchange in exchanges if exchange.purpose == (_POLL if polled else _READ)]
    log = [exchange for exchange in reads if exchange.request.line != reads[0].request.line]
    last = [read for read in reads if read not in log][-1:]
    for exchange in [*(each for each in exchanges if each.purpose not in (_READ, _POLL)), *last, *log[-1:]]:
        note = "" if exchange.purpose == _ACT else f"   ({exchange.purpose})"
        yield f"> {exchange.request.line}{note}"
        yield from _body_lines(exchange.request.body.text)
        yield f"< {exchange.answer.line if exchange.answer is not None else f'no response: {exchange.lost}'}"
        if exchange.answer is not None:
            yield from _body_lines(exchange.answer.body.text)


def _body_lines(text: str) -> Iterator[str]:
    if text:
        yield f"  {in_one_line(text, BODY_LIMIT)}"


def _rule_lines(rule: Rule) -> Iterator[str]:
    yield f"{rule.id} ({rule.level.value}): {rule.statement}"
    places = (f"{load().source(citation.source).title}: {citation.place}" for citation in rule.sources)
    yield f"   Source: {'; '.join(places)}"
    if rule.causes:
        yield f"   Likely causes: {' '.join(rule.causes)}"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (indent(line, "   ") for line in lines)
