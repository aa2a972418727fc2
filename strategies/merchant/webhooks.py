"""The courses for a shop with a handler of signed notifications: true ones in every form, forged ones, and failures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from conformance.domain.api_table import spec_of
from conformance.domain.order import Profile
from conformance.obligations.history import DELIVERY_FORMS, FORGERIES, HANDLER, Fault
from conformance.strategies.merchant.cells import DAY, PAID, Cell, courses

_TRUE: Final = courses(
    ("signed: paid, notified", "create approve deliver tick"),
    ("signed: notified of the approval alone", "create lose approve deliver tick"),
    ("signed: cancelled in the portal, notified", "create approve deliver portal_cancel deliver tick"),
    ("signed: notified twice", "create approve deliver_twice tick"),
    ("signed: shipped, notified in reverse order", "create approve capture:400 deliver_reversed tick"),
    ("signed: two orders, notified at once", "create create@1 approve@1 approve deliver tick"),
    ("signed: notified late", "create approve wait:900 deliver tick"),
    ("signed: notified twice of everything",
     "create approve deliver_twice capture:400 deliver_twice cancel deliver_twice"),
    ("signed: process restarted under way", "create approve restart deliver tick"),
    ("signed: notified, and a day passes", f"create approve deliver live:{DAY}"),
    ("signed: an event of an unknown name", "create approve deliver deliver_unknown tick"),
    ("signed: an event of an unknown name before the approval", "create deliver deliver_unknown approve deliver tick"),
)  # fmt: skip
_FAILURES: Final = courses(
    ("signed: paid, an authorization failed", f"{PAID} fail_authorization tick"),
    ("signed: paid, a cancel failed", f"{PAID} fail_cancel tick"),
    ("signed: paid, a capture failed", f"{PAID} fail_capture:400 tick"),
    ("signed: not paid, an authorization failed", "create deliver fail_authorization tick"),
)
_AFTER: Final = "deliver-after"
_BESIDE: Final = (
    Cell(
        "signed: early", "signed: approved and notified before the checkout returns", "create deliver tick",
        (Fault("create", "approve-after"), Fault("create", _AFTER)),
    ),
    Cell("signed: early", "signed: notified before the checkout returns", "create approve deliver tick",
         (Fault("create", _AFTER),)),
    Cell("signed: during", "signed: notified during a capture", "create approve capture:400 deliver tick",
         (Fault("capture", _AFTER),)),
    Cell("signed: during", "signed: notified during a cancel", "create approve deliver cancel deliver tick",
         (Fault("cancel", _AFTER),)),
    Cell("signed: during", "signed: first notified during a cancel", "create approve cancel deliver tick",
         (Fault("cancel", _AFTER),)),
)  # fmt: skip
_OF_CALLBACKS: Final = ("forge_unsigned", "forge_wrong_secret", "forge_other_shop")
"""What can be forged where a callback carries a token instead of a signature."""
_CAPTURES: Final = ("forge_unsigned", "forge_body")
"""Forgeries that also claim a capture."""


def webhook_cells(profile: Profile) -> Iterator[Cell]:
    """Return the courses of an API, the most telling first."""
    kinds = [_TRUE, list(_forgeries(profile)), list(_BESIDE), list(_forms())]
    if spec_of(profile).notifies_failures:
        kinds.insert(2, _FAILURES)
    for turn in range(max(map(len, kinds))):
        for cells in kinds:
            yield from cells[turn : turn + 1]


def _forgeries(profile: Profile) -> Iterator[Cell]:
    """Return every forgery, of an order that is paid and of one that is not."""
    signed = spec_of(profile).signs_notifications
    known = FORGERIES if signed else _OF_CALLBACKS
    special = {"forge_replay": "create approve deliver tick cancel tick", "forge_deleted_secret": f"{PAID} restart"}
    for kind in known:
        name = f"signed: {kind}"
        yield Cell(name, f"{name}, paid", f"{special.get(kind, PAID)} {kind} tick")
        if kind not in special:
            yield Cell(name, f"{name}, not paid", f"create deliver {kind} tick")
        if kind in _CAPTURES and signed:
            yield Cell(name, f"{name}, of a capture", f"{PAID} {kind}:400 tick")


def _forms() -> Iterator[Cell]:
    """Return true deliveries in every form, after a plain one of another order."""
    for form in DELIVERY_FORMS:
        name = f"signed: {form}"
        yield Cell(name, name, f"create approve deliver create@1 deliver approve@1 {form} tick")


def between(offered: frozenset[str], profile: Profile) -> list[str]:
    """Return the signed deliveries that can be drawn between the steps of an order."""
    if HANDLER not in offered:
        return []
    spec = spec_of(profile)
    forged = ("forge_unsigned", "forge_body", "forge_wrong_secret") if spec.signs_notifications else _OF_CALLBACKS
    failures = ["fail_authorization"] if spec.notifies_failures else []
    return [*DELIVERY_FORMS[:3], *forged, *failures]
