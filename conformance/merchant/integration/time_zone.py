"""The time zone of this process, while a merchant's code runs in it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

UTC: Final = "UTC"
CAN_MOVE: Final = hasattr(time, "tzset")
"""Whether a process of this system can change its time zone."""


@contextmanager
def in_zone(zone: str) -> Iterator[None]:
    """Let this process be in a time zone, by its name in the zone database, inside the block."""
    former = os.environ.get("TZ")
    if former == zone or not CAN_MOVE:
        yield
        return
    _enter(zone)
    try:
        yield
    finally:
        _enter(former)


def _enter(zone: str | None) -> None:
    if zone is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = zone
    time.tzset()
