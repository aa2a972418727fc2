"""The courses of orders that live on, and of reservations that end by themselves: minutes, days, weeks and months."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from conformance.domain.api_table import spec_of
from conformance.domain.order import Profile
from conformance.strategies.merchant.cells import (
    CLOSED,
    DAY,
    HALF_AN_HOUR,
    PAID,
    WEEK,
    Cell,
    courses,
    fault,
    with_faults,
)

_PARTLY: Final = "create approve deliver capture:400"
_TWICE: Final = "create approve deliver capture:300 capture:300"
_APPROVAL_LOST: Final = "create approve lose"

_APPROVED: Final = courses(
    ("paid, and half an hour passes", f"{PAID} live:{HALF_AN_HOUR}"),
    ("paid, and a day passes", f"create approve deliver live:{DAY}"),
    ("partly shipped, and a day passes", f"{_PARTLY} live:{DAY}"),
    ("paid, approval lost, half an hour passes", f"{_APPROVAL_LOST} live:{HALF_AN_HOUR}"),
    ("paid late, scheduled work before the notification", "create wait:540 approve wait:120 tick deliver tick"),
    ("paid, and two weeks pass", f"{PAID} live:{2 * WEEK}"),
    ("paid, approval lost, scheduled work only", "create tick approve lose tick tick"),
    ("paid, and shipped late in its life", f"{PAID} live:{2 * WEEK} capture:400 live:{DAY}"),
    ("paid, notification late", f"create approve wait:900 deliver live:{HALF_AN_HOUR}"),
    ("paid, notifications doubled, half an hour passes", f"create approve deliver_twice live:{HALF_AN_HOUR}"),
    ("paid, notifications reversed, half an hour passes", f"create tick approve deliver_reversed live:{HALF_AN_HOUR}"),
    ("wholly shipped, and a day passes", f"create approve deliver capture:1000 live:{DAY}"),
    ("paid in the last minute, half an hour passes", f"create wait:590 approve live:{HALF_AN_HOUR}"),
    ("paid, and five months pass", f"{PAID} live:{170 * DAY}"),
    ("shipped in two equal parts, half an hour passes", f"{_TWICE} live:{HALF_AN_HOUR}"),
    ("paid, approval lost, a day passes", f"{_APPROVAL_LOST} live:{DAY}"),
    ("paid, process restarted, half an hour passes", f"create approve deliver restart live:{HALF_AN_HOUR}"),
    ("paid before the process is restarted", f"create approve restart deliver live:{HALF_AN_HOUR}"),
    ("paid, and eight days pass", f"{PAID} live:{8 * DAY}"),
    ("shipped before the approval is known", f"create approve capture:400 deliver live:{HALF_AN_HOUR}"),
    ("paid in 3-D Secure, half an hour passes", f"create start_3ds wait:60 finish_3ds deliver live:{HALF_AN_HOUR}"),
    ("partly shipped, and two weeks pass", f"{_PARTLY} live:{2 * WEEK}"),
    ("paid, and a month passes", f"{PAID} live:{31 * DAY} capture:400"),
    ("two orders, one cancelled, a day passes", f"create create@1 approve approve@1 deliver cancel@1 live:{DAY}"),
    ("paid, shipped after a day, then the rest", f"{PAID} live:{DAY} capture:400 live:{DAY} capture:600 live:{DAY}"),
    ("two orders, one unpaid, half an hour passes", f"create create@1 approve deliver live:{HALF_AN_HOUR} tick"),
    ("two orders, one rejected", f"create create@1 approve reject@1 deliver live:{HALF_AN_HOUR}"),
    ("partly shipped, and five months pass", f"{_PARTLY} live:{170 * DAY} capture:300"),
    ("paid, notification after scheduled work", f"create approve tick live:{HALF_AN_HOUR} deliver_twice tick"),
    ("paid, approval lost, shipped after a day", f"{_APPROVAL_LOST} live:{DAY} capture:400 live:{DAY}"),
    ("paid, approval lost, two weeks pass", f"{_APPROVAL_LOST} live:{2 * WEEK}"),
    ("partly shipped, notifications reversed", f"create approve capture:400 deliver_reversed live:{HALF_AN_HOUR}"),
    ("partly shipped, notifications lost", f"create approve deliver capture:400 lose live:{HALF_AN_HOUR}"),
    ("partly shipped, process restarted", f"{_PARTLY} restart live:{HALF_AN_HOUR}"),
    ("two orders, both live", f"create create@1 approve@1 approve deliver capture:400@1 live:{DAY}"),
    ("two orders, one timed out", f"create create@1 wait:540 approve@1 wait:120 tick deliver live:{HALF_AN_HOUR}"),
    ("two orders, one completed, a day passes", f"create create@1 approve approve@1 deliver complete:400 live:{DAY}"),
)

_REFUNDED: Final = courses(
    ("refunded in two equal parts", "create approve deliver capture:1000 refund:200 refund:200 tick"),
    ("partly shipped, then refunded", f"{_PARTLY} refund:400 live:{DAY}"),
    ("partly shipped, then partly refunded", f"{_PARTLY} refund:200 live:{HALF_AN_HOUR}"),
    ("wholly shipped, then refunded", f"create approve deliver capture:1000 refund:1000 live:{HALF_AN_HOUR}"),
    ("wholly shipped, then partly refunded", f"create approve deliver capture:1000 refund:300 live:{DAY}"),
    ("refunded, then shipped again", f"{_PARTLY} refund:200 capture:300 live:{HALF_AN_HOUR}"),
    ("refunded late in its life", f"create approve deliver capture:1000 live:{2 * WEEK} refund:1000 live:{DAY}"),
)

_ENDED_LATE: Final = courses(
    ("paid, cancelled after a day", f"{PAID} live:{DAY} cancel"),
    ("paid, completed after two weeks", f"{PAID} live:{2 * WEEK} complete:400"),
    ("partly shipped, closed after two weeks", f"{_PARTLY} live:{2 * WEEK} cancel"),
    ("paid, approval lost, cancelled after half an hour", f"{_APPROVAL_LOST} live:{HALF_AN_HOUR} cancel"),
    ("paid, cancelled after five months", f"{PAID} live:{170 * DAY} cancel"),
    ("cancelled, and a day passes", f"create approve deliver cancel live:{DAY}"),
    ("partly shipped, closed, and a day passes", f"{CLOSED} live:{DAY}"),
    ("cancelled, shipped a day later", f"create approve deliver cancel live:{DAY} capture:400"),
    ("completed, and two weeks pass", f"create approve deliver complete:400 live:{2 * WEEK}"),
)

_NEVER_PAID: Final = courses(
    ("never paid, half an hour passes", f"create live:{HALF_AN_HOUR}"),
    ("never paid, then cancelled", f"create live:{HALF_AN_HOUR} cancel"),
    ("never paid, scheduled work early", f"create tick wait:300 tick live:{HALF_AN_HOUR}"),
    ("never paid, expiry unnoticed", f"create wait:900 lose live:{HALF_AN_HOUR}"),
    ("never paid, a day passes", f"create live:{DAY}"),
    ("never paid, then abandoned", f"create live:{HALF_AN_HOUR} abandon"),
)

_DROPPED: Final = courses(
    ("reservation dropped by the bank", f"{PAID} bank_release deliver tick"),
    ("reservation dropped by the bank, then shipped", f"{PAID} bank_release capture:400"),
    ("reservation lapsed, then shipped", f"{PAID} live:{181 * DAY} capture:400"),
    ("reservation dropped by the bank, unnoticed", f"{PAID} bank_release lose live:{DAY}"),
    ("reservation dropped by the bank, noticed, then shipped", f"{PAID} bank_release deliver tick capture:400"),
    ("partly shipped, rest dropped by the bank, then shipped", f"{_PARTLY} bank_release capture:300"),
    ("partly shipped, rest dropped by the bank", f"{_PARTLY} bank_release deliver live:{DAY}"),
    ("reservation dropped by the bank, then cancelled", f"{PAID} bank_release cancel"),
    ("reservation lapsed", f"{PAID} live:{181 * DAY}"),
    ("too old, then shipped", f"{PAID} age:200 capture:400"),
    ("partly shipped, rest lapsed", f"{_PARTLY} live:{181 * DAY}"),
    ("reservation dropped by the bank after a month", f"{PAID} live:{31 * DAY} bank_release live:{DAY} capture:400"),
    ("cancelled in the portal, unnoticed for a day", f"create approve deliver portal_cancel lose live:{DAY}"),
    ("cancelled in the portal after two weeks", f"{PAID} live:{2 * WEEK} portal_cancel deliver live:{DAY}"),
    ("cancelled in the portal before the approval is known, a day passes",
     f"create approve portal_cancel lose live:{DAY}"),
)  # fmt: skip

_CAPTURE_FAULTS: Final = ("lost-after", "error-500", "sticky-400", "locked-423", "lost-before", "forbidden-403")
_REFUND_FAULTS: Final = ("lost-after", "error-500", "lost-before", "error-500-after", "sticky-400", "locked-423")
_READ_FAULTS: Final = ("error-500", "missing-404", "forbidden-403", "html-200", "lost-before", "empty-200")
_CREATE_FAULTS: Final = ("lost-after", "error-500-after", "error-500", "lost-before", "busy-429")


def lives() -> Iterator[Cell]:
    """Return the courses of orders that are paid and that nobody ends."""
    yield from _APPROVED


def refunded_lives() -> Iterator[Cell]:
    """Return the courses of orders of which goods come back, and that nobody ends."""
    yield from _REFUNDED


def ended_late() -> Iterator[Cell]:
    """Return the courses of orders that end after a long time, or after whose end a long time passes."""
    yield from _ENDED_LATE


def never_paid(profile: Profile) -> Iterator[Cell]:
    """Return the courses of orders that the customer never pays."""
    yield from _NEVER_PAID if "expire" in spec_of(profile).steps else _NEVER_PAID[:2]


def dropped() -> Iterator[Cell]:
    """Return the courses of reservations that the bank, the deadline or the shop's own staff end."""
    yield from _DROPPED


def lives_with_faults() -> Iterator[Cell]:
    """Return the courses of orders that live on although something goes wrong."""
    shipped, refunded = f"{_PARTLY} live:{HALF_AN_HOUR}", "create approve deliver capture:600 refund:200 tick"
    kinds = [
        list(with_faults("partly shipped, and lives", shipped, "capture", _CAPTURE_FAULTS, 1, 0, 2)),
        list(with_faults("paid, polled", f"{_APPROVAL_LOST} live:{HALF_AN_HOUR}", "read", _READ_FAULTS, 1, 2)),
        list(_equal_captures()),
        list(with_faults("checkout, and lives", "create approve deliver live:1800", "create", _CREATE_FAULTS, 1, 2)),
        list(with_faults("refunded, and lives", refunded, "refund", _REFUND_FAULTS, 1, 0)),
        list(with_faults("partly shipped, polled", f"{_PARTLY} lose live:{HALF_AN_HOUR}", "read", _READ_FAULTS, 1, 2)),
        list(with_faults("token, and lives", shipped, "token", ("error-500", "lost-before"), 1, 2)),
        list(_equal_refunds()),
    ]
    for turn in range(max(map(len, kinds))):
        for cells in kinds:
            yield from cells[turn : turn + 1]


def _equal_captures() -> Iterator[Cell]:
    name, steps = "shipped in two equal parts", f"{_TWICE} tick"
    for kind in ("lost-after", "error-500", "lost-before", "error-500-after", "locked-423"):
        for at, which in ((1, "first"), (2, "second")):
            yield Cell(name, f"{name}, the {which} with {kind}", steps, (fault("capture", kind, at=at),))


def _equal_refunds() -> Iterator[Cell]:
    name, steps = "refunded in two equal parts", "create approve deliver capture:1000 refund:200 refund:200 tick"
    for kind in ("lost-after", "error-500", "lost-before"):
        for at, which in ((1, "first"), (2, "second")):
            yield Cell(name, f"{name}, the {which} with {kind}", steps, (fault("refund", kind, at=at),))
