"""The channel of signed notifications to a merchant's handler: what is due is delivered, varied, forged, recorded."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from conformance.domain.order import Profile
from conformance.evidence.record_parts import DeliveryRecord, RequestRecord, body_as_record
from conformance.merchant.integration.base import ActionResult
from conformance.merchant.protocol import Webhook, WebhookRequest, WebhookResponse
from conformance.merchant.provider_double.apis import PARTS
from conformance.merchant.webhooks.outbox import Outbox, PendingDelivery
from conformance.merchant.webhooks.registrations import Registration
from conformance.merchant.webhooks.signing import host_and_path
from conformance.merchant.webhooks.variants import Delivery, forged, true_request, wrongly_signed
from conformance.obligations.apis import approved_webhooks
from conformance.obligations.history import CLOCK, DELIVERY_FORMS
from conformance.obligations.observation import REMOVED
from conformance.obligations.webhook_rules import ANSWER_SECONDS
from conformance.obligations.webhook_words import WRONG_SCHEMES
from conformance.sandbox.payment import Entry, EntryKind, Payment

if TYPE_CHECKING:
    from conformance.merchant.driver import MerchantDriver

DURING: Final = "during"
"""The form of a delivery that came before the response to a request of the shop's."""
WAIT_BESIDE: Final = 0.5
"""Seconds for which a response waits for the deliveries that come before it: a handler may wait for its action."""
LONGEST_RESPONSE: Final = 300
"""Characters that are recorded of a handler's response."""
_FAILED: Final = {
    "fail_authorization": EntryKind.RESERVE,
    "fail_capture": EntryKind.CAPTURE,
    "fail_cancel": EntryKind.RELEASE,
}
_UNKNOWN_NAMES: Final = (
    ("AUTHORIZED", "REFRESHED"), ("authorized", "refreshed"), ("charge-reserved", "charge-renewed"),
    ("RESERVED", "REFRESHED"),
)  # fmt: skip
"""What takes the place of a known event's name."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """How a delivery reaches the handler.

    Attributes:
        send: Delivers and returns a `WebhookResponse`, or something that stands for one.
        send_beside: Does the same in another thread while an action runs.
        in_process: Whether the handler is a function in this process, which routes by no path.

    """

    send: Callable[[WebhookRequest], ActionResult]
    send_beside: Callable[[WebhookRequest], ActionResult]
    in_process: bool


@dataclass(frozen=True, slots=True)
class _Event:
    """What a delivery is about, as it is recorded."""

    action: str
    order: int | None
    name: str
    form: str
    registration: Registration
    number: int = 0
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class _Sent:
    """A delivery that was sent, and what came of it."""

    event: _Event
    request: WebhookRequest
    result: ActionResult
    began: float
    took: float

    @property
    def response(self) -> WebhookResponse | None:
        """The handler's response; one that raised has answered 500, as its server would."""
        if self.result.ending == "returned":
            return response_of(self.result.value)
        is_error = self.result.ending == "raised" and not self.result.message.startswith("no answer")
        return WebhookResponse(500, self.result.message.encode()) if is_error else None

    @property
    def accepted(self) -> bool:
        """Whether the provider counts the delivery as done: 2xx, and in time."""
        return self.response is not None and 200 <= self.response.status < 300 and self.took <= ANSWER_SECONDS

    @property
    def refused(self) -> bool:
        """Whether the handler answered with anything but 2xx."""
        return self.response is not None and not 200 <= self.response.status < 300

    @property
    def ending(self) -> ActionResult:
        """How the delivery ended as an action: it succeeded where it was accepted."""
        response = self.response
        if response is None or self.result.ending not in ("returned", "raised"):
            return self.result
        if self.accepted:
            return ActionResult("returned")
        slow = f" after {self.took:.1f} seconds" if self.took > ANSWER_SECONDS else ""
        text = response.body.decode("utf-8", "replace")[:LONGEST_RESPONSE].strip()
        return ActionResult(
            "raised", None, f"HTTP {response.status}{slow}{f': {text}' if text else ''}", self.result.crash
        )


def response_of(value: Any) -> WebhookResponse:
    """Return what a handler in this process answered: a status, or something that has one; nothing means 500."""
    if isinstance(value, WebhookResponse):
        return value
    status = value if isinstance(value, int) else getattr(value, "status_code", getattr(value, "status", None))
    body = getattr(value, "content", b"")
    if not isinstance(status, int) or not 100 <= status < 600:
        return WebhookResponse(500, b"the handler returned no status")
    return WebhookResponse(status, body if isinstance(body, bytes) else b"")


class SignedChannel:
    """Signed deliveries of one history.

    Args:
        driver: asks the merchant, and records.
        carrier: reaches the handler.

    """

    def __init__(self, driver: MerchantDriver, carrier: Carrier) -> None:
        self._driver = driver
        self._carrier = carrier
        self._double = driver.double
        self._clock = driver.clock
        self._outbox = Outbox()
        self._known: dict[str, tuple[str, WebhookRequest | None]] = {}
        self._schemes_tried = False
        self._beside: threading.Thread | None = None
        self._sent_beside: list[_Sent] = []
        self._double.notify = self._deliver_during

    # Called by the driver

    def deliver(self, how: str) -> bool:
        """Deliver what is due in order, as a step says; return whether the history can go on."""
        self._collect()
        if how == "lose":
            self._outbox.clear()
            return True
        form = how if how in DELIVERY_FORMS else ""
        for pending in self._due(latest_first=how == "deliver_reversed"):
            sent = self._attempt(pending, form)
            if sent.accepted and how == "deliver_twice":
                sent = self._attempt(pending, form)
            if not sent.ending.came_back:
                return False
            self._settle(pending, sent)
            if sent.refused and not form and not pending.registration.callback:
                self._try_schemes(pending)
        return True

    def finish(self) -> None:
        """Wait for the deliveries that were made beside an action, and record them."""
        if self._beside is None:
            return
        self._beside.join(ANSWER_SECONDS)
        self._beside = None
        for sent in self._sent_beside:
            self._record(sent)
        self._sent_beside = []

    def forge(self, kind: str, order: int, number: int) -> bool:
        """Send a delivery that the provider did not send; return whether the history can go on."""
        payment = self._payment(order)
        entry = None if payment is None else _claimed_entry(payment, self._clock.elapsed(), number)
        webhook = None if payment is None or entry is None else self._webhook(order, payment, entry)
        registration = None if webhook is None else self._registration(webhook)
        if payment is None or webhook is None or registration is None:
            return self._skip(kind, order, number, "there is nothing to forge")
        if kind == "forge_replay":
            name, request = self._known.get(payment.id, ("", None))
        else:
            name = webhook.name
            deleted = next(iter(self._double.registrations.deleted), None)
            claim = Delivery(registration, webhook.raw, self._moment())
            request = forged(kind, claim, json.dumps({"msn": payment.msn}).encode(), deleted)
        if request is None:
            return self._skip(kind, order, number, "it cannot be forged here")
        return self._send(_Event(kind, order, name, kind, registration, number), request).ending.came_back

    def report(self, kind: str, order: int, number: int) -> bool:
        """Deliver that an operation failed, or an event of an unknown name; return whether the history can go on."""
        payment = self._payment(order)
        entry_kind = _FAILED.get(kind, EntryKind.RESERVE)
        webhook = None
        if payment is not None:
            amount = number or payment.remaining or payment.amount
            entry = Entry(
                entry_kind, amount, payment.created_at, f"{payment.reference}-{kind}", success=kind not in _FAILED
            )
            webhook = self._webhook(order, payment, entry)
        if webhook is None or (kind in _FAILED and webhook.body.get("success") is not False):
            return self._skip(kind, order, number, "the API has no such notification")
        webhook = webhook if kind in _FAILED else _of_unknown_name(webhook)
        registration = self._registration(webhook)
        if registration is None:
            return self._skip(kind, order, number, "no webhook is registered")
        request = true_request("", Delivery(registration, webhook.raw, self._moment()), webhook)
        return self._send(_Event(kind, order, webhook.name, kind, registration, number), request).ending.came_back

    # What is due

    def _collect(self) -> None:
        """Put what happened since the last time into the queue of every registration that it goes to."""
        now, registrations = self._clock.elapsed(), self._double.registrations
        for webhook in self._double.state.new_webhooks():
            payment = payment_named(webhook)
            for each in registrations.for_event(webhook.name, payment, callback=payment in registrations.callbacks):
                self._outbox.add(PendingDelivery(each, webhook, payment, now, now))

    def _due(self, *, latest_first: bool = False) -> Iterable[PendingDelivery]:
        registrations = self._double.registrations
        active = (*registrations.active(), *registrations.callbacks.values())
        return self._outbox.due(self._clock.elapsed(), active, latest_first=latest_first)

    def _settle(self, pending: PendingDelivery, sent: _Sent) -> None:
        if sent.accepted:
            self._outbox.accepted(pending)
            if pending.webhook.name in approved_webhooks():
                self._known.setdefault(pending.payment_id, (sent.event.name, sent.request))
        else:
            self._outbox.failed(pending, self._clock.elapsed())

    def _attempt(self, pending: PendingDelivery, form: str, scheme: str = "") -> _Sent:
        return self._send(self._event(pending, scheme or form), self._request(pending, form, scheme))

    def _event(self, pending: PendingDelivery, form: str) -> _Event:
        order = self._driver.order_of(pending.webhook)
        name, attempt = pending.webhook.name, pending.attempts + 1
        return _Event("deliver", order, name, form, pending.registration, attempt=attempt)

    def _request(self, pending: PendingDelivery, form: str, scheme: str = "") -> WebhookRequest:
        delivery = Delivery(
            pending.registration, pending.webhook.raw, self._moment(), rewrites_path=self._carrier.in_process
        )
        return wrongly_signed(scheme, delivery) if scheme else true_request(form, delivery, pending.webhook)

    def _try_schemes(self, pending: PendingDelivery) -> None:
        """Send a refused delivery again with wrong signatures, once in a history: one that is accepted tells why."""
        if self._schemes_tried:
            return
        self._schemes_tried = True
        right = self._request(pending, "").headers
        for scheme in WRONG_SCHEMES:
            if self._request(pending, "", scheme).headers == right:
                continue
            # The true one stays due: a handler may answer 2xx to what it ignores.
            sent = self._attempt(pending, "", scheme)
            if sent.accepted or not sent.ending.came_back:
                return

    # Beside an action

    def _deliver_during(self) -> None:
        """Deliver what is due before a response goes back to the shop, and wait a little for the handler."""
        if self._beside is not None:
            return
        self._collect()
        self._beside = threading.Thread(target=self._work_beside, daemon=True)
        self._beside.start()
        self._beside.join(WAIT_BESIDE)

    def _work_beside(self) -> None:
        for pending in self._due():
            request, began = self._request(pending, ""), self._clock.elapsed()
            result = self._carrier.send_beside(request)
            sent = _Sent(self._event(pending, DURING), request, result, began, self._clock.elapsed() - began)
            self._sent_beside.append(sent)
            self._settle(pending, sent)

    # Sending and recording

    def _send(self, event: _Event, request: WebhookRequest) -> _Sent:
        """Send a request about an event, and record it."""
        began = self._clock.elapsed()
        result = self._driver.run_action(event.action, event.order, lambda: self._carrier.send(request))
        sent = _Sent(event, request, result, began, self._clock.elapsed() - began)
        self._driver.last_result = sent.ending
        self._record(sent)
        return sent

    def _skip(self, action: str, order: int, number: int, why: str) -> bool:
        self._driver.record_action(action, order, number, ActionResult("skipped", None, why), 0.0)
        return True

    def _record(self, sent: _Sent) -> None:
        event, request, response = sent.event, sent.request, sent.response
        headers = request.headers
        if event.registration.callback:
            # The token of a callback is the shop's own secret.
            headers = tuple((name, REMOVED if name == "Authorization" else value) for name, value in headers)
        stored = RequestRecord(
            method=request.method,
            path=host_and_path(request.url)[1],
            headers=headers,
            body=body_as_record(request.body),
        )
        delivery = DeliveryRecord(
            form=event.form,
            registration=event.registration.id,
            attempt=event.attempt,
            request=stored,
            status=None if response is None else response.status,
            body="" if response is None else response.body.decode("utf-8", "replace")[:LONGEST_RESPONSE],
        )
        self._driver.record_action(
            event.action, event.order, event.number, sent.ending, sent.began, event.name, delivery, sent.took
        )

    def _moment(self) -> datetime:
        """Return the time that a signature names: the run's, as far as the merchant knows it."""
        if self._driver.integration.virtual:
            return self._clock.now()
        return self._driver.time_told if CLOCK in self._driver.offered else datetime.now(UTC)

    # Claims

    def _payment(self, order: int) -> Payment | None:
        key = self._double.payment_of(order)
        return None if key is None else self._double.state.payment(*key)

    def _webhook(self, order: int, payment: Payment, entry: Entry) -> Webhook | None:
        key = self._double.payment_of(order)
        if key is None:
            return None
        part = PARTS[Profile(key[0])]
        # eCom has no callback for a cancel, and one for a rejection, which says the same.
        return part.webhook(payment, entry) or (
            part.webhook(payment, replace(entry, kind=EntryKind.REJECT)) if entry.kind is EntryKind.RELEASE else None
        )

    def _registration(self, webhook: Webhook) -> Registration | None:
        """Return where a webhook goes, or would be believed to come from."""
        registrations, payment = self._double.registrations, payment_named(webhook)
        if payment in registrations.callbacks:
            return registrations.callbacks[payment]
        active = registrations.active()
        return next((each for each in active if each.takes(webhook.name)), active[0] if active else None)


def payment_named(webhook: Webhook) -> str:
    """Return the identifier of the payment that a webhook is about."""
    body = webhook.body
    return str(body.get("reference") or body.get("chargeId") or body.get("orderId") or "")


def _claimed_entry(payment: Payment, now: float, number: int) -> Entry:
    """Return what a forgery claims: a capture, the approval of an open payment, or the cancel of an approved one."""
    if number:
        kind = EntryKind.CAPTURE
    elif not payment.authorized:
        kind = EntryKind.RESERVE
    else:
        kind = EntryKind.RELEASE
    return Entry(kind, number or payment.amount, payment.created_at, f"{payment.reference}-{round(now)}")


def _of_unknown_name(webhook: Webhook) -> Webhook:
    name, text = webhook.name, webhook.raw.decode()
    for known, other in _UNKNOWN_NAMES:
        name, text = name.replace(known, other), text.replace(known, other)
    return Webhook(name, json.loads(text), text.encode())
