"""Whether a merchant makes payments at all, and why it does not: what it sent, and what was answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from conformance.domain.messages import Response
from conformance.domain.order import Profile
from conformance.evidence.record_parts import Record
from conformance.evidence.records import ActionRecord, ExchangeRecord
from conformance.merchant.integration.proxies import proxies_in_use
from conformance.obligations.observation import MerchantTrace, ObservedRequest
from conformance.targets.crash import cut_between_words
from conformance.targets.http.likely_causes import described

ENOUGH: Final = 24
"""After so many histories of an API a run ends early where most of them had no payment."""
LONGEST_BODY: Final = 300
"""Characters that a sentence quotes of a response."""
MOST_UNKNOWN: Final = 3
"""The most unknown operations that a sentence names."""


def exchanges_in(records: Iterable[Record]) -> list[ExchangeRecord]:
    """Return the exchanges among some records."""
    return [record for record in records if isinstance(record, ExchangeRecord)]


def first_failed_create(records: Iterable[Record]) -> ActionRecord | None:
    """Return the first action ``create`` that did not succeed, or None."""
    actions = (record for record in records if isinstance(record, ActionRecord) and record.action == "create")
    return next((action for action in actions if action.ended != "returned"), None)


def unknown_operations(exchanges: Iterable[ExchangeRecord]) -> str:
    """Return that the double knows no such operation as was asked for; empty where that did not happen.

    It is said of a whole attempt: what is missed early makes something else fail later.
    """
    lines = dict.fromkeys(
        f"{exchange.request.method} {exchange.request.path.partition('?')[0]}"
        for exchange in exchanges
        if exchange.wire is not None
        and exchange.wire.operation in ("unknown", "other")
        and exchange.response is not None
        and exchange.response.status == 404
    )
    named = [*lines][:MOST_UNKNOWN]
    return f"the provider double answered 404 to {', '.join(named)}: there is no such operation" if named else ""


def what_was_sent(exchanges: Sequence[ExchangeRecord], here: str) -> str:
    """Return what became of the last request of a merchant that made no payment.

    Args:
        exchanges: everything that it sent.
        here: where the provider of the test is.

    """
    if not exchanges:
        proxies = proxies_in_use()
        hint = f"; {proxies} is set here: 127.0.0.1 needs no proxy (NO_PROXY=127.0.0.1,localhost)" if proxies else ""
        return f"it sent nothing to the provider of this test, which answers at {here} (base_url of its Setup){hint}"
    last = exchanges[-1]
    request, wire = f"{last.request.method} {last.request.path}", last.wire
    if wire is not None and wire.operation == "foreign":
        return f"its last request went to {wire.host}, which is never reached: send it to {here} (base_url)"
    if last.response is None:
        return f"its last request was {request}, and {last.lost}"
    response = Response(last.response.status, last.response.headers, last.response.content)
    return f"its last request was {request}, which the provider double {described(response)}"


@dataclass(slots=True)
class PaymentWatch:
    """Counts the histories of each API that had no payment: a run in which most had none has shown nothing."""

    _run: dict[Profile, int] = field(default_factory=dict)
    _without: dict[Profile, int] = field(default_factory=dict)
    _causes: dict[Profile, str] = field(default_factory=dict)

    def note(self, trace: MerchantTrace, *, paid: bool) -> None:
        """Count a history, and keep why the first one had no payment."""
        profile = trace.history.profile
        self._run[profile] = self._run.get(profile, 0) + 1
        if not paid:
            self._without[profile] = self._without.get(profile, 0) + 1
            if not trace.history.faults:
                self._causes.setdefault(profile, _cause(trace))

    def problem(self, profile: Profile, *, at_end: bool) -> str:
        """Return why nothing is claimed about an API; empty where most histories had a payment."""
        run, without = self._run.get(profile, 0), self._without.get(profile, 0)
        if without * 2 <= run or (run < ENOUGH and not at_end):
            return ""
        cause = self._causes.get(profile, "")
        return (
            f"create made no payment in {without} of {run} histories of {profile.value}"
            f"{f' ({cause})' if cause else ''}: nothing is claimed about an integration that mostly cannot be tested"
        )


def _cause(trace: MerchantTrace) -> str:
    """Return what was answered to a payment that was not made, or what the action said."""
    refused = [request for request in trace.requests if request.operation == "create" and request.status is not None]
    if refused:
        return f"{refused[-1].request_line} was answered {refused[-1].status}{_body(refused[-1])}"
    failed = [action for action in trace.actions if action.action == "create" and action.ending != "returned"]
    return failed[0].message.rstrip(".") if failed else "it sent no request for one"


def _body(request: ObservedRequest) -> str:
    text = " ".join(request.response_body.decode("utf-8", "replace").split())
    return f" {cut_between_words(text, LONGEST_BODY)}" if text else ""
