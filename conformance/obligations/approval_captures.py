"""Captures at the approval: a way that a shop may have, and how it is told from taking too much."""

from __future__ import annotations

from typing import Final

from conformance.obligations.asked import HONOURED, shipments
from conformance.obligations.observation import MerchantTrace, ObservedRequest

BY_ITSELF: Final = ("tick", "deliver")
"""The actions in which a shop does what nobody asked it for just then."""


def captures_whole(request: ObservedRequest) -> bool:
    """Return whether a request captured the whole reservation at once."""
    before, after = request.before, request.after
    return (
        request.operation == "capture"
        and before is not None
        and after is not None
        and not before.captured
        and after.captured == after.authorized > 0
    )


def captured_at_approval(trace: MerchantTrace, order: int) -> bool:
    """Return whether the one thing that was taken is the whole amount, at the approval.

    That is before anything was shipped, or as soon as a shop learned of the approval that had not known of it.
    """
    whole = [request for request in trace.requests if request.owner == order and captures_whole(request)]
    if not whole or trace.declared.captures_on_approval:
        return len(whole) < 2 and _captured_the_rest(trace, order)
    known = any(each.status in HONOURED and each.n < whole[0].n for each in trace.snapshots_of(order))
    before_shipping = all(whole[0].step < each.step for each in shipments(trace, order))
    return len(whole) == 1 and (before_shipping or not known or _had_tried(trace, order))


def _captured_the_rest(trace: MerchantTrace, order: int) -> bool:
    """Return whether what was reserved beside a part that was shipped was taken at once, at the approval.

    A shop that ships before the notification comes takes the part first, and the rest as soon as it looks; so does one
    whose capture at the approval failed. One that declares that it captures at the approval may also do so later.
    """
    captures = [request for request in trace.requests_of(order) if request.operation == "capture"]
    last = next((request for request in reversed(captures) if amount_captured_by(request) > 0), None)
    if last is None or last.after is None or last.after.captured != last.after.authorized:
        return False
    if trace.declared.captures_on_approval:
        return True
    return last.action in BY_ITSELF and (_had_tried(trace, order) or not _had_looked(trace, order, last))


def _had_tried(trace: MerchantTrace, order: int) -> bool:
    """Return whether a shop had sent a capture by itself before anything was shipped: its way is to do so."""
    shipped = min((each.n for each in shipments(trace, order)), default=0)
    captures = [request for request in trace.requests_of(order) if request.operation == "capture"]
    return any(each.action in BY_ITSELF and each.n < shipped for each in captures)


def _had_looked(trace: MerchantTrace, order: int, capture: ObservedRequest) -> bool:
    """Return whether scheduled work or a notification had made a shop read the reservation in a step before."""
    reads = [each for each in trace.reads_of(order) if each.step < capture.step and each.action in BY_ITSELF]
    return any(each.status == 200 and each.response_json() and _is_reserved(each) for each in reads)


def _is_reserved(request: ObservedRequest) -> bool:
    return request.before is not None and request.before.authorized > 0


def amount_captured_by(request: ObservedRequest) -> int:
    """Return the minor units that a request captured."""
    before, after = request.before, request.after
    return 0 if before is None or after is None else after.captured - before.captured
