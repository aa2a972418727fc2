"""The fields of an observation, by the names under which they are stored."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Field(StrEnum):
    """A field of an observation; its value is the stored name.

    An observation maps fields to scalars, in the model's words. Names that are put together, such as the view's
    amounts, are equal to the member of that name.
    """

    # What the response to the step's request says.
    ANSWER_AMOUNT = "answer.amount"
    ANSWER_AUTHORIZED = "answer.authorized"
    ANSWER_BANK = "answer.bank"
    ANSWER_BODY = "answer.body"
    ANSWER_CANCELLED = "answer.cancelled"
    ANSWER_CAPTURED = "answer.captured"
    ANSWER_CAUSE = "answer.cause"
    ANSWER_CODE = "answer.code"
    ANSWER_CRASH = "answer.crash"
    """The exception that an adapter raised, in a few lines; missing where it raised none."""
    ANSWER_CURRENCY = "answer.currency"
    ANSWER_DETAIL = "answer.detail"
    ANSWER_FOREIGN = "answer.foreign"
    """Whether a refusal that crossed a network is not in the API's form, as those of gateways are."""
    ANSWER_GROUP = "answer.group"
    ANSWER_INSTRUMENT = "answer.instrument"
    ANSWER_LACKS = "answer.lacks"
    ANSWER_NAME = "answer.name"
    ANSWER_ORDER = "answer.order"
    ANSWER_OUTCOME = "answer.outcome"
    ANSWER_PAGE = "answer.page"
    """Whether the response is a web page: of something between us and the target, which speaks JSON."""
    ANSWER_PARSED = "answer.parsed"
    ANSWER_PSP = "answer.psp"
    ANSWER_REFUNDED = "answer.refunded"
    ANSWER_STATE = "answer.state"
    ANSWER_STATUS = "answer.status"
    ANSWER_TEXT = "answer.text"
    ANSWER_TO_CAPTURE = "answer.to_capture"
    ANSWER_TO_REFUND = "answer.to_refund"
    ANSWER_TYPE = "answer.type"
    ANSWER_UNANSWERED = "answer.unanswered"
    """How often the request was sent before, with the same key, and not answered; missing where it was not."""

    # The same of the second of two requests that were sent together.
    OTHER_OUTCOME = "other.outcome"

    # What reading the order back says; ``view.log`` is its log of events.
    VIEW_AMOUNT = "view.amount"
    VIEW_AUTHORIZED = "view.authorized"
    VIEW_CANCELLED = "view.cancelled"
    VIEW_CAPTURED = "view.captured"
    VIEW_CAUSE = "view.cause"
    VIEW_CURRENCY = "view.currency"
    VIEW_HELPER = "view.helper"
    """The state of the order whose key a cancel used again; missing where there is none."""
    VIEW_LOG_CANCELLED = "view.log.cancelled"
    VIEW_LOG_CANCELS = "view.log.cancels"
    VIEW_LOG_CAPTURED = "view.log.captured"
    VIEW_LOG_FIRST = "view.log.first"
    VIEW_LOG_KEY = "view.log.key"
    """Whose idempotency key the entry of a cancel has; missing where that is not known."""
    VIEW_LOG_NEWEST = "view.log.newest"
    VIEW_LOG_ORDER = "view.log.order"
    VIEW_LOG_PSP = "view.log.psp"
    """Whose ``pspReference`` the entry of a cancel has."""
    VIEW_LOG_REFUNDED = "view.log.refunded"
    VIEW_LOG_RELEASES = "view.log.releases"
    """How many entries of a successful cancel name an amount other than zero."""
    VIEW_LOG_RESERVED = "view.log.reserved"
    VIEW_LOG_SUCCESS = "view.log.success"
    """Whether the entry of a cancel says that it was carried out."""
    VIEW_LOG_TERMINATED = "view.log.terminated"
    VIEW_LOG_TIME = "view.log.time"
    """When the entry of a cancel says that it happened, compared with the creation in the same log."""
    VIEW_NEGATIVE = "view.negative"
    VIEW_OTHER_CANCELLED = "view.other.cancelled"
    VIEW_OTHER_CAPTURED = "view.other.captured"
    VIEW_OTHER_STATE = "view.other.state"
    """What another charge of the agreement says of itself (Recurring)."""
    VIEW_OUTCOME = "view.outcome"
    VIEW_OVERDRAWN = "view.overdrawn"
    VIEW_OVERREFUNDED = "view.overrefunded"
    VIEW_REFUNDED = "view.refunded"
    VIEW_REFUND_MISMATCH = "view.refund_mismatch"
    """Whether what remains to refund is anything but what was captured less what was refunded."""
    VIEW_STATE = "view.state"
    VIEW_SUMMARY = "view.summary"
    VIEW_TO_CAPTURE = "view.to_capture"
    VIEW_TO_REFUND = "view.to_refund"

    # How a request was sent, and what a fuzzed one was.
    SENT_DEED = "sent.deed"
    SENT_DOUBT = "sent.doubt"
    SENT_EARLIER = "sent.earlier"
    """Whether the step was taken by an earlier run, perhaps of a version that observed fewer fields."""
    SENT_FLAW = "sent.flaw"
    SENT_INVALID = "sent.invalid"
    SENT_KEY = "sent.key"
    SENT_METHOD = "sent.method"
    SENT_ORDER = "sent.order"
    SENT_PLAIN = "sent.plain"
    SENT_TIMES = "sent.times"
    SENT_TOGETHER = "sent.together"
    """Whether two requests were under way at the same time."""
    SENT_TOKEN = "sent.token"
    SENT_WEAKNESS = "sent.weakness"

    # What the model says of a fuzzed request.
    MODEL_FIELD = "model.field"
    MODEL_OBSERVED = "model.observed"
    MODEL_PERMITTED = "model.permitted"
    MODEL_RULE = "model.rule"
    MODEL_STATUS = "model.status"
    MODEL_STEP = "model.step"

    # What reading the order back says after a fuzzed request.
    AFTER_OUTCOME = "after.outcome"


# What the entries of a cancel say of themselves: whose key or reference they have, and when they happened.

MISSING: Final = "left out"
THE_CANCEL: Final = "the cancel's"
ANOTHER_REQUEST: Final = "another request's"
UNKNOWN: Final = "unknown"
"""A key that no request of the history had."""
THE_CREATION: Final = "the creation's"
ANOTHER_EVENT: Final = "another event's"
ITS_OWN: Final = "its own"
AFTER_CREATION: Final = "after the creation"
BEFORE_CREATION: Final = "before the creation"
FAR_FUTURE: Final = "over a year after the creation"
UNREADABLE: Final = "no date and time"
