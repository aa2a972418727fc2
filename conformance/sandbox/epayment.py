"""The ePayment API, version 1, as far as it concerns Cancel.

Written from the ePayment guide and its description 1.8.1, and from the general pages on errors and idempotency.
"""

from __future__ import annotations

import re
from datetime import datetime

from conformance.domain.messages import Response
from conformance.sandbox.api_base import APPROVAL_SECONDS
from conformance.sandbox.epayment_answers import EPaymentAnswers
from conformance.sandbox.payment import EntryKind, Payment, Stage
from conformance.sandbox.wire import (
    BodyCheck,
    Fault,
    ProviderRequest,
    Refusal,
    RefusedError,
    empty_response,
    json_response,
)

REFERENCE = re.compile(r"[a-zA-Z0-9-]{8,64}")
MERCHANT_SERIAL_NUMBER = re.compile(r"[0-9]{4,10}")
PHONE_NUMBER = re.compile(r"\d{9,15}", re.ASCII)
EXPIRES_AT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-](2[0-3]|[01][0-9]):[0-5][0-9])", re.ASCII
)
CURRENCIES = frozenset({"NOK", "DKK", "EUR", "SEK", "USD", "GBP"})
METHODS = frozenset({"WALLET", "CARD", "CARD_PASSTHROUGH"})
USER_FLOWS = frozenset({"PUSH_MESSAGE", "NATIVE_REDIRECT", "WEB_REDIRECT", "QR"})
LONGEST_KEY = 50
LONGEST_WINDOW = 60 * 86_400.0


class EPayment(EPaymentAnswers):
    """ePayment payments of one merchant's sales units."""

    ROUTES = (
        ("POST", "/epayment/v1/payments", "create_payment"),
        ("GET", "/epayment/v1/payments/{reference}", "get_payment"),
        ("GET", "/epayment/v1/payments/{reference}/events", "get_events"),
        ("POST", "/epayment/v1/payments/{reference}/cancel", "cancel"),
        ("POST", "/epayment/v1/payments/{reference}/capture", "capture"),
        ("POST", "/epayment/v1/payments/{reference}/refund", "refund"),
        ("POST", "/epayment/v1/test/payments/{reference}/approve", "approve"),
    )
    ACTIONS = ("approve", "reject", "expire", "start_3ds", "finish_3ds", "fail_3ds")

    # Requests

    def choose_sales_unit(self, call: ProviderRequest) -> Response | None:
        """Set the sales unit of a request.

        Returns a problem if the header is missing or malformed, 403 if foreign.
        """
        msn = call.headers.get("merchant-serial-number")
        if msn is None:
            return self.refuse(call, self.missing("Merchant-Serial-Number"))
        if not MERCHANT_SERIAL_NUMBER.fullmatch(msn):
            fault = Fault("Merchant-Serial-Number", f"must match {MERCHANT_SERIAL_NUMBER.pattern}")
            return self.refuse(call, self.invalid((fault,)))
        return super().choose_sales_unit(call)

    def check_headers(self, call: ProviderRequest) -> None:
        """Refuse a request if a header or the reference in the path is malformed."""
        super().check_headers(call)
        if call.params and not REFERENCE.fullmatch(call.params[0]):
            raise RefusedError(self.invalid((Fault("reference", f"must match {REFERENCE.pattern}"),)))

    def key(self, call: ProviderRequest, *, required: bool) -> str | None:
        """Return ``Idempotency-Key``, at most 50 characters."""
        key = call.headers.get("idempotency-key")
        if not key:
            if required:
                raise RefusedError(self.missing("Idempotency-Key"))
            return None
        if len(key) > LONGEST_KEY:
            raise RefusedError(self.invalid((Fault("Idempotency-Key", f"must have at most {LONGEST_KEY} characters"),)))
        return key

    def find(self, msn: str, id_: str) -> Payment | None:
        """Return an ePayment payment, or an eCom payment with that order id.

        ePayment can handle both.
        """
        payment = super().find(msn, id_) or self.shared.payments.get(("ecom", msn, id_))
        if payment is not None:
            self.settle(payment)
        return payment

    def pass_if_sound(self, check: BodyCheck) -> None:
        """Raise a refusal if a request has faults."""
        if check.faults:
            raise RefusedError(self.invalid(tuple(check.faults)))

    # Operations

    def create_payment(self, call: ProviderRequest) -> Response:
        """``POST /epayment/v1/payments``."""
        return self.once(call, self.key(call, required=True), "carry_out_create")

    def carry_out_create(self, call: ProviderRequest, key: str | None) -> Response:
        """Create a payment that waits for the user."""
        check = BodyCheck(call.body())
        money = self.read_amount(check, "amount")
        check.part("paymentMethod").choice("type", METHODS)
        reference = check.text("reference", pattern=REFERENCE)
        flow = check.choice("userFlow", USER_FLOWS)
        check.text("returnUrl", longest=2500, required=flow in ("WEB_REDIRECT", "NATIVE_REDIRECT"))
        text = check.text("paymentDescription", shortest=3, longest=100, required=False)
        if check.body.get("customer") is not None:
            check.part("customer").text("phoneNumber", pattern=PHONE_NUMBER, required=False)
        expires_at = self.read_expiry(check)
        self.pass_if_sound(check)
        if super().find(call.msn, reference) is not None:
            raise RefusedError(Refusal(409, "", "The reference was used before"))
        order = self.create(call.msn, reference, money, text=text, expires_at=expires_at, key=key)
        return json_response(201, self.dressed({"redirectUrl": self.redirect_url(order), "reference": order.id}))

    def read_amount(self, check: BodyCheck, name: str) -> tuple[int, str]:
        """Return value (minor units, at least 1) and currency of an amount."""
        part = check.part(name)
        return part.integer("value", least=1, default=1), part.choice("currency", CURRENCIES)

    def read_expiry(self, check: BodyCheck) -> float:
        """Return until when the user can approve.

        That is ten minutes from now, or a later moment that was requested.
        """
        shortest = self.clock.seconds() + APPROVAL_SECONDS
        if check.body.get("expiresAt") is None:
            return shortest
        written = check.text("expiresAt", pattern=EXPIRES_AT)
        try:
            expires_at = datetime.fromisoformat(written.upper()).timestamp()
        except (ValueError, OverflowError):
            check.fault("expiresAt", "is not a moment")
            return shortest
        if not shortest - 60 <= expires_at <= self.clock.seconds() + LONGEST_WINDOW:
            check.fault("expiresAt", "must be between ten minutes and sixty days ahead")
        return expires_at

    def create(
        self, msn: str, reference: str, money: tuple[int, str], *, text: str, expires_at: float, key: str | None
    ) -> Payment:
        """Store a new payment."""
        (amount, currency), psp, now = money, self.new_reference(), self.clock.seconds()
        order = Payment(reference, msn, amount, currency, psp, now, Stage.INITIATED, expires_at=expires_at, text=text)
        self.add(order)
        self.record(order, EntryKind.CREATE, amount, reference=psp, key=key)
        return order

    def approve(self, call: ProviderRequest) -> Response:
        """Approve for the user, as in the test environment."""
        check = BodyCheck(call.body())
        token = check.text("token", required=False)
        customer = check.part("customer", required=False)
        customer.text("phoneNumber", pattern=PHONE_NUMBER, required=False)
        self.pass_if_sound(check)
        if not token and not customer.body:
            raise RefusedError(Refusal(400, "10030", "Neither a customer nor a token says who approves"))
        order = self.need(call)
        if not self.act(order, "approve"):
            raise RefusedError(Refusal(400, "10010", "The payment does not wait for an approval"))
        return empty_response(200)

    def cancel(self, call: ProviderRequest) -> Response:
        """``POST /epayment/v1/payments/{reference}/cancel``.

        A key is honoured, but not required (1.8.1).
        """
        key = None if self.options.cancel_key_ignored else self.key(call, required=False)
        payment = self.find(call.msn, call.params[0])
        limited = None if payment is None else self.count_cancel(payment)
        return limited or self.once(call, key, "carry_out_cancel_request")

    def carry_out_cancel_request(self, call: ProviderRequest, key: str | None) -> Response:
        """Refuse a cancel, or carry it out."""
        check = BodyCheck(call.body(required=False))
        flag = self.transaction_only_flag(check)
        self.pass_if_sound(check)
        order = self.need(call)
        refusal = self.refusal_for_cancel(order, transaction_only=flag)
        if refusal is not None:
            return self.refuse_cancel(order, refusal)
        if self.is_finished(order):
            return self.repeat_cancel(order)
        if flag and order.is_reserved:
            return self.cancel_answer(order)
        return self.carry_out_cancel(order, key)

    def transaction_only_flag(self, check: BodyCheck) -> bool:
        """Return ``cancelTransactionOnly``; absent acts as false."""
        return check.flag("cancelTransactionOnly", default=False)

    def refusal_for_cancel(self, order: Payment, *, transaction_only: bool) -> Refusal | None:
        """Return why a payment cannot be cancelled now, or None."""
        if order.stage is Stage.IN_3DS:
            return self.refusal_in_3ds(order)
        if self.is_too_old(order):
            return Refusal(400, "6030", "The time in which the payment could be cancelled is over")
        if self.is_finished(order):
            return self.finished_refusal(order) if self.options.second_cancel == "refuse" else None
        if order.stage is Stage.INITIATED:
            return None
        return self.refusal_for_authorized(order, transaction_only=transaction_only)

    def refusal_in_3ds(self, order: Payment) -> Refusal | None:
        """Return the refusal during a 3-D Secure session: to be tried again later."""
        return Refusal(self.options.threeds_status, "6250", "The payment is being processed", transient=True)

    def refusal_for_authorized(self, order: Payment, *, transaction_only: bool) -> Refusal | None:
        """Return why an authorized payment cannot be cancelled.

        A partial capture is no reason.
        """
        if order.remaining == 0:
            return self.refusal_of("6040", "Everything was captured; refund it instead")
        if transaction_only and self.options.transaction_only_on_authorized == "refuse":
            return self.refusal_of("6060", "The payment is authorized, and only its transaction was to be cancelled")
        return None

    def finished_refusal(self, order: Payment) -> Refusal:
        """Return the refusal of a cancel of a payment that has ended."""
        return self.refusal_of("6190", "The payment is in a state in which it cannot be cancelled")

    def refuse_cancel(self, order: Payment, refusal: Refusal) -> Response:
        """Refuse a cancel; the payment stays as it is."""
        raise RefusedError(refusal)

    def carry_out_cancel(self, order: Payment, key: str | None) -> Response:
        """Cancel a payment; return the response."""
        self.release(order, key=key)
        order.cancel_answer = self.cancel_answer(order)
        return order.cancel_answer

    def repeat_cancel(self, order: Payment) -> Response:
        """Return the response to a cancel of an ended payment, as if it had succeeded."""
        return order.cancel_answer or self.cancel_answer(order)

    def capture(self, call: ProviderRequest) -> Response:
        """``POST /epayment/v1/payments/{reference}/capture``."""
        return self.once(call, self.key(call, required=True), "carry_out_capture")

    def carry_out_capture(self, call: ProviderRequest, key: str | None) -> Response:
        """Refuse a capture, or carry it out."""
        order, amount = self.read_modification(call)
        refusal = self.refusal_for_capture(order, amount)
        if refusal is not None:
            raise RefusedError(refusal)
        self.capture_money(order, amount, key=key)
        return json_response(200, self.dressed(self.modification(order)))

    def refusal_for_capture(self, order: Payment, amount: int) -> Refusal | None:
        """Return why an amount cannot be captured now, or None."""
        if not order.is_reserved:
            return self.refusal_for_capture_without_reservation(order)
        if self.is_capture_too_late(order):
            return Refusal(400, "6100", "The time in which the payment could be captured is over")
        if order.remaining == 0 and order.cancelled:
            return self.refusal_of("6070", "The payment was cancelled")
        if amount > order.remaining:
            return self.refusal_of("6090", "More than what is still authorized")
        return None

    def refusal_for_capture_without_reservation(self, order: Payment) -> Refusal:
        """Return the refusal of a capture of a payment that is not authorized."""
        if self.is_finished(order):
            return self.refusal_of("6070", "The payment was cancelled")
        return self.refusal_of("6050", "Nothing is reserved yet")

    def refund(self, call: ProviderRequest) -> Response:
        """``POST /epayment/v1/payments/{reference}/refund``."""
        return self.once(call, self.key(call, required=True), "carry_out_refund")

    def carry_out_refund(self, call: ProviderRequest, key: str | None) -> Response:
        """Refuse a refund, or carry it out."""
        order, amount = self.read_modification(call)
        refusal = self.refusal_for_refund(order, amount)
        if refusal is not None:
            raise RefusedError(refusal)
        self.refund_money(order, amount, key=key)
        return json_response(200, self.dressed(self.modification(order)))

    def refusal_for_refund(self, order: Payment, amount: int) -> Refusal | None:
        """Return why an amount cannot be refunded now, or None."""
        if order.captured == 0:
            return self.refusal_of("6150", "Nothing was captured")
        if self.is_refund_too_late(order):
            return Refusal(400, "6220", "The time in which the payment could be refunded is over")
        if amount > order.refundable:
            return self.refusal_of("6210", "More than what was captured and not refunded")
        return None

    def read_modification(self, call: ProviderRequest) -> tuple[Payment, int]:
        """Return payment and amount of a capture or refund, in the same currency."""
        check = BodyCheck(call.body())
        amount, currency = self.read_amount(check, "modificationAmount")
        self.pass_if_sound(check)
        order = self.need(call)
        if currency != order.currency:
            fault = Fault("modificationAmount.currency", "differs from the payment's currency")
            raise RefusedError(self.invalid((fault,)))
        return order, amount

    def get_payment(self, call: ProviderRequest) -> Response:
        """``GET /epayment/v1/payments/{reference}``."""
        return json_response(200, self.dressed(self.view(self.need(call))))

    def get_events(self, call: ProviderRequest) -> Response:
        """``GET /epayment/v1/payments/{reference}/events``."""
        return json_response(200, self.events(self.need(call)))
