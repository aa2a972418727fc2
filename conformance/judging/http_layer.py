"""One fuzzed request judged by the rules of the HTTP layer, from facts as they are in the journal.

Facts are flat, as an observation is: ``sent.`` says what was sent, ``answer.`` what came back, ``before.`` and
``after.`` how the order looked, ``model.`` what the model said of it. For example, a request with a negative amount::

    sent.deed capture   sent.flaw "the amount is negative"   answer.status 200   =>   WIRE-10 is violated
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from conformance.domain.api_table import spec_of
from conformance.domain.expectation import ABSENT, Observation, Scalar
from conformance.domain.observation import Field
from conformance.domain.operations import BODILESS, MODIFYING, OperationKind
from conformance.domain.order import Profile
from conformance.evidence.record_parts import FuzzFindingRecord
from conformance.evidence.records import FuzzedRecord
from conformance.judging.judge import Finding, StepStatus, observed_text

GENERAL: Final = frozenset({
    400, 401, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 417, 421, 422, 423, 424, 425, 426, 428, 429,
    431, 451,
})  # fmt: skip
"""General statuses of HTTP: a server, or a gateway in front of it, may answer with them whatever the API."""
PASSING: Final = frozenset({501, 502, 503, 504, 505, 507, 508, 511})
"""Server errors that concern the server or the way to it, and not the request."""
AGAIN: Final = 3
"""How often the same request must be answered 500 before that is a violation."""
FORMED: Final = frozenset({400, 402, 404, 409})
"""Refusals that the API itself makes, in its own form. Those of the gateway have other forms (`C12`)."""
COMPARED: Final = (
    "state", "amount", "authorized", "captured", "refunded", "cancelled", "to_capture", "to_refund", "summary",
)  # fmt: skip
"""The fields of an order that a refused request leaves as they were."""
SOUND: Final = ("negative", "overrefunded", "overdrawn")
"""What must not be true of an order's amounts."""
_AMOUNTS_SHOULD_BE: Final = {
    "negative": "no amount below zero",
    "overrefunded": "no more refunded than captured",
    "overdrawn": "no more moved than authorized",
}
_NOTHING_TO_TELL: Final = (202, 204)
"""Successes without a body: it is not done yet, or there is nothing to say."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one request proved.

    ``examples`` are the rules that it was a check of, ``findings`` the violated ones; ``records`` are observed, and
    not judged; ``cause`` says why it proved nothing.
    """

    status: StepStatus
    examples: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    records: tuple[str, ...] = ()
    cause: str = ""

    def judged(self, request: FuzzedRecord) -> FuzzedRecord:
        """Return the record of a fuzzed request with this verdict."""
        return msgspec.structs.replace(
            request,
            status=self.status.value,
            examples=self.examples,
            records=self.records,
            cause=self.cause,
            findings=tuple(
                FuzzFindingRecord(
                    rule=finding.rule,
                    field=finding.field,
                    permitted=finding.permitted,
                    observed=finding.observed,
                    reason=finding.reason,
                )
                for finding in self.findings
            ),
        )


@dataclass(frozen=True, slots=True)
class FuzzedRequest:
    """A request that was answered, and what is known about it."""

    profile: Profile
    facts: Observation
    status: int

    @property
    def kind(self) -> OperationKind:
        """The operation that was asked for."""
        return OperationKind(str(self.facts[Field.SENT_DEED]))

    @property
    def is_documented(self) -> bool:
        """Whether the operation has the method that was used."""
        return self.facts.get(Field.SENT_METHOD) == "documented"

    @property
    def has_credentials(self) -> bool:
        """Whether it was sent with valid credentials."""
        return self.facts.get(Field.SENT_TOKEN) == "ours" and self.facts.get(Field.SENT_KEY) == "ours"

    @property
    def flaw(self) -> str:
        """What is wrong with its body, in words; nothing where it is in order."""
        return str(self.facts.get(Field.SENT_FLAW) or "")

    @property
    def is_about_nothing(self) -> bool:
        """Whether it names an order that does not exist."""
        return self.facts.get(Field.SENT_ORDER) == "unknown"

    @property
    def is_regular(self) -> bool:
        """Whether nothing is known to be wrong with its credentials, body or order."""
        return self.has_credentials and not self.flaw and not self.is_about_nothing

    @property
    def succeeded(self) -> bool:
        """Whether it was answered with a success."""
        return 200 <= self.status < 300

    @property
    def was_refused(self) -> bool:
        """Whether it was answered with an error."""
        return self.status >= 400

    @property
    def fails_every_time(self) -> bool:
        """Whether it was repeated with the same result, while the target answers others."""
        times = self.facts.get(Field.SENT_TIMES)
        return bool(self.facts.get("target.healthy")) and isinstance(times, int) and times >= AGAIN

    @property
    def was_read_back(self) -> bool:
        """Whether its order could be read afterwards."""
        return self.facts.get(Field.AFTER_OUTCOME) == "accepted"

    def in_words(self) -> str:
        """Return what was special about it."""
        if self.flaw:
            return self.flaw
        if self.is_about_nothing:
            return "there is no such order"
        if not self.has_credentials:
            return "the credentials are not valid"
        return "a request of a kind that is not documented" if self.facts.get(Field.SENT_DOUBT) else "a plain request"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a request shows about one rule: that it holds, or one of these three."""

    rule: str = ""
    finding: Finding | None = None
    record: str = ""
    cause: str = ""

    @property
    def holds(self) -> bool:
        """Whether the rule was checked, and held."""
        return self.finding is None and not self.record and not self.cause


PermittedRequestOutcomes: TypeAlias = Iterator[Outcome]


def judge_request(profile: Profile, facts: Observation) -> Verdict:
    """Return what a request and its response prove."""
    status = facts.get(Field.ANSWER_STATUS)
    if not isinstance(status, int):
        return Verdict(StepStatus.INCONCLUSIVE, cause=str(facts.get(Field.ANSWER_CAUSE) or "no answer"))
    if status == 429:
        return Verdict(StepStatus.INCONCLUSIVE, cause="the target asked to slow down")
    return _verdict(FuzzedRequest(profile, facts, status))


def _verdict(request: FuzzedRequest) -> Verdict:
    outcomes = list(_outcomes(request))
    examples = tuple(dict.fromkeys(outcome.rule for outcome in outcomes if outcome.holds))
    findings = tuple(outcome.finding for outcome in outcomes if outcome.finding is not None)
    records = tuple(f"{outcome.rule}: {outcome.record}" for outcome in outcomes if outcome.record)
    cause = "".join(outcome.cause for outcome in outcomes)
    if findings:
        return Verdict(StepStatus.VIOLATES, examples, findings, records)
    if cause:
        about = ("WIRE-01",) if request.fails_every_time else ()
        return Verdict(StepStatus.INCONCLUSIVE, about, (), records, cause)
    return Verdict(StepStatus.CONFORMS if examples else StepStatus.RECORDED, examples, (), records)


def _outcomes(request: FuzzedRequest) -> PermittedRequestOutcomes:
    if request.status >= 500:
        yield _server_error(request)
        yield from _amounts_are_sound(request)
        return
    if request.facts.get(Field.SENT_INVALID):
        yield Outcome("WIRE-01")
    if request.is_documented:
        yield from _is_refused(request)
        yield _status_is_documented(request)
        yield from _is_json(request)
        yield from _has_its_fields(request)
        yield from _state_is_documented(request)
    yield from _changed_nothing(request)
    yield from _amounts_are_sound(request)
    if request.is_documented:
        yield from _conforms_to_the_model(request)


def _violated(rule: str, field: str, permitted: str, observed: Scalar) -> Outcome:
    return Outcome(rule, Finding(rule, rule, field, permitted, observed_text(observed)))


def _server_error(request: FuzzedRequest) -> Outcome:
    """Judge a server error: a violation of WIRE-01 unless something explains it.

    The gateway may have caused it, or a bad moment, or a known weakness.
    """
    status, facts = request.status, request.facts
    if status in PASSING or not request.is_documented or facts.get(Field.SENT_WEAKNESS):
        return Outcome("WIRE-01", record=f"{status} for {request.in_words()}")
    if not request.fails_every_time:
        return Outcome(cause=f"the target answered {status}, and not every time")
    if facts.get(Field.SENT_INVALID) or facts.get(Field.SENT_DOUBT):
        return _violated("WIRE-01", Field.ANSWER_STATUS, f"no server error ({request.in_words()})", status)
    return Outcome(cause=f"the target answered {status} to a request with which nothing is known to be wrong")


def _is_refused(request: FuzzedRequest) -> PermittedRequestOutcomes:
    """A request without valid credentials is refused, and so is one with a flaw."""
    if not request.has_credentials:
        if request.succeeded:
            yield _violated("WIRE-02", Field.ANSWER_STATUS, "401 or another refusal", request.status)
        elif request.was_refused:
            yield Outcome("WIRE-02")
    elif request.flaw:
        if request.succeeded and not request.is_about_nothing:
            yield _violated("WIRE-10", Field.ANSWER_STATUS, f"a refusal, since {request.flaw}", request.status)
        elif request.was_refused:
            yield Outcome("WIRE-10")


def _status_is_documented(request: FuzzedRequest) -> Outcome:
    status = request.status
    described = frozenset(str(request.facts.get("document.statuses") or "").split(","))
    known = described | set(map(str, spec_of(request.profile).operation(request.kind).success))
    if not request.succeeded and not request.was_refused:
        return Outcome("WIRE-03", record=f"{status} is no answer of the API")
    if str(status) in known or f"{status // 100}XX" in described:
        return Outcome("WIRE-03")
    if request.was_refused and _may_be_left_out(request, described):
        return Outcome("WIRE-03", record=f"{status}, which the description leaves out")
    if request.succeeded and request.is_about_nothing:
        return Outcome("WIRE-03", record=f"{status} for an order that is not known to exist")
    return _violated("WIRE-03", Field.ANSWER_STATUS, _like(status, known), status)


def _like(status: int, known: frozenset[str]) -> str:
    """Return the known statuses of the same class, in words."""
    alike = sorted(text for text in known if text.isdecimal() and text[0] == str(status)[0])
    return " or ".join(alike) or "a documented status"


def _may_be_left_out(request: FuzzedRequest, described: frozenset[str]) -> bool:
    # eCom's older pages document 402, and its description leaves it out (`C4`).
    documented_elsewhere = request.status in spec_of(request.profile).undescribed_statuses
    return "default" in described or request.status in GENERAL or documented_elsewhere


def _is_json(request: FuzzedRequest) -> PermittedRequestOutcomes:
    """A success has a JSON body; so has the API's own refusal of a plain request."""
    facts = request.facts
    own_refusal = request.status in FORMED and facts.get(Field.SENT_ORDER) == "known" and facts.get(Field.SENT_PLAIN)
    if not request.is_regular or not (request.succeeded or own_refusal) or not facts.get(Field.ANSWER_BODY):
        return
    kind = facts.get(Field.ANSWER_TYPE)
    if kind is None:
        yield Outcome("WIRE-04", record="no content type is given")
    elif kind != "json":
        yield _violated("WIRE-04", Field.ANSWER_TYPE, "application/json or another kind of JSON", kind)
    elif not facts.get(Field.ANSWER_PARSED):
        yield _violated("WIRE-04", Field.ANSWER_BODY, "JSON", "something that is no JSON")
    else:
        yield Outcome("WIRE-04")


def _has_its_fields(request: FuzzedRequest) -> PermittedRequestOutcomes:
    if not request.succeeded or not request.is_regular or request.status in _NOTHING_TO_TELL:
        return
    needed = spec_of(request.profile).operation(request.kind).answered
    if not needed or request.facts.get(Field.ANSWER_TYPE) not in ("json", None):
        return
    missing = request.facts.get(Field.ANSWER_LACKS)
    yield _violated("WIRE-05", f"answer.{missing}", "there", ABSENT) if missing else Outcome("WIRE-05")


def _state_is_documented(request: FuzzedRequest) -> PermittedRequestOutcomes:
    if not request.succeeded or Field.ANSWER_NAME not in request.facts:
        return
    undocumented = request.facts[Field.ANSWER_NAME]
    if undocumented is None:
        yield Outcome("WIRE-06")
    else:
        yield _violated("WIRE-06", Field.ANSWER_STATE, "a documented name", undocumented)


def _changed_nothing(request: FuzzedRequest) -> PermittedRequestOutcomes:
    """A refused request leaves its order as it was."""
    facts = request.facts
    changes_nothing = request.kind in BODILESS and request.is_documented
    if not 400 <= request.status < 500 or facts.get(Field.SENT_ORDER) != "known" or not request.was_read_back:
        return
    if changes_nothing:
        return
    changed = next((name for name in COMPARED if facts.get(f"before.{name}") != facts.get(f"after.{name}")), None)
    if changed is None:
        yield Outcome("WIRE-07")
    else:
        before = observed_text(facts.get(f"before.{changed}"))
        after = facts.get(f"after.{changed}")
        yield _violated("WIRE-07", f"after.{changed}", f"{before}, as before the refused request", after)


def _amounts_are_sound(request: FuzzedRequest) -> PermittedRequestOutcomes:
    if not request.was_read_back or request.kind not in MODIFYING:
        return
    facts = request.facts
    broken = next((name for name in SOUND if facts.get(f"after.{name}") and not facts.get(f"before.{name}")), None)
    if broken is None:
        yield Outcome("WIRE-08")
    else:
        yield _violated("WIRE-08", f"after.{broken}", _AMOUNTS_SHOULD_BE[broken], "otherwise")


def _conforms_to_the_model(request: FuzzedRequest) -> PermittedRequestOutcomes:
    facts = request.facts
    match facts.get(Field.MODEL_STATUS):
        case "violates":
            field = f"{facts.get(Field.MODEL_RULE)}: {facts.get(Field.MODEL_FIELD)}"
            yield _violated(
                "WIRE-09", field, str(facts.get(Field.MODEL_PERMITTED)), str(facts.get(Field.MODEL_OBSERVED))
            )
        case "conforms" | "recorded":
            yield Outcome("WIRE-09")
