"""The embedded provider's choices where the documentation leaves one.

Each field stands for an interpretation of a sentence of the documentation that is ambiguous, missing or changed. The
defaults are what is documented and, if two pages disagree, what the newer page supports.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

MSN = "123456"
OTHER_MSN = "654321"
CLIENT_ID = "sandbox-client-id"
CLIENT_SECRET = "sandbox-client-secret"
SUBSCRIPTION_KEY = "sandbox-subscription-key"


class Market(StrEnum):
    """The country of the sales unit: decides capture deadline and currency."""

    NO = "no"
    DK = "dk"
    FI = "fi"


DEADLINE_DAYS = {Market.NO: 180, Market.DK: 14, Market.FI: 14}
"""Days from reservation until a payment can no longer be captured or cancelled."""

CURRENCIES = {Market.NO: "NOK", Market.DK: "DKK", Market.FI: "EUR"}


@dataclass(frozen=True, slots=True)
class Options:
    """How one provider behaves.

    Attributes:
        msn: The sales unit that is meant when a request names none.
        other_msn: A second sales unit under the same keys; each is blind to the payments of the other.
        client_id: Accepted by the token endpoint.
        client_secret: Accepted by the token endpoint.
        subscription_key: Accepted in ``Ocp-Apim-Subscription-Key``.
        token_seconds: How long an access token is valid; an hour is documented for the test environment.
        market: Whose capture deadline applies when ``age_limit_days`` is not given.
        age_from: What the age of a payment is counted from: its reservation (supported best), or its initiation, as the
            sentence "a request that is over 180 days old" can be read.
        age_limit_days: Overrides the market's limit: 183 for the six months of the eCom specification, 180 in Denmark
            and Finland for the flat limit of the 2023 page or an approved late capture.
        auto_cancel_at_deadline: What is still reserved at the deadline is released by the provider (newer pages), or
            left alone (2023).
        ecom_direct_capture: The eCom sales unit captures at approval, so that payments end in ``SALE``.
        ecom_refusal_status: HTTP status of an eCom refusal for business reasons: 400; 402 was seen in 2021.
        epayment_refusal_status: HTTP status of an ePayment refusal for business reasons: 400, 409 or 422.
        recurring_refusal_status: HTTP status of a Recurring refusal for business reasons: 409, 400 or 422.
        second_cancel: A payment that already ended refuses a cancel, or answers as if it had just succeeded while no
            money moves. For Recurring this concerns a charge that is ``CANCELLED``.
        threeds_status: HTTP status of a cancel during a 3-D Secure session: 409, 423 or 500. None is documented.
        recurring_async: A charge cancel answers 202 and happens later, instead of 204.
        recurring_async_reads: With ``recurring_async``: the cancel is visible in the n-th read after it.
        state_spelling: The state in an eCom cancel answer: as in the specification, or as on the cancellations page.
        extra_fields: Every JSON object answered carries one more field than is documented.
        flag_on_full_capture: eCom, everything captured and the release flag set: refused, or accepted without effect.
        flag_on_initiated: eCom, nothing reserved yet and the release flag set: ignored, or refused.
        released_amount_in_answer: eCom, amount in the answer to the cancel of a partially captured payment: the ordered
            amount (False, as in the example), or the released amount.
        user_end_entry: eCom, endings by the user or by timeout leave a ``CANCEL`` entry in the details.
        transaction_only_on_authorized: ePayment, ``cancelTransactionOnly`` on an authorized payment: refused with 6060,
            or accepted with nothing released.
        error_identity: ePayment, what tells errors apart: four-digit codes in ``extraDetails`` (since 2025), or the
            problem's ``type`` alone (2023).
        cancel_key_ignored: ePayment, ``Idempotency-Key`` is no parameter of cancel (1.8.1) and has no effect there.
        events_order: ePayment, order of the event log: as in the example, or the other way round.
        key_scope: Where an idempotency key must be unique: in the whole sales unit, or for one operation on one
            resource.
        sticky_4xx: A refusal is stored under its idempotency key and answered again. Refusals that ask for a retry
            (401, 423, 429, still processing) never are.
        second_stop: Answer to stopping an agreement that is stopped: 204 (documented 2026), or 400 before.
        rate_limit: More than five cancels of one order within a minute are refused with 429.
        delay_seconds: Pause before each answer of the ASGI application; ``Provider.handle`` never waits.

    """

    msn: str = MSN
    other_msn: str = OTHER_MSN
    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET
    subscription_key: str = SUBSCRIPTION_KEY
    token_seconds: int = 3600
    market: Market = Market.NO
    age_from: Literal["reservation", "initiation"] = "reservation"
    age_limit_days: float | None = None
    auto_cancel_at_deadline: bool = True
    ecom_direct_capture: bool = False
    ecom_refusal_status: int = 400
    epayment_refusal_status: int = 400
    recurring_refusal_status: int = 409
    second_cancel: Literal["refuse", "repeat"] = "refuse"
    threeds_status: Literal[409, 423, 500] = 409
    recurring_async: bool = False
    recurring_async_reads: int = 1
    state_spelling: Literal["Cancelled", "CANCELLED"] = "Cancelled"
    extra_fields: bool = False
    flag_on_full_capture: Literal["refuse", "no-op"] = "refuse"
    flag_on_initiated: Literal["ignored", "rejected"] = "ignored"
    released_amount_in_answer: bool = False
    user_end_entry: bool = True
    transaction_only_on_authorized: Literal["refuse", "no-op"] = "refuse"
    error_identity: Literal["codes", "type-only"] = "codes"
    cancel_key_ignored: bool = False
    events_order: Literal["oldest-first", "newest-first"] = "oldest-first"
    key_scope: Literal["sales-unit", "operation"] = "sales-unit"
    sticky_4xx: bool = True
    second_stop: Literal[204, 400] = 204
    rate_limit: bool = True
    delay_seconds: float = 0.0

    @property
    def limit_days(self) -> float:
        """Days after which a payment is too old to be captured or cancelled."""
        return DEADLINE_DAYS[Market(self.market)] if self.age_limit_days is None else self.age_limit_days

    @property
    def currency(self) -> str:
        """The currency of the market, used by eCom, whose requests name none."""
        return CURRENCIES[Market(self.market)]
