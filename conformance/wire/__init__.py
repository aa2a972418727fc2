"""The wires: a step becomes requests, an answer becomes an observation. One file per API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from conformance.domain.messages import Answer, Call, Lost
from conformance.domain.order import Profile
from conformance.wire.base import Calls, Credentials, Observed, Ticket, Wire
from conformance.wire.ecom import EcomWire
from conformance.wire.epayment import EpaymentWire
from conformance.wire.recurring import RecurringWire

__all__ = ["WIRES", "Answer", "Call", "Calls", "Credentials", "Lost", "Observed", "Ticket", "Wire"]

WIRES: Final[Mapping[Profile, type[Wire]]] = {wire.profile: wire for wire in (EcomWire, EpaymentWire, RecurringWire)}
