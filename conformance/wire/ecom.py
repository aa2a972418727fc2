"""eCom v2 in HTTP messages: steps become requests, responses become observations.

Documented in the eCom API guide and its OpenAPI description, version 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, ClassVar
from urllib.parse import quote

from conformance.domain.expectation import ACCEPTED, Scalar
from conformance.domain.messages import Call, NoResponse, Request, ResponseOrNone
from conformance.domain.observation import Field
from conformance.domain.order import Profile
from conformance.domain.steps import Approve, Cancel, Capture, Defect, Initiate, Key, Refund, Step
from conformance.wire.base import (
    LONG_TEXT,
    TEXT,
    Calls,
    ObservedFields,
    Wire,
    as_amount,
    as_json_bytes,
    as_list,
    as_text,
    compare_echo,
    json_body,
    nested,
    observed_amount,
    observed_name,
    outcome_fields,
    read_outcome_fields,
    with_balance_checks,
)
from conformance.wire.log_entries import earlier, moment, releases

RELEASES = ("CANCEL", "VOID")


class EcomWire(Wire):
    """One eCom payment."""

    profile: ClassVar[Profile] = Profile.ECOM
    base: ClassVar[str] = "/ecomm/v2/payments"
    documented: ClassVar[tuple[str, ...]] = ("orderId", "transactionSummary", "transactionLogHistory")
    error_fields: ClassVar[tuple[str, ...]] = ("errorGroup", "errorCode", "errorMessage")

    @property
    def identifier(self) -> str:
        """The ``orderId``."""
        return self.identifiers.order_id

    def act(self, step: Step) -> Calls:
        """Yield the request of a step, other than a cancel."""
        if isinstance(step, Initiate):
            answer = yield self._initiate(self.identifier, step.amount, "act")
        elif isinstance(step, Approve):
            answer = yield self._approve()
        elif isinstance(step, Capture):
            answer = yield self._modify("capture", step.amount)
        elif isinstance(step, Refund):
            answer = yield self._modify("refund", step.amount)
        else:
            return {}
        return {**outcome_fields(answer), **self._error(answer)}

    def _initiate(self, order_id: str, amount: int, purpose: str) -> Call:
        body = {
            "customerInfo": {"mobileNumber": self.credentials.phone[-8:]},
            "merchantInfo": {
                "merchantSerialNumber": self.credentials.msn,
                "callbackPrefix": "https://example.com/vipps/callbacks",
                "fallBack": f"https://example.com/vipps/fallback/{order_id}",
            },
            "transaction": {"amount": amount, "orderId": order_id, "transactionText": TEXT},
        }
        return Call(Request("POST", self.base, self.headers(), as_json_bytes(body)), purpose)

    def _approve(self) -> Call:
        path = f"/ecomm/v2/integration-test/payments/{self.identifier}/approve"
        body = {"customerPhoneNumber": self.credentials.phone[-8:]}
        return Call(Request("POST", path, self.headers(), as_json_bytes(body)), "act")

    def _modify(self, operation: str, amount: int) -> Call:
        body = {
            "merchantInfo": {"merchantSerialNumber": self.credentials.msn},
            "transaction": {"amount": amount, "transactionText": TEXT},
        }
        headers = self.headers(key=("X-Request-Id", self.identifiers.fresh_money_key()))
        return Call(Request("POST", f"{self.base}/{self.identifier}/{operation}", headers, as_json_bytes(body)), "act")

    def cancel(self, step: Cancel) -> Calls:
        """Yield the calls of a cancel.

        A key that is to be spent is spent on another order first.
        """
        order_id, msn = self.order_and_unit(step)
        if step.key is Key.SPENT:
            helper = self.identifiers.helper_id()
            yield self._initiate(helper, 1000, "prepare")
            key = self.identifiers.key_for(step)
            self.identifiers.note_spent(
                helper, (yield self._cancel(helper, key, self._body(Cancel(), None), "prepare"))
            )
        else:
            key = self.identifiers.key_for(step)
        body = self._body(step, msn)
        answer = yield self._cancel(order_id, key, body, "act", step.defect, msn)
        return {**outcome_fields(answer), **self._error(answer), **self._result(answer)}

    def _cancel(
        self, order_id: str, key: str, body: Any, purpose: str, defect: Defect | None = None, msn: str | None = None
    ) -> Call:
        headers = self.headers(defect, msn, ("X-Request-Id", key))
        return Call(
            Request("PUT", f"{self.base}/{quote(order_id, safe='')}/cancel", headers, as_json_bytes(body)), purpose
        )

    def _body(self, step: Cancel, msn: str | None) -> dict[str, Any]:
        number: Any = msn or self.credentials.msn
        if step.defect is Defect.MSN_AS_INTEGER:
            number = int(number)
        body: dict[str, Any] = {
            "merchantInfo": {"merchantSerialNumber": number},
            "transaction": {"transactionText": LONG_TEXT if step.defect is Defect.LONG_TEXT else TEXT},
        }
        if step.flag is not None:
            body["shouldReleaseRemainingFunds"] = step.flag
        match step.defect:
            case Defect.FLAG_AS_TEXT:
                body["shouldReleaseRemainingFunds"] = str(bool(step.flag)).lower()
            case Defect.NO_MERCHANT_INFO:
                del body["merchantInfo"]
            case Defect.NO_BODY_MSN:
                body["merchantInfo"] = {}
            case Defect.NO_TRANSACTION:
                del body["transaction"]
            case Defect.NO_TEXT:
                body["transaction"] = {}
            case Defect.UNKNOWN_FIELD:
                body["unknownField"] = "sent by the conformance suite"
        return body

    def _result(self, answer: ResponseOrNone) -> ObservedFields:
        body = json_body(answer)
        if not isinstance(body, Mapping):
            return {}
        info = nested(body, "transactionInfo")
        summary = nested(body, "transactionSummary")
        return {
            Field.ANSWER_ORDER: compare_echo(body.get("orderId"), self.identifier),
            Field.ANSWER_INSTRUMENT: observed_name(body.get("paymentInstrument")),
            Field.ANSWER_STATE: observed_name(nested(info, "status")),
            Field.ANSWER_AMOUNT: observed_amount(nested(info, "amount")),
            Field.ANSWER_TEXT: compare_echo(nested(info, "transactionText"), TEXT),
            Field.ANSWER_CAPTURED: observed_amount(nested(summary, "capturedAmount")),
            Field.ANSWER_REFUNDED: observed_amount(nested(summary, "refundedAmount")),
            Field.ANSWER_TO_CAPTURE: observed_amount(nested(summary, "remainingAmountToCapture")),
            Field.ANSWER_TO_REFUND: observed_amount(nested(summary, "remainingAmountToRefund")),
            Field.ANSWER_BANK: observed_amount(nested(summary, "bankIdentificationNumber")),
        }

    @staticmethod
    def _error(answer: ResponseOrNone) -> ObservedFields:
        if isinstance(answer, NoResponse) or answer.status < 400:
            return {}
        first = next(iter(as_list(json_body(answer))), None)
        code = nested(first, "errorCode")
        return {
            Field.ANSWER_CODE: str(code) if isinstance(code, str | int) else None,
            Field.ANSWER_GROUP: observed_name(nested(first, "errorGroup")),
        }

    def read(self, purpose: str = "read", *, log: bool = True) -> Calls:
        """Yield ``GET …/details``."""
        path = f"{self.base}/{self.identifier}/details"
        answer = yield Call(Request("GET", path, self.headers()), purpose)
        body = json_body(answer)
        view = read_outcome_fields(answer)
        if not isinstance(body, Mapping) or view[Field.VIEW_OUTCOME] != ACCEPTED:
            return view
        summary = body.get("transactionSummary")
        view |= {
            Field.VIEW_SUMMARY: isinstance(summary, Mapping),
            Field.VIEW_CAPTURED: observed_amount(nested(summary, "capturedAmount")),
            Field.VIEW_REFUNDED: observed_amount(nested(summary, "refundedAmount")),
            Field.VIEW_TO_CAPTURE: observed_amount(nested(summary, "remainingAmountToCapture")),
            Field.VIEW_TO_REFUND: observed_amount(nested(summary, "remainingAmountToRefund")),
            **_history(body.get("transactionLogHistory")),
        }
        view[Field.VIEW_REFUND_MISMATCH] = _refund_mismatch(view)
        reserved = view.get(Field.VIEW_LOG_RESERVED)
        view = with_balance_checks(view, None)
        reserved_or_captured = (as_amount(view[Field.VIEW_CAPTURED]) or 0) + (
            as_amount(view[Field.VIEW_TO_CAPTURE]) or 0
        )
        view[Field.VIEW_OVERDRAWN] = isinstance(reserved, int) and reserved_or_captured > reserved > 0
        helper = f"{self.base}/{self.identifiers.spent_on}/details"
        return view | (yield from self.read_helper(helper, purpose, _newest_entry))


def _refund_mismatch(view: ObservedFields) -> bool:
    fields = (Field.VIEW_CAPTURED, Field.VIEW_REFUNDED, Field.VIEW_TO_REFUND)
    captured, refunded, to_refund = (as_amount(view[field]) for field in fields)
    if captured is None or refunded is None or to_refund is None:
        return False
    return to_refund != captured - refunded


def _history(raw: Any) -> ObservedFields:
    if raw is None:
        return {}
    entries = [
        entry for entry in as_list(raw) if isinstance(entry, Mapping) and entry.get("operationSuccess") is not False
    ]
    names = [entry.get("operation") for entry in entries]
    order = _order(names, [entry.get("timeStamp") for entry in entries])
    newest, first = (names[0], names[-1]) if names else (None, None)
    if order == "oldest-first":
        newest, first = first, newest

    def total(name: str) -> int:
        return sum(as_amount(entry.get("amount")) or 0 for entry in entries if entry.get("operation") == name)

    return {
        Field.VIEW_LOG_NEWEST: as_text(newest),
        Field.VIEW_LOG_FIRST: as_text(first),
        Field.VIEW_LOG_ORDER: order,
        # Direct capture is a sale: nothing is reserved before it.
        Field.VIEW_LOG_RESERVED: total("RESERVE") + total("SALE"),
        Field.VIEW_LOG_CAPTURED: total("CAPTURE"),
        Field.VIEW_LOG_REFUNDED: total("REFUND"),
        Field.VIEW_LOG_CANCELS: sum(name in RELEASES for name in names),
        Field.VIEW_LOG_RELEASES: releases(
            entry.get("amount") for entry in entries if entry.get("operation") in RELEASES
        ),
    }


def _newest_entry(body: Any) -> Scalar:
    return _history(nested(body, "transactionLogHistory")).get(Field.VIEW_LOG_NEWEST)


def _order(names: list[Any], stamps: list[Any]) -> str:
    """Return which end of the history is the newest.

    The position of the initiation shows it, and the times that can be read.
    """
    if len(names) < 2:
        return "one-entry"
    if names[0] == "INITIATE":
        return "oldest-first"
    times = [time for time in map(moment, stamps) if time is not None]
    rising = any(earlier(older, newer) for older, newer in pairwise(times))
    return "mixed" if rising else "newest-first"
