"""Draws the steps of one order: how it is paid, what of it is shipped, how long it lives, and how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from hypothesis import strategies as st

from conformance.domain.api_table import spec_of
from conformance.domain.order import Profile
from conformance.obligations.history import CLOCK, FAILURES, FORGERIES, MerchantStep
from conformance.strategies.merchant.cells import DAY, HALF_AN_HOUR, WEEK
from conformance.strategies.merchant.webhooks import between as signed_between
from conformance.strategies.provider.money import without_trigger

_Item = TypeVar("_Item")

_WAYS: Final = (
    *("approved",) * 4,
    *("lives",) * 4,
    "late",
    "3ds",
    "rejected",
    "unpaid",
)
"""How an order comes to be paid; one that ``lives`` is paid and never ended."""
_FIRST_EVENT: Final = {"lives": "approve", "approved": "approve", "3ds": "start_3ds", "rejected": "reject"}
"""What the customer does before the shop asks for the end."""
FIRST_PAYMENT: Final = 1
"""The number of an approval that is not of the latest payment."""
_OF_AN_ORDER: Final = frozenset(("wait", *FORGERIES, *FAILURES))
"""Steps between the others that are about an order."""
_SHORT: Final = (60, 700, HALF_AN_HOUR, HALF_AN_HOUR)
_LONG: Final = (DAY, DAY, 3 * DAY, 8 * DAY, 2 * WEEK, 31 * DAY, 170 * DAY)


@dataclass(slots=True)
class OrderDraw:
    """The steps of one order, as far as they are drawn.

    Attributes:
        draw: Hypothesis' function.
        profile: The API.
        offered: The actions that the merchant has.
        order: The order's number.
        amount: Its amount in minor units.
        alone: Whether the order's agreement is its own.
        captured: What was asked to be captured so far.
        refunded: What was asked to be refunded so far.
        steps: The steps so far.

    """

    draw: st.DrawFn
    profile: Profile
    offered: frozenset[str]
    order: int
    amount: int
    alone: bool = True
    captured: int = 0
    refunded: int = 0
    steps: list[MerchantStep] = field(default_factory=list)

    def life(self) -> list[MerchantStep]:
        """Draw all steps of the order."""
        way = self._one_of(_WAYS)
        self._add("create")
        again = "pay_again" in self.offered and self._happens(8)
        if again and self._happens(2):
            self._add_with_pause("pay_again")
        if way in _FIRST_EVENT:
            self._add_with_pause(_FIRST_EVENT[way])
        if again and way in ("approved", "lives") and not any(step.do == "pay_again" for step in self.steps):
            self._add_with_pause("pay_again")
            self._add_with_pause("approve")
        elif again and way in ("approved", "lives") and self._happens(3):
            self._add_with_pause("approve", FIRST_PAYMENT)
        if way in ("approved", "lives"):
            self._ship()
        if way in ("lives", "unpaid") or self._happens(4):
            self._let_time_pass()
        if way == "lives":
            self._late_in_life()
        else:
            self._end(way)
        return self.steps

    def _late_in_life(self) -> None:
        """Draw what happens to a paid order that lives on: goods are shipped or come back, and more time passes."""
        if self._happens(3):
            self._ship()
            self._let_time_pass()

    def _ship(self) -> None:
        """Draw captures of a part, some of them equal, and perhaps a refund."""
        if "capture" not in self.offered:
            return
        for _ in range(self._one_of((0, 1, 1, 2))):
            part = without_trigger((self.amount - self.captured) // self._one_of((2, 3, 5)))
            if part >= spec_of(self.profile).least_capture:
                self.captured += part
                self._add_with_pause("capture", part)
        back = without_trigger((self.captured - self.refunded) // self._one_of((1, 2)))
        if "refund" in self.offered and back >= spec_of(self.profile).least_refund and self._happens(4):
            self.refunded += back
            self._add_with_pause("refund", back)

    def _let_time_pass(self) -> None:
        lengths = _SHORT + (_LONG if CLOCK in self.offered and self.order == 0 else ())
        self._add("live", self._one_of(lengths))

    def _end(self, way: str) -> None:
        """Draw how the order ends, and what happens although it has ended."""
        self._add_with_pause(*self._ending(way))
        if way == "late":
            self._add_with_pause("approve")
        if way == "3ds":
            self._add_with_pause(self._one_of(("finish_3ds", "fail_3ds")))
        if self._happens(2):
            self._add_with_pause("cancel")
        if self._happens(6):
            self._let_time_pass()
        if spec_of(self.profile).belongs_to_agreement and self.alone and self._happens(6):
            self._add("stop_agreement" if "stop_agreement" in self.offered else "customer_stop")

    def _ending(self, way: str) -> tuple[str, int]:
        """Draw the step that ends the order, and its number."""
        ends = ["cancel", "cancel", "cancel"]
        if "abandon" in self.offered and not self.captured:
            ends += ["abandon", "abandon"]
        if way == "approved":
            ends += ["portal_cancel", "bank_release"]
            rest = without_trigger((self.amount - self.captured) // self._one_of((1, 2)))
            if "complete" in self.offered and rest >= spec_of(self.profile).least_capture:
                ends += ["complete"] * 4
        end = self._one_of(ends)
        return (end, rest) if end == "complete" else (end, 0)

    def _add_with_pause(self, do: str, number: int = 0) -> None:
        self._add(do, number)
        self.steps += self._pause()

    def _add(self, do: str, number: int = 0) -> None:
        self.steps.append(MerchantStep(do, self.order, number))

    def _pause(self) -> list[MerchantStep]:
        """Draw up to two steps that are not about an order: scheduled work, webhooks, time, or a restart."""
        between = ["tick", "deliver", "wait"]
        between += ["restart"] if "restart" in self.offered else []
        between += ["deliver_twice", "deliver_reversed"] if "deliver" in self.offered else []
        between += ["lose"] if "tick" in self.offered else []
        between += signed_between(self.offered, self.profile)
        names = self.draw(st.lists(st.sampled_from(between), max_size=2))
        return [
            MerchantStep(name, self.order, self._one_of((1, 20, 65)) if name == "wait" else 0)
            if name in _OF_AN_ORDER
            else MerchantStep(name)
            for name in names
        ]

    def _one_of(self, choices: Sequence[_Item]) -> _Item:
        return self.draw(st.sampled_from(choices))

    def _happens(self, one_in: int) -> bool:
        return self._one_of(range(one_in)) == one_in - 1
