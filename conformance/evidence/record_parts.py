"""What records of the journal are made of: their base, and the parts that several kinds share."""

from __future__ import annotations

import base64
import json
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct, to_builtins
from msgspec.structs import force_setattr

from conformance.domain.messages import Headers

UNWRITTEN: Final = -1
"""The number of a record that is not in a journal yet."""

Number: TypeAlias = int | float
JsonObject: TypeAlias = dict[str, Any]
"""JSON whose form another module knows: a stored history, permitted values, what a merchant says of its books."""


@lru_cache(maxsize=10_000)
def _shared(header: tuple[str, str]) -> tuple[str, str]:
    return header


@lru_cache(maxsize=1_000)
def _shared_headers(headers: Headers) -> Headers:
    return tuple(map(_shared, headers))


class Part(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A part of a record. Optional fields that have their default are not stored."""


class StrictPart(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part that is compared as a whole: a field that this version does not know would not be compared."""


class Record(Part, frozen=True, kw_only=True, tag_field="kind"):
    """One line of the journal. ``n`` is its number, counted from 0; the journal gives it when the line is written."""

    n: int = UNWRITTEN
    prev: str = ""
    """The SHA-256 of the line before, in hexadecimal."""

    @property
    def kind(self) -> str:
        """The stored name of this kind of record."""
        return str(self.__struct_config__.tag)


class TargetRecord(Part, frozen=True, kw_only=True):
    """The target: how it is reached, its name, whether it speaks HTTP, and the URL of its test control API.

    ``product`` and ``version`` are what a merchant's integration says of itself; empty where it does not.
    """

    kind: str
    name: str
    wire: bool
    control: str | None
    product: str = ""
    version: str = ""


class WaiverRecord(Part, frozen=True, kw_only=True):
    """A rule that does not decide, why, and the last day (UTC, ISO 8601) on which it does not."""

    rule: str
    reason: str
    until: str = ""


class BoundaryRecord(Part, frozen=True, kw_only=True):
    """Where a failure begins and ends.

    ``of`` is what it depends on: an ``age`` in seconds, or the order's ``amount`` in minor units. It occurs from
    ``first`` on and not at ``before``, and up to ``last`` and not at ``after``; without a pair, there is no such end.
    """

    of: Literal["age", "amount"]
    first: int | None = None
    before: int | None = None
    last: int | None = None
    after: int | None = None


class ShardRecord(Part, frozen=True, kw_only=True):
    """Which part of a plan a run is, counted from 1, of how many."""

    number: int
    of: int


class MergedShardRecord(Part, frozen=True, kw_only=True):
    """One shard that evidence was merged from: its number, size, digest and nonce, and how it ended."""

    shard: int
    records: int
    digest: str
    nonce: str
    ended: str


class MergedRecord(Part, frozen=True, kw_only=True):
    """The shards that evidence was merged from: how many there have to be, and those that are there."""

    of: int
    shards: tuple[MergedShardRecord, ...]


class FuzzSettingsRecord(Part, frozen=True, kw_only=True):
    """The description that is fuzzed from after the histories, its SHA-256, and for how many seconds."""

    openapi: str
    digest: str
    seconds: Number


class CellRecord(Part, frozen=True, kw_only=True):
    """A history's place in the coverage grid; all fields are empty when it has none."""

    situation: str = ""
    age: str = ""
    flag: str = ""
    share: str = ""


class FindingRecord(StrictPart, frozen=True, kw_only=True):
    """One rule that was broken: the field, what was permitted there, and what was observed.

    Of a merchant's finding, ``exchange`` is the place among the history's exchanges of the request that broke the rule,
    from 0, and ``earlier`` that of the request without which it would have been right. ``follows`` is the rule whose
    violation in the same history explains this one, which then does not count.
    """

    rule: str
    branch: str
    field: str
    permitted: str
    observed: str
    reason: str
    exchange: int | None = None
    earlier: int | None = None
    follows: str = ""


class ClaimRecord(StrictPart, frozen=True, kw_only=True):
    """One field of an expected outcome, the values permitted there, and the rules that say so."""

    field: str
    permitted: JsonObject
    rules: tuple[str, ...]


class ExpectedRecord(StrictPart, frozen=True, kw_only=True):
    """One outcome that would have been permitted."""

    name: str
    rules: tuple[str, ...]
    readings: dict[str, str]
    claims: tuple[ClaimRecord, ...]


class EncodedBody(Part, frozen=True, kw_only=True):
    """A body that is not UTF-8, as base64."""

    base64: str


Body: TypeAlias = str | EncodedBody


def body_as_record(body: bytes) -> Body:
    """Return a body as it is stored: text where it is UTF-8, base64 where it is not."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return EncodedBody(base64=base64.b64encode(body).decode("ascii"))


def body_from_record(stored: Body) -> bytes:
    """Return the bytes of a stored body."""
    return stored.encode("utf-8") if isinstance(stored, str) else base64.b64decode(stored.base64)


@lru_cache(maxsize=1_000)
def _shared_body(body: Body) -> Body:
    return body


class RequestRecord(Part, frozen=True, kw_only=True):
    """A request as it was sent, without its secrets. ``path`` is percent-encoded and may carry a query."""

    method: str
    path: str
    headers: Headers
    body: Body

    def __post_init__(self) -> None:
        """Share headers and body with other messages: a run has the same ones thousands of times."""
        force_setattr(self, "headers", _shared_headers(tuple(self.headers)))
        force_setattr(self, "body", _shared_body(self.body))

    @property
    def content(self) -> bytes:
        """The body as bytes."""
        return body_from_record(self.body)


class ResponseRecord(Part, frozen=True, kw_only=True):
    """A response as it arrived, without secrets."""

    status: int
    headers: Headers
    body: Body

    def __post_init__(self) -> None:
        """Share headers and body with other messages: a run has the same ones thousands of times."""
        force_setattr(self, "headers", _shared_headers(tuple(self.headers)))
        force_setattr(self, "body", _shared_body(self.body))

    @property
    def content(self) -> bytes:
        """The body as bytes."""
        return body_from_record(self.body)


class ProviderRecord(Part, frozen=True, kw_only=True):
    """A payment as the provider double has it. Amounts are minor units.

    ``stage`` is the provider's word for where the payment is; ``payable`` says that the customer, or the charge run,
    can still bring about a reservation; ``pending`` that a cancel was accepted and has not happened; ``late`` that the
    time to cancel is over. ``agreement`` is the status of the agreement that a charge belongs to; empty without one.
    """

    stage: str
    amount: int
    authorized: int
    captured: int
    cancelled: int
    remaining: int
    payable: bool
    pending: bool
    late: bool
    currency: str
    refunded: int = 0
    agreement: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing can be paid, captured or released any more."""
        return not self.payable and self.remaining == 0

    @property
    def released(self) -> bool:
        """Whether a cancel took effect: money went back, or the payment was stopped before there was any."""
        return self.cancelled > 0


class PaymentRecord(Part, frozen=True, kw_only=True):
    """One payment of an order: its API, its identifier there, and how the provider double has it."""

    api: str
    id: str
    truth: ProviderRecord


class EventRecord(Part, frozen=True, kw_only=True):
    """Something that happened to a payment at the provider double, and who caused it.

    ``event`` is the provider's word, such as ``reserve``, ``capture`` or ``release``; ``by`` is ``shop``, ``customer``,
    ``portal``, ``bank`` or ``time``. ``amount`` is minor units, ``at`` seconds of the history's clock.
    """

    api: str
    id: str
    event: str
    amount: int
    at: Number
    by: str


class WireRecord(Part, frozen=True, kw_only=True):
    """What is known of a merchant's request beside the request itself.

    ``order`` and ``owner`` are numbers of the history's orders, from 0: which one the merchant was asked about, and
    whose payment the request is about. ``at`` is in seconds of the history's clock. ``copy``: something below the
    application sent it a second time.
    """

    action: str
    order: int | None
    operation: str
    api: str
    payment: str
    owner: int | None
    host: str
    connection: str
    at: Number
    fault: str
    reached: bool
    copy: bool
    before: ProviderRecord | None
    after: ProviderRecord | None


class DefectRecord(Part, frozen=True, kw_only=True):
    """Something wrong in an API description, and how it was repaired (JSON Patch, or nothing) before use."""

    id: str
    pointer: str
    reason: str
    repair: str


class DescriptionRecord(Part, frozen=True, kw_only=True):
    """The API description that requests are drawn from."""

    name: str
    title: str
    version: str
    digest: str
    operations: tuple[str, ...]
    defects: tuple[DefectRecord, ...]


class FuzzFindingRecord(Part, frozen=True, kw_only=True):
    """One rule that a fuzzed request showed to be broken."""

    rule: str
    field: str
    permitted: str
    observed: str
    reason: str


class ObjectionRecord(Part, frozen=True, kw_only=True):
    """How often a stock check of the fuzzing library objected to an operation; recorded and not judged."""

    check: str
    operation: str
    times: int


class UndrawnRecord(Part, frozen=True, kw_only=True):
    """An operation that no requests could be drawn for, and why."""

    operation: str
    message: str


class SharedExample(Part, frozen=True, kw_only=True):
    """A history that another run found, under the id it is run by here."""

    id: str
    history: JsonObject


def part_as_json(part: Part | tuple[Part, ...]) -> Any:
    """Return a part of a record, or several, as JSON in the stored spelling."""
    return json.loads(json.dumps(builtins_of(part)))


def builtins_of(part: Part | tuple[Part, ...]) -> Any:
    """Return a part of a record as values of built-in types; sequences stay tuples."""
    return to_builtins(part, enc_hook=plain_value)


def plain_value(value: object) -> str | int:
    """Return a text or number of a subclass of its type, as an adapter may give it, as what it is.

    Raises:
        TypeError: it is neither.

    """
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    raise TypeError(f"{value!r} cannot be written down")


class DeliveryRecord(Part, frozen=True, kw_only=True):
    """A signed delivery to a merchant's handler, and the response to it.

    ``form`` is empty for a plain one, else the way in which it differs: its step's name, ``during`` where it came
    before the response to a request, or the name of a wrong signature. ``registration`` is the webhook's id,
    ``attempt`` counts from 1.
    """

    form: str
    registration: str
    attempt: int
    request: RequestRecord
    status: int | None
    body: str = ""
