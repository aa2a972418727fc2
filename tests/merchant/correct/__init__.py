"""Correct merchants of different designs, which share nothing with the reference merchants.

None of them may be accused of anything that decides: each decides, waits, reads and remembers in its own way.
"""

from typing import Any, Final

from tests.merchant.correct.asynchronous import Async, CancelThenPoll, Notified, Queue, RecurringBlind
from tests.merchant.correct.synchronous import (
    Counting,
    EcomThroughEPayment,
    FlagFirst,
    NeverLooks,
    NoAmounts,
    Sockets,
    Stubborn,
    Synchronous,
)

CORRECT: Final[tuple[type[Any], ...]] = (
    Synchronous,
    Counting,
    NoAmounts,
    FlagFirst,
    NeverLooks,
    Stubborn,
    Sockets,
    EcomThroughEPayment,
    CancelThenPoll,
    Queue,
    Notified,
    Async,
    RecurringBlind,
)
