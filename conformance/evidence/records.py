"""The records of a journal as frozen classes: one for every kind of line in `journal.jsonl`.

A line is decoded and checked once, by `journal.read_journal`; everything behind it works with attributes. A field is
stored under its own name, and the stored `kind` is the class's tag. `journal.schema.json` says the same for readers in
other languages.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import field, to_builtins

from conformance.domain.expectation import Scalar
from conformance.evidence.record_parts import (
    BoundaryRecord,
    CellRecord,
    DeliveryRecord,
    DescriptionRecord,
    EventRecord,
    ExpectedRecord,
    FindingRecord,
    FuzzFindingRecord,
    FuzzSettingsRecord,
    JsonObject,
    MergedRecord,
    Number,
    ObjectionRecord,
    PaymentRecord,
    ProviderRecord,
    Record,
    RequestRecord,
    ResponseRecord,
    ShardRecord,
    SharedExample,
    TargetRecord,
    UndrawnRecord,
    WaiverRecord,
    WireRecord,
)

# The run


Ending: TypeAlias = Literal["complete", "interrupted", "environment", "harness"]
"""How a run ended."""


class RunRecord(Record, frozen=True, kw_only=True, tag="run"):
    """The first record: what was asked for.

    ``readings`` are the accepted interpretations by switch, ``rulebook`` is the digest of the rules, and ``nonce``
    tells the identifiers of this run's orders from another's. ``focus`` is a part of the rules, empty for all of them.
    ``operator`` says that a person was asked for what the target does not offer, ``other_unit`` that a second sales
    unit was named. ``hypothesis`` is the version of the library that histories were drawn with. Of a merchant's run,
    ``party`` is ``merchant``, and ``strict`` says that recommended rules decide. ``confirms`` says that a violation
    counts once it was seen in two histories, and ``doubts`` that responses of what stands between the suite and the
    target prove nothing: in runs of earlier versions, everything counted.
    """

    format: Literal[1, 2, 3]
    tool: str
    started: str
    command: str
    seed: int
    budget: str
    histories: int | None
    profiles: tuple[str, ...]
    market: str
    readings: dict[str, tuple[str, ...]]
    rulebook: str
    nonce: str
    order_prefixes: dict[str, str] = field(default_factory=dict)
    target: TargetRecord
    waivers: tuple[WaiverRecord, ...]
    python: str
    hypothesis: str = ""
    party: str = "provider"
    strict: bool | None = None
    most_requests: int | None = None
    shard: ShardRecord | None = None
    examples: tuple[str, ...] = ()
    fuzz: FuzzSettingsRecord | None = None
    operator: bool = False
    focus: str = ""
    other_unit: bool = False
    merged: MergedRecord | None = None
    confirms: bool = False
    doubts: bool = False


class CapabilitiesRecord(Record, frozen=True, kw_only=True, tag="capabilities"):
    """What the target lets the suite do in one API. ``lapses_after`` is an age in seconds.

    ``declared`` are a merchant's ways that it states: by name, true or a number of seconds.
    """

    profile: str
    offered: tuple[str, ...]
    source: str
    lapses_after: int | None
    declared: JsonObject = field(default_factory=dict)


class SmokeRecord(Record, frozen=True, kw_only=True, tag="smoke"):
    """Whether the simplest order could be made before anything else was tried."""

    profile: str
    ok: bool
    note: str


class WholePlanRecord(Record, frozen=True, kw_only=True, tag="whole"):
    """The whole plan, of which this run is a shard: the number of its histories, and their digest."""

    histories: int
    digest: str


class PlanRecord(Record, frozen=True, kw_only=True, tag="plan"):
    """Histories that are about to be run, each at least once, and the digest of their ids and contents."""

    histories: tuple[str, ...]
    digest: str


class ResumedRecord(Record, frozen=True, kw_only=True, tag="resumed"):
    """The run was interrupted before this record, and continues after it.

    ``torn`` is how many bytes of an unfinished last line were removed.
    """

    at: str
    nonce: str
    torn: int


class BudgetRecord(Record, frozen=True, kw_only=True, tag="budget"):
    """How many requests were allowed and sent, what they were spent on, and about how many the rest would take."""

    most: int
    sent: int
    played: int
    planned: int
    systematic: int
    rest: int


class HandRecord(Record, frozen=True, kw_only=True, tag="hand"):
    """A person at the terminal was asked to do something to an order, and said ``done``, ``declined`` or ``late``."""

    order: str
    action: str
    said: str
    seconds: Number


class FinishRecord(Record, frozen=True, kw_only=True, tag="finish"):
    """The last record: how the run ended, and why.

    ``crash`` is the exception of the user's code that ended it, in a few lines.
    """

    ended: Ending
    message: str
    seconds: Number
    crash: str = ""


# A history


class HistoryRecord(Record, frozen=True, kw_only=True, tag="history"):
    """A history that is about to be run: its stored form, and as ``goals`` the rules that it is meant to check."""

    id: str
    profile: str
    source: str
    label: str
    cell: CellRecord
    goals: tuple[str, ...]
    history: JsonObject

    @property
    def step_count(self) -> int:
        """The number of stored steps; a provider's history counts the opening among them."""
        return len(self.history["steps"])

    @property
    def step_names(self) -> tuple[str, ...]:
        """What each stored step does, by its stored name."""
        return tuple(str(step["do"]) for step in self.history["steps"])


class JudgementRecord(Record, frozen=True, kw_only=True, tag="judgement", forbid_unknown_fields=True):
    """What one step of a history showed. ``observed`` maps field names to what was seen there.

    ``superseded``: the history was run again, and this judgement does not count. ``ambiguous``: the request was not
    answered, what was read back fits something, and the history goes on. ``independent``: what is wrong decides nothing
    of the order, and the history goes on. ``unexpected`` is what was wrong and no rule is about.
    """

    history: str
    step: int
    do: str
    seen: str
    observed: dict[str, Scalar]
    status: str
    branches: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    readings: dict[str, str] = field(default_factory=dict)
    noticed: dict[str, str] = field(default_factory=dict)
    cause: str = ""
    ambiguous: bool = False
    independent: bool = False
    findings: tuple[FindingRecord, ...] = ()
    unexpected: tuple[FindingRecord, ...] = ()
    expected: tuple[ExpectedRecord, ...] | None = None
    superseded: bool = False


class MissedRecord(Record, frozen=True, kw_only=True, tag="missed"):
    """A history was meant to check these rules and did not; ``cause`` says why."""

    history: str
    rules: tuple[str, ...]
    cause: str


class CounterexampleRecord(Record, frozen=True, kw_only=True, tag="counterexample"):
    """The shortest history found that still violates a rule.

    ``history`` is its id, ``first`` that of the first history that showed the violation; ``steps`` leaves the opening
    out, ``tried`` counts the shorter histories that were run. ``boundary`` says where the failure begins and ends.
    """

    rule: str
    profile: str
    reason: str
    field: str
    file: str
    history: str
    first: str
    steps: int
    tried: int
    boundary: BoundaryRecord | None = None


class ExchangeRecord(Record, frozen=True, kw_only=True, tag="exchange"):
    """One request and its response.

    ``history`` is empty before the first history. ``began`` is in milliseconds after the first of two requests that
    were sent together. ``resent``: the same request was sent again after this, and that response counts. ``waited`` is
    how many seconds the run waited before that, because the response was a 429. ``lost`` says what happened instead of
    a response.
    """

    history: str
    step: int
    purpose: str
    request: RequestRecord
    response: ResponseRecord | None
    ms: Number
    began: Number | None = None
    resent: bool = False
    waited: Number | None = None
    lost: str | None = None
    crash: str = ""
    wire: WireRecord | None = None


class ActionRecord(Record, frozen=True, kw_only=True, tag="action"):
    """Something that a merchant was asked to do, or that was done to its order. Times are seconds.

    ``crash`` is what the merchant's code said of an action that failed: its exception, its errors, or its response.
    ``delivery`` is the signed delivery of a notification; without it, a notification was handed over unsigned.
    """

    history: str
    step: int
    action: str
    order: int | None
    number: int
    ended: str
    told: str
    began: Number
    took: Number
    hook: str
    crash: str = ""
    delivery: DeliveryRecord | None = None


class BooksRecord(Record, frozen=True, kw_only=True, tag="books"):
    """Both parties' books of one order after a step: ``view`` is the merchant's, ``truth`` the provider double's.

    ``truth`` is about the order's latest payment. ``payments`` are all payments of the order, oldest first, where it
    has several. ``events`` are what happened to its payments since the last record of this order.
    """

    history: str
    step: int
    order: int
    view: JsonObject
    truth: ProviderRecord | None
    payments: tuple[PaymentRecord, ...] = ()
    events: tuple[EventRecord, ...] = ()


# Fuzzing


class FuzzRecord(Record, frozen=True, kw_only=True, tag="fuzz"):
    """Fuzzing is about to begin. ``rules`` is the digest of the rules that the requests are judged by."""

    profiles: tuple[str, ...]
    document: DescriptionRecord
    rules: str
    seconds: Number
    requests: int


class FuzzedRecord(Record, frozen=True, kw_only=True, tag="fuzzed"):
    """One request of the fuzzer, its response, the facts that it was judged by, and what it showed.

    ``curl`` is a command that sends the request of a finding again, with credentials from the environment.
    """

    id: int
    profile: str
    operation: str
    source: str
    label: str
    request: RequestRecord
    response: ResponseRecord | None
    lost: str | None = None
    ms: Number
    facts: dict[str, Scalar]
    status: str
    examples: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    cause: str = ""
    findings: tuple[FuzzFindingRecord, ...] = ()
    curl: str = ""


class AsideRecord(Record, frozen=True, kw_only=True, tag="aside"):
    """A request that the fuzzer made to prepare or read an order, and its response.

    ``resent`` and ``waited`` are those of an exchange: the same request, judged or not, was sent again after a 429.
    """

    purpose: str
    request: RequestRecord
    response: ResponseRecord | None
    lost: str | None = None
    resent: bool = False
    waited: Number | None = None


class FuzzProfileRecord(Record, frozen=True, kw_only=True, tag="fuzz-profile"):
    """How the fuzzing of one API ended. ``drawn`` counts the requests of each source."""

    profile: str
    ended: str
    judged: int
    drawn: dict[str, int]
    objections: tuple[ObjectionRecord, ...]
    undrawn: tuple[UndrawnRecord, ...]


# Examples that machines share


class ExamplesRecord(Record, frozen=True, kw_only=True, tag="examples"):
    """The examples of other runs that are tried first, how many could not be used, and what went wrong with them."""

    histories: tuple[SharedExample, ...]
    left: int
    trouble: tuple[str, ...]


class SharedRecord(Record, frozen=True, kw_only=True, tag="shared"):
    """How many examples were kept for other runs, how many were dropped, and what went wrong."""

    kept: int
    dropped: int
    trouble: tuple[str, ...]


# Only in a part of a run, before the parts are joined


class AgreedRecord(Record, frozen=True, kw_only=True, tag="agreed"):
    """The digest of the plan that this process came to."""

    digest: str


class StoppedRecord(Record, frozen=True, kw_only=True, tag="stopped"):
    """Why this process could not go on, in the words of a run's last record."""

    ended: Ending
    message: str


JournalRecord: TypeAlias = (
    RunRecord
    | CapabilitiesRecord
    | SmokeRecord
    | WholePlanRecord
    | PlanRecord
    | ResumedRecord
    | BudgetRecord
    | HandRecord
    | FinishRecord
    | HistoryRecord
    | JudgementRecord
    | MissedRecord
    | CounterexampleRecord
    | ExchangeRecord
    | ActionRecord
    | BooksRecord
    | FuzzRecord
    | FuzzedRecord
    | AsideRecord
    | FuzzProfileRecord
    | ExamplesRecord
    | SharedRecord
)
"""Every kind of record that a journal has."""
MerchantRecord: TypeAlias = ExchangeRecord | ActionRecord | BooksRecord | JudgementRecord
"""The records of a merchant's history."""
PartRecord: TypeAlias = JournalRecord | AgreedRecord | StoppedRecord
"""Every kind of record that a part of a run has, before the parts are joined."""


def history_id_of(record: Record) -> str:
    """Return the id of the history that a record belongs to; empty where it belongs to none."""
    if isinstance(record, HistoryRecord):
        return record.id
    if isinstance(record, ExchangeRecord | JudgementRecord | MissedRecord | ActionRecord | BooksRecord):
        return record.history
    return ""


def cell_of(record: HistoryRecord) -> dict[str, str]:
    """Return a history's place in the coverage grid by the names of its coordinates; those it lacks are left out."""
    place: dict[str, str] = to_builtins(record.cell)
    return place
