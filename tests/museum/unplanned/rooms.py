"""The sets of faults that are measured: those that nobody planned for, and amounts by class."""

from __future__ import annotations

from collections.abc import Mapping

from ..fault import Fault
from . import ecom, epayment, recurring
from .amounts import AMOUNTS
from .registry import UNPLANNED

ROOMS = (ecom, epayment, recurring)

SETS: Mapping[str, tuple[Fault, ...]] = {
    "unplanned": tuple(sorted(UNPLANNED, key=lambda fault: fault.id)),
    "amounts": AMOUNTS,
}
