"""Judging one request and its answer by the rules of the HTTP layer. Pure: from facts, as they stand in the journal.

Facts are flat, as an observation is: ``sent.`` says what was sent, ``answer.`` what came back, ``before.`` and
``after.`` how the order looked, ``model.`` what the model said of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from conformance.domain.expectation import ABSENT, Observation, Scalar
from conformance.domain.order import Profile
from conformance.judging.judge import Finding, StepStatus, observed_text
from conformance.wire.operations import BODILESS, MODIFYING, OperationKind, operation

GENERAL: Final = frozenset({
    400, 401, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 417, 421, 422, 423, 424, 425, 426, 428, 429,
    431, 451,
})  # fmt: skip
"""What a server or a gateway in front of it may answer whatever the API: general statuses of HTTP."""
PASSING: Final = frozenset({501, 502, 503, 504, 505, 507, 508, 511})
"""Statuses of the 5xx class that say something of the server or the way to it, and nothing of the request."""
AGAIN: Final = 3
"""How often the same request must be answered 500 before it is judged."""
FORMED: Final = frozenset({400, 402, 404, 409})
"""Refusals that the API itself makes in its own form. Those of the gateway have forms of their own (`C12`)."""
COMPARED: Final = (
    "state", "amount", "authorized", "captured", "refunded", "cancelled", "to_capture", "to_refund", "summary",
)  # fmt: skip
SOUND: Final = ("negative", "overrefunded", "overdrawn")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one request proved. ``examples`` and ``findings`` are by rule; ``records`` are what is not judged."""

    status: StepStatus
    examples: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    records: tuple[str, ...] = ()
    cause: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as the journal keeps it."""
        out: dict[str, Any] = {"status": self.status.value}
        for name in ("examples", "records"):
            if getattr(self, name):
                out[name] = list(getattr(self, name))
        if self.cause:
            out["cause"] = self.cause
        if self.findings:
            out["findings"] = [
                {
                    "rule": one.rule,
                    "field": one.field,
                    "permitted": one.permitted,
                    "observed": one.observed,
                    "reason": one.reason,
                }
                for one in self.findings
            ]
        return out


def judge_request(profile: Profile, facts: Observation) -> Verdict:
    """Say what a request and its answer prove."""
    status = facts.get("answer.status")
    if not isinstance(status, int):
        return Verdict(StepStatus.INCONCLUSIVE, cause=str(facts.get("answer.cause") or "no answer"))
    if status == 429:
        return Verdict(StepStatus.INCONCLUSIVE, cause="the target asked to slow down")
    examples: list[str] = []
    findings: list[Finding] = []
    records: list[str] = []
    cause = ""
    for rule, said in _said(profile, facts, status):
        if isinstance(said, Finding):
            findings.append(said)
        elif said is None:
            examples.append(rule)
        elif rule:
            records.append(f"{rule}: {said}")
        else:
            cause = said
    if findings:
        return Verdict(StepStatus.VIOLATES, tuple(dict.fromkeys(examples)), tuple(findings), tuple(records))
    if cause:
        about = ("WIRE-01",) if _persists(facts) else ()
        return Verdict(StepStatus.INCONCLUSIVE, about, (), tuple(records), cause)
    judged = StepStatus.CONFORMS if examples else StepStatus.RECORDED
    return Verdict(judged, tuple(dict.fromkeys(examples)), (), tuple(records))


Claims = tuple[str, Finding | str | None]
"""A rule, and what is to be said of it: that it is broken, that it held (None), or what is only recorded."""


def _found(rule: str, field: str, permitted: str, observed: Scalar) -> Claims:
    return rule, Finding(rule, rule, field, permitted, observed_text(observed))


def _said(profile: Profile, facts: Observation, status: int) -> Iterator[Claims]:
    deed = OperationKind(str(facts["sent.deed"]))
    documented = facts.get("sent.method") == "documented"
    ours = facts.get("sent.token") == "ours" and facts.get("sent.key") == "ours"
    if status >= 500:
        yield from _broken(facts, status, documented=documented)
        yield from _money(facts)
        return
    if facts.get("sent.invalid"):
        yield "WIRE-01", None
    if not documented:
        yield from _unchanged(facts, status)
        yield from _money(facts)
        return
    success = 200 <= status < 300
    if not ours:
        if success:
            yield _found("WIRE-02", "answer.status", "401 or another refusal", status)
        elif status >= 400:
            yield "WIRE-02", None
    elif facts.get("sent.flaw"):
        if success and facts.get("sent.order") != "unknown":
            what = f"a refusal, since {facts['sent.flaw']}"
            yield _found("WIRE-10", "answer.status", what, status)
        elif status >= 400:
            yield "WIRE-10", None
    yield from _status(profile, deed, facts, status)
    yield from _form(facts, status, ours=ours)
    if success and ours and not facts.get("sent.flaw") and facts.get("sent.order") != "unknown":
        yield from _content(profile, deed, facts, status)
    if success:
        yield from _names(facts)
    yield from _unchanged(facts, status)
    yield from _money(facts)
    yield from _model(facts)


def _persists(facts: Observation) -> bool:
    times = facts.get("sent.times")
    return bool(facts.get("target.healthy")) and isinstance(times, int) and times >= AGAIN


def _broken(facts: Observation, status: int, *, documented: bool) -> Iterator[Claims]:
    """A 500 is a finding where nothing passing explains it: not the gateway, not a bad moment, not a known weakness."""
    if status in PASSING or not documented or facts.get("sent.weakness"):
        yield "WIRE-01", f"{status} for {_what(facts)}"
        return
    if not _persists(facts):
        yield "", f"the target answered {status}, and not every time"
        return
    if facts.get("sent.invalid") or facts.get("sent.doubt"):
        yield _found("WIRE-01", "answer.status", f"no server error ({_what(facts)})", status)
    else:
        yield "", f"the target answered {status} to a request with which nothing is known to be wrong"


def _what(facts: Observation) -> str:
    if facts.get("sent.flaw"):
        return str(facts["sent.flaw"])
    if facts.get("sent.order") == "unknown":
        return "there is no such order"
    if facts.get("sent.token") != "ours" or facts.get("sent.key") != "ours":
        return "the credentials are not valid"
    return "a request of a kind that is not documented" if facts.get("sent.doubt") else "a plain request"


def _status(profile: Profile, deed: OperationKind, facts: Observation, status: int) -> Iterator[Claims]:
    described = frozenset(str(facts.get("document.statuses") or "").split(","))
    known = described | {str(one) for one in operation(profile, deed).success}
    if 300 <= status < 400 or status < 200:
        yield "WIRE-03", f"{status} is no answer of the API"
    elif str(status) in known or f"{status // 100}XX" in described:
        yield "WIRE-03", None
    elif status >= 400 and ("default" in described or status in GENERAL or (status == 402 and profile is Profile.ECOM)):
        yield "WIRE-03", f"{status}, which the description leaves out"
    elif status < 300 and facts.get("sent.order") == "unknown":
        yield "WIRE-03", f"{status} for an order that is not known to exist"
    else:
        permitted = " or ".join(sorted(one for one in known if one.isdecimal() and one[0] == str(status)[0]))
        yield _found("WIRE-03", "answer.status", permitted or "a documented status", status)


def _form(facts: Observation, status: int, *, ours: bool) -> Iterator[Claims]:
    success = 200 <= status < 300
    own = status in FORMED and ours and facts.get("sent.order") == "known" and facts.get("sent.plain")
    if not (success or own) or not facts.get("answer.body"):
        return
    if facts.get("sent.flaw") or not ours or facts.get("sent.order") == "unknown":
        return
    kind = facts.get("answer.type")
    if kind is None:
        yield "WIRE-04", "no content type is given"
    elif kind != "json":
        yield _found("WIRE-04", "answer.type", "application/json or another kind of JSON", kind)
    elif not facts.get("answer.parsed"):
        yield _found("WIRE-04", "answer.body", "JSON", "something that is no JSON")
    else:
        yield "WIRE-04", None


def _content(profile: Profile, deed: OperationKind, facts: Observation, status: int) -> Iterator[Claims]:
    needed = operation(profile, deed).answered
    # What is answered 202 or 204 has nothing to tell yet, or nobody to tell it to.
    if not needed or status in (202, 204) or facts.get("answer.type") not in ("json", None):
        return
    lacking = facts.get("answer.lacks")
    if lacking:
        yield _found("WIRE-05", f"answer.{lacking}", "there", ABSENT)
    else:
        yield "WIRE-05", None


def _names(facts: Observation) -> Iterator[Claims]:
    if "answer.name" not in facts:
        return
    name = facts["answer.name"]
    if name is None:
        yield "WIRE-06", None
    else:
        yield _found("WIRE-06", "answer.state", "a documented name", name)


def _unchanged(facts: Observation, status: int) -> Iterator[Claims]:
    if not 400 <= status < 500 or facts.get("sent.order") != "known" or facts.get("after.outcome") != "accepted":
        return
    if OperationKind(str(facts["sent.deed"])) in BODILESS and facts.get("sent.method") == "documented":
        return
    for name in COMPARED:
        before, after = facts.get(f"before.{name}"), facts.get(f"after.{name}")
        if before != after:
            yield _found("WIRE-07", f"after.{name}", f"{observed_text(before)}, as before the refused request", after)
            return
    yield "WIRE-07", None


def _money(facts: Observation) -> Iterator[Claims]:
    if facts.get("after.outcome") != "accepted" or OperationKind(str(facts["sent.deed"])) not in MODIFYING:
        return
    for name in SOUND:
        if facts.get(f"after.{name}") and not facts.get(f"before.{name}"):
            words = {"negative": "no amount below zero", "overrefunded": "no more refunded than captured"}
            yield _found("WIRE-08", f"after.{name}", words.get(name, "no more moved than authorized"), "otherwise")
            return
    yield "WIRE-08", None


def _model(facts: Observation) -> Iterator[Claims]:
    match facts.get("model.status"):
        case "violates":
            field = f"{facts.get('model.rule')}: {facts.get('model.field')}"
            yield _found("WIRE-09", field, str(facts.get("model.permitted")), str(facts.get("model.observed")))
        case "conforms" | "recorded":
            yield "WIRE-09", None


def facts_from_json(stored: Mapping[str, Any]) -> Observation:
    """Return recorded facts."""
    return dict(stored)
