"""The ways in which a charge of an agreement can stand when a cancel arrives."""

from __future__ import annotations

from typing import Final

from conformance.domain.order import Kind
from conformance.domain.steps import (
    BecomeDue,
    Cancel,
    Charge,
    Fail,
    Reserve,
    StartProcessing,
    StopAgreement,
)
from conformance.strategies.provider.situations import Extent, Situation

_INITIAL: Final = Kind.INITIAL_RESERVE
_ORDINARY: Final = Kind.CHARGE_RESERVE
_DIRECT: Final = Kind.CHARGE_DIRECT
_DUE: Final = (BecomeDue(),)
_PROCESSING: Final = (BecomeDue(), StartProcessing())
_RESERVED: Final = (BecomeDue(), Reserve())
_CHARGED: Final = (BecomeDue(), Charge())
_STOP: Final = (StopAgreement(),)

PENDING: Final = Situation("pending", kind=_ORDINARY)
DUE: Final = Situation("due", _DUE, kind=_ORDINARY)
PROCESSING: Final = Situation("processing", _PROCESSING, kind=_ORDINARY)
INITIAL: Final = Situation("initial charge reserved", kind=_INITIAL)
ORDINARY: Final = Situation("reserved", _RESERVED, kind=_ORDINARY)
PROCESSED: Final = Situation("reserved after processing", (*_PROCESSING, Reserve()), kind=_ORDINARY)
INITIAL_PARTLY: Final = Situation("initial charge partly captured", (), Extent.PART, kind=_INITIAL)
ORDINARY_PARTLY: Final = Situation("partly captured", _RESERVED, Extent.PART, kind=_ORDINARY)
INITIAL_FULLY: Final = Situation("initial charge fully captured", (), Extent.ALL, kind=_INITIAL)
ORDINARY_FULLY: Final = Situation("fully captured", _RESERVED, Extent.ALL, kind=_ORDINARY)
INITIAL_PARTLY_REFUNDED: Final = Situation(
    "initial charge partly captured, partly refunded", (), Extent.PART, Extent.PART, kind=_INITIAL
)
INITIAL_PARTLY_ALL_REFUNDED: Final = Situation(
    "initial charge partly captured, all of it refunded", (), Extent.PART, Extent.ALL, kind=_INITIAL
)
INITIAL_REFUNDED: Final = Situation(
    "initial charge fully captured, partly refunded", (), Extent.ALL, Extent.PART, kind=_INITIAL
)
INITIAL_ALL_REFUNDED: Final = Situation(
    "initial charge fully captured, all of it refunded", (), Extent.ALL, Extent.ALL, kind=_INITIAL
)
FAILED: Final = Situation("failed", (*_PROCESSING, Fail()), kind=_ORDINARY)
FAILED_DUE: Final = Situation("failed when due", (*_DUE, Fail()), kind=_ORDINARY)
DIRECT_PENDING: Final = Situation("direct, pending", kind=_DIRECT)
DIRECT_DUE: Final = Situation("direct, due", _DUE, kind=_DIRECT)
DIRECT_PROCESSING: Final = Situation("direct, processing", _PROCESSING, kind=_DIRECT)
DIRECT_CHARGED: Final = Situation("direct, charged", _CHARGED, kind=_DIRECT)
DIRECT_REFUNDED: Final = Situation("direct, charged, partly refunded", _CHARGED, refunded=Extent.PART, kind=_DIRECT)
DIRECT_ALL_REFUNDED: Final = Situation(
    "direct, charged, all of it refunded", _CHARGED, refunded=Extent.ALL, kind=_DIRECT
)
CANCELLED_PENDING: Final = Situation("cancelled while pending", close=(Cancel(),), kind=_ORDINARY)
CANCELLED_DUE: Final = Situation("cancelled while due", _DUE, close=(Cancel(),), kind=_ORDINARY)
CANCELLED_RESERVED: Final = Situation("cancelled after reservation", close=(Cancel(),), kind=_INITIAL)
RELEASED_INITIAL: Final = Situation("remainder released", (), Extent.PART, close=(Cancel(),), kind=_INITIAL)
STOPPED_PENDING: Final = Situation("agreement stopped while pending", close=_STOP, kind=_ORDINARY)
STOPPED_DIRECT: Final = Situation("agreement stopped, direct, pending", close=_STOP, kind=_DIRECT)
STOPPED_DUE: Final = Situation("agreement stopped while due", _DUE, close=_STOP, kind=_ORDINARY)
STOPPED_PROCESSING: Final = Situation("agreement stopped while processing", _PROCESSING, close=_STOP, kind=_ORDINARY)
STOPPED_INITIAL: Final = Situation("agreement stopped with the initial charge reserved", close=_STOP, kind=_INITIAL)
STOPPED_ORDINARY: Final = Situation("agreement stopped while reserved", _RESERVED, close=_STOP, kind=_ORDINARY)
STOPPED_PARTLY: Final = Situation("agreement stopped, partly captured", (), Extent.PART, close=_STOP, kind=_INITIAL)
STOPPED_FULLY: Final = Situation("agreement stopped, fully captured", (), Extent.ALL, close=_STOP, kind=_INITIAL)
STOPPED_CANCELLED: Final = Situation(
    "agreement stopped after the cancel", close=(Cancel(), StopAgreement()), kind=_INITIAL
)
STOPPED_WITH_CHANGE: Final = Situation(
    "agreement stopped together with another change", close=(StopAgreement(with_other_change=True),), kind=_INITIAL
)

STOPPED: Final = (
    STOPPED_INITIAL,
    STOPPED_ORDINARY,
    STOPPED_PENDING,
    STOPPED_DUE,
    STOPPED_DIRECT,
    STOPPED_PARTLY,
    STOPPED_PROCESSING,
    STOPPED_FULLY,
    STOPPED_CANCELLED,
)
"""Situations of a charge whose agreement the merchant stops."""

SITUATIONS: Final = (
    INITIAL,
    INITIAL_PARTLY,
    ORDINARY_PARTLY,
    INITIAL_PARTLY_REFUNDED,
    INITIAL_PARTLY_ALL_REFUNDED,
    INITIAL_FULLY,
    ORDINARY_FULLY,
    INITIAL_REFUNDED,
    INITIAL_ALL_REFUNDED,
    PENDING,
    DUE,
    PROCESSING,
    ORDINARY,
    PROCESSED,
    FAILED,
    FAILED_DUE,
    DIRECT_PENDING,
    DIRECT_DUE,
    DIRECT_PROCESSING,
    DIRECT_CHARGED,
    DIRECT_REFUNDED,
    DIRECT_ALL_REFUNDED,
    CANCELLED_PENDING,
    CANCELLED_DUE,
    CANCELLED_RESERVED,
    RELEASED_INITIAL,
    *STOPPED,
    STOPPED_WITH_CHANGE,
)
"""Every situation: the plainest first, and each variation right behind what it is a variation of."""
