"""Turns steps into requests and responses into observations: a module per API, registered here."""

from __future__ import annotations

from typing import Final

from conformance.domain.messages import Call, NoResponse, ResponseOrNone
from conformance.domain.registry import Registry
from conformance.wire.base import Calls, Credentials, ObservedFields, OrderIdentifiers, Wire
from conformance.wire.ecom import EcomWire
from conformance.wire.epayment import EpaymentWire
from conformance.wire.recurring import RecurringWire

__all__ = [
    "WIRES",
    "Call",
    "Calls",
    "Credentials",
    "NoResponse",
    "ObservedFields",
    "OrderIdentifiers",
    "ResponseOrNone",
    "Wire",
]

WIRES: Final = Registry[type[Wire]]("wire")
for _wire in (EcomWire, EpaymentWire, RecurringWire):
    WIRES.register(_wire.profile, _wire)
