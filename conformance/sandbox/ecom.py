"""The eCom API, version 2, as far as it concerns Cancel.

Written from the eCom guide of November 2023, its description 2.0.3 and the general pages on cancellations and errors.
"""

from __future__ import annotations

import re

from conformance.domain.messages import Response
from conformance.sandbox.api_base import APPROVAL_SECONDS, SharedState
from conformance.sandbox.ecom_answers import PAYMENT_INSTRUMENT, USER_ENDINGS, EcomAnswers
from conformance.sandbox.payment import EntryKind, Payment, Stage
from conformance.sandbox.wire import (
    BodyCheck,
    Fault,
    JsonObject,
    ProviderRequest,
    Refusal,
    RefusedError,
    empty_response,
    gateway_response,
    json_response,
)

ORDER_ID = re.compile(r"[a-zA-Z0-9-]{1,50}")
MERCHANT_SERIAL_NUMBER = re.compile(r"\d{5,6}", re.ASCII)
PHONE_NUMBER = re.compile(r"\d{8}", re.ASCII)
PAYMENT_TYPES = frozenset({"eComm Regular Payment", "eComm Express Payment"})


class Ecom(EcomAnswers):
    """eCom payments of one merchant's sales units."""

    NAME = "ecom"
    ROUTES = (
        ("POST", "/ecomm/v2/payments", "initiate"),
        ("PUT", "/ecomm/v2/payments/{orderId}/cancel", "cancel"),
        ("POST", "/ecomm/v2/payments/{orderId}/capture", "capture"),
        ("POST", "/ecomm/v2/payments/{orderId}/refund", "refund"),
        ("GET", "/ecomm/v2/payments/{orderId}/details", "details"),
        ("GET", "/ecomm/v2/payments/{orderId}/status", "status"),
        ("POST", "/ecomm/v2/integration-test/payments/{orderId}/approve", "approve"),
    )
    ACTIONS = ("approve", "reject", "expire", "start_3ds", "finish_3ds", "fail_3ds")

    def __init__(self, shared: SharedState) -> None:
        super().__init__(shared)
        self.requests: dict[tuple[str, ...], tuple[int, Response]] = {}

    # Refusals

    def refuse(self, call: ProviderRequest, refusal: Refusal) -> Response:
        """Return eCom's list of errors, one for each fault of the request."""
        if not refusal.group:
            return gateway_response(refusal.status, refusal.reason)
        context = self.ids.uuid()
        if refusal.faults:
            errors = [self.error(refusal.group, f.field.rpartition(".")[2], f.reason, context) for f in refusal.faults]
        else:
            errors = [self.error(refusal.group, refusal.code, refusal.reason, context)]
        return json_response(refusal.status, errors)

    def error(self, group: str, code: str, message: str, context: str) -> JsonObject:
        """Return one error."""
        return self.dressed({"errorGroup": group, "errorCode": code, "errorMessage": message, "contextId": context})

    def invalid(self, faults: tuple[Fault, ...]) -> Refusal:
        """Return a refusal of the group ``InvalidRequest``.

        The code is the name of the field.
        """
        return Refusal(400, "", "The request is not as documented", "InvalidRequest", faults)

    def unknown(self) -> Refusal:
        """``Merchant`` 35 with status 404: order ids are unique per sales unit only."""
        return Refusal(404, "35", "This sales unit has no such order", "Merchant")

    def payment_refusal(self, code: str, reason: str) -> Refusal:
        """Return a refusal of group ``Payment`` on the state of the payment."""
        return Refusal(self.options.ecom_refusal_status, code, reason, "Payment")

    def too_late(self, code: str, reason: str) -> Refusal:
        """Return a refusal because of age, documented to be status 400."""
        return Refusal(400, code, reason, "Payment")

    def vipps_refusal(self, code: str, reason: str) -> Refusal:
        """Return a refusal of group ``VippsError``."""
        return Refusal(self.options.ecom_refusal_status, code, reason, "VippsError")

    def pass_if_sound(self, check: BodyCheck) -> None:
        """Raise a refusal if a request has faults."""
        if check.faults:
            raise RefusedError(self.invalid(tuple(check.faults)))

    # Requests

    def read_body(self, call: ProviderRequest) -> BodyCheck:
        """Return a check of the body, whose sales unit must be the header's."""
        check = BodyCheck(call.body())
        msn = check.part("merchantInfo").text("merchantSerialNumber", pattern=MERCHANT_SERIAL_NUMBER)
        if not check.faults:
            self.accept_body_msn(call, check, msn)
        return check

    def accept_body_msn(self, call: ProviderRequest, check: BodyCheck, msn: str) -> None:
        """Set the sales unit of a request from its body."""
        if not self.owns(msn):
            check.fault("merchantInfo.merchantSerialNumber", "is not a sales unit of these keys")
        elif "merchant-serial-number" in call.headers and msn != call.msn:
            check.fault("merchantInfo.merchantSerialNumber", "differs from the Merchant-Serial-Number header")
        call.msn = msn

    def request_id(self, call: ProviderRequest) -> str:
        """Return ``X-Request-Id``, required for capture and refund, at most 40 characters."""
        key = call.headers.get("x-request-id", "")
        if not 1 <= len(key) <= 40:
            raise RefusedError(self.invalid((Fault("X-Request-Id", "is required and has at most 40 characters"),)))
        return key

    # Operations

    def initiate(self, call: ProviderRequest) -> Response:
        """``POST /ecomm/v2/payments``."""
        check = self.read_body(call)
        check.part("customerInfo").text("mobileNumber", pattern=PHONE_NUMBER, required=False)
        merchant = check.part("merchantInfo")
        merchant.text("callbackPrefix", longest=255)
        merchant.text("fallBack", longest=255)
        merchant.text("authToken", longest=255, required=False)
        merchant.choice("paymentType", PAYMENT_TYPES, required=False)
        merchant.flag("isApp", default=False)
        transaction = check.part("transaction")
        amount = transaction.integer("amount", least=100)
        order_id = transaction.text("orderId", pattern=ORDER_ID)
        text = transaction.text("transactionText", longest=100)
        transaction.flag("skipLandingPage", default=False)
        self.pass_if_sound(check)
        if self.find(call.msn, order_id) is not None:
            raise RefusedError(Refusal(400, "34", "The order id was used before", "Merchant"))
        order = self.create(call.msn, order_id, amount, text)
        url = f"https://apitest.vipps.no/dwo-api-application/v1/deeplink/vippsgateway?v=2&token={self.ids.word(32)}"
        return json_response(200, self.dressed({"orderId": order.id, "url": url}))

    def create(self, msn: str, order_id: str, amount: int, text: str) -> Payment:
        """Create a payment that waits for the user."""
        now = self.clock.seconds()
        currency = self.options.currency
        order = Payment(order_id, msn, amount, currency, self.new_reference(), now, Stage.INITIATED, text=text)
        order.expires_at = now + APPROVAL_SECONDS
        self.add(order)
        self.record(order, EntryKind.CREATE, amount, reference=order.reference, text=text)
        return order

    def approve(self, call: ProviderRequest) -> Response:
        """Approve for the user, as in the test environment."""
        check = BodyCheck(call.body())
        phone = check.text("customerPhoneNumber", pattern=PHONE_NUMBER, required=False)
        token = check.text("token", required=False)
        if not check.faults and not phone and not token:
            check.fault("customerPhoneNumber", "or token is required")
        self.pass_if_sound(check)
        order = self.need(call)
        if not self.act(order, "approve"):
            raise RefusedError(self.vipps_refusal("91", "The payment does not wait for an approval"))
        return empty_response(200)

    def cancel(self, call: ProviderRequest) -> Response:
        """``PUT /ecomm/v2/payments/{orderId}/cancel``; no idempotency key belongs to it."""
        check = self.read_body(call)
        text = check.part("transaction").text("transactionText", longest=100)
        flag = self.release_flag(check)
        self.pass_if_sound(check)
        order = self.need(call)
        limited = self.count_cancel(order)
        if limited is not None:
            return limited
        refusal = self.refusal_for_cancel(order, release_rest=flag)
        if refusal is not None:
            return self.refuse_cancel(call, order, refusal)
        if self.is_finished(order):
            return self.repeat_cancel(order, text)
        if order.is_reserved and order.remaining == 0:
            return self.cancel_answer(order, text, 0)
        return self.carry_out_cancel(order, text)

    def release_flag(self, check: BodyCheck) -> bool:
        """Return ``shouldReleaseRemainingFunds``; absent means false."""
        return check.flag("shouldReleaseRemainingFunds", default=False)

    def refusal_for_cancel(self, order: Payment, *, release_rest: bool) -> Refusal | None:
        """Return why a payment cannot be cancelled now, or None."""
        if order.stage is Stage.IN_3DS:
            return self.refusal_in_3ds(order)
        if self.is_too_old(order):
            return self.too_late("98", "A payment can be cancelled until its capture deadline only")
        if self.is_finished(order):
            return self.finished_refusal(order) if self.options.second_cancel == "refuse" else None
        if order.stage is Stage.INITIATED:
            return self.refusal_for_flag_on_initiated() if release_rest else None
        return self.refusal_for_captured(order, release_rest=release_rest)

    def refusal_for_captured(self, order: Payment, *, release_rest: bool) -> Refusal | None:
        """Return why an approved payment cannot be cancelled: a capture, by the flag."""
        if order.captured == 0:
            return None
        if order.remaining == 0:
            if release_rest and self.options.flag_on_full_capture == "no-op":
                return None
            return self.payment_refusal("51", "Everything was captured; refund it instead")
        if not release_rest:
            return self.payment_refusal("51", "A part was captured; shouldReleaseRemainingFunds must be true")
        return None

    def refusal_for_flag_on_initiated(self) -> Refusal | None:
        """Return the refusal of the flag before a reservation, if options ask for it."""
        if self.options.flag_on_initiated == "rejected":
            return self.vipps_refusal("91", "Nothing is reserved that could be released")
        return None

    def refusal_in_3ds(self, order: Payment) -> Refusal | None:
        """Return the refusal during a 3-D Secure session.

        With 423 and 500 it has no eCom body.
        """
        status = self.options.threeds_status
        reason = "The user is in a 3-D Secure session"
        return Refusal(status, "94", reason, "VippsError" if status == 409 else "", transient=True)

    def finished_refusal(self, order: Payment) -> Refusal:
        """Return the refusal of a cancel of a payment that has ended."""
        return self.vipps_refusal("92", "The payment has already ended")

    def refuse_cancel(self, call: ProviderRequest, order: Payment, refusal: Refusal) -> Response:
        """Return the refusal of a cancel; the payment stays as it is."""
        return self.refuse(call, refusal)

    def carry_out_cancel(self, order: Payment, text: str) -> Response:
        """Cancel a payment; return the response."""
        entry = self.release(order, text=text)
        order.cancel_answer = self.cancel_answer(order, text, entry.amount)
        return order.cancel_answer

    def repeat_cancel(self, order: Payment, text: str) -> Response:
        """Return the response to a cancel of an ended payment, as if it had succeeded."""
        return order.cancel_answer or self.cancel_answer(order, text, 0)

    def reserve_reference(self, order: Payment) -> str | None:
        """Return the transaction id of the initiation, which the reservation shares."""
        return order.reference

    def stop_reference(self, order: Payment) -> str | None:
        """Return the initiation's transaction id, which an early cancel shares."""
        return order.reference

    def capture(self, call: ProviderRequest) -> Response:
        """``POST /ecomm/v2/payments/{orderId}/capture``."""
        return self.move_money(call, "carry_out_capture")

    def refund(self, call: ProviderRequest) -> Response:
        """``POST /ecomm/v2/payments/{orderId}/refund``."""
        return self.move_money(call, "carry_out_refund")

    def move_money(self, call: ProviderRequest, handler: str) -> Response:
        """Refuse a capture or refund, or carry it out at most once for its request id."""
        key = self.request_id(call)
        check = self.read_body(call)
        transaction = check.part("transaction")
        amount = transaction.integer("amount", required=False)
        text = transaction.text("transactionText", longest=100)
        self.pass_if_sound(check)
        order = self.need(call)
        place = self.request_place(call, key)
        earlier = self.requests.get(place)
        if earlier is not None:
            return self.retry(call, earlier, amount)
        response: Response = getattr(self, handler)(order, amount, text, key)
        self.requests[place] = (amount, response)
        return response

    def request_place(self, call: ProviderRequest, key: str) -> tuple[str, ...]:
        """Return what a request id is unique within: order, sales unit and endpoint."""
        return (call.msn, call.operation, self.payment_id(call), key)

    def retry(self, call: ProviderRequest, earlier: tuple[int, Response], amount: int) -> Response:
        """Return the first response to a repeated request id, or refuse another amount."""
        if earlier[0] != amount:
            return self.refuse(call, self.payment_refusal("93", "The amount differs from the first request's"))
        return earlier[1]

    def carry_out_capture(self, order: Payment, amount: int, text: str, key: str) -> Response:
        """Capture an amount; 0 is everything that remains."""
        refusal = self.refusal_for_capture(order, amount)
        if refusal is not None:
            raise RefusedError(refusal)
        entry = self.capture_money(order, amount or order.remaining, text=text, key=key)
        payload: JsonObject = {
            "paymentInstrument": PAYMENT_INSTRUMENT,
            "orderId": order.id,
            "transactionInfo": self.transaction_info(order, entry, entry.amount, "Captured"),
            "transactionSummary": self.summary(order),
        }
        return json_response(200, self.dressed(payload))

    def refusal_for_capture(self, order: Payment, amount: int) -> Refusal | None:
        """Return why an amount cannot be captured now, or None."""
        if order.stage in (Stage.INITIATED, Stage.IN_3DS):
            return self.payment_refusal("62", "Nothing is reserved yet")
        if self.is_capture_too_late(order):
            return self.too_late("98", "A payment can be captured until its capture deadline only")
        if self.is_finished(order):
            return self.vipps_refusal("91", "The payment has ended; nothing can be captured")
        if order.remaining == 0 or amount > order.remaining:
            return self.payment_refusal("61", "More than what is still reserved")
        return None

    def carry_out_refund(self, order: Payment, amount: int, text: str, key: str) -> Response:
        """Refund an amount; 0 is everything that can be refunded."""
        refusal = self.refusal_for_refund(order, amount)
        if refusal is not None:
            raise RefusedError(refusal)
        entry = self.refund_money(order, amount or order.refundable, text=text, key=key)
        payload: JsonObject = {
            "orderId": order.id,
            "transaction": self.transaction_info(order, entry, entry.amount, "Refund"),
            "transactionSummary": self.summary(order),
        }
        return json_response(200, self.dressed(payload))

    def refusal_for_refund(self, order: Payment, amount: int) -> Refusal | None:
        """Return why an amount cannot be refunded now, or None."""
        if order.captured == 0:
            if self.is_finished(order):
                return self.payment_refusal("73", "The payment was cancelled")
            return self.payment_refusal("72", "Nothing was captured; cancel the payment instead")
        if self.is_refund_too_late(order):
            return self.too_late("95", "A payment can be refunded for 365 days only")
        if order.refundable == 0 or amount > order.refundable:
            return self.payment_refusal("71", "More than what was captured and not refunded")
        return None

    def reserve(self, order: Payment) -> None:
        """Reserve a payment, or capture it at once if the sales unit has direct capture."""
        if not self.options.ecom_direct_capture:
            super().reserve(order)
            return
        order.stage = Stage.RESERVED
        order.authorized = order.captured = order.amount
        order.reserved_at = order.captured_at = self.moment(order)
        self.record(order, EntryKind.SALE, order.amount, reference=order.reference, text=order.text)

    def details(self, call: ProviderRequest) -> Response:
        """``GET /ecomm/v2/payments/{orderId}/details``."""
        return json_response(200, self.dressed(self.view(self.need(call))))

    def status(self, call: ProviderRequest) -> Response:
        """``GET /ecomm/v2/payments/{orderId}/status``: the latest operation."""
        order = self.need(call)
        entry = order.latest
        hidden = entry.kind in USER_ENDINGS and not self.options.user_end_entry
        info = {
            "amount": entry.amount,
            "status": "REJECTED" if hidden else self.operation_name(order, entry),
            "timeStamp": order.shown(entry.at),
            "transactionId": entry.reference,
        }
        return json_response(200, self.dressed({"orderId": order.id, "transactionInfo": info}))
