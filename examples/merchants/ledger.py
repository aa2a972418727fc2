"""What the three reference merchants have in common: their books, and their way to the provider.

The books are a plain mapping that outlives a restart of the process, as a database would.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field

import httpx

from conformance.merchant import Setup, View

TIMEOUT = 5.0


@dataclass
class Row:
    """One payment in the books. Amounts are minor units.

    ``wanted`` is what has been decided: nothing, ``abandon``, or ``cancel``. ``due`` are captures that were asked for
    and are not confirmed, each with its key. ``cancel_key`` lives until an answer settles it.
    """

    order_id: str
    amount: int
    currency: str
    reference: str
    agreement: str = ""
    status: str = "open"
    wanted: str = ""
    authorized: int = 0
    captured: int = 0
    cancelled: int = 0
    due: list[tuple[str, int]] = field(default_factory=list)
    cancel_key: str = ""
    not_before: float = 0.0
    problem: str = ""


Books = dict[str, Row]


class TryLater(Exception):
    """Nothing is known: it may have happened or not. The row says what to do next."""


class Refused(Exception):
    """The provider refused for good. ``codes`` are its error codes."""

    def __init__(self, status: int, codes: set[str], trace: str) -> None:
        super().__init__(f"HTTP {status}, {', '.join(sorted(codes)) or 'no code'}, {trace}")
        self.status = status
        self.codes = codes


class Wire:
    """Calls of one sales unit, with a token that is fetched when it is needed."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self._client = httpx.Client(base_url=setup.base_url, timeout=TIMEOUT)
        self._token = ""

    def call(self, method: str, path: str, body: object = None, key: str = "") -> object:
        """Make a call; return its JSON, or None where there is none.

        Raises:
            TryLater: the outcome is not known, or the provider is busy.
            Refused: the provider said no.

        """
        answer = self._send(method, path, body, key)
        if answer.status_code == 401:
            self._token = ""
            answer = self._send(method, path, body, key)
        if answer.status_code in (401, 408, 423, 425, 429) or answer.status_code >= 500 or answer.is_redirect:
            raise TryLater(answer.headers.get("Retry-After", ""))
        said = _json(answer)
        if answer.is_error:
            codes = _codes(said)
            if codes & {"6160", "6250", "94"}:
                raise TryLater("")
            raise Refused(answer.status_code, codes, _trace(said))
        if answer.status_code == 202:
            raise TryLater(answer.headers.get("Retry-After", ""))
        return said

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
                answer = self._client.post("/accesstoken/get", headers=headers)
                said = _json(answer)
            except httpx.TransportError as error:
                raise TryLater(str(error)) from error
            token = said.get("access_token") if isinstance(said, dict) and answer.is_success else None
            if not isinstance(token, str):
                raise TryLater("no token")
            self._token = token
        return self._token


def _json(answer: httpx.Response) -> object:
    try:
        return answer.json()
    except ValueError:
        return None


def _codes(said: object) -> set[str]:
    if isinstance(said, list):
        return {str(one.get("errorCode")) for one in said if isinstance(one, dict)}
    if isinstance(said, dict):
        details = said.get("extraDetails") or []
        kind = str(said.get("type", "")).rpartition("#")[2]
        return {kind} - {""} | {str(one.get("reason")) for one in details if one.get("name") == "ErrorCode"}
    return set()


def _trace(said: object) -> str:
    first = said[0] if isinstance(said, list) and said else said
    return str(first.get("traceId") or first.get("contextId") or "") if isinstance(first, dict) else ""


class Shop:
    """An integration without the words of an API: when to cancel, when to wait, when to look.

    A subclass says how a payment is made, read, captured and cancelled. Whatever was decided stands in the books before
    anything is sent, and whatever is not known is looked at before anything is decided.
    """

    profiles: tuple[str, ...]

    def __init__(self, setup: Setup, books: Books | None = None) -> None:
        self.setup = setup
        self.books: Books = {} if books is None else books
        self.wire = Wire(setup)

    # What a subclass says

    def make(self, row: Row) -> None:
        """Make the payment."""
        raise NotImplementedError

    def look(self, row: Row) -> None:
        """Read the payment, and write into the row what was read."""
        raise NotImplementedError

    def take(self, row: Row, key: str, amount: int) -> None:
        """Capture an amount."""
        raise NotImplementedError

    def stop(self, row: Row, key: str) -> None:
        """Cancel what is left, as the row's ``wanted`` says."""
        raise NotImplementedError

    # What the shop asks for

    def create(self, order: object) -> str:
        """Make the payment of an order."""
        known = self.books.get(order.id)
        row = known or Row(order.id, order.amount, order.currency, order.id, order.agreement)
        self.books[order.id] = row
        self.make(row)
        return row.reference

    def cancel(self, order_id: str) -> None:
        """Cancel the order, or release what was not shipped of it."""
        row = self.books[order_id]
        if row.wanted != "cancel":
            # Another request than that of an abandoned order, and so with a key of its own.
            row.wanted, row.cancel_key = "cancel", ""
        self.settle(row)

    def abandon(self, order_id: str) -> None:
        """Stop the payment unless it was approved."""
        row = self.books[order_id]
        row.wanted = row.wanted or "abandon"
        self.settle(row)

    def capture(self, order_id: str, amount: int) -> None:
        """Take the money for what was shipped. Asked again after a failure, it is still the same capture."""
        row = self.books[order_id]
        if row.wanted == "cancel" or row.status == "cancelled":
            raise RuntimeError("the order is cancelled")
        if not any(due == amount for _, due in row.due):
            row.due.append((str(uuid.uuid4()), amount))
        self.settle(row)
        if row.due:
            raise RuntimeError(f"the capture is not confirmed: {row.problem}")

    def tick(self, now: object) -> None:
        """Do what is left to do, and look at what is not finished."""
        for row in self.books.values():
            if row.status not in ("cancelled", "failed") and not (row.status == "captured" and not row.wanted):
                self.settle(row)

    def deliver(self, webhook: object) -> None:
        """Take a notification for a reason to look, and for nothing else."""
        ids = {str(value) for name, value in webhook.body.items() if name in ("reference", "orderId", "chargeId")}
        for row in self.books.values():
            if row.reference in ids:
                self.settle(row)

    def restart(self) -> Shop:
        """Start again from the books."""
        return type(self)(self.setup, self.books)

    def local_view(self, order_id: str) -> View:
        """Tell how the payment stands in the books."""
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

    # How it is done

    def settle(self, row: Row) -> None:
        """Bring a payment to where it is wanted: look first, capture what is due, then cancel what is left."""
        if self.setup.now().timestamp() < row.not_before:
            return
        try:
            self.look(row)
            for key, amount in list(row.due):
                self.take(row, key, amount)
                row.due.remove((key, amount))
                self.look(row)
            if self._has_to_stop(row):
                row.cancel_key = row.cancel_key or str(uuid.uuid4())
                self.stop(row, row.cancel_key)
                row.cancel_key = ""
                self.look(row)
        except TryLater as trouble:
            seconds = float(str(trouble)) if str(trouble).isdecimal() else 15.0
            row.not_before = self.setup.now().timestamp() + seconds
            row.problem = str(trouble)
        except Refused as refusal:
            # The key has its answer, and the next attempt is another one. It can be done already: that shows in a look.
            row.cancel_key = ""
            row.problem = str(refusal)
            row.not_before = self.setup.now().timestamp() + 60
            self._look_again(row)
        if row.status in ("open", "authorized") and row.wanted == "cancel":
            row.status = "cancelling"

    def _has_to_stop(self, row: Row) -> bool:
        if row.wanted == "abandon":
            return row.status == "open"
        return (
            row.wanted == "cancel"
            and row.status in ("open", "cancelling", "authorized", "captured")
            and self._left(row)
        )

    def _left(self, row: Row) -> bool:
        return not row.authorized or row.authorized > row.captured + row.cancelled

    def _look_again(self, row: Row) -> None:
        try:
            self.look(row)
        except (TryLater, Refused) as trouble:
            row.problem += f"; {trouble}"

    def stands(self, row: Row, *, ended: bool, authorized: int, captured: int, cancelled: int) -> None:
        """Write down how a payment stands."""
        row.authorized, row.captured, row.cancelled = authorized, captured, cancelled
        left = authorized - captured - cancelled
        if captured:
            row.status = "captured"
        elif ended or (authorized and not left):
            row.status = "cancelled"
        else:
            row.status = "authorized" if authorized else "open"
