"""The shop's own tests: drawn histories, one written by hand, and a state machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis.stateful import invariant

from conformance import (
    CancelMachine,
    History,
    OpenTarget,
    ViolationError,
    assert_conforms,
    assert_conforms_async,
    histories,
    history,
    open_target,
)

from .shop import CONTROL, app, faulty_app


@pytest.fixture(scope="module")
def shop() -> Iterator[OpenTarget]:
    """Open the application once, for all tests of this module."""
    with open_target(app, control_url=CONTROL) as target:
        yield target


@settings(deadline=None)
@given(drawn=histories("epayment"))
@example(history("epayment", "approve", "capture 300", "cancel", "cancel"))
def test_every_history_ends_as_documented(shop: OpenTarget, drawn: History) -> None:
    """Play every drawn history."""
    assert_conforms(drawn, shop)


def test_a_partly_captured_payment_is_released(shop: OpenTarget) -> None:
    """Play one history."""
    assert_conforms(history("epayment", "approve", "capture 300", "cancel"), shop)


def test_the_defect_is_found() -> None:
    """See what is said of the faulty application."""
    with pytest.raises(ViolationError, match="cancelled, in the answer") as failure:
        assert_conforms(history("epayment", "approve", "capture 300", "cancel"), faulty_app, control_url=CONTROL)
    assert "EP-06" in failure.value.rules


@pytest.mark.anyio
async def test_the_event_loop_goes_on(shop: OpenTarget) -> None:
    """Play a history in a test with a running event loop."""
    await assert_conforms_async(history("epayment", "cancel"), shop)


@pytest.fixture
def anyio_backend() -> str:
    """Run tests with anyio on asyncio."""
    return "asyncio"


class ShopMachine(CancelMachine):
    """Several payments at the same time, in any sequence of steps."""

    profile = "epayment"
    target = app
    control_url = CONTROL

    @invariant()
    def no_payment_is_lost(self) -> None:
        """Every payment that was created is still known: an invariant of one's own."""
        assert all(order.possible for order in self.living)


TestShop = ShopMachine.TestCase
TestShop.settings = settings(max_examples=10, stateful_step_count=20, deadline=None)
