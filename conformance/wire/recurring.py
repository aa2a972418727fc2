"""The wire of Recurring v3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from conformance.domain.expectation import ACCEPTED
from conformance.domain.messages import Call, NoResponse, Request, ResponseOrNone
from conformance.domain.order import Kind, Profile
from conformance.domain.steps import Addressee, Cancel, Capture, Defect, Initiate, Key, Refund, Step, StopAgreement
from conformance.wire.base import (
    Calls,
    ObservedFields,
    Wire,
    answered,
    books,
    content,
    dig,
    encoded,
    figure,
    listed,
    seen,
    text,
    whole,
    word,
)

_WAITING = ("PENDING", "DUE", "PROCESSING", "RESERVED", "FAILED")


class RecurringWire(Wire):
    """Steps as Recurring requests, and Recurring's answers as observations."""

    profile: ClassVar[Profile] = Profile.RECURRING
    base: ClassVar[str] = "/recurring/v3/agreements"

    @property
    def identifier(self) -> str:
        """The ``chargeId``, as the target gave it."""
        return self.ticket.charge_id

    def act(self, step: Step) -> Calls:
        """Play a step that goes through the API itself."""
        if isinstance(step, Initiate):
            return (yield from self._initiate(step))
        if isinstance(step, Capture):
            answer = yield self._send("POST", f"{self._charge()}/capture", _money(step.amount))
        elif isinstance(step, Refund):
            answer = yield self._send("POST", f"{self._charge()}/refund", _money(step.amount))
        elif isinstance(step, StopAgreement):
            change: dict[str, Any] = {"status": "STOPPED"}
            if step.with_other_change:
                change["productName"] = "Conformance test, renamed"
            answer = yield self._send("PATCH", self._agreement(), change)
        else:
            return {}
        return {**answered(answer), **_error(answer)}

    def _agreement(self, agreement_id: str | None = None) -> str:
        return f"{self.base}/{quote(agreement_id or self.ticket.agreement_id, safe='')}"

    def _charge(self, agreement_id: str | None = None, charge_id: str | None = None) -> str:
        charge = quote(charge_id or self.ticket.charge_id, safe="")
        return f"{self._agreement(agreement_id)}/charges/{charge}"

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None, purpose: str = "act") -> Call:
        headers = self.headers(key=("Idempotency-Key", self.ticket.fresh_key()))
        return Call(Request(method, path, headers, encoded(body) if body is not None else b""), purpose)

    def _initiate(self, step: Initiate) -> Calls:
        initial = step.amount if step.kind is Kind.INITIAL_RESERVE else None
        answer = yield from self._draft(step.amount, initial, self.ticket.order_id)
        body = content(answer)
        if isinstance(answer, NoResponse) or answer.status >= 300:
            return {**answered(answer), **_error(answer)}
        self.ticket.agreement_id = text(dig(body, "agreementId")) or ""
        if step.kind is Kind.INITIAL_RESERVE:
            self.ticket.charge_id = text(dig(body, "chargeId")) or self.ticket.order_id
        answer = yield self._accept(self.ticket.agreement_id)
        if isinstance(answer, NoResponse) or answer.status >= 300 or step.kind is Kind.INITIAL_RESERVE:
            return {**answered(answer), **_error(answer)}
        charge = self._new_charge(step, self.ticket.order_id)
        answer = yield self._send("POST", f"{self._agreement()}/charges", charge)
        self.ticket.charge_id = text(dig(content(answer), "chargeId")) or self.ticket.order_id
        return {**answered(answer), **_error(answer)}

    def _draft(self, amount: int, initial: int | None, order_id: str, purpose: str = "prepare") -> Any:
        body: dict[str, Any] = {
            "pricing": {"type": "LEGACY", "amount": amount, "currency": self.ticket.market.currency},
            "interval": {"unit": "MONTH", "count": 1},
            "merchantRedirectUrl": "https://example.com/redirect",
            "merchantAgreementUrl": "https://example.com/agreement",
            "phoneNumber": self.credentials.phone,
            "productName": "Conformance test",
        }
        if initial is not None:
            body["initialCharge"] = {
                "amount": initial,
                "description": "Conformance test",
                "transactionType": "RESERVE_CAPTURE",
                "orderId": order_id,
            }
        return (yield self._send("POST", self.base, body, purpose))

    def _accept(self, agreement_id: str) -> Call:
        body = {"phoneNumber": self.credentials.phone}
        return self._send("PATCH", f"{self._agreement(agreement_id)}/accept", body, "prepare")

    def _new_charge(self, step: Initiate, order_id: str) -> dict[str, Any]:
        direct = step.kind is Kind.CHARGE_DIRECT
        return {
            "amount": step.amount,
            "transactionType": "DIRECT_CAPTURE" if direct else "RESERVE_CAPTURE",
            "type": "RECURRING",
            "description": "Conformance test",
            "due": self.ticket.due,
            "retryDays": 5,
            "orderId": order_id,
        }

    def cancel(self, step: Cancel) -> Calls:
        """Send a cancel, after whatever it needs: another charge whose key is spent, or another agreement."""
        path = self._charge()
        key = ""
        if step.key is Key.SPENT:
            order_id = self.ticket.helper_id()
            opening = Initiate(kind=Kind.CHARGE_RESERVE)
            answer = yield self._send(
                "POST", f"{self._agreement()}/charges", self._new_charge(opening, order_id), "prepare"
            )
            charge_id = text(dig(content(answer), "chargeId")) or order_id
            key = self.ticket.key_for(step)
            yield self._cancel(self._charge(charge_id=charge_id), key, None, "prepare")
        if step.to is Addressee.FOREIGN:
            answer = yield from self._draft(1000, None, self.ticket.helper_id())
            other = text(dig(content(answer), "agreementId")) or "agr_none"
            yield self._accept(other)
            path = self._charge(agreement_id=other)
        elif step.to is Addressee.UNKNOWN:
            path = self._charge(charge_id="chr-none")
        if step.defect is Defect.MALFORMED_AGREEMENT:
            path = self._charge(agreement_id="not an agreement!")
        answer = yield self._cancel(path, key or self.ticket.key_for(step), step.defect, "act")
        return {**answered(answer), **_error(answer)}

    def _cancel(self, path: str, key: str, defect: Defect | None, purpose: str) -> Call:
        sent: tuple[str, str] | None = ("Idempotency-Key", key)
        if defect is Defect.NO_KEY:
            sent = None
        elif defect is Defect.LONG_KEY:
            sent = ("Idempotency-Key", f"{key}-".ljust(41, "x"))
        elif defect is Defect.ILLEGAL_KEY:
            sent = ("Idempotency-Key", f"{key}#?")
        return Call(Request("DELETE", path, self.headers(defect, key=sent)), purpose)

    def read(self, purpose: str = "read", *, log: bool = True) -> Calls:
        """Read the charge."""
        answer = yield Call(Request("GET", self._charge(), self.headers()), purpose)
        view = seen(answer)
        body = content(answer)
        if not isinstance(body, Mapping) or view["view.outcome"] != ACCEPTED:
            return view
        view["view.state"] = word(body.get("status"))
        view["view.currency"] = word(body.get("currency"))
        for name in ("captured", "refunded", "cancelled"):
            view[f"view.{name}"] = figure(dig(body, "summary", name))
        reserved = None if view["view.state"] in _WAITING else whole(body.get("amount"))
        return books(view | _history(body.get("history")), reserved)


def _money(amount: int) -> dict[str, Any]:
    # A capture's description is required in 2.6.17, and deprecated but allowed in 3.1.2.
    return {"amount": amount, "description": "Conformance test"}


def _history(raw: Any) -> ObservedFields:
    events = [event for event in listed(raw) if isinstance(event, Mapping) and event.get("success") is not False]

    def total(name: str) -> int:
        return sum(whole(event.get("amount")) or 0 for event in events if event.get("event") == name)

    return {
        "view.log.captured": total("CAPTURE"),
        "view.log.refunded": total("REFUND"),
        "view.log.cancels": sum(event.get("event") == "CANCEL" for event in events),
        "view.log.cancelled": total("CANCEL"),
    }


def _error(answer: ResponseOrNone) -> ObservedFields:
    if isinstance(answer, NoResponse) or answer.status < 400:
        return {}
    body = content(answer)
    kind = text(dig(body, "type"))
    return {
        "answer.code": _problem(kind) if kind else None,
        "answer.detail": text(dig(body, "detail")),
    }


def _problem(kind: str) -> str | None:
    """Return a problem's id: its type's fragment, or the whole type where that is no address."""
    if "#" in kind:
        return kind.rpartition("#")[2]
    return None if "/" in kind or ":" in kind else kind
