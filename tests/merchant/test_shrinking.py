"""The smallest history, with the fewest faults, that still breaks an obligation."""

from itertools import count
from typing import Any

from conformance.merchant.harness import CountingSink
from conformance.merchant.shrinking import Failure, shrink_history
from conformance.obligations.history import Behaviour, Fault, MerchantHistory, MerchantStep, merchant_history_as_json
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


def smallest(start: MerchantHistory, *needed: MerchantStep) -> MerchantHistory:
    """Return what is left where a history fails as long as it has these steps."""
    found, _ = shrink_history(start, lambda candidate: set(needed) <= set(candidate.steps), 500)
    return found


def test_time_that_passes_is_left_out_or_made_an_hour_or_a_day():
    start = history("create approve live:7776000 cancel")
    assert smallest(start, MerchantStep("cancel")).steps == (MerchantStep("create"), MerchantStep("cancel"))
    found, _ = shrink_history(start, lambda candidate: any(step.number > 3600 for step in candidate.steps), 500)
    assert found.steps == (MerchantStep("create"), MerchantStep("live", number=86_400))


def test_an_order_in_another_time_zone_is_left_out_with_the_zone():
    start = history("create approve cancel zone_oslo create@1 approve@1 cancel@1")
    steps = [step.do for step in smallest(start, MerchantStep("cancel")).steps]
    assert steps == ["create", "cancel"]
    steps = [step.do for step in smallest(start, MerchantStep("zone_oslo"), MerchantStep("create")).steps]
    assert steps == ["create", "zone_oslo"]


def test_a_sales_unit_an_agreement_and_each_other_behaviour_are_left_out():
    start = history("create cancel", behaviour=Behaviour("operation", market="dk", one_agreement=True))
    found, _ = shrink_history(start, lambda candidate: candidate.behaviour.market == "dk", 500)
    assert found.behaviour == Behaviour(market="dk")


def test_amounts_become_simple_and_the_whole_amount_stays_the_whole():
    start = history("create approve capture:137 refund:13 complete:1999", profile="epayment")
    start = MerchantHistory(start.profile, (1999,), start.steps)
    found, _ = shrink_history(start, lambda candidate: len(candidate.steps) == 5, 500)
    assert found.amounts == (1000,)
    assert [step.number for step in found.steps] == [0, 0, 400, 200, 1000]


def test_of_two_failures_the_one_without_a_fault_is_plainer_and_then_the_one_that_loses_money():
    short, long = history("create cancel"), history("create approve deliver cancel")
    faulty = history("create cancel", Fault("cancel", "error-500"))
    failures = [
        Failure("a", faulty, True),
        Failure("b", short, False),
        Failure("c", long, True),
        Failure("d", short, True),
    ]
    assert [each.identifier for each in sorted(failures, key=lambda each: each.plainness)] == ["d", "c", "b", "a"]
