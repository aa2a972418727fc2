"""The smallest history, with the fewest faults, that still breaks an obligation."""

from itertools import count
from typing import Any

from conformance.merchant.harness import CountingSink
from conformance.merchant.shrinking import shrink_history
from conformance.obligations.history import Behaviour, Fault, MerchantHistory, merchant_history_as_json
from tests.merchant.faulty.outcome_rules import EveryErrorIsACancel
from tests.merchant.faulty.request_rules import OneKeyForAll
from tests.merchant.helpers import harness_of, history


def shrunk(adapter: Any, rule: str, start: MerchantHistory) -> MerchantHistory:
    names = (f"shrink-{number}" for number in count())
    with harness_of(adapter) as harness:
        smallest, tried = shrink_history(
            start, lambda candidate: rule in harness.run(candidate, next(names), CountingSink()).broken, 150
        )
    assert tried > 0
    return smallest


def test_one_fault_and_two_steps_remain():
    noise = (Fault("read", "error-500", 2), Fault("cancel", "forbidden-403", times=2), Fault("token", "lost-before", 3))
    start = history("create approve deliver tick wait:20 cancel tick wait:65 cancel", *noise)
    smallest = shrunk(EveryErrorIsACancel, "M18", start)
    assert [step.do for step in smallest.steps] == ["create", "cancel"]
    assert smallest.faults == (Fault("cancel", "forbidden-403"),)


def test_a_failure_that_needs_two_orders_keeps_two():
    start = history("create create@1 approve approve@1 wait:20 cancel tick cancel@1", behaviour=Behaviour("operation"))
    smallest = shrunk(OneKeyForAll, "M8", start)
    assert merchant_history_as_json(smallest)["steps"] == [
        {"do": "create"}, {"do": "create", "order": 1}, {"do": "cancel"}, {"do": "cancel", "order": 1},
    ]  # fmt: skip
    assert smallest.behaviour == Behaviour()
