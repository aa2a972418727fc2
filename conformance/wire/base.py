"""What the wires of all APIs share.

Credentials, headers, what a status means, and the calls of a step. A wire does no I/O. Each step is a generator that
yields calls and is sent their answers, so that the same code serves a remote server, an application in this process,
and recorded exchanges:

    calls = wire.perform(Cancel())
    answer = send(next(calls))     # PUT /ecomm/v2/payments/…/cancel
    calls.send(answer)             # StopIteration, with {"answer.outcome": "accepted", …}
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, ClassVar, Final, TypeAlias
from urllib.parse import quote

from conformance import __version__
from conformance.domain.api_table import spec_of
from conformance.domain.expectation import ABSENT, ACCEPTED, BROKEN, BUSY, LOST, ODD, PENDING, REFUSED, Scalar
from conformance.domain.messages import Call, Headers, NoResponse, Request, Response, ResponseOrNone
from conformance.domain.observation import Field
from conformance.domain.order import Market, Profile
from conformance.domain.steps import (
    Addressee,
    Age,
    Cancel,
    Capture,
    Defect,
    Key,
    Refund,
    Step,
    Together,
    action_of,
)

ObservedFields: TypeAlias = dict[str, Scalar]

_encode: Final = json.JSONEncoder(separators=(",", ":")).encode
SYSTEM_HEADERS: Final[Headers] = (
    ("Vipps-System-Name", "cancel-conformance"),
    ("Vipps-System-Version", __version__),
    ("Vipps-System-Plugin-Name", "conformance-suite"),
    ("Vipps-System-Plugin-Version", __version__),
)
JSON_TYPE: Final = "application/json"
LARGEST: Final = 2**63 - 1
TEXT: Final = "Conformance test"
"""What every test order says of itself."""
LONG_TEXT: Final = "Released by the conformance suite. " * 4


Calls: TypeAlias = Generator[Call, ResponseOrNone, ObservedFields]
"""Yields the calls of a step, takes their answers, returns the observation."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials that every request carries.

    ``other_msn`` is a sales unit that does not own the test orders.
    """

    subscription_key: str
    msn: str
    token: str
    other_msn: str = "999999"
    phone: str = "4712345678"


@dataclass(slots=True)
class OrderIdentifiers:
    """The identifiers of one history.

    Those that the suite chooses begin with the order id.

    Attributes:
        order_id: never used before, and recognisable as a test's.
        today: the day on which the run began, in UTC.
        market: decides the currency.
        keys: how many idempotency keys were used.
        last_key: the key of the last cancel of this order that was well-formed.
        first_key: the key of the first one.
        money_key: the key of the last capture or refund, until a cancel uses it.
        cancel_keys: the keys of the cancels that may have been carried out; None where they are not known, as for an
            order that somebody else cancelled.
        aged: whether the order was made older.
        agreement_id: as the target chose it (Recurring).
        charge_id: as the target chose it (Recurring).
        other_charge_id: the same of another charge of the agreement; empty where there is none.
        cancel_psp: the ``pspReference`` of an accepted cancel whose events were not read yet (ePayment).
        helpers: how many other orders were created for this history.
        spent_on: the order on which the key of the step's cancel was spent before, and which was cancelled with it.

    """

    order_id: str
    today: date
    market: Market = Market.NO
    keys: int = 0
    last_key: str = ""
    first_key: str = ""
    money_key: str = ""
    cancel_keys: list[str] | None = field(default_factory=list)
    aged: bool = False
    agreement_id: str = ""
    charge_id: str = ""
    other_charge_id: str = ""
    cancel_psp: str | None = None
    helpers: int = 0
    spent_on: str = ""

    def note_spent(self, order: str, answer: ResponseOrNone) -> None:
        """Note on which other order a key was spent, where the answer says that the order was cancelled with it."""
        if isinstance(answer, Response) and answer.status in (200, 204):
            self.spent_on = order

    def fresh_key(self) -> str:
        """Return an idempotency key that was not used before, of at most 40 characters."""
        self.keys += 1
        return f"{self.key_prefix}{self.keys}"

    @property
    def key_prefix(self) -> str:
        """How every idempotency key of this history begins."""
        return f"{self.order_id}-k"

    def fresh_money_key(self) -> str:
        """Return a new idempotency key for a capture or a refund, which is remembered."""
        self.money_key = self.fresh_key()
        return self.money_key

    def helper_id(self) -> str:
        """Return the id of one more order that this history needs."""
        self.helpers += 1
        return f"{self.order_id}-h{self.helpers}"

    def key_for(self, step: Cancel) -> str:
        """Return the key of a cancel.

        The key of a well-formed cancel of this order is remembered, to be repeated.
        """
        used = {Key.SAME: self.last_key, Key.FIRST: self.first_key, Key.ANOTHER_OPERATION: self.money_key}
        key = used.get(step.key) or self.fresh_key()
        if step.to is Addressee.OWN and step.defect is None:
            self.last_key = key
            self.first_key = self.first_key or key
            if key == self.money_key:
                self.money_key = ""
        return key

    def note_cancel(self, step: Cancel, key: str, answer: ResponseOrNone) -> None:
        """Remember the key of a cancel that was not refused, and so may have been carried out.

        Without a key, whatever key the target then writes down is its own.
        """
        if self.cancel_keys is None or (isinstance(answer, Response) and 400 <= answer.status < 500):
            return
        if step.defect is Defect.NO_KEY:
            self.cancel_keys = None
        else:
            self.cancel_keys.append(key)

    @property
    def due(self) -> str:
        """A due date so far ahead that the charge is pending: ``2026-01-31``."""
        return (self.today + timedelta(days=45)).isoformat()


def outcome_fields(answer: ResponseOrNone) -> ObservedFields:
    """Return the outcome and status of an answer, as ``answer.`` fields.

    >>> outcome_fields(Response(404)) == {"answer.outcome": "refused", "answer.status": 404}
    True
    """
    if isinstance(answer, NoResponse):
        return {Field.ANSWER_OUTCOME: LOST, Field.ANSWER_CAUSE: answer.cause}
    status, page = answer.status, is_page(answer)
    if status == 202:
        outcome = PENDING
    elif 200 <= status < 300:
        outcome = ODD if page else ACCEPTED
    elif status == 429:
        outcome = BUSY
    elif 400 <= status < 500:
        outcome = REFUSED
    elif 500 <= status < 600:
        outcome = BROKEN
    else:
        outcome = ODD
    observed: ObservedFields = {Field.ANSWER_OUTCOME: outcome, Field.ANSWER_STATUS: status}
    return {**observed, Field.ANSWER_PAGE: True} if page else observed


def is_page(response: Response) -> bool:
    """Return whether a response is a web page.

    No API has any: a proxy or gateway sent it. A success without a body is none, whatever type a web framework gave it.
    """
    if 200 <= response.status < 300 and not response.body.strip():
        return False
    kind = (response.header("content-type") or "").partition(";")[0].strip().lower()
    return kind in ("text/html", "application/xhtml+xml")


def read_outcome_fields(answer: ResponseOrNone) -> ObservedFields:
    """Return the outcome and status of the answer to a read, as ``view.`` fields."""
    observed = outcome_fields(answer)
    if observed.pop(Field.ANSWER_PAGE, False) and observed[Field.ANSWER_OUTCOME] == REFUSED:
        observed[Field.ANSWER_OUTCOME] = ODD
    return {name.replace("answer.", "view."): value for name, value in observed.items()}


def json_body(answer: ResponseOrNone) -> Any:
    """Return the JSON value of an answer's body; None if there is none."""
    if isinstance(answer, NoResponse):
        return None
    try:
        return answer.json()
    except (ValueError, RecursionError):
        return None


def nested(data: Any, *path: str) -> Any:
    """Return the value under nested keys; None if one of them is missing.

    >>> nested({"amount": {"value": 100}}, "amount", "value"), nested([], "amount")
    (100, None)
    """
    for name in path:
        if not isinstance(data, dict):
            return None
        data = data.get(name)
    return data


def as_amount(value: Any) -> int | None:
    """Return a value if it is an integer of at most 64 bits, else None.

    A larger number is not an amount of money, and Python refuses to print a sum of such numbers.
    """
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST else None


def as_text(value: Any) -> str | None:
    """Return a value if it is text, else None."""
    return value if isinstance(value, str) else None


def observed_amount(value: Any) -> Scalar:
    """Return an amount for an observation.

    It is the integer, None if it is missing, else a text that says what it is.
    """
    if value is None or as_amount(value) is not None:
        return value  # type: ignore[no-any-return]
    large = isinstance(value, int) and not isinstance(value, bool)
    return f"{_excerpt(value)}, which is {'larger than any amount' if large else 'no whole number'}"


def observed_name(value: Any) -> Scalar:
    """Return a name for an observation.

    It is the text, None if it is missing, else a text that says what it is.
    """
    return value if value is None or isinstance(value, str) else f"{_excerpt(value)}, which is no text"


def _excerpt(value: Any) -> str:
    return json.dumps(value)[:40]


def as_list(value: Any) -> list[Any]:
    """Return a value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def compare_echo(value: Any, expected: str) -> str | None:
    """Return ``same`` if a value is what was sent, both values if it is not, and None if it is missing.

    >>> compare_echo("a", "a"), compare_echo("b", "a"), compare_echo(None, "a")
    ('same', '"b" instead of "a"', None)
    """
    if value is None:
        return None
    return "same" if value == expected else instead_of(value, expected)


def instead_of(value: Any, expected: Any) -> str:
    """Return a value and the right one, in a few words."""
    return f"{_excerpt(value)} instead of {_excerpt(expected)}"


def in_common(values: Iterable[Scalar]) -> Scalar:
    """Return what all values are, or else all that they are: ``NOK and absent``."""
    distinct = set(values)
    if len(distinct) == 1:
        return distinct.pop()
    return " and ".join(sorted(ABSENT if value is None else str(value) for value in distinct))


def with_balance_checks(view: ObservedFields, authorized: int | None) -> ObservedFields:
    """Return an observation with three fields that must be False for every order.

    ``view.negative``: an amount is below zero. ``view.overrefunded``: more was refunded than captured.
    ``view.overdrawn``: more was captured and cancelled than authorized, if ``authorized`` is known.
    """
    amounts = [value for name, value in view.items() if name.startswith("view.") and isinstance(value, int)]
    captured, refunded, cancelled = (
        as_amount(view.get(f"view.{name}")) or 0 for name in ("captured", "refunded", "cancelled")
    )
    return {
        **view,
        Field.VIEW_NEGATIVE: any(amount < 0 for amount in amounts),
        Field.VIEW_OVERREFUNDED: refunded > captured,
        Field.VIEW_OVERDRAWN: authorized is not None and captured + cancelled > authorized,
    }


@dataclass
class Wire(ABC):
    """One API in HTTP messages, for one history.

    Attributes:
        credentials: what every request carries.
        identifiers: the history's.
        offered: test control actions that the target offers.
        profile: the API.
        base: the path of its orders.
        documented: the fields at the top of an order's documented form, when it is read.
        error_fields: fields of which each documented error has some; empty where errors have no form.

    """

    credentials: Credentials
    identifiers: OrderIdentifiers
    offered: frozenset[str] = frozenset()
    profile: ClassVar[Profile]
    base: ClassVar[str]
    documented: ClassVar[tuple[str, ...]] = ()
    error_fields: ClassVar[tuple[str, ...]] = ()

    def perform(self, step: Step) -> Calls:
        """Yield the calls that make a step happen; return the observation of its response."""
        self.identifiers.spent_on = ""
        if isinstance(step, Cancel):
            return self.cancel(step)
        action = action_of(step)
        if isinstance(step, Age):
            self.identifiers.aged = True
            return self._control("age", {"seconds": int(step.by.total_seconds())})
        if action is not None and (action != "approve" or "approve" in self.offered):
            return self._control("action", {"action": action})
        return self.act(step)

    @abstractmethod
    def act(self, step: Step) -> Calls:
        """Yield the calls of a step that is a request to the API, except a cancel."""

    @abstractmethod
    def cancel(self, step: Cancel) -> Calls:
        """Yield the calls of a cancel, after those that it needs first."""

    @abstractmethod
    def read(self, purpose: str = "read", *, log: bool = True) -> Calls:
        """Yield the calls that read the order back.

        Without ``log``, an event log that takes a call is left out.
        """

    def read_helper(self, path: str, purpose: str, state_of: Callable[[Any], Scalar]) -> Calls:
        """Yield the call that reads the order whose key was spent, where there is one.

        Returns its state, which ``state_of`` finds in the body; nothing where it cannot be read.
        """
        if not self.identifiers.spent_on:
            return {}
        answer = yield Call(Request("GET", path, self.headers()), purpose)
        if read_outcome_fields(answer)[Field.VIEW_OUTCOME] != ACCEPTED:
            return {}
        return {Field.VIEW_HELPER: state_of(json_body(answer))}

    @classmethod
    def path_parameters(cls, identifiers: OrderIdentifiers) -> dict[str, str]:
        """Return what stands for an order in the paths of the API, by the names in their braces."""
        return {spec_of(cls.profile).id_field: identifiers.order_id}

    @classmethod
    def request_count(cls, step: Step) -> int:
        """Return about how many requests a step takes, reading the order back included."""
        moves_money = isinstance(step, Cancel | Capture | Refund | Together)
        reads = 2 if moves_money and spec_of(cls.profile).log.apart else 1
        match step:
            case Together():
                return reads + 3
            case Cancel():
                return reads + 1 + 3 * (step.key is Key.SPENT)
        return reads + 1

    @property
    @abstractmethod
    def identifier(self) -> str:
        """The identifier under which the test control API knows the order."""

    def _control(self, operation: str, body: Mapping[str, Any], identifier: str = "") -> Calls:
        path = f"/v1/{self.profile.value}/payments/{quote(identifier or self.identifier, safe='')}/{operation}"
        headers: Headers = (("Content-Type", JSON_TYPE),)
        answer = yield Call(Request("POST", path, headers, as_json_bytes(body)), "control")
        return outcome_fields(answer)

    def headers(
        self, defect: Defect | None = None, msn: str | None = None, key: tuple[str, str] | None = None
    ) -> Headers:
        """Return a request's headers, one missing or wrong if that is the defect."""
        token = f"Bearer {self.credentials.token}"
        subscription = self.credentials.subscription_key
        unit = msn or self.credentials.msn
        headers: list[tuple[str, str]] = []
        if defect is Defect.BAD_TOKEN:
            token = "Bearer not-a-token"
        elif defect is Defect.NO_BEARER:
            token = self.credentials.token
        elif defect is Defect.LOWER_CASE_BEARER:
            token = f"bearer {self.credentials.token}"
        if defect is not Defect.NO_TOKEN:
            headers.append(("Authorization", token))
        if defect is not Defect.NO_SUBSCRIPTION_KEY:
            bad = defect is Defect.BAD_SUBSCRIPTION_KEY
            headers.append(("Ocp-Apim-Subscription-Key", wrong_key(subscription) if bad else subscription))
        if defect is not Defect.NO_MSN:
            other = defect is Defect.OTHER_HEADER_MSN
            headers.append(("Merchant-Serial-Number", self.credentials.other_msn if other else unit))
        headers.append(("Content-Type", JSON_TYPE))
        if key is not None:
            headers.append(key)
        return (*headers, *SYSTEM_HEADERS)

    def order_and_unit(self, step: Cancel) -> tuple[str, str | None]:
        """Return the order id that a cancel names, and the sales unit if it is not ours."""
        if step.to is Addressee.UNKNOWN:
            return f"{self.identifiers.order_id}-none", None
        if step.to is Addressee.FOREIGN:
            return self.identifier, self.credentials.other_msn
        return self.identifier, None


def wrong_key(key: str) -> str:
    """Return a subscription key with its last character changed. It is nearly a secret, and as secret as one."""
    return f"{key[:-1]}{'1' if key.endswith('0') else '0'}"


def as_json_bytes(body: Any) -> bytes:
    """Return a value as compact JSON in UTF-8."""
    return _encode(body).encode()
