"""The wires: a step becomes requests, an answer becomes an observation. One file per API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from conformance.order import Profile
from conformance.profiles.ecom import EcomWire
from conformance.profiles.epayment import EpaymentWire
from conformance.profiles.recurring import RecurringWire
from conformance.profiles.wire import Answer, Call, Calls, Credentials, Lost, Observed, Ticket, Wire

__all__ = ["WIRES", "Answer", "Call", "Calls", "Credentials", "Lost", "Observed", "Ticket", "Wire"]

WIRES: Final[Mapping[Profile, type[Wire]]] = {wire.profile: wire for wire in (EcomWire, EpaymentWire, RecurringWire)}
