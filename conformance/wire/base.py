"""What the three wires share: credentials, headers, how an answer's status is understood, and the calls of a step.

A wire is sans-I/O: each step is a generator that yields calls and is sent their answers, so that the same code serves a
remote server, an application in process, and evidence that is judged again.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, ClassVar, Final, TypeAlias
from urllib.parse import quote

from conformance import __version__
from conformance.domain.expectation import ACCEPTED, BROKEN, BUSY, LOST, ODD, PAGE, PENDING, REFUSED, Scalar
from conformance.domain.messages import Call, Headers, NoResponse, Request, Response, ResponseOrNone
from conformance.domain.order import Market, Profile
from conformance.domain.steps import Addressee, Age, Cancel, Defect, Key, Step, action_of

ObservedFields: TypeAlias = dict[str, Scalar]

SYSTEM_HEADERS: Final[Headers] = (
    ("Vipps-System-Name", "cancel-conformance"),
    ("Vipps-System-Version", __version__),
    ("Vipps-System-Plugin-Name", "conformance-suite"),
    ("Vipps-System-Plugin-Version", __version__),
)
JSON_TYPE: Final = "application/json"
LARGEST: Final = 2**63 - 1
LONG_TEXT: Final = "Released by the conformance suite. " * 4


Calls: TypeAlias = Generator[Call, ResponseOrNone, ObservedFields]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the target knows us by. ``other_msn`` is a sales unit that the test orders do not belong to."""

    subscription_key: str
    msn: str
    token: str
    other_msn: str = "999999"
    phone: str = "4712345678"


@dataclass(slots=True)
class OrderIdentifiers:
    """One history's identifiers. All are derived from its order id, which is fresh and recognisable as a test's."""

    order_id: str
    today: date
    market: Market = Market.NO
    keys: int = 0
    last_key: str = ""
    agreement_id: str = ""
    charge_id: str = ""
    cancel_psp: str | None = None
    helpers: int = 0

    def fresh_key(self) -> str:
        """Return an idempotency key that was not used before. At most 40 characters."""
        self.keys += 1
        return f"{self.order_id}-k{self.keys}"

    def helper_id(self) -> str:
        """Return the identifier of another order that this history needs besides its own."""
        self.helpers += 1
        return f"{self.order_id}-h{self.helpers}"

    def key_for(self, step: Cancel) -> str:
        """Return the key to send with a cancel. One that is about the order itself is remembered, to be repeated."""
        key = self.last_key if step.key is Key.SAME and self.last_key else self.fresh_key()
        if step.to is Addressee.OWN and step.defect is None:
            self.last_key = key
        return key

    @property
    def due(self) -> str:
        """A due date far enough ahead for a charge to be pending."""
        return (self.today + timedelta(days=45)).isoformat()


def answered(answer: ResponseOrNone) -> ObservedFields:
    """Say how a request was answered, in the model's words."""
    if isinstance(answer, NoResponse):
        return {"answer.outcome": LOST, "answer.cause": answer.cause}
    status = answer.status
    if status == 202:
        outcome = PENDING
    elif 200 <= status < 300:
        outcome = ODD if is_page(answer) else ACCEPTED
    elif status == 429:
        outcome = BUSY
    elif 400 <= status < 500:
        outcome = REFUSED
    elif 500 <= status < 600:
        outcome = BROKEN
    else:
        outcome = ODD
    observed: ObservedFields = {"answer.outcome": outcome, "answer.status": status}
    return {**observed, PAGE: True} if is_page(answer) else observed


def is_page(answer: Response) -> bool:
    """Tell whether an answer is a web page. None of the APIs has any: it is of something in between."""
    kind = (answer.header("content-type") or "").partition(";")[0].strip().lower()
    return kind in ("text/html", "application/xhtml+xml")


def seen(answer: ResponseOrNone) -> ObservedFields:
    """Say how reading the order back was answered."""
    observed = answered(answer)
    if observed.pop(PAGE, False) and observed["answer.outcome"] == REFUSED:
        observed["answer.outcome"] = ODD
    return {name.replace("answer.", "view."): value for name, value in observed.items()}


def content(answer: ResponseOrNone) -> Any:
    """Return an answer's parsed body, or None where there is no JSON in it."""
    if isinstance(answer, NoResponse):
        return None
    try:
        return answer.json()
    except (ValueError, RecursionError):
        return None


def dig(data: Any, *path: str) -> Any:
    """Follow keys into nested objects; None as soon as one is missing."""
    for name in path:
        if not isinstance(data, Mapping):
            return None
        data = data.get(name)
    return data


def whole(value: Any) -> int | None:
    """Return a value if it is a whole number of minor units that 64 bits hold, else None.

    What is larger is no amount of money, and a sum of such can be longer than Python writes.
    """
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST else None


def text(value: Any) -> str | None:
    """Return a value if it is text, else None."""
    return value if isinstance(value, str) else None


def figure(value: Any) -> Scalar:
    """Return an amount as it was observed: None where it is missing, and what it is instead where it is no number."""
    if value is None or whole(value) is not None:
        return value  # type: ignore[no-any-return]
    large = isinstance(value, int) and not isinstance(value, bool)
    return f"{_excerpt(value)}, which is {'larger than any amount' if large else 'no whole number'}"


def word(value: Any) -> Scalar:
    """Return a name as it was observed: None where it is missing, and what it is instead where it is no text."""
    return value if value is None or isinstance(value, str) else f"{_excerpt(value)}, which is no text"


def _excerpt(value: Any) -> str:
    return json.dumps(value)[:40]


def listed(value: Any) -> list[Any]:
    """Return a value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def same(value: Any, expected: str) -> str | None:
    """Compare an echoed value with what was sent: ``same``, ``other``, or None where it is missing."""
    if value is None:
        return None
    return "same" if value == expected else "other"


def books(view: ObservedFields, authorized: int | None) -> ObservedFields:
    """Add what can be said of the amounts whatever the order: none negative, none above what it was taken from."""
    amounts = [value for name, value in view.items() if name.startswith("view.") and isinstance(value, int)]
    captured, refunded, cancelled = (
        whole(view.get(f"view.{name}")) or 0 for name in ("captured", "refunded", "cancelled")
    )
    return {
        **view,
        "view.negative": any(amount < 0 for amount in amounts),
        "view.overrefunded": refunded > captured,
        "view.overdrawn": authorized is not None and captured + cancelled > authorized,
    }


@dataclass
class Wire(ABC):
    """One API as requests and answers. One wire plays one history."""

    credentials: Credentials
    ticket: OrderIdentifiers
    offered: frozenset[str] = frozenset()
    profile: ClassVar[Profile]
    base: ClassVar[str]
    control_id: str = field(default="", init=False)

    def perform(self, step: Step) -> Calls:
        """Yield the calls that make a step happen; return what its answer says."""
        if isinstance(step, Cancel):
            return self.cancel(step)
        action = action_of(step)
        if isinstance(step, Age):
            return self._control("age", {"seconds": int(step.by.total_seconds())})
        if action is not None and (action != "approve" or "approve" in self.offered):
            return self._control("action", {"action": action})
        return self.act(step)

    @abstractmethod
    def act(self, step: Step) -> Calls:
        """Play a step that goes through the API itself."""

    @abstractmethod
    def cancel(self, step: Cancel) -> Calls:
        """Send a cancel."""

    @abstractmethod
    def read(self, purpose: str = "read", *, log: bool = True) -> Calls:
        """Read the order back. Without ``log`` the event log may be left out, where it is a call of its own."""

    @property
    @abstractmethod
    def identifier(self) -> str:
        """The identifier by which the order is known to the test control API."""

    def _control(self, what: str, body: Mapping[str, Any]) -> Calls:
        path = f"/v1/{self.profile.value}/payments/{quote(self.identifier, safe='')}/{what}"
        headers: Headers = (("Content-Type", JSON_TYPE),)
        answer = yield Call(Request("POST", path, headers, encoded(body)), "control")
        return answered(answer)

    def headers(
        self, defect: Defect | None = None, msn: str | None = None, key: tuple[str, str] | None = None
    ) -> Headers:
        """Return a request's headers, with one of them broken if the defect is about headers."""
        token = f"Bearer {self.credentials.token}"
        subscription = self.credentials.subscription_key
        unit = msn or self.credentials.msn
        headers: list[tuple[str, str]] = []
        if defect is Defect.BAD_TOKEN:
            token = "Bearer not-a-token"
        elif defect is Defect.NO_BEARER:
            token = self.credentials.token
        if defect is not Defect.NO_TOKEN:
            headers.append(("Authorization", token))
        if defect is not Defect.NO_SUBSCRIPTION_KEY:
            bad = defect is Defect.BAD_SUBSCRIPTION_KEY
            headers.append(("Ocp-Apim-Subscription-Key", "not-a-subscription-key" if bad else subscription))
        if defect is not Defect.NO_MSN:
            other = defect is Defect.OTHER_HEADER_MSN
            headers.append(("Merchant-Serial-Number", self.credentials.other_msn if other else unit))
        headers.append(("Content-Type", JSON_TYPE))
        if key is not None:
            headers.append(key)
        return (*headers, *SYSTEM_HEADERS)

    def addressed(self, step: Cancel) -> tuple[str, str | None]:
        """Return the order id and the sales unit that a cancel names."""
        if step.to is Addressee.UNKNOWN:
            return f"{self.ticket.order_id}-none", None
        if step.to is Addressee.FOREIGN:
            return self.identifier, self.credentials.other_msn
        return self.identifier, None


def encoded(body: Any) -> bytes:
    """Return a body as JSON in UTF-8."""
    return json.dumps(body, separators=(",", ":")).encode()
