"""One history of a merchant's shop, step by step, for a reader."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.domain.api_table import spec_of
from conformance.domain.order import Market
from conformance.evidence.journal import MERCHANT_PARTY
from conformance.evidence.record_parts import FindingRecord
from conformance.evidence.records import BooksRecord, ExchangeRecord
from conformance.obligations.history import MerchantHistory, merchant_history_from_json
from conformance.reports.html.charts import Money, band, money_in_words
from conformance.reports.html.histories import HistoryView
from conformance.reports.html.story import MOST_EXCHANGES, StepView, Story, exchange_view, history_anchor, records_of
from conformance.reports.wording.merchant import AT_REST, fault_in_words, happening_in_words, merchant_step_in_words
from conformance.reports.wording.provider import MARKETS, SOURCES, STATUSES


def is_merchant_history(play: HistoryView) -> bool:
    """Return whether a history is one of a merchant's shop."""
    return play.record.history.get("party") == MERCHANT_PARTY


def merchant_story_of(play: HistoryView, currency: str, body_limit: int) -> Story:
    """Return the story of a history. Bodies are cut at ``body_limit`` characters."""
    history = merchant_history_from_json(play.record.history)
    if history.behaviour.market:
        currency = Market(history.behaviour.market).currency
    shown = play.exchanges[:MOST_EXCHANGES]
    sentences = [*(merchant_step_in_words(step, history, currency) for step in history.steps), AT_REST]
    return Story(
        anchor=history_anchor(play),
        id=play.id,
        profile=spec_of(play.profile).title,
        label="; ".join([play.record.label, *_deviations(history)]),
        source=SOURCES[play.record.source],
        records=records_of(play),
        steps=tuple(
            _step(play, shown, number, words, history, currency, body_limit) for number, words in enumerate(sentences)
        ),
        left_out=len(play.exchanges) - len(shown),
    )


def _deviations(history: MerchantHistory) -> Iterator[str]:
    yield from (fault_in_words(fault) for fault in history.faults)
    behaviour = history.behaviour
    if behaviour.key_scope == "operation":
        yield "idempotency keys are unique within one operation"
    if behaviour.second_cancel == "repeat":
        yield "a second cancel succeeds again"
    if not behaviour.keys_on_cancel:
        yield "cancel has no idempotency key"
    if behaviour.accepts:
        yield "cancels are accepted and happen later"
    if behaviour.market:
        yield f"the sales unit is one of {MARKETS[behaviour.market]}"
    if behaviour.one_agreement:
        yield "the orders are charges of one agreement"


def _step(
    play: HistoryView,
    shown: list[ExchangeRecord],
    number: int,
    words: str,
    history: MerchantHistory,
    currency: str,
    body_limit: int,
) -> StepView:
    exchanges = tuple(exchange_view(exchange, body_limit) for exchange in shown if exchange.step == number)
    notes = [note for note in play.notes if note.step == number]
    judgements = [judgement for judgement in play.judgements if judgement.step == number]
    reasons = tuple(_reason(finding) for judgement in judgements for finding in judgement.findings)
    findings = [(judgement.step, finding) for judgement in play.judgements for finding in judgement.findings]
    named_exchanges = [finding.exchange for at, finding in findings if at == number and finding.exchange is not None]
    earlier_exchanges = [finding.earlier for _, finding in findings if finding.earlier is not None]
    status = "violates" if reasons else "conforms" if judgements else ""
    books = [note for note in notes if isinstance(note, BooksRecord)][-len(history.amounts) :]
    money = _money(books[-1]) if books else None
    money_words = money_in_words(money, currency) if money else ""
    phrases = [text for note in notes for text in happening_in_words(note, len(history.amounts) > 1)]
    return StepView(
        number=number,
        words=words,
        status=status,
        status_words=STATUSES[status] if status else "",
        observed="; ".join(dict.fromkeys(phrases)),
        cause="",
        band=band(money, books[-1].truth.amount, money_words) if money and books[-1].truth else None,
        money=money_words,
        exchanges=exchanges,
        branches=(),
        reasons=reasons,
        names_exchange=bool(named_exchanges),
        named_exchanges=frozenset(play.exchanges[place].n for place in (*named_exchanges, *earlier_exchanges)),
    )


def _reason(finding: FindingRecord) -> str:
    """Return the sentence of a finding after its rule, with the rule that explains it."""
    follows = f" (follows from {finding.follows})" if finding.follows else ""
    return f"{finding.rule}{follows}: {finding.reason}"


def _money(books: BooksRecord) -> Money | None:
    """Return where the money of an order is, over all of its payments."""
    payments = [payment.truth for payment in books.payments] or ([books.truth] if books.truth else [])
    if not payments:
        return None
    return Money(
        sum(payment.remaining for payment in payments),
        sum(payment.captured for payment in payments),
        sum(payment.cancelled for payment in payments if payment.authorized),
        sum(payment.refunded for payment in payments),
    )
