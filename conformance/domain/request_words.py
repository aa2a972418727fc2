"""What is special about a cancel, in words: one table for findings and for the sentences of a report.

Keyed by stored names, so that every kind of request that a history can store has its words here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from conformance.domain.api_table import spec_of
from conformance.domain.order import Profile
from conformance.domain.steps import Cancel, Step, Together, parts_of

DEFECTS: Final[Mapping[str, str]] = {
    "no-token": "without an access token",
    "bad-token": "with a wrong access token",
    "no-bearer": "with an access token without the word Bearer",
    "lower-case-bearer": "with the word bearer in lower case",
    "no-subscription-key": "without a subscription key",
    "bad-subscription-key": "with the last character of the subscription key changed",
    "no-msn": "without a sales unit in its headers",
    "malformed-json": "with a body that is no JSON",
    "array-body": "with a list as its body",
    "flag-not-boolean": "with the text “yes” as the flag",
    "flag-as-number": "with the number 1 as the flag",
    "flag-as-text": "with the flag as a text",
    "no-merchant-info": "without merchantInfo",
    "no-body-msn": "without a sales unit in its body",
    "no-transaction": "without transaction",
    "no-text": "without transactionText",
    "long-text": "with a transactionText of more than 100 characters",
    "msn-as-integer": "with the sales unit as a number",
    "other-header-msn": "with another sales unit in its headers",
    "unknown-field": "with an unknown field in its body",
    "malformed-id": "with a malformed order id",
    "no-key": "without an idempotency key",
    "long-key": "with an idempotency key that is too long",
    "illegal-key": "with an idempotency key of forbidden characters",
    "malformed-agreement": "with a malformed agreement id",
}
"""What is wrong with the request."""
KEYS: Final[Mapping[str, str]] = {
    "fresh": "",
    "same": "with the idempotency key of the cancel before it",
    "spent": "with an idempotency key that another order has used",
    "first": "with the idempotency key of the first cancel",
    "another-operation": "with the idempotency key of the last capture or refund",
}
ADDRESSEES: Final[Mapping[str, str]] = {
    "own": "",
    "unknown": "of an order that does not exist",
    "foreign": "asked for by somebody it does not belong to",
}


def defect_in_words(name: str) -> str:
    """Return what is wrong with a request, by the stored name of its defect."""
    return DEFECTS.get(name, f"with a defect: {name.replace('-', ' ')}")


def flag_in_words(step: Cancel, profile: Profile) -> str:
    """Return the flag of a cancel, such as ``with cancelTransactionOnly true``; nothing where it is absent."""
    name = spec_of(profile).cancel_flag
    if name is None or step.flag is None:
        return ""
    return f"with {name} {str(step.flag).lower()}"


def special_in_words(step: Step, profile: Profile, age: timedelta | None) -> str:
    """Return what is special about a cancel; nothing of a plain one, and of any other step.

    ``age`` is the time since the reservation, which counts where it is a day or more.

    >>> special_in_words(Cancel(flag=True), Profile.ECOM, timedelta(days=181))
    'a cancel with shouldReleaseRemainingFunds true, 181 days after the reservation'
    """
    if not isinstance(step, Cancel):
        return _both(step, profile, age) if isinstance(step, Together) else ""
    words = [
        flag_in_words(step, profile),
        KEYS.get(step.key.value, f"with the idempotency key: {step.key.value}"),
        ADDRESSEES.get(step.to.value, step.to.value),
        defect_in_words(step.defect.value) if step.defect is not None else "",
    ]
    special = [word for word in words if word]
    if age is not None and age >= timedelta(days=1):
        special.append(f"{age.days} {'day' if age.days == 1 else 'days'} after the reservation")
    return f"a cancel {', '.join(special)}" if special else ""


def _both(step: Together, profile: Profile, age: timedelta | None) -> str:
    special = [words for words in (special_in_words(part, profile, age) for part in parts_of(step)) if words]
    return " and at the same time ".join(special)
