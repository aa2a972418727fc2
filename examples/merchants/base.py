"""What the three reference merchants have in common: their books, and their client of the provider.

The books are a plain mapping that outlives a restart of the process, as a database would.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field

import httpx

from conformance.merchant import Order, Setup, View, Webhook

TIMEOUT = 5.0


@dataclass
class Row:
    """One payment in the books. Amounts are minor units.

    Attributes:
        wanted_end: What was decided about the end: nothing, ``abandon``, or ``cancel``.
        due_captures: Captures that were asked for and are not confirmed: the key and the amount of each.
        cancel_key: The key of the cancel, until a response settles it.
        not_before: The time before which nothing is sent, in seconds since 1970.
        problem: What went wrong last, for a person.

    """

    order_id: str
    amount: int
    currency: str
    reference: str
    agreement: str = ""
    status: str = "open"
    wanted_end: str = ""
    authorized: int = 0
    captured: int = 0
    cancelled: int = 0
    due_captures: list[tuple[str, int]] = field(default_factory=list)
    cancel_key: str = ""
    not_before: float = 0.0
    problem: str = ""


Books = dict[str, Row]


class TryLater(Exception):
    """Nothing is known: the request may have been carried out or not. The row says what to do next."""


class Refused(Exception):
    """The provider refused for good. ``codes`` are its error codes."""

    def __init__(self, status: int, codes: set[str], trace: str) -> None:
        super().__init__(f"HTTP {status}, {', '.join(sorted(codes)) or 'no code'}, {trace}")
        self.status = status
        self.codes = codes


class ProviderClient:
    """Calls of one sales unit, with a token that is fetched when it is needed."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self._client = httpx.Client(base_url=setup.base_url, timeout=TIMEOUT)
        self._token = ""

    def call(self, method: str, path: str, body: object = None, key: str = "") -> object:
        """Make a call; return its JSON, or None where there is none.

        Raises:
            TryLater: The outcome is not known, or the provider is busy.
            Refused: The provider refused.

        """
        response = self._send(method, path, body, key)
        if response.status_code == 401:
            self._token = ""
            response = self._send(method, path, body, key)
        if response.status_code in (401, 408, 423, 425, 429) or response.status_code >= 500 or response.is_redirect:
            raise TryLater(response.headers.get("Retry-After", ""))
        content = _json(response)
        if response.is_error:
            codes = _codes(content)
            if codes & {"6160", "6250", "94"}:
                raise TryLater("")
            raise Refused(response.status_code, codes, _trace(content))
        if response.status_code == 202:
            raise TryLater(response.headers.get("Retry-After", ""))
        return content

    def _send(self, method: str, path: str, body: object, key: str) -> httpx.Response:
        headers = {
            "Authorization": f"Bearer {self._fresh_token()}",
            "Ocp-Apim-Subscription-Key": self.setup.subscription_key,
            "Merchant-Serial-Number": self.setup.msn,
            "Vipps-System-Name": "reference-shop",
            "Vipps-System-Version": "1.0",
        }
        if key:
            headers["X-Request-Id" if path.startswith("/ecomm") else "Idempotency-Key"] = key
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            headers["Content-Type"] = "application/json"
        try:
            return self._client.request(method, path, headers=headers, content=content)
        except httpx.TransportError as error:
            raise TryLater(str(error)) from error

    def _fresh_token(self) -> str:
        if not self._token:
            headers = {
                "client_id": self.setup.client_id,
                "client_secret": self.setup.client_secret,
                "Ocp-Apim-Subscription-Key": self.setup.subscription_key,
                "Merchant-Serial-Number": self.setup.msn,
            }
            try:
                response = self._client.post("/accesstoken/get", headers=headers)
                content = _json(response)
            except httpx.TransportError as error:
                raise TryLater(str(error)) from error
            token = content.get("access_token") if isinstance(content, dict) and response.is_success else None
            if not isinstance(token, str):
                raise TryLater("no token")
            self._token = token
        return self._token


def _json(response: httpx.Response) -> object:
    try:
        return response.json()
    except ValueError:
        return None


def _codes(content: object) -> set[str]:
    if isinstance(content, list):
        return {str(entry.get("errorCode")) for entry in content if isinstance(entry, dict)}
    if isinstance(content, dict):
        details = content.get("extraDetails") or []
        kind = str(content.get("type", "")).rpartition("#")[2]
        return {kind} - {""} | {str(entry.get("reason")) for entry in details if entry.get("name") == "ErrorCode"}
    return set()


def _trace(content: object) -> str:
    first = content[0] if isinstance(content, list) and content else content
    return str(first.get("traceId") or first.get("contextId") or "") if isinstance(first, dict) else ""


class ReferenceMerchant:
    """A merchant's integration without the words of an API: when to cancel, when to wait, when to read.

    A subclass says how a payment is created, read, captured and cancelled. Every decision stands in the books before
    anything is sent, and whatever is not known is read before anything is decided.
    """

    profiles: tuple[str, ...]

    def __init__(self, setup: Setup, books: Books | None = None) -> None:
        self.setup = setup
        self.books: Books = {} if books is None else books
        self.client = ProviderClient(setup)

    # Defined by a subclass

    def create_payment(self, row: Row) -> None:
        """Create the payment."""
        raise NotImplementedError

    def read_payment(self, row: Row) -> None:
        """Read the payment, and write what was read into the row."""
        raise NotImplementedError

    def capture_payment(self, row: Row, key: str, amount: int) -> None:
        """Capture an amount."""
        raise NotImplementedError

    def cancel_payment(self, row: Row, key: str) -> None:
        """Cancel what remains, as the row's ``wanted_end`` says."""
        raise NotImplementedError

    # The actions of the adapter

    def create(self, order: Order) -> str:
        """Make the payment of an order; return its reference."""
        existing = self.books.get(order.id)
        row = existing or Row(order.id, order.amount, order.currency, order.id, order.agreement)
        self.books[order.id] = row
        self.create_payment(row)
        return row.reference

    def cancel(self, order_id: str) -> None:
        """Cancel the order, or release what was not shipped of it."""
        row = self.books[order_id]
        if row.wanted_end != "cancel":
            # This is a different request than that of an abandoned order, so it has a key of its own.
            row.wanted_end, row.cancel_key = "cancel", ""
        self.settle(row)

    def abandon(self, order_id: str) -> None:
        """Stop the payment unless it was approved."""
        row = self.books[order_id]
        row.wanted_end = row.wanted_end or "abandon"
        self.settle(row)

    def capture(self, order_id: str, amount: int) -> None:
        """Take the money for what was shipped. Asked again after a failure, it is still the same capture."""
        row = self.books[order_id]
        if row.wanted_end == "cancel" or row.status == "cancelled":
            raise RuntimeError("the order is cancelled")
        if not any(due_amount == amount for _, due_amount in row.due_captures):
            row.due_captures.append((str(uuid.uuid4()), amount))
        self.settle(row)
        if row.due_captures:
            raise RuntimeError(f"the capture is not confirmed: {row.problem}")

    def tick(self, now: object) -> None:
        """Finish what is unfinished, and read the payments that can still change."""
        for row in self.books.values():
            if row.status not in ("cancelled", "failed") and not (row.status == "captured" and not row.wanted_end):
                self.settle(row)

    def deliver(self, webhook: Webhook) -> None:
        """Read the payment that a notification is about; believe nothing else of the notification."""
        ids = {str(value) for name, value in webhook.body.items() if name in ("reference", "orderId", "chargeId")}
        for row in self.books.values():
            if row.reference in ids:
                self.settle(row)

    def restart(self) -> ReferenceMerchant:
        """Start again from the books."""
        return type(self)(self.setup, self.books)

    def local_view(self, order_id: str) -> View:
        """Return how the payment stands in the books."""
        row = self.books[order_id]
        return View(
            row.status,
            captured=row.captured,
            cancelled=row.cancelled,
            authorized=row.authorized,
            remaining=row.authorized - row.captured - row.cancelled,
            currency=row.currency,
            reference=row.reference,
        )

    # How they are done

    def settle(self, row: Row) -> None:
        """Bring a payment to its wanted end: read it, capture what is due, then cancel what remains."""
        if self.setup.now().timestamp() < row.not_before:
            return
        try:
            self.read_payment(row)
            for key, amount in list(row.due_captures):
                self.capture_payment(row, key, amount)
                row.due_captures.remove((key, amount))
                self.read_payment(row)
            if self._has_to_cancel(row):
                row.cancel_key = row.cancel_key or str(uuid.uuid4())
                self.cancel_payment(row, row.cancel_key)
                row.cancel_key = ""
                self.read_payment(row)
        except TryLater as error:
            seconds = float(str(error)) if str(error).isdecimal() else 15.0
            row.not_before = self.setup.now().timestamp() + seconds
            row.problem = str(error)
        except Refused as refusal:
            # The key has its response, so the next attempt needs another. The cancel may be done already: a read shows.
            row.cancel_key = ""
            row.problem = str(refusal)
            row.not_before = self.setup.now().timestamp() + 60
            self._read_again(row)
        if row.status in ("open", "authorized") and row.wanted_end == "cancel":
            row.status = "cancelling"

    def _has_to_cancel(self, row: Row) -> bool:
        if row.wanted_end == "abandon":
            return row.status == "open"
        return (
            row.wanted_end == "cancel"
            and row.status in ("open", "cancelling", "authorized", "captured")
            and self._has_remainder(row)
        )

    def _has_remainder(self, row: Row) -> bool:
        return not row.authorized or row.authorized > row.captured + row.cancelled

    def _read_again(self, row: Row) -> None:
        try:
            self.read_payment(row)
        except (TryLater, Refused) as error:
            row.problem += f"; {error}"

    def record_state(self, row: Row, *, ended: bool, authorized: int, captured: int, cancelled: int) -> None:
        """Write how a payment stands into its row."""
        row.authorized, row.captured, row.cancelled = authorized, captured, cancelled
        remaining = authorized - captured - cancelled
        if captured:
            row.status = "captured"
        elif ended or (authorized and not remaining):
            row.status = "cancelled"
        else:
            row.status = "authorized" if authorized else "open"
