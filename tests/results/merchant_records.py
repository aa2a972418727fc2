"""Records of made-up merchants' runs, of which only the judgements matter."""

from __future__ import annotations

from typing import Any

from conformance.domain.order import Profile
from conformance.evidence.consistency import digest_of
from conformance.obligations.history import Fault, MerchantHistory, MerchantStep, merchant_history_as_json
from conformance.results.result import Result, result_of
from conformance.rulebook import load_obligations
from tests.results.records import FINISH, OFFERED, finding, run
from tests.stored import evidence_of

FAULT = Fault("cancel", "error-500")
RESERVED = {
    "stage": "reserved", "amount": 1000, "authorized": 1000, "captured": 0, "cancelled": 0, "remaining": 1000,
    "payable": False, "pending": False, "late": False, "currency": "NOK",
}  # fmt: skip


def played(number: int, *findings: dict[str, Any], fault: bool = False, source: str = "systematic") -> list[Any]:
    """A history that breaks these; without any, M16 and M18 are met in it."""
    steps = tuple(map(MerchantStep, ("create", "approve", "cancel")))
    history = MerchantHistory(Profile.EPAYMENT, (1000,), steps, (FAULT,) if fault else ())
    name = f"epayment-{number}"
    stored = {"id": name, "profile": "epayment", "source": source, "history": merchant_history_as_json(history)}
    judged = {"kind": "judgement", "history": name, "step": 3, "do": "quiet"}
    if not findings:
        return [
            {"kind": "history", **stored},
            *({**judged, "status": "conforms", "examples": [r]} for r in ("M16", "M18")),
        ]
    return [
        {"kind": "history", **stored},
        *({**judged, "status": "violates", "findings": [each]} for each in findings),
    ]


def broken(rule: str, follows: str = "") -> dict[str, Any]:
    return {**finding(rule, f"{rule} is broken"), **({"follows": follows} if follows else {})}


def reserved_at_the_end(number: int) -> list[Any]:
    """What leaves money reserved at the end of a history whose order was cancelled."""
    name = f"epayment-{number}"
    action = {"action": "cancel", "order": 0, "number": 0, "ended": "returned", "told": "", "began": 0, "took": 0}
    books = {"order": 0, "view": {"status": "cancelled"}, "truth": RESERVED}
    return [
        {"kind": "action", "history": name, "step": 2, "hook": "", **action},
        {"kind": "books", "history": name, "step": 3, **books},
    ]


def result(*records: list[Any], **changes: Any) -> Result:
    flat = [record for group in records for record in group]
    histories = [record for record in flat if record["kind"] == "history" and record["source"] != "shrinking"]
    digest = digest_of((record["id"], record["history"]) for record in histories)
    plan = {"kind": "plan", "histories": [record["id"] for record in histories], "digest": digest}
    begin = run(party="merchant", rulebook=load_obligations().digest, profiles=["epayment"], **changes)
    offered = {**OFFERED, "profile": "epayment", "offered": ["capture", "abandon", "tick"]}
    return result_of(evidence_of((begin, offered, plan, *flat, FINISH)))
