"""The courses of orders that are to end: cancelled, abandoned, completed, refunded, or ended by somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from conformance.domain.api_spec import CancelKey
from conformance.domain.api_table import spec_of
from conformance.domain.order import Profile
from conformance.obligations.history import Behaviour
from conformance.strategies.merchant.cells import (
    APPROVED,
    CLOSED,
    COMPLETED,
    PAID,
    UNAPPROVED,
    Cell,
    courses,
    fault,
)
from conformance.strategies.provider.money import ODD_PRICE

_OPERATION: Final = Behaviour(key_scope="operation")
_REPEATS: Final = Behaviour(second_cancel="repeat")
_ODD: Final = "odd amounts, partly shipped"

_COURSES: Final = courses(
    ("approved, then cancelled", APPROVED),
    ("cancelled before approval", UNAPPROVED),
    ("partly shipped, then closed", CLOSED),
    ("cancelled, then approved", "create cancel approve deliver tick"),
    ("shipped after a cancel", "create approve deliver cancel capture:400"),
    ("abandoned, then approved late", "create abandon approve deliver tick"),
    ("two orders, both cancelled", "create create@1 approve approve@1 deliver cancel cancel@1"),
    ("abandoned after an approval that is not known", "create approve abandon"),
    ("cancelled in the portal", f"{PAID} portal_cancel deliver tick"),
    ("shipped, then cancelled", "create approve deliver capture:1000 cancel"),
    ("cancelled in the portal before the approval is known", "create approve portal_cancel deliver tick"),
    ("approved, then abandoned", f"{PAID} abandon"),
    ("cancelled twice", "create approve deliver cancel cancel"),
    ("rejected by the customer", "create reject deliver tick"),
    ("timed out", "create expire deliver tick cancel"),
    ("cancelled in the portal, unnoticed", f"{PAID} portal_cancel lose tick"),
    ("partly shipped, cancelled in the portal", f"{PAID} capture:400 portal_cancel deliver tick"),
    ("cancelled in the portal, then shipped", f"{PAID} portal_cancel capture:400"),
    ("cancelled, process restarted", "create approve deliver restart cancel restart"),
    ("cancelled before approval, twice", "create cancel cancel"),
    ("notifications doubled", "create approve deliver_twice cancel deliver_twice"),
    ("notifications reversed", "create approve capture:400 cancel deliver_reversed"),
    ("cancelled, notifications reversed", "create approve cancel tick deliver_reversed"),
    ("partly shipped in two, then closed", "create approve deliver capture:300 capture:300 cancel"),
    ("in 3-D Secure, then paid", "create start_3ds cancel finish_3ds deliver tick"),
    ("in 3-D Secure, then failed", "create start_3ds cancel fail_3ds deliver tick"),
    ("too old", f"{PAID} age:200 cancel"),
    ("too old, cancelled twice", "create approve tick age:186 cancel cancel"),
    ("partly shipped, too old", "create approve deliver capture:400 age:200 cancel"),
    (_ODD, "create approve deliver capture:115 cancel"),
    ("cancelled in the portal before approval", "create portal_cancel deliver tick"),
    ("cancelled in the portal before the approval is known, unnoticed", "create approve portal_cancel lose tick"),
    ("cancelled in the portal, notifications reversed", "create approve portal_cancel deliver_reversed tick"),
    ("cancelled in the portal, then cancelled", f"{PAID} portal_cancel cancel"),
    ("partly shipped, closed, shipped again", "create approve deliver capture:300 cancel capture:300"),
    ("shipped before the approval is known, then closed", "create approve capture:400 cancel deliver tick"),
    ("cancelled before the approval is known", "create approve cancel deliver tick"),
)


def endings(profile: Profile) -> Iterator[Cell]:
    """Return the courses in which an order is cancelled, abandoned, rejected, or ended in the portal."""
    for cell in _COURSES:
        if "expire" in cell.steps and "expire" not in spec_of(profile).steps:
            continue
        yield replace(cell, amounts=(ODD_PRICE,)) if cell.name == _ODD else cell


def completions() -> Iterator[Cell]:
    """Return the courses of orders that are captured and released in one transition."""
    yield from courses(
        ("completed in part", COMPLETED),
        ("completed as a whole", "create approve deliver complete:1000"),
        ("partly shipped, then completed", "create approve deliver capture:300 complete:300"),
        ("completed but for a tiny rest", "create approve deliver complete:999"),
        ("shipped after its completion", f"{COMPLETED} capture:300"),
        ("completed before the approval is known", "create approve complete:400 deliver tick"),
        ("completed, then cancelled", f"{COMPLETED} cancel"),
        ("partly shipped, then completed as a whole", "create approve deliver capture:300 complete:700"),
        ("two orders, one completed", "create create@1 approve approve@1 deliver complete:400@1 tick"),
        ("completed, process restarted", f"{COMPLETED} restart tick"),
        ("completed, notifications doubled", "create approve deliver_twice complete:400 deliver_twice"),
        ("completed, notifications reversed", "create approve complete:400 deliver_reversed tick"),
    )


def refunds() -> Iterator[Cell]:
    """Return the courses of orders that end and of which goods come back."""
    yield from courses(
        ("partly shipped, refunded, then closed", "create approve deliver capture:400 refund:400 cancel"),
        ("partly shipped, partly refunded, then closed", "create approve deliver capture:600 refund:200 cancel"),
        ("partly shipped, closed, then refunded", f"{CLOSED} refund:200"),
        ("completed, then refunded", f"{COMPLETED} refund:400"),
        ("completed, then partly refunded", f"{COMPLETED} refund:200"),
        ("completed as a whole, then refunded", "create approve deliver complete:1000 refund:1000 deliver tick"),
        ("refunded, closed, process restarted", "create approve deliver capture:400 refund:200 restart cancel restart"),
    )


def choices_of_the_provider(profile: Profile) -> Iterator[Cell]:
    """Return the courses in which the provider behaves otherwise, where the documentation leaves a choice."""
    lost = (fault("cancel", "lost-after"),)
    spec = spec_of(profile)
    if spec.may_cancel_later:
        name, later = "accepted for later", Behaviour(accepts=True)
        for steps in (APPROVED, UNAPPROVED, CLOSED, "create approve cancel cancel", COMPLETED):
            yield Cell(name, f"{name}: {steps}", steps, (), later)
        yield Cell(name, f"{name}, answer lost", APPROVED, lost, later)
    name = "key scope"
    yield Cell(name, "keys of one operation", APPROVED, (), _OPERATION)
    yield Cell(name, "keys of one operation, answer lost", APPROVED, lost, _OPERATION)
    yield Cell(name, "keys of one operation, partly shipped", CLOSED, (), _OPERATION)
    yield Cell(name, "keys of one operation, completed", COMPLETED, (), _OPERATION)
    name = "second cancel"
    yield Cell(name, "a second cancel succeeds again", "create approve cancel cancel", lost, _REPEATS)
    if spec.cancel_key is CancelKey.DISPUTED:
        no_keys = Behaviour(keys_on_cancel=False)
        yield Cell(name, "already cancelled", APPROVED, lost, no_keys)
        yield Cell(name, "already stopped", UNAPPROVED, lost, no_keys)
        yield Cell(name, "already closed", CLOSED, lost, no_keys)


def cancelled_together() -> Iterator[Cell]:
    """Return the courses in which an order is cancelled twice at the same moment."""
    name = "cancelled twice at once"
    for steps in (
        "create approve deliver cancel_together tick",
        "create cancel_together deliver tick",
        "create approve deliver capture:400 cancel_together tick",
    ):
        yield Cell(name, f"{name}: {steps}", steps)
        yield Cell(name, f"{name}, a second cancel succeeds again: {steps}", steps, (), _REPEATS)
