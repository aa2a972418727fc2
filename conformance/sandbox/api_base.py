"""What the three APIs share: the gateway's checks, ages, money, idempotency.

Every decision is a small method of its own. A faulty provider is made by overriding one of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import ClassVar

from conformance.domain.messages import Response
from conformance.sandbox.clock import DAY, Clock
from conformance.sandbox.idempotency import Fingerprint, KeyStore, is_worth_keeping
from conformance.sandbox.ids import Ids
from conformance.sandbox.options import Options
from conformance.sandbox.payment import Entry, EntryKind, Payment, Stage
from conformance.sandbox.tokens import Tokens
from conformance.sandbox.wire import (
    BadBodyError,
    Fault,
    JsonObject,
    ProviderRequest,
    Refusal,
    RefusedError,
    gateway_response,
)

APPROVAL_SECONDS = 600.0
"""A user has five minutes to open a payment request and five to approve it."""

CAPTURE_DAYS = 180.0
REFUND_DAYS = 365.0
CANCELS_PER_MINUTE = 5

_SYSTEM_HEADERS = (
    "vipps-system-name",
    "vipps-system-version",
    "vipps-system-plugin-name",
    "vipps-system-plugin-version",
)
_BEARER = re.compile(r"Bearer +(\S+)")


@dataclass(slots=True)
class SharedState:
    """What the APIs of one provider share.

    Attributes:
        options: How the provider behaves.
        clock: Its clock.
        ids: Its source of identifiers.
        tokens: The access tokens it issued.
        payments: eCom and ePayment payments by API, sales unit and id: an eCom payment can be cancelled through
            ePayment too, so each profile can look into the other's.

    """

    options: Options
    clock: Clock
    ids: Ids
    tokens: Tokens
    payments: dict[tuple[str, str, str], Payment] = field(default_factory=dict)


class ApiBase:
    """One API. Subclasses decide what its messages look like."""

    NAME: ClassVar[str]
    ROUTES: ClassVar[tuple[tuple[str, str, str], ...]]
    ACTIONS: ClassVar[tuple[str, ...]]

    def __init__(self, shared: SharedState) -> None:
        self.shared = shared
        self.options = shared.options
        self.clock = shared.clock
        self.ids = shared.ids
        self.keys = KeyStore()

    # The way of a request

    def serve(self, call: ProviderRequest, handler: str) -> Response:
        """Return the response to one request to this API."""
        denied = self.authorize(call) or self.choose_sales_unit(call)
        if denied is not None:
            return denied
        try:
            self.check_headers(call)
            response: Response = getattr(self, handler)(call)
        except BadBodyError as error:
            return self.refuse(call, self.invalid((Fault("body", str(error)),)))
        except RefusedError as refused:
            return self.refuse(call, refused.refusal)
        return response

    def authorize(self, call: ProviderRequest) -> Response | None:
        """Return the gateway's 401 if token or subscription key is wrong, else None."""
        bearer = _BEARER.fullmatch(call.headers.get("authorization", ""))
        if bearer is None or not self.shared.tokens.is_valid(bearer[1]):
            return gateway_response(401, "The access token is missing, malformed or expired")
        if call.headers.get("ocp-apim-subscription-key") != self.options.subscription_key:
            return gateway_response(401, "The subscription key is missing or wrong")
        return None

    def choose_sales_unit(self, call: ProviderRequest) -> Response | None:
        """Set the sales unit of a request from ``Merchant-Serial-Number``.

        Returns 403 if it is another merchant's.
        """
        msn = call.headers.get("merchant-serial-number", self.options.msn)
        if not self.owns(msn):
            return gateway_response(403, "The keys do not belong to this merchant serial number")
        call.msn = msn
        return None

    def owns(self, msn: str) -> bool:
        """Return whether the keys are valid for a sales unit."""
        return msn in (self.options.msn, self.options.other_msn)

    def check_headers(self, call: ProviderRequest) -> None:
        """Refuse a request if a header that every operation has is wrong."""
        long = [name for name in _SYSTEM_HEADERS if len(call.headers.get(name, "")) > 30]
        if long:
            raise RefusedError(self.invalid(tuple(Fault(name, "must have at most 30 characters") for name in long)))

    def refuse(self, call: ProviderRequest, refusal: Refusal) -> Response:
        """Return a refusal as this API's response."""
        raise NotImplementedError

    def invalid(self, faults: tuple[Fault, ...]) -> Refusal:
        """Return the refusal of a request that is not as documented."""
        raise NotImplementedError

    def unknown(self) -> Refusal:
        """Return the refusal of an id that this sales unit does not know."""
        raise NotImplementedError

    # Payments

    def add(self, payment: Payment) -> None:
        """Store a new payment."""
        self.shared.payments[self.NAME, payment.msn, payment.id] = payment

    def find(self, msn: str, id_: str) -> Payment | None:
        """Return a payment of a sales unit, brought up to date with its clock."""
        payment = self.shared.payments.get((self.NAME, msn, id_))
        if payment is not None:
            self.settle(payment)
        return payment

    def need(self, call: ProviderRequest) -> Payment:
        """Return the payment that a request is about."""
        payment = self.find(call.msn, self.payment_id(call))
        if payment is None:
            raise RefusedError(self.unknown())
        return payment

    def payment_id(self, call: ProviderRequest) -> str:
        """Return the id of the payment in a request's path."""
        return call.params[0]

    def record(
        self,
        order: Payment,
        kind: EntryKind,
        amount: int,
        *,
        reference: str | None = None,
        text: str = "",
        key: str | None = None,
        at: float | None = None,
        success: bool = True,
    ) -> Entry:
        """Add an entry to a payment's history and return it."""
        moment = self.moment(order) if at is None else at
        entry = Entry(kind, amount, moment, reference or self.new_reference(), text, key, success)
        order.entries.append(entry)
        return entry

    def new_reference(self) -> str:
        """Return an id for one transaction."""
        return self.ids.digits()

    # Ages

    def moment(self, order: Payment) -> float:
        """Return the present moment on a payment's own clock."""
        return self.clock.seconds() + order.offset

    def age_limit_days(self, order: Payment) -> float:
        """Return after how many days a payment can no longer be cancelled."""
        return self.options.limit_days

    def age_origin(self, order: Payment) -> float | None:
        """Return the moment from which a payment's age counts; None before it."""
        return order.reserved_at if self.options.age_from == "reservation" else order.created_at

    def days_since(self, order: Payment, moment: float | None) -> float:
        """Return the days from one of a payment's moments to the present.

        The result is 0 if there is no such moment yet.
        """
        return 0.0 if moment is None else (self.moment(order) - moment) / DAY

    def is_too_old(self, order: Payment) -> bool:
        """Return whether the time to cancel is over."""
        return self.days_since(order, self.age_origin(order)) > self.age_limit_days(order)

    def is_capture_too_late(self, order: Payment) -> bool:
        """Return whether the time to capture, which counts from the reservation, is over."""
        limit = min(CAPTURE_DAYS, self.options.limit_days)
        return self.days_since(order, order.reserved_at) > limit

    def is_refund_too_late(self, order: Payment) -> bool:
        """Return whether the time to refund is over."""
        return self.days_since(order, order.reserved_at) > REFUND_DAYS

    def settle(self, order: Payment) -> None:
        """Apply what time does to a payment.

        Its approval window may close, and its capture deadline may pass.
        """
        if order.stage is Stage.INITIATED:
            if self.is_window_over(order):
                self.expire(order, at=order.expires_at)
        elif self.ends_by_itself(order):
            self.end_at_deadline(order)

    def is_window_over(self, order: Payment) -> bool:
        """Return whether the user's time to approve is over."""
        return order.expires_at is not None and self.moment(order) > order.expires_at

    def ends_by_itself(self, order: Payment) -> bool:
        """Return whether the provider itself releases what is still reserved."""
        return self.options.auto_cancel_at_deadline and order.remaining > 0 and self.is_too_old(order)

    def end_at_deadline(self, order: Payment) -> None:
        """Release what is still reserved when the capture deadline has passed."""
        self.release(order)

    # Money

    def reserve(self, order: Payment) -> None:
        """Reserve the ordered amount after the user's approval."""
        order.stage = Stage.RESERVED
        order.authorized = order.amount
        order.reserved_at = self.moment(order)
        self.record(order, EntryKind.RESERVE, order.amount, reference=self.reserve_reference(order), text=order.text)

    def capture_money(self, order: Payment, amount: int, *, text: str = "", key: str | None = None) -> Entry:
        """Capture a part of what is reserved; return the entry."""
        order.captured += amount
        order.captured_at = self.moment(order)
        return self.record(order, EntryKind.CAPTURE, amount, text=text, key=key)

    def refund_money(self, order: Payment, amount: int, *, text: str = "", key: str | None = None) -> Entry:
        """Refund a part of what was captured; return the entry."""
        order.refunded += amount
        return self.record(order, EntryKind.REFUND, amount, text=text, key=key)

    def releasable(self, order: Payment) -> int:
        """Return what a cancel releases: everything that is reserved and not captured."""
        return order.remaining

    def release(self, order: Payment, *, text: str = "", key: str | None = None) -> Entry:
        """Cancel a payment; return the entry.

        After the reservation, what is not captured is released; before it, the payment ends.
        """
        if order.stage is Stage.RESERVED:
            amount = self.releasable(order)
            order.cancelled += amount
            return self.record(order, EntryKind.RELEASE, amount, text=text, key=key)
        order.stage = Stage.CANCELLED
        order.cancelled = order.amount
        return self.record(
            order, EntryKind.STOP, order.amount, reference=self.stop_reference(order), text=text, key=key
        )

    def reserve_reference(self, order: Payment) -> str | None:
        """Return the transaction id of a reservation; None for one of its own."""
        return None

    def stop_reference(self, order: Payment) -> str | None:
        """Return the transaction id of a cancel before the reservation.

        The result is None for one of its own.
        """
        return None

    def expire(self, order: Payment, *, at: float | None = None) -> None:
        """End a payment because the user did not approve in time."""
        order.stage = Stage.EXPIRED
        self.record(order, EntryKind.EXPIRE, order.amount, at=at)

    def reject(self, order: Payment) -> None:
        """End a payment because the user rejected it."""
        order.stage = Stage.REJECTED
        self.record(order, EntryKind.REJECT, order.amount)

    # Cancel

    def count_cancel(self, order: Payment) -> Response | None:
        """Count a cancel request.

        Returns 429 if there were more within a minute than documented, else None.
        """
        if not self.options.rate_limit:
            return None
        now = self.moment(order)
        order.cancel_times = [moment for moment in order.cancel_times if now - moment < 60]
        if len(order.cancel_times) >= CANCELS_PER_MINUTE:
            wait = max(1, round(60 - (now - order.cancel_times[0])))
            return gateway_response(429, "Too many cancel requests for this payment", (("Retry-After", str(wait)),))
        order.cancel_times.append(now)
        return None

    def is_finished(self, order: Payment) -> bool:
        """Return whether a payment has ended without a capture of everything.

        Nothing is left to cancel.
        """
        if order.stage is Stage.RESERVED:
            return order.remaining == 0 and order.captured < order.authorized
        return order.stage in (Stage.CANCELLED, Stage.REJECTED, Stage.EXPIRED)

    # Idempotency

    def key_place(self, call: ProviderRequest, key: str) -> tuple[str, ...]:
        """Return what an idempotency key is unique in, with the key."""
        if self.options.key_scope == "operation":
            return (call.msn, key, call.request.method, call.path)
        return (call.msn, key)

    def once(self, call: ProviderRequest, key: str | None, handler: str) -> Response:
        """Carry out a request at most once for its key; return the response."""
        run = getattr(self, handler)
        if key is None:
            response: Response = run(call, None)
            return response
        place = self.key_place(call, key)
        fingerprint = Fingerprint(call.request.method, call.path, call.request.body)
        earlier = self.keys.find(place)
        if earlier is not None:
            if self.is_same_request(fingerprint, earlier.fingerprint):
                return self.replay(call, key, handler, earlier.response)
            return self.refuse(call, self.key_conflict(key))
        transient = False
        try:
            response = run(call, key)
        except BadBodyError as error:
            response = self.refuse(call, self.invalid((Fault("body", str(error)),)))
        except RefusedError as refused:
            response = self.refuse(call, refused.refusal)
            transient = refused.refusal.transient
        if self.is_kept(response, transient=transient):
            self.keys.keep(place, fingerprint, response)
        return response

    def is_same_request(self, now: Fingerprint, earlier: Fingerprint) -> bool:
        """Return whether a request under a used key asks for the same as the first one."""
        return now.same_as(earlier)

    def is_kept(self, response: Response, *, transient: bool) -> bool:
        """Return whether an answer is stored under its key and given to every retry."""
        return is_worth_keeping(response, sticky_4xx=self.options.sticky_4xx, transient=transient)

    def replay(self, call: ProviderRequest, key: str, handler: str, earlier: Response) -> Response:
        """Return the response to a retry: the first one."""
        return earlier

    def key_conflict(self, key: str) -> Refusal:
        """Return the refusal of a key that was used for another request."""
        raise NotImplementedError

    # Answers

    def dressed(self, payload: JsonObject) -> JsonObject:
        """Return a payload, with a field that is not documented if the options ask for it."""
        if self.options.extra_fields:
            payload["sandboxExtra"] = {"note": "not documented"}
        return payload

    # Test control

    def act(self, order: Payment, action: str) -> bool:
        """Let the user act or time pass.

        Returns False if that cannot happen in the payment's state.
        """
        stage = order.stage
        if action in ("approve", "reject", "start_3ds") and stage is not Stage.INITIATED:
            return False
        if action == "expire" and stage not in (Stage.INITIATED, Stage.IN_3DS):
            return False
        if action in ("finish_3ds", "fail_3ds") and stage is not Stage.IN_3DS:
            return False
        if action in ("approve", "finish_3ds"):
            self.reserve(order)
        elif action in ("reject", "fail_3ds"):
            self.reject(order)
        elif action == "expire":
            self.expire(order)
        else:
            order.stage = Stage.IN_3DS
        return True
