"""Tests of the reference merchant on ePayment: drawn histories with faults on the way, and a whole run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings

from conformance import MerchantHistory, assert_handles, merchant_histories, merchant_history

from ..merchants.epayment import Adapter

if TYPE_CHECKING:
    from conformance.merchant.fixture import CancelConformance


@settings(max_examples=30, deadline=None, derandomize=True)
@given(history=merchant_histories("epayment"))
def test_every_history_ends_well(history: MerchantHistory) -> None:
    """Play drawn histories, with faults on the way to the provider."""
    assert_handles(history, Adapter)


def test_a_cancel_whose_response_is_lost() -> None:
    """Play one history: the cancel is carried out, and its response does not arrive."""
    history = merchant_history("epayment", "create", "approve", "cancel", faults=["cancel lost-after"])
    assert_handles(history, Adapter)


def test_a_whole_run(cancel_conformance: CancelConformance) -> None:
    """Play a whole run, as the command ``merchant`` does."""
    cancel_conformance(Adapter, profiles=["epayment"])
