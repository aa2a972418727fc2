"""What was seen while a shop's history was played: requests, actions, and both parties' books after every step.

Everything is made from the records of the journal alone, so that it can be judged again at any time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from conformance.domain.messages import Headers, find_header
from conformance.evidence.journal import Record, body_from_json
from conformance.obligations.history import MerchantHistory, merchant_history_from_json

REMOVED: Final = "[removed]"


@dataclass(frozen=True, slots=True)
class ProviderRecord:
    """A payment as the provider has it. Amounts are minor units.

    ``stage`` is the provider's word for where it is; ``payable`` says that the customer, or the charge run, can still
    bring about a reservation; ``pending`` that a cancel was accepted and has not happened; ``late`` that the time to
    cancel is over.
    """

    stage: str
    amount: int
    authorized: int
    captured: int
    cancelled: int
    remaining: int
    payable: bool
    pending: bool
    late: bool
    currency: str

    @property
    def ended(self) -> bool:
        """Whether nothing can be paid, captured or released any more."""
        return not self.payable and self.remaining == 0

    @property
    def released(self) -> bool:
        """Whether a cancel took effect: money went back, or the payment was stopped before there was any."""
        return self.cancelled > 0


def provider_record_from_json(data: Mapping[str, Any] | None) -> ProviderRecord | None:
    """Read one back."""
    return None if data is None else ProviderRecord(**data)


@dataclass(frozen=True, slots=True)
class ObservedRequest:
    """One request of the merchant's, and what came back.

    Attributes:
        action: In the course of what it was sent, and ``order`` for which order.
        operation: What it asks for: one of the documented operations, ``other`` for an API that is not embedded,
            ``unknown``, or ``foreign`` for another host.
        api: The API it belongs to, or empty.
        payment: The identifier in its path; ``owner`` is the order that the payment belongs to.
        at: When it came, in seconds of the run's clock.
        fault: What went wrong, or empty.
        reached: Whether the provider dealt with it.
        copy: Whether something below the application sent it, and dropped what came back.
        status: Of the answer; None when none came.
        before: The payment before it, and ``after`` afterwards.

    """

    n: int
    step: int
    action: str
    order: int | None
    operation: str
    api: str
    payment: str
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
    answer_headers: Headers
    answer: bytes
    before: ProviderRecord | None
    after: ProviderRecord | None

    def header(self, name: str) -> str | None:
        """Return a header of the request."""
        return find_header(self.headers, name)

    @property
    def key(self) -> str | None:
        """The idempotency key; eCom calls it X-Request-Id."""
        return self.header("X-Request-Id" if self.api == "ecom" else "Idempotency-Key")

    @property
    def where(self) -> str:
        """Method and path, for a reader."""
        return f"{self.method} {self.path}"

    def json(self) -> Any:
        """Return the request's body as JSON; None where it is none."""
        return _json(self.body)

    def answered(self) -> Any:
        """Return the answer's body as JSON; None where it is none."""
        return _json(self.answer)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None


@dataclass(frozen=True, slots=True)
class Action:
    """Something the merchant was asked to do. ``ended`` is ``returned``, ``raised``, ``hung`` or ``flooded``."""

    n: int
    step: int
    action: str
    order: int | None
    number: int
    ended: str
    told: str
    began: float
    hook: str


@dataclass(frozen=True, slots=True)
class BookSnapshot:
    """The two parties' books of one order after a step. ``view`` is what the merchant says, as it said it."""

    n: int
    step: int
    order: int
    view: Mapping[str, Any]
    truth: ProviderRecord | None

    @property
    def status(self) -> str:
        """The merchant's word for how the payment stands."""
        return str(self.view.get("status", ""))

    def amount(self, name: str) -> int | None:
        """Return an amount that the merchant keeps; None where it keeps none, or where it is no whole number."""
        value = self.view.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None


@dataclass
class MerchantTrace:
    """One played history. ``offered`` are the actions that the merchant has."""

    history: MerchantHistory
    offered: frozenset[str]
    exchanges: list[ObservedRequest] = field(default_factory=list)
    acts: list[Action] = field(default_factory=list)
    books: list[BookSnapshot] = field(default_factory=list)

    @cached_property
    def last_step(self) -> int:
        """The number of the quiet end."""
        return len(self.history.steps)

    def crossed(self, one: ObservedRequest, other: ObservedRequest) -> bool:
        """Whether two requests were sent by triggers at the same time, so that none of them knew the other's answer."""
        together = one.step < self.last_step and self.history.steps[one.step].do == "cancel_together"
        return together and one.step == other.step

    def of(self, order: int) -> list[ObservedRequest]:
        """Return the requests about an order's payment, without copies."""
        return [one for one in self.exchanges if one.owner == order and not one.copy]

    def cancels(self, order: int) -> list[ObservedRequest]:
        """Return the cancels of an order's payment, without copies."""
        return [one for one in self.of(order) if one.operation == "cancel"]

    def quiet(self, order: int) -> BookSnapshot | None:
        """Return the books at the end; None when the history never came to rest."""
        return next((one for one in reversed(self.books) if one.order == order and one.step == self.last_step), None)

    def triggers(self, order: int) -> list[Action]:
        """Return the cancels and abandons that the shop asked for."""
        return [one for one in self.acts if one.order == order and one.action in ("cancel", "abandon")]


def trace_from_records(history: Record, records: Iterable[Record], offered: Iterable[str]) -> MerchantTrace:
    """Gather what was seen of one history from its records, in the journal's order."""
    seen = MerchantTrace(merchant_history_from_json(history["history"]), frozenset(offered))
    for record in records:
        match record["kind"]:
            case "exchange":
                seen.exchanges.append(_exchange(record))
            case "action":
                seen.acts.append(_act(record))
            case "books":
                truth = provider_record_from_json(record["truth"])
                seen.books.append(BookSnapshot(record["n"], record["step"], record["order"], record["view"], truth))
    return seen


def _headers(stored: Iterable[Iterable[str]]) -> Headers:
    return tuple((name, value) for name, value in stored)


def _exchange(record: Record) -> ObservedRequest:
    request, response, wire = record["request"], record["response"], record["wire"]
    return ObservedRequest(
        n=record["n"],
        step=record["step"],
        action=wire["action"],
        order=wire["order"],
        operation=wire["operation"],
        api=wire["api"],
        payment=wire["payment"],
        owner=wire["owner"],
        method=request["method"],
        path=request["path"],
        host=wire["host"],
        headers=_headers(request["headers"]),
        body=body_from_json(request["body"]),
        at=wire["at"],
        fault=wire["fault"],
        reached=wire["reached"],
        copy=wire["copy"],
        status=None if response is None else response["status"],
        answer_headers=() if response is None else _headers(response["headers"]),
        answer=b"" if response is None else body_from_json(response["body"]),
        before=provider_record_from_json(wire["before"]),
        after=provider_record_from_json(wire["after"]),
    )


def _act(record: Record) -> Action:
    return Action(
        n=record["n"],
        step=record["step"],
        action=record["action"],
        order=record["order"],
        number=record["number"],
        ended=record["ended"],
        told=record["told"],
        began=record["began"],
        hook=record["hook"],
    )
