"""A plain Hypothesis state machine with the steps of the suite's histories and the assertions that come to mind first.

It is what a capable tester writes in an afternoon: it keeps the order's books itself, asks for one order's money after
every step and compares. It knows nothing of rules, ages near a limit, logs or evidence.
"""

from __future__ import annotations

import time
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from benchmarks.apis import APIS, Api, Money
from benchmarks.places import Place
from conformance.domain.order import Profile

MOST_CANCELS = 5
"""So many cancels of one order are answered within a minute."""
TOO_OLD = 181


def machine_for(api: Api) -> Any:
    """Return the state machine that asks through this API, with the number of its runs as ``runs``."""

    class Machine(RuleBasedStateMachine):
        runs = 0
        steps = 0

        def __init__(self) -> None:
            super().__init__()
            type(self).runs += 1
            self.order = ""
            self.amount = self.captured = self.refunded = self.days = self.cancels = 0
            self.approved = api.approved_at_once
            self.cancelled = False

        @property
        def left(self) -> int:
            open_ = self.approved and not self.cancelled and self.days < TOO_OLD
            return self.amount - self.captured if open_ else 0

        @initialize(amount=st.integers(100, 100_000))
        def create(self, amount: int) -> None:
            self.amount = amount
            self.order = api.create(self.runs, amount)

        @precondition(lambda self: not self.approved and not self.cancelled)
        @rule()
        def approve(self) -> None:
            assert api.approve(self.order).status_code == 204
            self.approved = True

        @precondition(lambda self: self.left > 0)
        @rule(share=st.sampled_from((1, 2, 3)))
        def capture(self, share: int) -> None:
            amount = -(-self.left // share)
            assert api.capture(self.order, amount).is_success
            self.captured += amount

        @precondition(lambda self: self.captured > self.refunded and self.days < TOO_OLD)
        @rule(share=st.sampled_from((1, 2, 3)))
        def refund(self, share: int) -> None:
            amount = -(-(self.captured - self.refunded) // share)
            assert api.refund(self.order, amount).is_success
            self.refunded += amount

        @precondition(lambda self: self.cancels < MOST_CANCELS)
        @rule(flag=st.sampled_from((None, False, True)))
        def cancel(self, flag: bool | None) -> None:
            self.cancels += 1
            answer = api.cancel(self.order, flag)
            waiting = not self.approved and not self.cancelled
            if waiting or (self.left > 0 and api.permits(flag, self.captured)):
                assert answer.is_success, answer.text
                self.cancelled = True
            else:
                assert answer.is_client_error, answer.text

        @precondition(lambda self: self.approved)
        @rule(days=st.sampled_from((1, 30, TOO_OLD)))
        def age(self, days: int) -> None:
            if self.days + days < TOO_OLD - 2 or days == TOO_OLD:
                assert api.age(self.order, days).status_code == 204
                self.days += days

        @rule()
        def read(self) -> None:
            """Look once more; the invariant does it."""

        @invariant()
        def books_agree(self) -> None:
            if self.order:
                type(self).steps += 1
                assert api.money(self.order) == Money(self.captured, self.refunded)

    return Machine


def machine(place: Place, profile: Profile, histories: int, steps: int) -> dict[str, float]:
    """Run the state machine for so many histories of up to so many steps."""
    place.fresh()
    with place.client() as client:
        api = APIS[profile](client)
        made = machine_for(api)
        chosen = settings(
            max_examples=histories,
            stateful_step_count=steps,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        start = time.perf_counter()
        run_state_machine_as_test(made, settings=chosen)
        seconds = time.perf_counter() - start
    return {"seconds": seconds, "histories": made.runs, "steps": made.steps, "requests": api.sent}
