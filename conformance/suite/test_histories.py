"""The planned histories, a block at a time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

UNNAMED = "Name the implementation to test, for example with --cancel-target embedded."


@pytest.fixture
def cancel_block(request: pytest.FixtureRequest) -> Callable[[pytest.Item], None]:
    """Return what plays one block of the plan, as the plugin prepared it."""
    play: Callable[[pytest.Item], None] | None = getattr(request, "param", None)
    if play is None:
        pytest.fail(UNNAMED, pytrace=False)
    return play


def test_histories(cancel_block: Callable[[pytest.Item], None], request: pytest.FixtureRequest) -> None:
    """Play a block of histories; every rule holds in all of them."""
    cancel_block(request.node)
