"""Every unplanned fault, in the order of the measurements."""

from __future__ import annotations

from ..fault import Fault
from . import ecom, epayment, recurring
from .registry import UNPLANNED

ROOMS = (ecom, epayment, recurring)

FAULTS: tuple[Fault, ...] = tuple(sorted(UNPLANNED, key=lambda fault: fault.id))
