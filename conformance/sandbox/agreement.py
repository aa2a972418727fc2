"""Recurring's own records: agreements and their charges."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from conformance.sandbox.payment import Payment
from conformance.sandbox.wire import JsonObject


class AgreementStatus(StrEnum):
    """The status of an agreement."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    STOPPED = "STOPPED"


@dataclass(slots=True)
class Agreement:
    """An agreement on recurring charges.

    Attributes:
        id: ``agr_`` and letters or digits.
        uuid: The same as a UUID.
        msn: The sales unit it belongs to.
        draft: The fields it was drafted with, as they are shown: pricing, interval, product, addresses.
        created_at: Moment of the draft, in seconds on the provider's clock.
        status: Its status.
        started_at: Moment of the user's acceptance.
        stopped_at: Moment of the stop.
        charge_ids: Its charges, in the order in which they were made.
        initial_charge: Id of the charge that is processed at acceptance.

    """

    id: str
    uuid: str
    msn: str
    draft: JsonObject
    created_at: float
    status: AgreementStatus = AgreementStatus.PENDING
    started_at: float | None = None
    stopped_at: float | None = None
    charge_ids: list[str] = field(default_factory=list)
    initial_charge: str | None = None


@dataclass(frozen=True, slots=True)
class PendingCancel:
    """A cancel that was accepted and takes effect later.

    Attributes:
        reads_left: It takes effect at the n-th read of the charge.
        key: Idempotency key of the request.

    """

    reads_left: int
    key: str | None


@dataclass(slots=True)
class Charge(Payment):
    """One charge of an agreement.

    Attributes:
        agreement_id: The agreement it belongs to.
        type: ``INITIAL``, ``RECURRING`` or ``UNSCHEDULED``.
        transaction_type: ``DIRECT_CAPTURE`` or ``RESERVE_CAPTURE``.
        due: Start of its due day, in seconds on its own clock.
        retry_days: Days of further tries after a failed one.
        processing_mode: ``MULTIPLE_ATTEMPTS`` or ``SINGLE_ATTEMPT``.
        external_id: The merchant's own id for it; the charge id when none was given.
        pending_cancel: A cancel that has been accepted and not carried out.

    """

    agreement_id: str = ""
    type: str = "RECURRING"
    transaction_type: str = "DIRECT_CAPTURE"
    due: float = 0.0
    retry_days: int = 0
    processing_mode: str = "MULTIPLE_ATTEMPTS"
    external_id: str = ""
    pending_cancel: PendingCancel | None = None
