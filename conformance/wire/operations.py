"""The operations around Cancel: their paths, and their documented messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from conformance.domain.order import Profile


class OperationKind(StrEnum):
    """What an operation does to an order."""

    CREATE = "create"
    DRAFT = "draft"
    READ = "read"
    LOG = "log"
    CANCEL = "cancel"
    CAPTURE = "capture"
    REFUND = "refund"


MODIFYING: Final = frozenset({OperationKind.CANCEL, OperationKind.CAPTURE, OperationKind.REFUND})
"""Operations that change an existing order."""
BODILESS: Final = frozenset({OperationKind.READ, OperationKind.LOG})


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation around Cancel.

    Attributes:
        profile: the API.
        kind: what it does.
        method: its HTTP method.
        path: its path, with the order's identifiers in braces.
        success: the documented statuses of a success, in any version of the description.
        required: dotted paths of the fields that the body must have. For a capture and a refund, which this suite is
            not about, that is the amount alone.
        answered: dotted paths of the fields that a successful response must have.
        body: whether a request may have a body; ePayment's cancel need not have one, Recurring's must not.

    """

    profile: Profile
    kind: OperationKind
    method: str
    path: str
    success: tuple[int, ...] = (200,)
    required: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    body: bool = False

    @property
    def label(self) -> str:
        """Method and path, as descriptions have them."""
        return f"{self.method} {self.path}"

    @property
    def names_order(self) -> bool:
        """Whether the path names an order."""
        return self.kind not in (OperationKind.CREATE, OperationKind.DRAFT)


_MSN: Final = "merchantInfo.merchantSerialNumber"
_TEXT: Final = "transaction.transactionText"
_EPAYMENT: Final = (
    "amount",
    "state",
    "aggregate.authorizedAmount",
    "aggregate.cancelledAmount",
    "aggregate.capturedAmount",
    "aggregate.refundedAmount",
    "pspReference",
    "reference",
)
_E: Final = "/ecomm/v2/payments"
_P: Final = "/epayment/v1/payments"
_R: Final = "/recurring/v3/agreements"
_C: Final = f"{_R}/{{agreementId}}/charges"
_ECOM_BODY: Final = (_MSN, _TEXT)

OPERATIONS: Final = (
    Operation(
        Profile.ECOM, OperationKind.CREATE, "POST", _E, (200, 202), ("transaction.amount",), ("orderId",), body=True
    ),
    Operation(
        Profile.ECOM, OperationKind.READ, "GET", f"{_E}/{{orderId}}/details", answered=("transactionLogHistory",)
    ),
    Operation(
        Profile.ECOM,
        OperationKind.CANCEL,
        "PUT",
        f"{_E}/{{orderId}}/cancel",
        (200,),
        _ECOM_BODY,
        ("orderId",),
        body=True,
    ),
    Operation(
        Profile.ECOM, OperationKind.CAPTURE, "POST", f"{_E}/{{orderId}}/capture", answered=("orderId",), body=True
    ),
    Operation(Profile.ECOM, OperationKind.REFUND, "POST", f"{_E}/{{orderId}}/refund", answered=("orderId",), body=True),
    Operation(
        Profile.EPAYMENT,
        OperationKind.CREATE,
        "POST",
        _P,
        (201,),
        ("amount.value", "reference"),
        ("reference",),
        body=True,
    ),
    Operation(Profile.EPAYMENT, OperationKind.READ, "GET", f"{_P}/{{reference}}", answered=_EPAYMENT),
    Operation(Profile.EPAYMENT, OperationKind.LOG, "GET", f"{_P}/{{reference}}/events"),
    Operation(
        Profile.EPAYMENT, OperationKind.CANCEL, "POST", f"{_P}/{{reference}}/cancel", answered=_EPAYMENT, body=True
    ),
    Operation(
        Profile.EPAYMENT,
        OperationKind.CAPTURE,
        "POST",
        f"{_P}/{{reference}}/capture",
        (200,),
        ("modificationAmount.value",),
        _EPAYMENT,
        body=True,
    ),
    Operation(
        Profile.EPAYMENT,
        OperationKind.REFUND,
        "POST",
        f"{_P}/{{reference}}/refund",
        (200,),
        ("modificationAmount.value",),
        _EPAYMENT,
        body=True,
    ),
    Operation(Profile.RECURRING, OperationKind.DRAFT, "POST", _R, (201,), (), ("agreementId",), body=True),
    Operation(Profile.RECURRING, OperationKind.CREATE, "POST", _C, (201,), ("amount",), ("chargeId",), body=True),
    Operation(Profile.RECURRING, OperationKind.READ, "GET", f"{_C}/{{chargeId}}", answered=("id", "status", "amount")),
    Operation(Profile.RECURRING, OperationKind.CANCEL, "DELETE", f"{_C}/{{chargeId}}", (204, 202)),
    Operation(
        Profile.RECURRING,
        OperationKind.CAPTURE,
        "POST",
        f"{_C}/{{chargeId}}/capture",
        (204, 202),
        ("amount",),
        body=True,
    ),
    Operation(
        Profile.RECURRING, OperationKind.REFUND, "POST", f"{_C}/{{chargeId}}/refund", (204, 202), ("amount",), body=True
    ),
)
"""Every operation that is fuzzed. Force approval is not: its responses are documented to depend on a test user."""

AMOUNTS: Final[Mapping[Profile, tuple[str, ...]]] = {
    Profile.ECOM: ("transaction.amount",),
    Profile.EPAYMENT: ("amount.value", "modificationAmount.value"),
    Profile.RECURRING: ("amount",),
}
STATES: Final[Mapping[Profile, frozenset[str]]] = {
    Profile.ECOM: frozenset({"cancelled", "captured", "refund"}),
    Profile.EPAYMENT: frozenset({"CREATED", "ABORTED", "EXPIRED", "AUTHORIZED", "TERMINATED"}),
    Profile.RECURRING: frozenset({
        "PENDING", "DUE", "RESERVED", "CHARGED", "PARTIALLY_CAPTURED", "FAILED", "CANCELLED", "PARTIALLY_REFUNDED",
        "REFUNDED", "PROCESSING", "UNKNOWN",
    }),
}  # fmt: skip
"""The documented names of states, in any version. Those of eCom are compared without regard to case."""
ENTRIES: Final[Mapping[Profile, frozenset[str]]] = {
    Profile.ECOM: frozenset({
        "INITIATE", "REGISTER", "RESERVE", "SALE", "CAPTURE", "REFUND", "CANCEL", "VOID", "RESERVE_FAILED", "REJECT",
        "USER_CANCEL", "AUTO_CANCEL", "FAILED", "REJECTED",
    }),
    Profile.EPAYMENT: frozenset({
        "CREATED", "ABORTED", "EXPIRED", "CANCELLED", "CAPTURED", "REFUNDED", "AUTHORIZED", "TERMINATED",
    }),
    Profile.RECURRING: frozenset({"CREATE", "RESERVE", "CAPTURE", "REFUND", "CANCEL", "FAIL"}),
}  # fmt: skip
"""The documented names of entries in a history or log; for eCom also those of its texts and of earlier versions."""

_BRACES: Final = re.compile(r"\{[^}]*\}")


def without_names(path: str) -> str:
    """Return a path without the names in its braces, which differ among descriptions.

    >>> without_names("/payments/{Reference}/cancel")
    '/payments/{}/cancel'
    """
    return _BRACES.sub("{}", path.rstrip("/"))


_BY_PLACE: Final = {(operation.method, without_names(operation.path)): operation for operation in OPERATIONS}


def operation_at(method: str, template: str) -> Operation | None:
    """Return the operation at a method and a whole path of a description.

    The result is None if it is another one.
    """
    return _BY_PLACE.get((method.upper(), without_names(template)))


def operation(profile: Profile, kind: OperationKind) -> Operation:
    """Return the operation of an API that is of a kind.

    Raises:
        StopIteration: the API has none.

    """
    return next(candidate for candidate in OPERATIONS if candidate.profile is profile and candidate.kind is kind)
