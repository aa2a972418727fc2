"""The courses of orders with several payments, and of agreements with several charges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from conformance.domain.api_table import spec_of
from conformance.domain.order import Profile
from conformance.obligations.history import Behaviour
from conformance.strategies.merchant.cells import DAY, HALF_AN_HOUR, PAID, Cell, courses, with_faults

_ONE_AGREEMENT: Final = Behaviour(one_agreement=True)
_BOTH: Final = "create create@1 approve approve@1 deliver"

_AGAIN: Final = courses(  # ``approve:1`` is the approval of the first payment.
    ("paid in a second attempt", f"create pay_again approve deliver live:{HALF_AN_HOUR}"),
    ("second attempt, then cancelled", "create pay_again approve deliver cancel"),
    ("both attempts paid", f"create approve pay_again approve deliver live:{HALF_AN_HOUR}"),
    ("first attempt paid, then a second", "create approve deliver pay_again deliver tick cancel"),
    ("second attempt paid, then the first", f"create pay_again approve deliver approve:1 deliver live:{HALF_AN_HOUR}"),
    ("second attempt, cancelled before approval", "create pay_again cancel"),
    ("both attempts paid, then cancelled", "create approve pay_again approve deliver cancel"),
    ("paid in a third attempt", f"create pay_again pay_again approve deliver live:{DAY}"),
    ("both attempts paid, then completed", "create approve pay_again approve deliver complete:400"),
    ("second attempt, partly shipped, then closed", "create pay_again approve deliver capture:400 cancel"),
    ("second attempt, approval lost", f"create pay_again approve lose live:{HALF_AN_HOUR}"),
    ("first attempt timed out, then a second", f"create wait:700 tick pay_again approve deliver live:{HALF_AN_HOUR}"),
    ("first attempt rejected, then a second", f"create reject deliver pay_again approve deliver live:{DAY}"),
    ("second attempt, process restarted", "create pay_again restart approve deliver cancel"),
    ("second attempt, notifications reversed", f"create approve pay_again approve deliver_reversed live:{DAY}"),
    ("second attempt, only the first paid", f"create pay_again approve:1 deliver live:{HALF_AN_HOUR}"),
    ("second attempt paid, then the first, then cancelled", "create pay_again approve approve:1 deliver tick cancel"),
    ("second attempt rejected, the first paid", f"create pay_again approve:1 reject deliver live:{DAY}"),
    ("third attempt, then cancelled", "create approve pay_again pay_again approve deliver cancel"),
    ("second attempt, partly shipped, a day passes", f"create pay_again approve deliver capture:400 live:{DAY}"),
)

_AGREEMENTS: Final = (
    Cell("two charges of one agreement", "one of two charges cancelled", f"{_BOTH} cancel tick", (), _ONE_AGREEMENT),
    Cell("agreement stopped by the shop", "shipped, then the agreement is stopped",
         f"create approve deliver capture:1000 stop_agreement live:{HALF_AN_HOUR}"),
    Cell("agreement stopped by the customer", "stopped by the customer, charge reserved",
         f"{PAID} customer_stop deliver live:{DAY}"),
    Cell("two charges of one agreement", "one of two charges partly shipped and closed",
         f"{_BOTH} capture:400 cancel live:{DAY}", (), _ONE_AGREEMENT),
    Cell("agreement stopped by the shop", "cancelled, then the agreement is stopped",
         f"{PAID} cancel stop_agreement tick"),
    Cell("agreement stopped by the customer", "stopped by the customer, then shipped",
         f"{PAID} customer_stop capture:400 live:{HALF_AN_HOUR}"),
    Cell("agreement stopped by the customer", "stopped by the customer, then cancelled",
         f"{PAID} customer_stop deliver cancel"),
    Cell("two charges of one agreement", "one of two charges cancelled, the other shipped",
         f"{_BOTH} cancel capture:1000@1 live:{DAY}", (), _ONE_AGREEMENT),
    Cell("two charges of one agreement", "one of two charges cancelled before it is due",
         f"create create@1 cancel approve@1 deliver live:{HALF_AN_HOUR}", (), _ONE_AGREEMENT),
    Cell("two charges of one agreement", "both charges live on", f"{_BOTH} capture:400@1 live:{DAY}", (),
         _ONE_AGREEMENT),
    Cell("two charges of one agreement", "one of two charges completed", f"{_BOTH} complete:400 tick", (),
         _ONE_AGREEMENT),
    Cell("agreement stopped by the customer", "partly shipped, stopped by the customer, then closed",
         "create approve deliver capture:400 customer_stop cancel"),
    Cell("agreement stopped by the shop", "stopped before the charge is cancelled",
         f"{PAID} stop_agreement cancel tick"),
)  # fmt: skip


def several_payments() -> Iterator[Cell]:
    """Return the courses of orders that are paid in a second or third attempt."""
    yield from _AGAIN


def several_payments_with_faults() -> Iterator[Cell]:
    """Return the courses of second attempts while something goes wrong, and of payments that nobody wrote down."""
    name, steps = "second attempt, then cancelled", "create pay_again approve deliver cancel"
    yield from with_faults("orphan, abandoned", "create abandon tick", "create", ("lost-after", "error-500-after"))
    yield from with_faults(name, steps, "cancel", ("error-500", "lost-after", "lost-before", "forbidden-403"))
    paid = f"create approve deliver pay_again approve deliver live:{HALF_AN_HOUR}"
    yield from with_faults("both attempts paid", paid, "cancel", ("error-500", "lost-after", "lost-before"))
    for times in (2, 0):
        yield from with_faults("both attempts paid", paid, "cancel", ("error-500",), times)


def agreements(profile: Profile) -> Iterator[Cell]:
    """Return the courses of agreements, in the APIs that have them."""
    if spec_of(profile).belongs_to_agreement:
        yield from _AGREEMENTS
        for cell in _AGREEMENTS[:1]:
            for faulty in with_faults(cell.name, cell.steps, "cancel", ("lost-after", "error-500")):
                yield replace(faulty, behaviour=cell.behaviour)
