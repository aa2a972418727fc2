"""The smallest history and fault that still show an obligation broken."""

from itertools import count

from conformance.merchant.harness import CountingSink, MerchantHarness
from conformance.merchant.shrinking import shrink_history
from conformance.obligations.history import Behaviour, Fault, merchant_history_as_json
from tests.merchant.faulty import EveryErrorIsACancel, OneKeyForAll
from tests.merchant.stage import history


def shrunk(adapter, rule, big):
    stand = MerchantHarness(adapter)
    names = (f"shrink-{number}" for number in count())
    try:
        found, tried = shrink_history(big, lambda one: rule in stand.play(one, next(names), CountingSink()).broken, 150)
    finally:
        stand.close()
    assert tried > 0
    return found


def test_one_fault_and_two_steps_are_left():
    noise = (Fault("read", "error-500", 2), Fault("cancel", "forbidden-403", times=2), Fault("token", "lost-before", 3))
    big = history("create approve deliver tick wait:20 cancel tick wait:65 cancel", *noise)
    found = shrunk(EveryErrorIsACancel, "M18", big)
    assert [step.do for step in found.steps] == ["create", "cancel"]
    assert found.faults == (Fault("cancel", "forbidden-403"),)


def test_what_needs_two_orders_keeps_two():
    big = history("create create@1 approve approve@1 wait:20 cancel tick cancel@1", behaviour=Behaviour("operation"))
    found = shrunk(OneKeyForAll, "M8", big)
    assert merchant_history_as_json(found)["steps"] == [
        {"do": "create"}, {"do": "create", "order": 1}, {"do": "cancel"}, {"do": "cancel", "order": 1},
    ]  # fmt: skip
    assert found.behaviour == Behaviour()
