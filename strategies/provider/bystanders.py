"""Orders that are left alone while others are cancelled: a cancel must change its own order and no other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from conformance.domain.api_table import spec_of
from conformance.domain.order import Profile
from conformance.domain.steps import Approve, Capture, History, Initiate, Read, name_of
from conformance.strategies.provider.case import Case
from conformance.strategies.provider.situations import needs

PART: Final = 300
"""What is captured of the second order, in minor units."""


def bystanders(profile: Profile, offered: frozenset[str]) -> Iterator[Case]:
    """Yield the cases that a run begins with: one order is reserved, and one is captured in part.

    Each ends with a read, which a run makes when its other histories are over. They are meant to check no rule.
    """
    spec = spec_of(profile)
    reserved = (Approve(),) if spec.user_approves else ()
    for label, steps in (("reserved", reserved), ("partly captured", (*reserved, Capture(PART)))):
        history = History(profile, Initiate(kind=spec.reserved_kind), (*steps, Read()))
        if needs(history) <= offered and all(name_of(step) in spec.steps for step in steps):
            yield Case(history, f"{label}, and left alone while other orders are cancelled", {}, ())
