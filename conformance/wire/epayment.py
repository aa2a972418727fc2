"""ePayment v1 in HTTP messages.

Steps become requests, responses become observations. Documented in the ePayment API guide and its OpenAPI description,
version 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from conformance.domain.expectation import ACCEPTED, BROKEN, REFUSED
from conformance.domain.messages import Call, NoResponse, Request, Response, ResponseOrNone
from conformance.domain.observation import MISSING, Field
from conformance.domain.order import Profile
from conformance.domain.steps import Approve, Cancel, Capture, Defect, Initiate, Key, Refund, Step
from conformance.wire.base import (
    Calls,
    ObservedFields,
    Wire,
    as_amount,
    as_json_bytes,
    as_list,
    as_text,
    compare_echo,
    in_common,
    instead_of,
    json_body,
    nested,
    observed_amount,
    observed_name,
    outcome_fields,
    read_outcome_fields,
    with_balance_checks,
)
from conformance.wire.log_entries import key_of_cancels, reference_of_cancels, releases

_AMOUNTS = ("authorized", "cancelled", "captured", "refunded")
_LOGGED = ("captured", "refunded", "cancelled", "terminated")
RELEASES = ("CANCELLED", "TERMINATED")


class EpaymentWire(Wire):
    """One ePayment payment."""

    profile: ClassVar[Profile] = Profile.EPAYMENT
    base: ClassVar[str] = "/epayment/v1/payments"
    documented: ClassVar[tuple[str, ...]] = ("amount", "state", "aggregate", "pspReference", "reference")
    error_fields: ClassVar[tuple[str, ...]] = ("type", "title", "traceId", "extraDetails")

    @property
    def identifier(self) -> str:
        """The ``reference``."""
        return self.identifiers.order_id

    def act(self, step: Step) -> Calls:
        """Yield the request of a step, other than a cancel."""
        if isinstance(step, Initiate):
            answer = yield self._create(self.identifier, step.amount, "act")
        elif isinstance(step, Approve):
            path = f"/epayment/v1/test/payments/{self.identifier}/approve"
            body = {"customer": {"phoneNumber": self.credentials.phone}}
            answer = yield Call(Request("POST", path, self.headers(), as_json_bytes(body)), "act")
        elif isinstance(step, Capture):
            answer = yield self._modify("capture", step.amount)
        elif isinstance(step, Refund):
            answer = yield self._modify("refund", step.amount)
        else:
            return {}
        return {**outcome_fields(answer), **_error(answer)}

    def _key(self, key: str) -> tuple[str, str]:
        return ("Idempotency-Key", key)

    def _money(self, amount: int) -> dict[str, Any]:
        return {"currency": self.identifiers.market.currency, "value": amount}

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
        headers = self.headers(key=self._key(self.identifiers.fresh_key()))
        return Call(Request("POST", self.base, headers, as_json_bytes(body)), purpose)

    def _modify(self, operation: str, amount: int) -> Call:
        body = {"modificationAmount": self._money(amount)}
        headers = self.headers(key=self._key(self.identifiers.fresh_money_key()))
        return Call(Request("POST", f"{self.base}/{self.identifier}/{operation}", headers, as_json_bytes(body)), "act")

    def cancel(self, step: Cancel) -> Calls:
        """Yield the calls of a cancel.

        A key that is to be spent is spent on another payment first.
        """
        reference, msn = self.order_and_unit(step)
        if step.key is Key.SPENT:
            helper = self.identifiers.helper_id()
            yield self._create(helper, 1000, "prepare")
            key = self.identifiers.key_for(step)
            self.identifiers.note_spent(helper, (yield self._cancel(helper, key, b"", "prepare")))
        else:
            key = self.identifiers.key_for(step)
        if step.defect is Defect.MALFORMED_ID:
            # One of its own: the limit of requests is that of a reference.
            reference = f"not_a_reference!{reference}"
        answer = yield self._cancel(reference, key, _body(step), "act", step.defect, msn)
        self.identifiers.note_cancel(step, key, answer)
        body = json_body(answer)
        if not isinstance(answer, NoResponse) and answer.status < 300:
            self.identifiers.cancel_psp = as_text(nested(body, "pspReference"))
        return {**outcome_fields(answer), **_error(answer), **self._result(answer, body)}

    def _cancel(
        self, reference: str, key: str, body: bytes, purpose: str, defect: Defect | None = None, msn: str | None = None
    ) -> Call:
        headers = self.headers(defect, msn, self._key(key))
        return Call(Request("POST", f"{self.base}/{quote(reference, safe='')}/cancel", headers, body), purpose)

    def _result(self, answer: ResponseOrNone, body: Any) -> ObservedFields:
        if isinstance(answer, NoResponse) or answer.status >= 300 or not isinstance(body, Mapping):
            return {}
        observed: ObservedFields = {
            Field.ANSWER_ORDER: compare_echo(body.get("reference"), self.identifier),
            Field.ANSWER_STATE: observed_name(body.get("state")),
            Field.ANSWER_AMOUNT: observed_amount(nested(body, "amount", "value")),
            Field.ANSWER_CURRENCY: observed_name(nested(body, "aggregate", "cancelledAmount", "currency")),
        }
        for name in _AMOUNTS:
            observed[f"answer.{name}"] = observed_amount(nested(body, "aggregate", f"{name}Amount", "value"))
        if as_text(body.get("pspReference")) is None:
            observed[Field.ANSWER_PSP] = MISSING
        return observed

    def read(self, purpose: str = "read", *, log: bool = True) -> Calls:
        """Yield ``GET`` of the payment and, with ``log``, of its events."""
        path = f"{self.base}/{self.identifier}"
        answer = yield Call(Request("GET", path, self.headers()), purpose)
        view = read_outcome_fields(answer)
        body = json_body(answer)
        if not isinstance(body, Mapping) or view[Field.VIEW_OUTCOME] != ACCEPTED:
            return view
        view[Field.VIEW_STATE] = observed_name(body.get("state"))
        amounts = (nested(body, "amount"), *(nested(body, "aggregate", f"{name}Amount") for name in _AMOUNTS))
        view[Field.VIEW_CURRENCY] = in_common(observed_name(nested(each, "currency")) for each in amounts)
        view[Field.VIEW_AMOUNT] = observed_amount(nested(body, "amount", "value"))
        for name in _AMOUNTS:
            view[f"view.{name}"] = observed_amount(nested(body, "aggregate", f"{name}Amount", "value"))
        # A payment that was never reserved can have more cancelled than was authorized.
        view = with_balance_checks(view, as_amount(view[Field.VIEW_AUTHORIZED]) or None)
        if log:
            events = yield Call(Request("GET", f"{path}/events", self.headers()), purpose)
            view |= self._events(events)
        helper = f"{self.base}/{self.identifiers.spent_on}"
        return view | (yield from self.read_helper(helper, purpose, lambda body: observed_name(nested(body, "state"))))

    def _events(self, answer: ResponseOrNone) -> ObservedFields:
        raw = json_body(answer)
        if not isinstance(raw, list):
            return _unreadable_log(answer)
        events = [event for event in raw if isinstance(event, Mapping) and event.get("success") is not False]

        def total(name: str) -> int:
            return sum(
                as_amount(nested(event, "amount", "value")) or 0 for event in events if event.get("name") == name
            )

        observed: ObservedFields = {
            Field.VIEW_LOG_ORDER: _order([event.get("name") for event in events]),
            Field.VIEW_LOG_CAPTURED: total("CAPTURED"),
            Field.VIEW_LOG_REFUNDED: total("REFUNDED"),
            Field.VIEW_LOG_CANCELLED: total("CANCELLED"),
            Field.VIEW_LOG_TERMINATED: sum(event.get("name") == "TERMINATED" for event in events),
            Field.VIEW_LOG_RELEASES: releases(
                nested(event, "amount", "value") for event in events if event.get("name") in RELEASES
            ),
            **self._of_cancels(events),
        }
        if self.identifiers.cancel_psp is not None:
            created = next((event.get("pspReference") for event in events if event.get("name") == "CREATED"), None)
            if created is not None:
                psp = self.identifiers.cancel_psp
                observed[Field.ANSWER_PSP] = "creation" if created == psp else instead_of(psp, created)
            self.identifiers.cancel_psp = None
        return observed

    def _of_cancels(self, events: list[Mapping[str, Any]]) -> ObservedFields:
        """Return what the events of a cancel after the authorization say of themselves."""
        cancels = [event for event in events if event.get("name") == "CANCELLED"]
        others = [event for event in events if event.get("name") != "CANCELLED"]
        created = next((event.get("pspReference") for event in others if event.get("name") == "CREATED"), None)
        taken = [event.get("pspReference") for event in others]
        # The key may be missing from an event.
        keyed = [event for event in cancels if event.get("idempotencyKey") is not None]
        return {
            Field.VIEW_LOG_PSP: reference_of_cancels(cancels, created, taken),
            Field.VIEW_LOG_KEY: key_of_cancels(keyed, self.identifiers),
        }


def _unreadable_log(answer: ResponseOrNone) -> ObservedFields:
    unreadable: ObservedFields = {f"view.log.{name}": "unreadable" for name in _LOGGED}
    outcome = read_outcome_fields(answer)
    if isinstance(answer, Response) and answer.status == 401:
        # The payment was read a moment ago with the same token, so it is the token that is refused now.
        return {**unreadable, **outcome, Field.VIEW_OUTCOME: BROKEN}
    # An answer that proves nothing about the log proves nothing about the read either.
    return unreadable if outcome[Field.VIEW_OUTCOME] in (ACCEPTED, REFUSED) else {**unreadable, **outcome}


def _order(names: list[Any]) -> str | None:
    """Return which end of the log is the newest, by the position of the creation.

    The result is None if that is not known.
    """
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
        case Defect.FLAG_AS_TEXT:
            return as_json_bytes({"cancelTransactionOnly": str(bool(step.flag)).lower()})
        case Defect.UNKNOWN_FIELD:
            return b'{"unknownField":"sent by the conformance suite"}'
    return b"" if step.flag is None else as_json_bytes({"cancelTransactionOnly": step.flag})


def _error(answer: ResponseOrNone) -> ObservedFields:
    if isinstance(answer, NoResponse) or answer.status < 400:
        return {}
    details = as_list(nested(json_body(answer), "extraDetails"))
    codes = [nested(detail, "reason") for detail in details if nested(detail, "name") == "ErrorCode"]
    return {Field.ANSWER_CODE: str(codes[0]) if codes and isinstance(codes[0], str | int) else None}
