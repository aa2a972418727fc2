"""Faulty providers that the plan was not made for: the strategies are measured against them, and never tuned to them.

They are no part of the golden matrix. Which rules they break is left open: any violation is a find.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from conformance.domain.order import Kind
from conformance.domain.steps import Step
from conformance.sandbox import Options
from conformance.sandbox.api_base import ApiBase as Api

from ..fault import NARROW, Fault, fault_of

A = TypeVar("A", bound=type[Api])

UNPLANNED: list[Fault] = []
"""Every fault of the modules that were imported; `rooms` imports all of them."""


def unplanned(
    *least: Step, amount: int = 1000, kind: Kind | None = None, options: Options | None = None
) -> Callable[[A], A]:
    """Register a faulty API under the name of its class, with its docstring as its description.

    Args:
        least: the steps of the smallest history that shows it, as a person writes them.
        amount: the order's amount in that history.
        kind: how the order comes to be in that history; a payment, or an initial charge, when left out.
        options: how the provider behaves apart from its defect.

    """

    def register(api: A) -> A:
        UNPLANNED.append(fault_of(api, NARROW, ("?",), least, amount, kind, options))
        return api

    return register
