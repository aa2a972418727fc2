"""Turns steps into requests and responses into observations: a module per API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from conformance.domain.messages import Call, NoResponse, ResponseOrNone
from conformance.domain.order import Profile
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

WIRES: Final[Mapping[Profile, type[Wire]]] = {wire.profile: wire for wire in (EcomWire, EpaymentWire, RecurringWire)}
