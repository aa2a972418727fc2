"""The table of APIs: one row for each. What differs between them as data stands here.

What differs as behaviour is in each API's own modules, which every floor finds in a registry of its own
(docs/development/extending.md, "Adding an API").
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from conformance.domain.api_spec import ApiSpec, CancelKey, LogForm
from conformance.domain.operations import Operation, OperationKind, without_names
from conformance.domain.order import Kind, Profile
from conformance.domain.registry import Registry

SPECS: Final = Registry[ApiSpec]("row in the table of APIs")
USUAL_API: Final = Profile.EPAYMENT
"""The API of a merchant's integration that does not say which ones it uses."""


def spec_of(profile: Profile) -> ApiSpec:
    """Return an API's row."""
    return SPECS[profile]


def spec_named(name: str) -> ApiSpec | None:
    """Return the row of the API with a name, or None where no API has it: a request may belong to none."""
    return SPECS[Profile(name)] if name in Profile else None


def operation_at(method: str, template: str) -> Operation | None:
    """Return the operation that a description has at a method and a whole path, or None where it is another one."""
    place = (method.upper(), without_names(template))
    operations = (operation for spec in SPECS.values() for operation in spec.operations)
    return next((each for each in operations if (each.method, without_names(each.path)) == place), None)


@contextmanager
def added_api(spec: ApiSpec) -> Iterator[None]:
    """Add an API to the table for as long as the block lasts.

    Raises:
        ValueError: another API has its name, or the letter that its orders begin with.

    """
    taken = next((other for other in SPECS.values() if other.order_prefix == spec.order_prefix), None)
    if taken is not None:
        raise ValueError(f"The orders of {taken.title} begin with {spec.order_prefix!r} already.")
    Profile.add(spec.profile)
    try:
        with SPECS.registered(spec.profile, spec):
            yield
    finally:
        Profile.remove(spec.profile)


_PAYMENT_STEPS: Final = frozenset({
    "initiate", "age", "capture", "refund", "cancel", "read", "together",
    "approve", "reject", "expire", "enter-3ds", "leave-3ds",
})  # fmt: skip
_CHARGE_STEPS: Final = frozenset({
    "initiate", "age", "capture", "refund", "cancel", "read", "together",
    "stop-agreement", "another-charge", "become-due", "start-processing", "reserve", "charge", "fail",
})  # fmt: skip
_AGE_LIMITS: Final = frozenset({"reservation", "initiation", "market-deadline"})

_ECOM: Final = "/ecomm/v2/payments"
SPECS.register(
    Profile.ECOM,
    ApiSpec(
        profile=Profile.ECOM,
        title="eCom v2",
        root="/ecomm/v2",
        order_prefix="e",
        shares_orders_with=frozenset({Profile.EPAYMENT}),
        id_field="orderId",
        kinds=frozenset({Kind.PAYMENT}),
        reserved_kind=Kind.PAYMENT,
        waiting_kind=Kind.PAYMENT,
        names_currency=False,
        signs_notifications=False,
        user_approves=True,
        steps=_PAYMENT_STEPS,
        cancel_flag="shouldReleaseRemainingFunds",
        release_flag=True,
        key_header="X-Request-Id",
        cancel_key=CancelKey.NONE,
        least_capture=100,
        least_refund=100,
        msn_pattern="[0-9]{5,6}",
        age_limits=_AGE_LIMITS | {"six-months"},
        lock_codes=("94",),
        race_codes=("94", "98"),
        too_old_codes=("98",),
        undescribed_statuses=frozenset({402}),
        operations=(
            Operation(
                Profile.ECOM, OperationKind.CREATE, "POST", _ECOM, (200, 202), ("transaction.amount",), ("orderId",),
                body=True,
            ),
            Operation(
                Profile.ECOM, OperationKind.READ, "GET", f"{_ECOM}/{{orderId}}/details",
                answered=("transactionLogHistory",),
            ),
            Operation(
                Profile.ECOM, OperationKind.CANCEL, "PUT", f"{_ECOM}/{{orderId}}/cancel", (200,),
                ("merchantInfo.merchantSerialNumber", "transaction.transactionText"), ("orderId",), body=True,
            ),
            Operation(
                Profile.ECOM, OperationKind.CAPTURE, "POST", f"{_ECOM}/{{orderId}}/capture", answered=("orderId",),
                body=True,
            ),
            Operation(
                Profile.ECOM, OperationKind.REFUND, "POST", f"{_ECOM}/{{orderId}}/refund", answered=("orderId",),
                body=True,
            ),
        ),
        amount_fields=("transaction.amount",),
        states=frozenset({"cancelled", "captured", "refund"}),
        # Those of its texts and of earlier versions as well.
        log=LogForm(
            entries=frozenset({
                "INITIATE", "REGISTER", "RESERVE", "SALE", "CAPTURE", "REFUND", "CANCEL", "VOID", "RESERVE_FAILED",
                "REJECT", "USER_CANCEL", "AUTO_CANCEL", "FAILED", "REJECTED",
            }),
            totals={"captured": ("CAPTURE",), "refunded": ("REFUND",)},
            counts={"cancels": ("CANCEL", "VOID")},
            newest=True,
        ),
    ),
)  # fmt: skip

_EPAYMENT: Final = "/epayment/v1/payments"
_EPAYMENT_RESPONSE: Final = (
    "amount", "state", "aggregate.authorizedAmount", "aggregate.cancelledAmount", "aggregate.capturedAmount",
    "aggregate.refundedAmount", "pspReference", "reference",
)  # fmt: skip
SPECS.register(
    Profile.EPAYMENT,
    ApiSpec(
        profile=Profile.EPAYMENT,
        title="ePayment v1",
        root="/epayment/v1",
        order_prefix="p",
        shares_orders_with=frozenset({Profile.ECOM}),
        id_field="reference",
        kinds=frozenset({Kind.PAYMENT}),
        reserved_kind=Kind.PAYMENT,
        waiting_kind=Kind.PAYMENT,
        notifies_failures=True,
        user_approves=True,
        steps=_PAYMENT_STEPS,
        cancel_flag="cancelTransactionOnly",
        key_header="Idempotency-Key",
        cancel_key=CancelKey.DISPUTED,
        msn_pattern="[0-9]{4,10}",
        age_limits=_AGE_LIMITS,
        lock_codes=("6160", "6250"),
        race_codes=("6160", "6250"),
        too_old_codes=("6030",),
        operations=(
            Operation(
                Profile.EPAYMENT, OperationKind.CREATE, "POST", _EPAYMENT, (201,), ("amount.value", "reference"),
                ("reference",), body=True,
            ),
            Operation(
                Profile.EPAYMENT, OperationKind.READ, "GET", f"{_EPAYMENT}/{{reference}}", answered=_EPAYMENT_RESPONSE
            ),
            Operation(Profile.EPAYMENT, OperationKind.LOG, "GET", f"{_EPAYMENT}/{{reference}}/events"),
            Operation(
                Profile.EPAYMENT, OperationKind.CANCEL, "POST", f"{_EPAYMENT}/{{reference}}/cancel",
                answered=_EPAYMENT_RESPONSE, body=True,
            ),
            Operation(
                Profile.EPAYMENT, OperationKind.CAPTURE, "POST", f"{_EPAYMENT}/{{reference}}/capture", (200,),
                ("modificationAmount.value",), _EPAYMENT_RESPONSE, body=True,
            ),
            Operation(
                Profile.EPAYMENT, OperationKind.REFUND, "POST", f"{_EPAYMENT}/{{reference}}/refund", (200,),
                ("modificationAmount.value",), _EPAYMENT_RESPONSE, body=True,
            ),
        ),
        amount_fields=("amount.value", "modificationAmount.value"),
        states=frozenset({"CREATED", "ABORTED", "EXPIRED", "AUTHORIZED", "TERMINATED"}),
        log=LogForm(
            entries=frozenset({
                "CREATED", "ABORTED", "EXPIRED", "CANCELLED", "CAPTURED", "REFUNDED", "AUTHORIZED", "TERMINATED",
            }),
            totals={"captured": ("CAPTURED",), "refunded": ("REFUNDED",), "cancelled": ("CANCELLED",)},
            counts={"terminated": ("TERMINATED",)},
            apart=True,
        ),
    ),
)  # fmt: skip

_RECURRING: Final = "/recurring/v3/agreements"
_CHARGE: Final = f"{_RECURRING}/{{agreementId}}/charges"
SPECS.register(
    Profile.RECURRING,
    ApiSpec(
        profile=Profile.RECURRING,
        title="Recurring v3",
        root="/recurring/v3",
        order_prefix="r",
        id_field="chargeId",
        kinds=frozenset({Kind.INITIAL_RESERVE, Kind.CHARGE_RESERVE, Kind.CHARGE_DIRECT}),
        reserved_kind=Kind.INITIAL_RESERVE,
        waiting_kind=Kind.CHARGE_RESERVE,
        belongs_to_agreement=True,
        user_approves=False,
        steps=_CHARGE_STEPS,
        key_header="Idempotency-Key",
        cancel_key=CancelKey.REQUIRED,
        least_refund=100,
        age_limits=_AGE_LIMITS,
        operations=(
            Operation(
                Profile.RECURRING, OperationKind.DRAFT, "POST", _RECURRING, (201,), (), ("agreementId",), body=True
            ),
            Operation(
                Profile.RECURRING, OperationKind.CREATE, "POST", _CHARGE, (201,), ("amount",), ("chargeId",), body=True
            ),
            Operation(
                Profile.RECURRING, OperationKind.READ, "GET", f"{_CHARGE}/{{chargeId}}",
                answered=("id", "status", "amount"),
            ),
            Operation(Profile.RECURRING, OperationKind.CANCEL, "DELETE", f"{_CHARGE}/{{chargeId}}", (204, 202)),
            Operation(
                Profile.RECURRING, OperationKind.CAPTURE, "POST", f"{_CHARGE}/{{chargeId}}/capture", (204, 202),
                ("amount",), body=True,
            ),
            Operation(
                Profile.RECURRING, OperationKind.REFUND, "POST", f"{_CHARGE}/{{chargeId}}/refund", (204, 202),
                ("amount",), body=True,
            ),
        ),
        amount_fields=("amount",),
        states=frozenset({
            "PENDING", "DUE", "RESERVED", "CHARGED", "PARTIALLY_CAPTURED", "FAILED", "CANCELLED", "PARTIALLY_REFUNDED",
            "REFUNDED", "PROCESSING", "UNKNOWN",
        }),
        log=LogForm(
            entries=frozenset({"CREATE", "RESERVE", "CAPTURE", "REFUND", "CANCEL", "FAIL"}),
            totals={"captured": ("CAPTURE",), "refunded": ("REFUND",)},
            counts={"cancels": ("CANCEL",)},
        ),
    ),
)  # fmt: skip
