"""Faulty merchants: each is a correct one with a single defect that a real integration had.

They are sorted by the module of ``conformance.obligations`` that has the obligation to be blamed first. ``@defect``
names the defect as the list of obligations does (B1 to B40), and that obligation.
"""

from tests.merchant.faulty import (
    fault_rules,
    life_rules,
    money_rules,
    outcome_rules,
    request_rules,
    surroundings_rules,
    timing_rules,
)
from tests.merchant.faulty.base import FAULTY, defect

__all__ = [
    "FAULTY",
    "defect",
    "fault_rules",
    "life_rules",
    "money_rules",
    "outcome_rules",
    "request_rules",
    "surroundings_rules",
    "timing_rules",
]
