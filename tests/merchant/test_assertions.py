"""`assert_handles`: one history against an integration in a user's own test."""

import httpx
import pytest
import respx
from hypothesis import given, settings
from hypothesis.errors import FailedHealthCheck

from conformance import (
    NotTestedError,
    NotTestedWarning,
    ViolationError,
    assert_handles,
    merchant_histories,
    merchant_history,
)
from conformance.errors import UsageError
from conformance.targets.transport import TargetUsageError
from examples.merchants.epayment import Adapter

from .faulty.outcome_rules import StateIsEverything

LOST = merchant_history("epayment", "create", "approve", "cancel", faults=["cancel lost-after"])


def test_a_correct_merchant_passes():
    assert_handles(LOST, Adapter)


def test_a_violation_explains_itself():
    with pytest.raises(ViolationError) as failure:
        assert_handles(LOST, StateIsEverything)
    text = str(failure.value)
    assert type(failure.value).__name__ == f"ViolationError_{failure.value.rules[0]}"
    for words in (
        "is violated:",
        "Fault: first cancel: ",
        "3. The shop cancels the order",
        "Source: ",
        "@example(merchant_history('epayment',",
    ):
        assert words in text


def test_other_requests_of_the_process_are_left_alone():
    assert_handles(LOST, Adapter)
    with respx.mock as router:
        router.get("https://shop.example/").respond(204)
        assert httpx.get("https://shop.example/").status_code == 204


def test_what_a_merchant_cannot_do_is_not_tested():
    class Plain(Adapter):
        """It does not capture."""

        capture = None

    with pytest.raises(NotTestedError, match="has no capture"):
        assert_handles(merchant_history("epayment", "create", "approve", "capture 300", "cancel"), Plain)

    @settings(max_examples=10, database=None, deadline=None)
    @given(merchant_histories("epayment").filter(lambda drawn: "capture" in drawn.needs))
    def check(drawn):
        assert_handles(drawn, Plain)

    with pytest.warns(NotTestedWarning, match="has no capture"), pytest.raises(FailedHealthCheck):
        check()


def test_a_strategy_keeps_to_the_actions_of_a_merchant():
    @settings(max_examples=50, database=None, deadline=None)
    @given(merchant_histories("ecom", actions=frozenset({"tick"})))
    def check(drawn):
        assert not drawn.needs & {"capture", "abandon", "restart", "deliver"}

    check()


def test_what_makes_no_sense_is_said_at_once():
    with pytest.raises(UsageError, match="There is no profile 'epay'"):
        merchant_histories("epay")
    with pytest.raises(UsageError, match="There is no action fly"):
        merchant_histories("ecom", actions=frozenset({"fly"}))


def test_what_is_no_integration_is_refused():
    with pytest.raises(TargetUsageError, match="42 is no integration: name an adapter class"):
        assert_handles(LOST, 42)
