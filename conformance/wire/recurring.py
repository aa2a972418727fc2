"""Recurring v3 in HTTP messages.

Steps become requests, responses become observations. Documented in the Recurring API guide and its OpenAPI description,
version 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from conformance.domain.expectation import ACCEPTED, Scalar
from conformance.domain.messages import Call, NoResponse, Request, ResponseOrNone
from conformance.domain.observation import MISSING, Field
from conformance.domain.order import ANOTHER_AMOUNT, Kind, Profile
from conformance.domain.steps import (
    Addressee,
    AnotherCharge,
    Cancel,
    Capture,
    Defect,
    Initiate,
    Key,
    Refund,
    Step,
    StopAgreement,
)
from conformance.wire.base import (
    Calls,
    ObservedFields,
    OrderIdentifiers,
    Wire,
    as_amount,
    as_json_bytes,
    as_list,
    as_text,
    json_body,
    nested,
    observed_amount,
    observed_name,
    outcome_fields,
    read_outcome_fields,
    with_balance_checks,
)
from conformance.wire.log_entries import key_of_cancels, releases, time_of_cancels

_WAITING = ("PENDING", "DUE", "PROCESSING", "RESERVED", "FAILED")


class RecurringWire(Wire):
    """One Recurring charge."""

    profile: ClassVar[Profile] = Profile.RECURRING
    base: ClassVar[str] = "/recurring/v3/agreements"
    documented: ClassVar[tuple[str, ...]] = ("id", "amount", "currency", "status", "summary", "history")
    error_fields: ClassVar[tuple[str, ...]] = ("type", "title", "contextId", "extraDetails")

    @property
    def identifier(self) -> str:
        """The ``chargeId``, as the target chose it."""
        return self.identifiers.charge_id

    @classmethod
    def path_parameters(cls, identifiers: OrderIdentifiers) -> dict[str, str]:
        """Return the charge's identifier and its agreement's."""
        return {"agreementId": identifiers.agreement_id, "chargeId": identifiers.charge_id}

    @classmethod
    def request_count(cls, step: Step) -> int:
        """Return about how many requests a step takes: a charge needs an agreement that was accepted."""
        match step:
            case AnotherCharge():
                return super().request_count(step) + 1 + len(step.actions) + bool(step.captured)
            case Initiate():
                return super().request_count(step) + (1 if step.kind is Kind.INITIAL_RESERVE else 2)
            case Cancel():
                return super().request_count(step) + 2 * (step.to is Addressee.FOREIGN)
        return super().request_count(step)

    def act(self, step: Step) -> Calls:
        """Yield the request of a step, other than a cancel."""
        if isinstance(step, Initiate):
            return (yield from self._initiate(step))
        if isinstance(step, Capture):
            answer = yield self._move("capture", step.amount)
        elif isinstance(step, Refund):
            answer = yield self._move("refund", step.amount)
        elif isinstance(step, AnotherCharge):
            return (yield from self._another_charge(step))
        elif isinstance(step, StopAgreement):
            change: dict[str, Any] = {"status": "STOPPED"}
            if step.with_other_change:
                change["productName"] = "Conformance test, renamed"
            answer = yield self._send("PATCH", self._agreement(), change)
        else:
            return {}
        return {**outcome_fields(answer), **_error(answer)}

    def _agreement(self, agreement_id: str | None = None) -> str:
        return f"{self.base}/{quote(agreement_id or self.identifiers.agreement_id, safe='')}"

    def _charge(self, agreement_id: str | None = None, charge_id: str | None = None) -> str:
        charge = quote(charge_id or self.identifiers.charge_id, safe="")
        return f"{self._agreement(agreement_id)}/charges/{charge}"

    def _another_charge(self, step: AnotherCharge) -> Calls:
        order_id = self.identifiers.helper_id()
        answer = yield self._send(
            "POST", f"{self._agreement()}/charges", self._new_charge(Initiate(ANOTHER_AMOUNT), order_id)
        )
        observed = {**outcome_fields(answer), **_error(answer)}
        if isinstance(answer, NoResponse) or answer.status >= 300:
            return observed
        other = as_text(nested(json_body(answer), "chargeId")) or order_id
        self.identifiers.other_charge_id = other
        for action in step.actions:
            observed = yield from self._control("action", {"action": action}, other)
        if step.captured:
            path = f"{self._charge(charge_id=other)}/capture"
            answer = yield self._send("POST", path, _money(step.captured))
            observed = {**outcome_fields(answer), **_error(answer)}
        return observed

    def _move(self, operation: str, amount: int) -> Call:
        key = self.identifiers.fresh_money_key()
        return self._send("POST", f"{self._charge()}/{operation}", _money(amount), key=key)

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None, purpose: str = "act", key: str = ""
    ) -> Call:
        headers = self.headers(key=("Idempotency-Key", key or self.identifiers.fresh_key()))
        return Call(Request(method, path, headers, as_json_bytes(body) if body is not None else b""), purpose)

    def _initiate(self, step: Initiate) -> Calls:
        initial = step.amount if step.kind is Kind.INITIAL_RESERVE else None
        answer = yield from self._draft(step.amount, initial, self.identifiers.order_id)
        body = json_body(answer)
        if isinstance(answer, NoResponse) or answer.status >= 300:
            return {**outcome_fields(answer), **_error(answer)}
        self.identifiers.agreement_id = as_text(nested(body, "agreementId")) or ""
        if step.kind is Kind.INITIAL_RESERVE:
            self.identifiers.charge_id = as_text(nested(body, "chargeId")) or self.identifiers.order_id
        answer = yield self._accept(self.identifiers.agreement_id)
        if isinstance(answer, NoResponse) or answer.status >= 300 or step.kind is Kind.INITIAL_RESERVE:
            return {**outcome_fields(answer), **_error(answer)}
        charge = self._new_charge(step, self.identifiers.order_id)
        answer = yield self._send("POST", f"{self._agreement()}/charges", charge)
        self.identifiers.charge_id = as_text(nested(json_body(answer), "chargeId")) or self.identifiers.order_id
        return {**outcome_fields(answer), **_error(answer)}

    def _draft(self, amount: int, initial: int | None, order_id: str, purpose: str = "prepare") -> Any:
        body: dict[str, Any] = {
            "pricing": {"type": "LEGACY", "amount": amount, "currency": self.identifiers.market.currency},
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
            "due": self.identifiers.due,
            "retryDays": 5,
            "orderId": order_id,
        }

    def cancel(self, step: Cancel) -> Calls:
        """Yield the calls of a cancel.

        Before them come those of another charge whose key is spent, or of another agreement.
        """
        path = self._charge()
        key = ""
        if step.key is Key.SPENT:
            order_id = self.identifiers.helper_id()
            opening = Initiate(kind=Kind.CHARGE_RESERVE)
            answer = yield self._send(
                "POST", f"{self._agreement()}/charges", self._new_charge(opening, order_id), "prepare"
            )
            charge_id = as_text(nested(json_body(answer), "chargeId")) or order_id
            key = self.identifiers.key_for(step)
            path_of_helper = self._charge(charge_id=charge_id)
            self.identifiers.note_spent(charge_id, (yield self._cancel(path_of_helper, key, None, "prepare")))
        if step.to is Addressee.FOREIGN:
            answer = yield from self._draft(1000, None, self.identifiers.helper_id())
            other_agreement = as_text(nested(json_body(answer), "agreementId")) or "agr_none"
            yield self._accept(other_agreement)
            path = self._charge(agreement_id=other_agreement)
        elif step.to is Addressee.UNKNOWN:
            path = self._charge(charge_id="chr-none")
        if step.defect is Defect.MALFORMED_AGREEMENT:
            path = self._charge(agreement_id="not an agreement!")
        key = key or self.identifiers.key_for(step)
        answer = yield self._cancel(path, key, step.defect, "act")
        self.identifiers.note_cancel(step, key, answer)
        return {**outcome_fields(answer), **_error(answer)}

    def _cancel(self, path: str, key: str, defect: Defect | None, purpose: str) -> Call:
        header: tuple[str, str] | None = ("Idempotency-Key", key)
        if defect is Defect.NO_KEY:
            header = None
        elif defect is Defect.LONG_KEY:
            header = ("Idempotency-Key", f"{key}-".ljust(41, "x"))
        elif defect is Defect.ILLEGAL_KEY:
            header = ("Idempotency-Key", f"{key}#?")
        return Call(Request("DELETE", path, self.headers(defect, key=header)), purpose)

    def read(self, purpose: str = "read", *, log: bool = True) -> Calls:
        """Yield ``GET`` of the charge."""
        answer = yield Call(Request("GET", self._charge(), self.headers()), purpose)
        view = read_outcome_fields(answer)
        body = json_body(answer)
        if not isinstance(body, Mapping) or view[Field.VIEW_OUTCOME] != ACCEPTED:
            return view
        view[Field.VIEW_STATE] = observed_name(body.get("status"))
        view[Field.VIEW_CURRENCY] = observed_name(body.get("currency"))
        for name in ("captured", "refunded", "cancelled"):
            view[f"view.{name}"] = observed_amount(nested(body, "summary", name))
        reserved = None if view[Field.VIEW_STATE] in _WAITING else as_amount(body.get("amount"))
        view |= _history(body.get("history"), self.identifiers)
        view = with_balance_checks(view, reserved)
        if self.identifiers.other_charge_id:
            view |= yield from self._read_other(purpose)
        helper = self._charge(charge_id=self.identifiers.spent_on)
        return view | (yield from self.read_helper(helper, purpose, lambda body: observed_name(nested(body, "status"))))

    def _read_other(self, purpose: str) -> Calls:
        path = self._charge(charge_id=self.identifiers.other_charge_id)
        answer = yield Call(Request("GET", path, self.headers()), purpose)
        view = read_outcome_fields(answer)
        if view[Field.VIEW_OUTCOME] != ACCEPTED:
            return view
        body = json_body(answer)
        return {
            Field.VIEW_OTHER_STATE: observed_name(nested(body, "status")),
            Field.VIEW_OTHER_CAPTURED: observed_amount(nested(body, "summary", "captured")),
            Field.VIEW_OTHER_CANCELLED: observed_amount(nested(body, "summary", "cancelled")),
        }


def _money(amount: int) -> dict[str, Any]:
    # The description of a capture is required in 2.6.17, and deprecated but allowed in 3.1.2.
    return {"amount": amount, "description": "Conformance test"}


def _history(raw: Any, identifiers: OrderIdentifiers) -> ObservedFields:
    if raw is None:
        return {}
    events = [event for event in as_list(raw) if isinstance(event, Mapping) and event.get("success") is not False]
    cancels = [event for event in events if event.get("event") == "CANCEL"]
    created = next((event.get("occurred") for event in events if event.get("event") == "CREATE"), None)

    def total(name: str) -> int:
        return sum(as_amount(event.get("amount")) or 0 for event in events if event.get("event") == name)

    return {
        Field.VIEW_LOG_CAPTURED: total("CAPTURE"),
        Field.VIEW_LOG_REFUNDED: total("REFUND"),
        Field.VIEW_LOG_CANCELS: len(cancels),
        Field.VIEW_LOG_CANCELLED: total("CANCEL"),
        Field.VIEW_LOG_RELEASES: releases(event.get("amount") for event in cancels),
        Field.VIEW_LOG_KEY: key_of_cancels(cancels, identifiers),
        Field.VIEW_LOG_TIME: time_of_cancels(
            [event.get("occurred") for event in cancels], created, aged=identifiers.aged
        ),
        Field.VIEW_LOG_SUCCESS: _success(cancels),
    }


def _success(cancels: list[Mapping[str, Any]]) -> Scalar:
    """Return whether all events of a cancel say that it was carried out; None where there is none."""
    claims = [event.get("success") for event in cancels]
    if all(claim is True for claim in claims):
        return True if claims else None
    return MISSING if None in claims else "neither true nor false"


def _error(answer: ResponseOrNone) -> ObservedFields:
    if isinstance(answer, NoResponse) or answer.status < 400:
        return {}
    body = json_body(answer)
    kind = as_text(nested(body, "type"))
    return {
        Field.ANSWER_CODE: _problem(kind) if kind else None,
        Field.ANSWER_DETAIL: as_text(nested(body, "detail")),
    }


def _problem(kind: str) -> str | None:
    """Return a problem's id.

    It is the fragment of its type, or the whole type if it is not a URL.
    """
    if "#" in kind:
        return kind.rpartition("#")[2]
    return None if "/" in kind or ":" in kind else kind
