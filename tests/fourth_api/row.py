"""The row of a made-up API: an amount is held as soon as that is asked for, and can be released once."""

from conformance.domain.api_spec import ApiSpec, CancelKey, LogForm
from conformance.domain.operations import Operation, OperationKind
from conformance.domain.order import Kind, Profile

HOLD = Profile.define("hold")
PATH = "/hold/v1/holds"

SPEC = ApiSpec(
    profile=HOLD,
    title="Hold v1",
    root="/hold/v1",
    order_prefix="h",
    id_field="holdId",
    kinds=frozenset({Kind.PAYMENT}),
    reserved_kind=Kind.PAYMENT,
    waiting_kind=Kind.PAYMENT,
    user_approves=False,
    steps=frozenset({"initiate", "age", "cancel", "read"}),
    key_header="Idempotency-Key",
    cancel_key=CancelKey.NONE,
    age_limits=frozenset({"reservation"}),
    operations=(
        Operation(HOLD, OperationKind.CREATE, "POST", PATH, (201,), ("amount",), ("holdId",), body=True),
        Operation(HOLD, OperationKind.READ, "GET", f"{PATH}/{{holdId}}", answered=("holdId", "state", "amount")),
        Operation(HOLD, OperationKind.CANCEL, "POST", f"{PATH}/{{holdId}}/cancel"),
    ),
    amount_fields=("amount",),
    states=frozenset({"HELD", "RELEASED", "EXPIRED"}),
    log=LogForm(entries=frozenset(), totals={}, counts={}),
)
