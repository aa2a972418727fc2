"""The wire of ePayment v1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from conformance.domain.expectation import ACCEPTED, BROKEN, REFUSED
from conformance.domain.messages import Call, NoResponse, Request, Response, ResponseOrNone
from conformance.domain.order import Profile
from conformance.domain.steps import Approve, Cancel, Capture, Defect, Initiate, Key, Refund, Step
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
    same,
    seen,
    text,
    whole,
    word,
)

_AMOUNTS = ("authorized", "cancelled", "captured", "refunded")
_LOGGED = ("captured", "refunded", "cancelled", "terminated")


class EpaymentWire(Wire):
    """Steps as ePayment requests, and ePayment's answers as observations."""

    profile: ClassVar[Profile] = Profile.EPAYMENT
    base: ClassVar[str] = "/epayment/v1/payments"

    @property
    def identifier(self) -> str:
        """The ``reference``."""
        return self.ticket.order_id

    def act(self, step: Step) -> Calls:
        """Play a step that goes through the API itself."""
        if isinstance(step, Initiate):
            answer = yield self._create(self.identifier, step.amount, "act")
        elif isinstance(step, Approve):
            path = f"/epayment/v1/test/payments/{self.identifier}/approve"
            body = {"customer": {"phoneNumber": self.credentials.phone}}
            answer = yield Call(Request("POST", path, self.headers(), encoded(body)), "act")
        elif isinstance(step, Capture):
            answer = yield self._modify("capture", step.amount)
        elif isinstance(step, Refund):
            answer = yield self._modify("refund", step.amount)
        else:
            return {}
        return {**answered(answer), **_error(answer)}

    def _key(self, key: str) -> tuple[str, str]:
        return ("Idempotency-Key", key)

    def _money(self, amount: int) -> dict[str, Any]:
        return {"currency": self.ticket.market.currency, "value": amount}

    def _create(self, reference: str, amount: int, purpose: str) -> Call:
        body = {
            "amount": self._money(amount),
            "paymentMethod": {"type": "WALLET"},
            "customer": {"phoneNumber": self.credentials.phone},
            "reference": reference,
            "userFlow": "WEB_REDIRECT",
            "returnUrl": f"https://example.com/return?reference={reference}",
            "paymentDescription": "Conformance test",
        }
        headers = self.headers(key=self._key(self.ticket.fresh_key()))
        return Call(Request("POST", self.base, headers, encoded(body)), purpose)

    def _modify(self, what: str, amount: int) -> Call:
        body = {"modificationAmount": self._money(amount)}
        headers = self.headers(key=self._key(self.ticket.fresh_key()))
        return Call(Request("POST", f"{self.base}/{self.identifier}/{what}", headers, encoded(body)), "act")

    def cancel(self, step: Cancel) -> Calls:
        """Send a cancel; where its key is to be a spent one, spend it on another payment first."""
        reference, msn = self.addressed(step)
        if step.key is Key.SPENT:
            helper = self.ticket.helper_id()
            yield self._create(helper, 1000, "prepare")
            key = self.ticket.key_for(step)
            yield self._cancel(helper, key, b"", "prepare")
        else:
            key = self.ticket.key_for(step)
        if step.defect is Defect.MALFORMED_ID:
            reference = "not_a_reference!"
        answer = yield self._cancel(reference, key, _body(step), "act", step.defect, msn)
        body = content(answer)
        if not isinstance(answer, NoResponse) and answer.status < 300:
            self.ticket.cancel_psp = text(dig(body, "pspReference"))
        return {**answered(answer), **_error(answer), **self._result(answer, body)}

    def _cancel(
        self, reference: str, key: str, body: bytes, purpose: str, defect: Defect | None = None, msn: str | None = None
    ) -> Call:
        headers = self.headers(defect, msn, self._key(key))
        return Call(Request("POST", f"{self.base}/{quote(reference, safe='')}/cancel", headers, body), purpose)

    def _result(self, answer: ResponseOrNone, body: Any) -> ObservedFields:
        if isinstance(answer, NoResponse) or answer.status >= 300 or not isinstance(body, Mapping):
            return {}
        out: ObservedFields = {
            "answer.order": same(body.get("reference"), self.identifier),
            "answer.state": word(body.get("state")),
            "answer.amount": figure(dig(body, "amount", "value")),
            "answer.currency": word(dig(body, "aggregate", "cancelledAmount", "currency")),
        }
        for name in _AMOUNTS:
            out[f"answer.{name}"] = figure(dig(body, "aggregate", f"{name}Amount", "value"))
        return out

    def read(self, purpose: str = "read", *, log: bool = True) -> Calls:
        """Read the payment and, with ``log``, its events."""
        path = f"{self.base}/{self.identifier}"
        answer = yield Call(Request("GET", path, self.headers()), purpose)
        view = seen(answer)
        body = content(answer)
        if not isinstance(body, Mapping) or view["view.outcome"] != ACCEPTED:
            return view
        view["view.state"] = word(body.get("state"))
        currencies = {word(dig(body, "aggregate", f"{name}Amount", "currency")) for name in _AMOUNTS}
        currencies.add(word(dig(body, "amount", "currency")))
        view["view.currency"] = currencies.pop() if len(currencies) == 1 else "mixed"
        view["view.amount"] = figure(dig(body, "amount", "value"))
        for name in _AMOUNTS:
            view[f"view.{name}"] = figure(dig(body, "aggregate", f"{name}Amount", "value"))
        # Of what was never reserved, more can be cancelled than was authorized.
        view = books(view, whole(view["view.authorized"]) or None)
        if log:
            events = yield Call(Request("GET", f"{path}/events", self.headers()), purpose)
            view |= self._events(events)
        return view

    def _events(self, answer: ResponseOrNone) -> ObservedFields:
        raw = content(answer)
        if not isinstance(raw, list):
            unreadable: ObservedFields = {f"view.log.{name}": "unreadable" for name in _LOGGED}
            outcome = seen(answer)["view.outcome"]
            if isinstance(answer, Response) and answer.status == 401:
                # The payment was read a moment ago with the same token: it is the token that is refused now.
                return {**unreadable, **seen(answer), "view.outcome": BROKEN}
            # An answer that proves nothing about the log proves nothing about the read.
            return unreadable if outcome in (ACCEPTED, REFUSED) else {**unreadable, **seen(answer)}
        events = [event for event in raw if isinstance(event, Mapping) and event.get("success") is not False]

        def total(name: str) -> int:
            return sum(whole(dig(event, "amount", "value")) or 0 for event in events if event.get("name") == name)

        out: ObservedFields = {
            "view.log.order": _order([event.get("name") for event in events]),
            "view.log.captured": total("CAPTURED"),
            "view.log.refunded": total("REFUNDED"),
            "view.log.cancelled": total("CANCELLED"),
            "view.log.terminated": sum(event.get("name") == "TERMINATED" for event in events),
        }
        if self.ticket.cancel_psp is not None:
            created = next((event.get("pspReference") for event in events if event.get("name") == "CREATED"), None)
            if created is not None:
                out["answer.psp"] = "creation" if created == self.ticket.cancel_psp else "other"
            self.ticket.cancel_psp = None
        return out


def _order(names: list[Any]) -> str | None:
    """Tell which end of the log is the newest, by where the creation stands; None where that cannot be told."""
    if len(names) < 2 or "CREATED" not in names:
        return None
    if names[0] == "CREATED":
        return "oldest-first"
    return "newest-first" if names[-1] == "CREATED" else "mixed"


def _body(step: Cancel) -> bytes:
    match step.defect:
        case Defect.MALFORMED_JSON:
            return b'{"cancelTransactionOnly": fal'
        case Defect.ARRAY_BODY:
            return b"[]"
        case Defect.FLAG_NOT_BOOLEAN:
            return b'{"cancelTransactionOnly":"yes"}'
        case Defect.FLAG_AS_NUMBER:
            return b'{"cancelTransactionOnly":1}'
        case Defect.UNKNOWN_FIELD:
            return b'{"unknownField":"sent by the conformance suite"}'
    return b"" if step.flag is None else encoded({"cancelTransactionOnly": step.flag})


def _error(answer: ResponseOrNone) -> ObservedFields:
    if isinstance(answer, NoResponse) or answer.status < 400:
        return {}
    details = listed(dig(content(answer), "extraDetails"))
    codes = [dig(detail, "reason") for detail in details if dig(detail, "name") == "ErrorCode"]
    return {"answer.code": str(codes[0]) if codes and isinstance(codes[0], str | int) else None}
