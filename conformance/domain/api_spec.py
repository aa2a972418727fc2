"""What distinguishes one API from another, as data: the form of a row in the table of APIs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from conformance.domain.operations import Operation, OperationKind
from conformance.domain.order import Kind, Profile


class CancelKey(StrEnum):
    """What is documented of an idempotency key on a cancel."""

    REQUIRED = "required"
    DISPUTED = "disputed"
    """The pages disagree about whether a cancel has one (`C13`)."""
    NONE = "none"
    """It is no parameter of a cancel: what a target makes of one is undocumented."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogForm:
    """What an order's history or event log tells.

    Attributes:
        entries: the documented names of entries, of any version.
        totals: the sums that are compared, each with the entries that it is the sum of.
        counts: the counts that are compared, each with the entries that it counts.
        newest: whether the newest entry is compared.
        apart: whether the log is read by an operation of its own.

    """

    entries: frozenset[str]
    totals: Mapping[str, tuple[str, ...]]
    counts: Mapping[str, tuple[str, ...]]
    newest: bool = False
    apart: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSpec:
    """One API's row: all that code outside the API's own modules may depend on.

    Attributes:
        profile: the API.
        title: its name and version, as a reader knows them.
        root: the path under which its operations stand, such as ``/ecomm/v2``.
        order_prefix: the letter with which the identifiers of its test orders begin, behind what the whole run has in
            common. Every API has another one, because some share one name space of orders (`EC-41`).
        shares_orders_with: the APIs that know its orders by the same identifiers.
        id_field: the field that has an order's identifier when the order is created.
        kinds: how its orders come to be.
        reserved_kind: the kind that takes the fewest steps to be reserved.
        waiting_kind: the kind that is not reserved when it comes to be.
        belongs_to_agreement: whether an order is one of an agreement's charges. Somebody else is then another
            agreement, and elsewhere another sales unit.
        names_currency: whether its requests name the currency. An API of one country knows that country's alone.
        signs_notifications: whether its notifications are signed webhooks; otherwise they are callbacks with a token of
            the merchant's.
        notifies_failures: whether a notification says whether the operation that it is about succeeded.
        user_approves: whether a user has to approve an order before it is reserved.
        steps: the steps of its histories, by the names that a history's JSON has for them.
        cancel_flag: the name of a cancel's flag, or None where it has none.
        release_flag: the flag with which a cancel releases the remaining amount after a capture.
        key_header: the header with a request's idempotency key.
        cancel_key: what is documented of the key of a cancel.
        least_capture: the smallest capture that its description allows, in minor units.
        least_refund: the smallest refund that its description allows, in minor units.
        msn_pattern: what a merchant serial number looks like, or None where its description does not say so.
        age_limits: the interpretations of the age limit (`C1`) that its pages know.
        lock_codes: the error codes of an order that is locked for the moment.
        race_codes: the error codes of a request that another one under way turned down.
        too_old_codes: the error codes of an order that is too old to cancel.
        undescribed_statuses: the statuses that its pages have and its description leaves out.
        operations: the documented operations around Cancel.
        amount_fields: the fields of requests that are amounts, dots between the names.
        states: the documented names of states, of any version.
        log: what its history or event log tells.

    """

    profile: Profile
    title: str
    root: str
    order_prefix: str
    shares_orders_with: frozenset[Profile] = frozenset()
    id_field: str
    kinds: frozenset[Kind]
    reserved_kind: Kind
    waiting_kind: Kind
    belongs_to_agreement: bool = False
    names_currency: bool = True
    signs_notifications: bool = True
    notifies_failures: bool = False
    user_approves: bool
    steps: frozenset[str]
    cancel_flag: str | None = None
    release_flag: bool | None = None
    key_header: str
    cancel_key: CancelKey
    least_capture: int = 1
    least_refund: int = 1
    msn_pattern: str | None = None
    age_limits: frozenset[str]
    lock_codes: tuple[str, ...] = ()
    race_codes: tuple[str, ...] = ()
    too_old_codes: tuple[str, ...] = ()
    undescribed_statuses: frozenset[int] = frozenset()
    operations: tuple[Operation, ...]
    amount_fields: tuple[str, ...]
    states: frozenset[str]
    log: LogForm

    def __post_init__(self) -> None:
        """Refuse a prefix of more than one letter: an order's identifier is read back with a pattern."""
        if not (len(self.order_prefix) == 1 and self.order_prefix.isascii() and self.order_prefix.islower()):
            raise ValueError(f"the prefix of orders is one lower-case letter, and not {self.order_prefix!r}")

    @property
    def may_cancel_later(self) -> bool:
        """Whether a cancel may be accepted (202) before it is done."""
        return 202 in self.operation(OperationKind.CANCEL).success

    def operation(self, kind: OperationKind) -> Operation:
        """Return the operation that does something.

        Raises:
            LookupError: the API has none.

        """
        for operation in self.operations:
            if operation.kind is kind:
                return operation
        raise LookupError(f"{self.title} has no operation to {kind.value}")
