"""Faulty merchants: each is a correct one with a single defect that a real integration had.

They are sorted by the module of ``conformance.obligations`` that has the obligation to be blamed first. ``@defect``
names the defect as the list of obligations does (B1 to B40), and that obligation.
"""

from typing import Final

from tests.merchant.faulty import fault_rules, outcome_rules, request_rules, timing_rules
from tests.merchant.faulty.base import FAULTY, defect

UNSEEN: Final = {
    "B16, of a replaced basket": "no history replaces an order's payment by another one, so none is left behind",
    "B35": "every order has an agreement of its own, and so no other order's charges to be lost when it is stopped",
}
"""Defects that no history can show, with the reason."""

__all__ = ["FAULTY", "UNSEEN", "defect", "fault_rules", "outcome_rules", "request_rules", "timing_rules"]
