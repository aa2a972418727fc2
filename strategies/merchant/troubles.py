"""The courses of orders that are to end while something goes wrong: faults of every operation, and races."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from conformance.obligations.history import Fault
from conformance.strategies.merchant.cells import (
    APPROVED,
    CLOSED,
    COMPLETED,
    LATE,
    UNAPPROVED,
    Cell,
    fault,
    with_faults,
)

_ONCE: Final = (
    "error-500", "lost-after", "lost-before", "empty-200", "html-200", "unchanged-200", "error-500-after", "busy-429",
    "sticky-400", "missing-404", "redirect-302", "forbidden-403", "accepted-202", "empty-200-after", "html-200-after",
    "error-503", "processing-409", "locked-423", "timeout-408", "unauthorized-401", "error-502-html", "slow-after",
    "twice",
)  # fmt: skip
"""Faults of a cancel, the most telling first."""
_ALWAYS: Final = ("error-500", "busy-429", "lost-before", "forbidden-403", "error-503")
_BEFORE_APPROVAL: Final = (
    "error-500", "lost-before", "missing-404", "redirect-302", "html-200", "unchanged-200", "sticky-400",
)  # fmt: skip
_OF_READS: Final = ("missing-404", "error-500", "forbidden-403", "html-200", "lost-before")
_OF_CAPTURES: Final = (
    "error-500", "lost-after", "lost-before", "locked-423", "forbidden-403", "sticky-400", "slow-after",
)  # fmt: skip
_OF_CREATION: Final = ("lost-after", "error-500-after", "lost-before", "error-500", "busy-429")
_OF_CLOSING: Final = ("lost-after", "error-500", "empty-200", "busy-429", "lost-before", "html-200", "unchanged-200")
_OF_REFUNDS: Final = ("error-500", "lost-after", "lost-before", "forbidden-403", "sticky-400")

_APPROVED_NAME: Final = "approved, then cancelled"
_CLOSED_NAME: Final = "partly shipped, then closed"
_COMPLETED_NAME: Final = "completed in part"


def faults_of_cancels() -> Iterator[Cell]:
    """Return the faults of the cancel of an approved payment, and of one that is approved too late."""
    approved = [
        *with_faults(_APPROVED_NAME, APPROVED, "cancel", _ONCE),
        *with_faults(_APPROVED_NAME, APPROVED, "cancel", _ALWAYS, 0),
    ]
    late = list(with_faults("cancelled, then approved", LATE, "cancel", _BEFORE_APPROVAL))
    yield from approved
    yield from late


def faults_before_approval() -> Iterator[Cell]:
    """Return every fault of the cancel of a payment that nobody approves."""
    name = "cancelled before approval"
    yield from with_faults(name, UNAPPROVED, "cancel", _ONCE)
    yield from with_faults(name, UNAPPROVED, "cancel", _ALWAYS, 0)
    yield from with_faults("abandoned", "create abandon tick", "cancel", _BEFORE_APPROVAL[:3])


def races() -> Iterator[Cell]:
    """Return the courses in which the approval and the cancel cross."""
    name = "approval and cancel cross"
    for on, kind in (("cancel", "approve-before"), ("read", "approve-after"), ("cancel", "approve-after")):
        for end, steps in (("cancelled", "create cancel deliver tick"), ("abandoned", "create abandon deliver tick")):
            yield Cell(name, f"{end} while the customer approves ({on}, {kind})", steps, (Fault(on, kind),))
        both = (Fault(on, kind), fault("cancel", "lost-after"))
        yield Cell(name, f"cancelled while the customer approves ({on}, {kind}), answer lost", UNAPPROVED, both)


def faults_of_captures() -> Iterator[Cell]:
    """Return the faults of captures before the order is closed or completed: once, twice and until the end."""
    completed = "create approve deliver capture:300 complete:300"
    yield from with_faults(_CLOSED_NAME, CLOSED, "capture", _OF_CAPTURES, 1)
    for kind in _OF_CAPTURES[:-1]:
        yield from with_faults(_CLOSED_NAME, CLOSED, "capture", (kind,), 0)
        yield from with_faults(_COMPLETED_NAME, COMPLETED, "capture", (kind,), 1, 0)
    yield from with_faults(_CLOSED_NAME, CLOSED, "capture", _OF_CAPTURES[:-1], 2)
    yield from with_faults("partly shipped, then completed", completed, "capture", _OF_CAPTURES[:-1], 1, 0)
    name, steps = "partly shipped in two, then closed", "create approve deliver capture:300 capture:300 cancel"
    for kind in ("lost-after", "error-500", "lost-before"):
        for at, which in ((2, "second"), (1, "first")):
            yield Cell(name, f"{name}, the {which} capture with {kind}", steps, (fault("capture", kind, at=at),))


def faults_of_closing() -> Iterator[Cell]:
    """Return the faults of the cancel that releases a remaining amount, alone or behind a capture."""
    yield from with_faults(_CLOSED_NAME, CLOSED, "cancel", _OF_CLOSING)
    yield from with_faults(_COMPLETED_NAME, COMPLETED, "cancel", _OF_CLOSING)
    yield from with_faults(
        "completed but for a tiny rest", "create approve deliver complete:999", "cancel", _OF_CLOSING[:2]
    )
    yield from with_faults(_CLOSED_NAME, CLOSED, "cancel", ("error-500", "lost-before"), 0)
    yield from with_faults(_COMPLETED_NAME, COMPLETED, "cancel", ("error-500", "lost-before"), 0)


def faults_of_reads() -> Iterator[Cell]:
    """Return the faults of reads around a cancel."""
    for kind in _OF_READS:
        yield from with_faults(_APPROVED_NAME, APPROVED, "read", (kind,))
        yield from with_faults(_CLOSED_NAME, CLOSED, "read", (kind,))
        yield from with_faults(_APPROVED_NAME, "create approve cancel tick", "read", (kind,), 0)
        yield from with_faults(_CLOSED_NAME, f"{CLOSED} tick", "read", (kind,), 0)


def faults_of_refunds() -> Iterator[Cell]:
    """Return the faults of a refund before the order is closed."""
    name, steps = "partly shipped, partly refunded, then closed", "create approve deliver capture:600 refund:200 cancel"
    yield from with_faults(name, steps, "refund", _OF_REFUNDS)
    yield from with_faults(name, steps, "refund", ("error-500", "sticky-400"), 0)
    yield from with_faults(name, steps, "cancel", ("lost-after", "error-500"))


def further_faults() -> Iterator[Cell]:
    """Return faults of the creation and the token, and of cancels that are repeated or survive a restart."""
    name = "checkout"
    for kind in _OF_CREATION:
        each = (fault("create", kind),)
        yield Cell(name, f"{name} with {kind}, cancelled", "create approve deliver cancel", each)
        yield Cell(name, f"{name} with {kind}, abandoned", "create cancel", each)
    name, steps = "cancelled, process restarted", "create approve deliver cancel restart tick"
    yield from with_faults(name, steps, "cancel", ("lost-after", "error-500", "lost-before"))
    yield from with_faults("cancelled twice", "create approve cancel cancel", "cancel", ("lost-after", "error-500"))
    yield Cell("tokens", "no token at first", APPROVED, (fault("token", "error-500"),))
