"""What eCom and ePayment have in common: a user who approves, rejects, lets time pass, or goes through 3-D Secure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.domain.expectation import Branch, Expectation
from conformance.domain.order import Order, Stage
from conformance.domain.steps import Approve, Enter3DS, Expire, Leave3DS, Reject, Step
from conformance.model.base import Blame
from conformance.model.claims import Rules, branch, refused
from conformance.model.money import MoneyTable
from conformance.model.world import OPENING_WINDOW, World


class PaymentTable(MoneyTable):
    """The documented outcomes of what the user of a payment does."""

    def handlers(self) -> dict[type[Any], Callable[[Order, Any, World], Expectation]]:
        """Return what answers for each kind of step, the user's among them."""
        return {
            **super().handlers(),
            Approve: self._approve,
            Reject: self._reject,
            Expire: self._expire,
            Enter3DS: self._enter_3ds,
            Leave3DS: self._leave_3ds,
        }

    def _approve(self, order: Order, step: Step, world: World) -> Expectation:
        if order.stage is not Stage.INITIATED:
            return self._cannot(order, world, *self._irreversible(order))
        return self._moves(order, world, self.reserved(order), "reserved", Blame())

    def _reject(self, order: Order, step: Step, world: World) -> Expectation:
        if order.stage is not Stage.INITIATED:
            return self._cannot(order, world, *self._irreversible(order))
        return self._ends(order, world, Stage.REJECTED)

    def _expire(self, order: Order, step: Step, world: World) -> Expectation:
        if order.stage not in (Stage.INITIATED, Stage.IN_3DS):
            return self._cannot(order, world, *self._irreversible(order))
        return self._ends(order, world, Stage.EXPIRED)

    def _enter_3ds(self, order: Order, step: Step, world: World) -> Expectation:
        if order.stage is not Stage.INITIATED:
            return self._cannot(order, world, *self._irreversible(order))
        return self._moves(order, world, replace(order, stage=Stage.IN_3DS), "in 3-D Secure", Blame())

    def _leave_3ds(self, order: Order, step: Leave3DS, world: World) -> Expectation:
        if order.stage is not Stage.IN_3DS:
            return self._cannot(order, world, *self._irreversible(order))
        if step.success:
            return self._moves(order, world, self.reserved(order), "reserved", Blame())
        return self._ends(order, world, Stage.REJECTED)

    def _ends(self, order: Order, world: World, stage: Stage) -> Expectation:
        to = replace(order, stage=stage)
        rules = self.end_rules(stage)
        return self._moves(order, world, to, stage.value, Blame.all(*(rule.partition("/")[0] for rule in rules)), rules)

    def end_rules(self, stage: Stage) -> Rules:
        """Name the rules about an order that the user rejected or let time out."""
        return (f"KB-12/{stage.value}",)

    def timed_out(self, order: Order, world: World) -> tuple[Branch, ...]:
        """Permit that an order which was never approved had timed out when a cancel arrived, unnoticed until then."""
        if order.since_initiated < OPENING_WINDOW:
            return ()
        expired = replace(order, stage=Stage.EXPIRED)
        return (branch("timed out", refused(()), self.view(expired, world, Blame()), expired),)
