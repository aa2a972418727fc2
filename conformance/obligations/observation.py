"""What was observed while a merchant's history ran: requests, actions, and both parties' books after every step.

A trace is made from the journal's records alone, so that it can be judged again at any time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, TypeAlias

from conformance.domain.api_table import spec_named
from conformance.domain.messages import Headers, find_header
from conformance.evidence.record_parts import DeliveryRecord, JsonObject, ProviderRecord, Record
from conformance.evidence.records import ActionRecord, BooksRecord, ExchangeRecord
from conformance.obligations.declarations import Declarations, declarations_from
from conformance.obligations.history import END_STEPS, MerchantHistory, merchant_history_from_json

PaymentKey: TypeAlias = tuple[str, str]
"""The API of a payment, and its identifier there."""
REMOVED: Final = "[removed]"
"""What a record has in place of a secret."""


@dataclass(frozen=True, slots=True)
class ObservedRequest:
    """A request that the merchant sent, and the response to it.

    Attributes:
        n: The number of its record.
        step: The number of the history's step during which it was sent.
        action: The merchant's action during which it was sent, and ``order`` the order that this was for.
        operation: What it asks for: a documented operation, ``other`` for an API that is not embedded, ``unknown``,
            or ``foreign`` for another host.
        api: The API that it belongs to, or empty.
        payment_id: The identifier in its path; ``owner`` is the order whose payment that is.
        at: When it came, in seconds of the run's clock.
        fault: The fault that was injected, or empty.
        reached: Whether the provider carried it out.
        copy: Whether something below the application sent it a second time and dropped the response.
        status: The HTTP status of the response; None when there was none.
        before: The payment before the request, and ``after`` afterwards.

    """

    n: int
    step: int
    action: str
    order: int | None
    operation: str
    api: str
    payment_id: str
    owner: int | None
    method: str
    path: str
    host: str
    headers: Headers
    body: bytes
    at: float
    fault: str
    reached: bool
    copy: bool
    status: int | None
    response_headers: Headers
    response_body: bytes
    before: ProviderRecord | None
    after: ProviderRecord | None

    def header(self, name: str) -> str | None:
        """Return the value of a header of the request."""
        return find_header(self.headers, name)

    @property
    def key(self) -> str | None:
        """The idempotency key; eCom calls it X-Request-Id."""
        spec = spec_named(self.api)
        return self.header("Idempotency-Key" if spec is None else spec.key_header)

    @property
    def request_line(self) -> str:
        """Method and path with query, such as ``GET /epayment/v1/payments/order-1``."""
        return f"{self.method} {self.path}"

    @property
    def route(self) -> str:
        """Method and path without query."""
        return f"{self.method} {self.path.partition('?')[0]}"

    @property
    def response_summary(self) -> str:
        """``HTTP`` and the status of the response, or ``no answer``."""
        return "no answer" if self.status is None else f"HTTP {self.status}"

    @property
    def listed(self) -> Mapping[str, Mapping[str, Any]]:
        """The payments that a list has in its response, by identifier; empty where the response is no list."""
        content = self.response_json() if self.operation == "list" and self.status == 200 else None
        items = [item for item in content if isinstance(item, Mapping)] if isinstance(content, list) else []
        return {str(item["id"]): item for item in items if item.get("id")}

    def json(self) -> Any:
        """Return the request's body as JSON; None where it is not JSON."""
        return _parse_json(self.body)

    def response_json(self) -> Any:
        """Return the response's body as JSON; None where it is not JSON."""
        return _parse_json(self.response_body)


def _parse_json(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None


@dataclass(frozen=True, slots=True)
class Action:
    """An action that the merchant was asked for, or that the customer or the staff in the portal took.

    Attributes:
        order: The order it is about; None where it is about all of them.
        number: The minor units of a capture, refund or complete, the days of an age, or the seconds of a wait or live.
        ending: ``returned``, ``raised``, ``hung``, ``flooded``, or ``skipped`` where it could not happen.
        message: What was raised, or why it did not end.
        began: Seconds of the run's clock.
        webhook: The name of the webhook that was delivered, or empty.
        took: Seconds of the run's clock.
        delivery: The signed delivery of it; None where it was handed over unsigned.

    """

    n: int
    step: int
    action: str
    order: int | None
    number: int
    ending: str
    message: str
    began: float
    webhook: str
    took: float = 0.0
    delivery: DeliveryRecord | None = None

    @property
    def form(self) -> str | None:
        """How a signed delivery differs from a plain one, empty for a plain one; None without a signed delivery."""
        return None if self.delivery is None else self.delivery.form

    @property
    def response_summary(self) -> str:
        """``HTTP`` and the status of the response to a signed delivery, or ``no answer``."""
        status = None if self.delivery is None else self.delivery.status
        return "no answer" if status is None else f"HTTP {status}"


@dataclass(frozen=True, slots=True)
class BookSnapshot:
    """One order after a step: what the merchant's books say, and its payments as the provider has them.

    ``view`` is the merchant's own statement, without any change. ``payment`` is the latest payment of the order;
    ``payments`` are all of them, oldest first, where there are several.
    """

    n: int
    step: int
    order: int
    view: Mapping[str, Any]
    payment: ProviderRecord | None
    payments: Mapping[PaymentKey, ProviderRecord] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """The merchant's word for how the payment stands."""
        return str(self.view.get("status", ""))

    @property
    def all_payments(self) -> list[ProviderRecord]:
        """Every payment of the order, oldest first."""
        return list(self.payments.values()) or ([] if self.payment is None else [self.payment])

    def amount(self, name: str) -> int | None:
        """Return an amount in minor units; None where the merchant keeps none, or no whole number."""
        value = self.view.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """Something that happened to a payment at the provider.

    Attributes:
        n: The number of the record before which it happened; ``step`` is the step during which it did.
        order: The order that the payment belongs to.
        payment: Its API and identifier.
        event: The provider's word: ``create``, ``reserve``, ``sale``, ``capture``, ``refund``, ``stop`` (ended before
            a reservation), ``release`` (of what was reserved), ``reject``, ``expire`` or ``fail``.
        amount: Minor units.
        at: Seconds of the run's clock.
        by: Who caused it: ``shop``, ``customer``, ``portal``, ``bank`` or ``time``.

    """

    n: int
    step: int
    order: int
    payment: PaymentKey
    event: str
    amount: int
    at: float
    by: str


@dataclass(frozen=True, slots=True)
class FinalState:
    """An order after the history had come to rest. Only an order with a payment has one."""

    snapshot: BookSnapshot
    payment: ProviderRecord

    @property
    def status(self) -> str:
        """The merchant's word for how the payment stands."""
        return self.snapshot.status


@dataclass
class MerchantTrace:
    """Everything that was observed of one history, in the order of the journal.

    ``offered`` are the optional actions that the merchant has, ``declared`` the ways that it states.
    """

    history: MerchantHistory
    offered: frozenset[str]
    declared: Declarations = field(default_factory=Declarations)
    requests: list[ObservedRequest] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    snapshots: list[BookSnapshot] = field(default_factory=list)
    events: list[ProviderEvent] = field(default_factory=list)

    @cached_property
    def last_step(self) -> int:
        """The number of the phase after the last step, in which the merchant comes to rest."""
        return len(self.history.steps)

    def sent_together(self, first: ObservedRequest, second: ObservedRequest) -> bool:
        """Return whether two actions at the same time sent the requests, so that neither knew the other's response."""
        together = first.step < self.last_step and self.history.steps[first.step].do == "cancel_together"
        return together and first.step == second.step

    @cached_property
    def _payments(self) -> Mapping[int, list[PaymentKey]]:
        named = [
            *((event.order, event.payment) for event in self.events),
            *((snapshot.order, key) for snapshot in self.snapshots for key in snapshot.payments),
            *((each.owner, (each.api, each.payment_id)) for each in self.requests if each.payment_id),
        ]
        keys_of: dict[int, dict[str, PaymentKey]] = {}
        for order, key in named:
            if order is not None:
                keys_of.setdefault(order, {}).setdefault(key[1], key)
        return {order: list(keys.values()) for order, keys in keys_of.items()}

    def payments_of(self, order: int) -> list[PaymentKey]:
        """Return an order's payments, oldest first."""
        return self._payments.get(order, [])

    def current_payment(self, order: int) -> PaymentKey | None:
        """Return the payment that the order's books name at the end, else its latest one."""
        payments, snapshots = self.payments_of(order), self.snapshots_of(order)
        reference = snapshots[-1].view.get("reference") if snapshots else None
        named = (key for key in payments if key[1] == reference)
        return next(named, payments[-1] if payments else None)

    def about(self, order: int, payment: PaymentKey) -> MerchantTrace:
        """Return the trace of one payment of an order: without the requests and events of its other payments.

        The books are about the order's current payment; for another one they say nothing.
        """
        payments = self.payments_of(order)
        if payments == [payment]:
            return self
        others = {id_ for _, id_ in payments if id_ != payment[1]}
        is_current, is_first = payment == self.current_payment(order), payment == payments[0]
        return replace(
            self,
            requests=[each for each in self.requests if each.owner != order or each.payment_id not in others],
            events=[each for each in self.events if each.order != order or each.payment == payment],
            snapshots=[
                each if each.order != order else _restricted(each, payment, is_first=is_first, is_current=is_current)
                for each in self.snapshots
            ],
        )

    def requests_of(self, order: int) -> list[ObservedRequest]:
        """Return the requests about an order's payment, without copies."""
        return [request for request in self.requests if request.owner == order and not request.copy]

    def cancels_of(self, order: int) -> list[ObservedRequest]:
        """Return the cancels of an order's payment, without copies."""
        return [request for request in self.requests_of(order) if request.operation == "cancel"]

    def reads_of(self, order: int) -> list[ObservedRequest]:
        """Return the reads of an order's payment, whatever came of them, and the lists that have it in them."""
        ids = {id_ for _, id_ in self.payments_of(order)}
        return [
            request
            for request in self.requests
            if not request.copy
            and ((request.operation == "read" and request.owner == order) or not ids.isdisjoint(request.listed))
        ]

    def last_cancel_before(self, order: int, n: int) -> ObservedRequest | None:
        """Return the last cancel of an order's payment before the record with a number."""
        return next((cancel for cancel in reversed(self.cancels_of(order)) if cancel.n < n), None)

    def actions_of(self, order: int, *names: str) -> list[Action]:
        """Return an order's actions of these names."""
        return [action for action in self.actions if action.order == order and action.action in names]

    def end_actions(self, order: int) -> list[Action]:
        """Return the actions by which the shop asked for an order's end, since its checkout was last begun anew."""
        anew = max((each.n for each in self.actions_of(order, "pay_again") if each.ending == "returned"), default=-1)
        return [action for action in self.actions_of(order, *END_STEPS) if action.n > anew]

    def events_of(self, order: int, *names: str) -> list[ProviderEvent]:
        """Return what happened to an order's payments; only these events where names are given."""
        return [each for each in self.events if each.order == order and (not names or each.event in names)]

    def snapshot_before(self, order: int, n: int) -> BookSnapshot | None:
        """Return an order's last snapshot before the record with a number."""
        return next((each for each in reversed(self.snapshots_of(order)) if each.n < n), None)

    def snapshots_of(self, order: int) -> list[BookSnapshot]:
        """Return an order's snapshots."""
        return [snapshot for snapshot in self.snapshots if snapshot.order == order]

    def final_state(self, order: int) -> FinalState | None:
        """Return an order's state at rest; None where it never came to rest or has no payment."""
        for snapshot in reversed(self.snapshots_of(order)):
            if snapshot.step == self.last_step:
                return None if snapshot.payment is None else FinalState(snapshot, snapshot.payment)
        return None


def _restricted(snapshot: BookSnapshot, payment: PaymentKey, *, is_first: bool, is_current: bool) -> BookSnapshot:
    """Return a snapshot that is about one payment of its order."""
    truth = snapshot.payments.get(payment) if snapshot.payments else (snapshot.payment if is_first else None)
    view = snapshot.view if is_current and truth is not None else {}
    return replace(snapshot, view=view, payment=truth, payments={})


def trace_from_records(
    history: JsonObject, records: Iterable[Record], offered: Iterable[str], declared: JsonObject | None = None
) -> MerchantTrace:
    """Return the trace of one history.

    Args:
        history: its stored form.
        records: the records of the history, in the order of the journal.
        offered: the actions that the merchant has.
        declared: the ways that it states, as they are stored.

    Raises:
        ValueError: A record lacks a part, or a declaration is not known.

    """
    trace = MerchantTrace(merchant_history_from_json(history), frozenset(offered), declarations_from(declared or {}))
    for record in records:
        match record:
            case ExchangeRecord():
                trace.requests.append(_request(record))
            case ActionRecord():
                trace.actions.append(_action(record))
            case BooksRecord():
                trace.snapshots.append(_snapshot(record))
                trace.events += [
                    ProviderEvent(
                        record.n, record.step, record.order, (event.api, event.id), event.event, event.amount, event.at,
                        event.by,
                    )
                    for event in record.events
                ]  # fmt: skip
    return trace


def _snapshot(record: BooksRecord) -> BookSnapshot:
    payments = {(payment.api, payment.id): payment.truth for payment in record.payments}
    return BookSnapshot(record.n, record.step, record.order, record.view, record.truth, payments)


def _request(record: ExchangeRecord) -> ObservedRequest:
    request, response, wire = record.request, record.response, record.wire
    if wire is None:
        raise ValueError(f"record {record.n} does not say what a merchant's request was about")
    return ObservedRequest(
        n=record.n,
        step=record.step,
        action=wire.action,
        order=wire.order,
        operation=wire.operation,
        api=wire.api,
        payment_id=wire.payment,
        owner=wire.owner,
        method=request.method,
        path=request.path,
        host=wire.host,
        headers=request.headers,
        body=request.content,
        at=wire.at,
        fault=wire.fault,
        reached=wire.reached,
        copy=wire.copy,
        status=None if response is None else response.status,
        response_headers=() if response is None else response.headers,
        response_body=b"" if response is None else response.content,
        before=wire.before,
        after=wire.after,
    )


def _action(record: ActionRecord) -> Action:
    return Action(
        n=record.n,
        step=record.step,
        action=record.action,
        order=record.order,
        number=record.number,
        ending=record.ended,
        message=record.told,
        began=record.began,
        webhook=record.hook,
        took=record.took,
        delivery=record.delivery,
    )
