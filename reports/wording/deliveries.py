"""A sentence about the signed notifications of a merchant's run: how many were accepted, and how many forged ones."""

from __future__ import annotations

from conformance.evidence.records import ActionRecord
from conformance.obligations.history import FORGERIES
from conformance.reports.wording.provider import counted
from conformance.results.result import Result


def signed_deliveries(result: Result) -> str:
    """Return how a shop's handler answered, without a full stop; empty where it has none, or nothing was delivered."""
    records = [record for record in result.evidence.of(ActionRecord) if record.delivery is not None]
    if not records:
        return ""
    forged = [record for record in records if record.action in FORGERIES and record.action != "forge_replay"]
    true = [record for record in records if record.action not in FORGERIES]
    accepted, believed = (sum(record.ended == "returned" for record in part) for part in (true, forged))
    return (
        f"{counted(len(true), 'signed delivery', 'signed deliveries')} to the shop’s handler, {accepted} of them "
        f"accepted; {counted(len(forged), 'forged one')}, {believed} of them accepted"
    )
