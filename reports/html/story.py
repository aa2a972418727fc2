"""One history, step by step, for a reader.

Each step has its words, the money after it, its exchanges and what was expected.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from conformance.domain.api_table import spec_of
from conformance.domain.order import Profile
from conformance.evidence.record_parts import RequestRecord, ResponseRecord
from conformance.evidence.records import ExchangeRecord, JudgementRecord
from conformance.reports.html.charts import band, money_in_words, money_of
from conformance.reports.html.histories import HistoryView
from conformance.reports.wording.merchant import trouble_in_words
from conformance.reports.wording.provider import (
    PURPOSES,
    SOURCES,
    STATUSES,
    field_in_words,
    permitted_from_json,
    permitted_in_words,
    reason_in_words,
    step_in_words,
    value_in_words,
)
from conformance.reports.wording.sanitize import BodyText, body_of, in_one_line

MOST_EXCHANGES = 80
"""The most exchanges of a history on the page; one that polls can have thousands."""
MOST_HEADERS = 40


@dataclass(frozen=True, slots=True)
class MessageView:
    """A request or a response."""

    line: str
    headers: tuple[tuple[str, str], ...]
    body: BodyText
    more_headers: int


@dataclass(frozen=True, slots=True)
class ExchangeView:
    """A request and its response.

    ``lost`` says what happened where there is no response.
    """

    number: int
    purpose: str
    request: MessageView
    answer: MessageView | None
    outcome: str
    lost: str
    milliseconds: str

    @property
    def anchor(self) -> str:
        """The anchor of the exchange: the number of its record in the journal."""
        return f"exchange-{self.number}"


@dataclass(frozen=True, slots=True)
class ClaimView:
    """One field of an expectation: its permitted and its observed value."""

    field: str
    words: str
    permitted: str
    observed: str
    holds: bool
    rules: str


@dataclass(frozen=True, slots=True)
class BranchView:
    """One documented outcome of a step, compared with what was observed."""

    name: str
    rules: str
    claims: tuple[ClaimView, ...]

    @property
    def failed(self) -> int:
        """The number of its claims that do not hold."""
        return sum(not claim.holds for claim in self.claims)


@dataclass(frozen=True, slots=True)
class StepView:
    """One step: its words, what was observed, the money after it, and the expectation."""

    number: int
    words: str
    status: str
    status_words: str
    observed: str
    cause: str
    band: Markup | None
    money: str
    exchanges: tuple[ExchangeView, ...]
    branches: tuple[BranchView, ...]
    reasons: tuple[str, ...]
    names_exchange: bool = False
    """Whether its findings name an exchange."""
    named_exchanges: frozenset[int] = frozenset()
    """The numbers of the exchanges that the history's findings name."""

    def unfolds(self, exchange: ExchangeView) -> bool:
        """Return whether an exchange is shown unfolded.

        It is where a finding names it, or where the step is wrong and no finding names an exchange.
        """
        if exchange.number in self.named_exchanges or self.names_exchange:
            return exchange.number in self.named_exchanges
        return self.status == "violates" and exchange.purpose != PURPOSES["poll"]

    @property
    def closest(self) -> BranchView | None:
        """The branch that differs in the fewest fields, if there is one."""
        return _closest(self.branches) if self.branches else None


@dataclass(frozen=True, slots=True)
class Story:
    """A history from its first step to its last."""

    anchor: str
    id: str
    profile: str
    label: str
    source: str
    records: str
    steps: tuple[StepView, ...]
    left_out: int

    @property
    def exchanges(self) -> Iterator[ExchangeView]:
        """Every exchange on the page, in order."""
        return (exchange for step in self.steps for exchange in step.exchanges)


def history_anchor(play: HistoryView) -> str:
    """Return the anchor of a history: the number of its record."""
    return f"history-{play.record.n}"


def evidence_anchor(play: HistoryView, step: int | None, place: int | None = None) -> str:
    """Return the anchor of the exchange that did a step, or of the history.

    ``place`` is that of the exchange among the history's, where a finding names one.
    """
    shown = play.exchanges[:MOST_EXCHANGES]
    if place is not None and place < len(shown):
        return f"exchange-{shown[place].n}"
    at_step = [exchange for exchange in shown if exchange.step == step]
    acts = [exchange for exchange in at_step if exchange.purpose == "act"]
    # A merchant fetches a token and reads the order before it acts.
    changing = [exchange for exchange in acts if exchange.request.method != "GET" and _operation(exchange) != "token"]
    chosen = changing or acts or at_step
    return f"exchange-{chosen[0].n}" if chosen else history_anchor(play)


def _operation(exchange: ExchangeRecord) -> str:
    return exchange.wire.operation if exchange.wire is not None else ""


_ANSWER_ONLY: Final = (
    "Only the answer is wrong: read back, the order stands as permitted.",
    "Is the answer written from something else than the order that was changed?",
)
_REQUESTS: Final = frozenset({"cancel", "capture", "refund", "stop-agreement", "another-charge", "together"})
"""Steps whose response says how the order stands; that of a test action does not."""
_ORDER_ONLY: Final = (
    "The answer is as permitted, and the order does not stand as it says.",
    "Is the answer written before the change is made, or is the change lost after it?",
)


def what_differs(judgement: JudgementRecord) -> tuple[str, str]:
    """Return whether the response or the order is wrong, and what to ask then.

    Both texts are empty where the response and the order were not both observed, or both are wrong.
    """
    branches = list(_branches(judgement, ""))
    if not branches:
        return "", ""
    closest = _closest(branches)
    parts = {claim.field.partition(".")[0] for claim in closest.claims if not claim.holds}
    observed_parts = {claim.field.partition(".")[0] for claim in closest.claims if claim.field in judgement.observed}
    if parts == {"answer"} and "view" in observed_parts:
        return _ANSWER_ONLY
    if parts == {"view"} and "answer" in observed_parts and judgement.do in _REQUESTS:
        return _ORDER_ONLY
    return "", ""


def _closest(branches: Sequence[BranchView]) -> BranchView:
    """Return the branch with the fewest differences, first one that a rule requires."""
    return min(branches, key=lambda branch: (branch.failed, not branch.rules))


def story_of(play: HistoryView, currency: str, body_limit: int) -> Story:
    """Return the story of a history. Bodies are cut at ``body_limit`` characters."""
    history = play.history
    shown = play.exchanges[:MOST_EXCHANGES]
    total = history.opening.amount
    steps = []
    for number, step in enumerate(history.all_steps):
        exchanges = tuple(exchange_view(exchange, body_limit) for exchange in shown if exchange.step == number)
        words = step_in_words(step, history.profile, currency)
        steps.append(_step(number, words, play.judgement_of(number), exchanges, total, currency))
    return Story(
        anchor=history_anchor(play),
        id=play.id,
        profile=spec_of(Profile(play.record.profile)).title,
        label=play.record.label,
        source=SOURCES[play.record.source],
        records=records_of(play),
        steps=tuple(steps),
        left_out=len(play.exchanges) - len(shown),
    )


def records_of(play: HistoryView) -> str:
    """Return which lines of the journal belong to a history."""
    numbers = [play.record.n, *(part.n for part in (*play.exchanges, *play.notes, *play.judgements))]
    first, last = min(numbers) + 1, max(numbers) + 1
    return f"line {first}" if first == last else f"lines {first:,} to {last:,}"


def _step(
    number: int,
    words: str,
    judgement: JudgementRecord | None,
    exchanges: tuple[ExchangeView, ...],
    total: int,
    currency: str,
) -> StepView:
    if judgement is None:
        return StepView(number, words, "", "not played", "", "", None, "", exchanges, (), ())
    money = money_of(judgement.observed, total)
    money_words = money_in_words(money, currency) if money else ""
    return StepView(
        number,
        words,
        judgement.status,
        STATUSES[judgement.status],
        judgement.seen,
        judgement.cause,
        band(money, total, money_words) if money else None,
        money_words,
        exchanges,
        tuple(_branches(judgement, currency)),
        tuple(_reasons(judgement, currency)),
    )


def _reasons(judgement: JudgementRecord, currency: str) -> Iterator[str]:
    rules: dict[str, list[str]] = {}
    for finding in judgement.findings:
        rules.setdefault(finding.reason, []).append(finding.rule)
    return (f"{', '.join(ids)}: {reason_in_words(reason, currency)}" for reason, ids in rules.items())


def _branches(judgement: JudgementRecord, currency: str) -> Iterator[BranchView]:
    observed = judgement.observed
    for branch in judgement.expected or ():
        claims = []
        for claim in branch.claims:
            field = claim.field
            permitted = permitted_from_json(claim.permitted)
            claims.append(
                ClaimView(
                    field,
                    field_in_words(field),
                    permitted_in_words(field, permitted, currency),
                    value_in_words(field, observed.get(field), currency),
                    permitted.permits(observed.get(field)),
                    ", ".join(claim.rules),
                )
            )
        yield BranchView(branch.name, ", ".join(branch.rules), tuple(claims))


def exchange_view(record: ExchangeRecord, body_limit: int) -> ExchangeView:
    """Return an exchange for a reader, its bodies cut at ``body_limit`` characters."""
    request, response = record.request, record.response
    line = in_one_line(f"{request.method} {request.path}")
    answer = None if response is None else _message(f"HTTP {response.status}", response, body_limit)
    return ExchangeView(
        number=record.n,
        purpose=f"in {record.wire.action}" if record.wire is not None else PURPOSES[record.purpose],
        request=_message(line, request, body_limit),
        answer=answer,
        outcome="no answer" if response is None else str(response.status),
        lost=record.lost or "",
        milliseconds=_time(record),
    )


def _time(record: ExchangeRecord) -> str:
    """Return the duration of an exchange and, in a race, when it was sent."""
    if record.wire is not None:
        wire = record.wire
        return f"at {wire.at:.1f} s" + (f", {trouble_in_words(wire.fault)}" if wire.fault else "")
    duration = f"{record.ms:.0f} ms"
    return f"sent at {record.began:.1f} ms, {duration}" if record.began is not None else duration


def _message(line: str, stored: RequestRecord | ResponseRecord, body_limit: int) -> MessageView:
    headers = stored.headers
    shown = tuple((in_one_line(name, 100), in_one_line(value, 400)) for name, value in headers[:MOST_HEADERS])
    return MessageView(line, shown, body_of(stored.body, body_limit), len(headers) - len(shown))
