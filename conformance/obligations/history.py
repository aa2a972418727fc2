"""Histories of a shop: its orders, what happens to them, what goes wrong on the way, and how the provider behaves.

A history is one plain value that can be written as JSON, played again, and shrunk. How it ends is not a part of it:
after the last step everything works again, and the merchant gets the time and the prompting that it needs to come to
rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from conformance.domain.order import Profile
from conformance.domain.steps import HistoryError
from conformance.evidence.journal import PARTY

VERSION: Final = 1

MERCHANT_STEPS: Final = ("create", "cancel", "cancel_together", "abandon", "capture", "tick", "restart")
CUSTOMER_STEPS: Final = ("approve", "reject", "expire", "start_3ds", "finish_3ds", "fail_3ds")
PROVIDER_STEPS: Final = ("portal_cancel",)
TOGETHER: Final = "together"
"""What an integration offers that can be asked for two things at the same time."""
WEBHOOK_STEPS: Final = ("deliver", "deliver_twice", "deliver_reversed", "lose")
TIME_STEPS: Final = ("wait", "age")
STEPS: Final = (*MERCHANT_STEPS, *CUSTOMER_STEPS, *PROVIDER_STEPS, *WEBHOOK_STEPS, *TIME_STEPS)
QUIET: Final = "quiet"
"""The name of what follows the last step."""

OPERATIONS: Final = ("cancel", "read", "capture", "create", "token")
"""What a fault can be tied to."""

BEFORE: Final = (
    "lost-before", "error-500", "error-502-html", "error-503", "busy-429", "locked-423", "processing-409",
    "timeout-408", "unauthorized-401", "forbidden-403", "missing-404", "redirect-302", "empty-200", "html-200",
    "accepted-202", "unchanged-200", "sticky-400",
)  # fmt: skip
"""Faults in front of the provider: the request does not reach it."""
AFTER: Final = ("lost-after", "slow-after", "error-500-after", "empty-200-after", "html-200-after")
"""Faults behind the provider: the request was carried out, and its answer is not what comes back."""
EVENTS: Final = ("approve-before", "approve-after", "twice")
"""No faults of the answer: the customer approves just before the request arrives or just after it was answered, or the
request is sent twice by something below the application."""
KINDS: Final = (*BEFORE, *AFTER, *EVENTS)

KEY_SCOPES: Final = ("sales-unit", "operation")
SECOND_CANCELS: Final = ("refuse", "repeat")


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong with the n-th request of an operation, and with those after it.

    ``at`` counts from 1, ``times`` is how many in a row, 0 for all until the end of the steps. ``seconds`` is what
    ``Retry-After`` says, or how late the answer is.
    """

    on: str
    kind: str
    at: int = 1
    times: int = 1
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens. ``number`` is minor units of a capture, seconds of a wait, or days of an age."""

    do: str
    order: int = 0
    number: int = 0


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the provider reads what the documentation leaves open.

    ``key_scope`` is where an idempotency key has to be unique; ``keys_on_cancel`` is whether ePayment's cancel has one;
    ``second_cancel`` is what becomes of the cancel of a payment that has ended; ``accepts`` is whether Recurring's
    cancel is answered 202 and happens later.
    """

    key_scope: str = "sales-unit"
    second_cancel: str = "refuse"
    keys_on_cancel: bool = True
    accepts: bool = False


@dataclass(frozen=True, slots=True)
class MerchantHistory:
    """Orders with their amounts in minor units, and what happens to them."""

    profile: Profile
    amounts: tuple[int, ...]
    steps: tuple[Step, ...]
    faults: tuple[Fault, ...] = ()
    behaviour: Behaviour = Behaviour()

    @property
    def needs(self) -> frozenset[str]:
        """The optional actions without which it cannot be played as it is meant."""
        done = {step.do for step in self.steps}
        wanted: set[str] = {name for name in ("abandon", "capture", "restart") if name in done}
        if done & {"deliver_twice", "deliver_reversed"}:
            wanted.add("deliver")
        if "lose" in done:
            wanted.add("tick")
        if "cancel_together" in done:
            wanted.add(TOGETHER)
        return frozenset(wanted)

    @property
    def size(self) -> tuple[int, int, int]:
        """What makes one history smaller than another: faults, steps, and how far the rest is from the simplest.

        What is shown without anything going wrong is the plainest, if it takes a step more.
        """
        odd = self.behaviour != Behaviour()
        detail = sum(fault.times != 1 for fault in self.faults) + sum(fault.at for fault in self.faults)
        return len(self.faults), len(self.steps), odd + detail + sum(amount != SIMPLE for amount in self.amounts)


SIMPLE: Final = 1000
"""The amount of an order in which nothing hangs on the amount."""


def merchant_history_as_json(history: MerchantHistory) -> dict[str, Any]:
    """Return a history as JSON; what is as usual is left out."""
    behaviour = {
        name: getattr(history.behaviour, name)
        for name in ("key_scope", "second_cancel", "keys_on_cancel", "accepts")
        if getattr(history.behaviour, name) != getattr(Behaviour(), name)
    }
    return {
        "version": VERSION,
        "party": PARTY,
        "profile": history.profile.value,
        "amounts": list(history.amounts),
        "provider": behaviour,
        "faults": [_fault_as_json(fault) for fault in history.faults],
        "steps": [_step_as_json(step) for step in history.steps],
    }


def _fault_as_json(fault: Fault) -> dict[str, Any]:
    written: dict[str, Any] = {"on": fault.on, "kind": fault.kind, "at": fault.at, "times": fault.times}
    return {**written, "seconds": fault.seconds} if fault.seconds else written


def _step_as_json(step: Step) -> dict[str, Any]:
    written: dict[str, Any] = {"do": step.do}
    if step.order:
        written["order"] = step.order
    if step.number:
        written["number"] = step.number
    return written


def merchant_history_from_json(data: object) -> MerchantHistory:
    """Read a history back.

    Raises:
        HistoryError: it is not one of this version, or something in it is not known.

    """
    if not isinstance(data, Mapping) or data.get("party") != PARTY or data.get("version") != VERSION:
        raise HistoryError(f"This is not a shop's history of version {VERSION}.")
    try:
        history = MerchantHistory(
            profile=Profile(data["profile"]),
            amounts=tuple(_whole(amount) for amount in data["amounts"]),
            steps=tuple(
                Step(str(s["do"]), _whole(s.get("order", 0)), _whole(s.get("number", 0))) for s in data["steps"]
            ),
            faults=tuple(
                Fault(str(f["on"]), str(f["kind"]), _whole(f["at"]), _whole(f["times"]), _whole(f.get("seconds", 0)))
                for f in data["faults"]
            ),
            behaviour=Behaviour(**data["provider"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise HistoryError(f"The shop's history is not complete: {error}.") from None
    _check(history)
    return history


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is not a whole number from 0 on")
    return value


def _check(history: MerchantHistory) -> None:
    unknown = [
        *(step.do for step in history.steps if step.do not in STEPS),
        *(fault.kind for fault in history.faults if fault.kind not in KINDS),
        *(fault.on for fault in history.faults if fault.on not in OPERATIONS),
        *(name for name in [history.behaviour.key_scope] if name not in KEY_SCOPES),
        *(name for name in [history.behaviour.second_cancel] if name not in SECOND_CANCELS),
    ]
    if unknown:
        raise HistoryError(f"The shop's history has {unknown[0]!r}, which is not known.")
    if not history.amounts or any(step.order >= len(history.amounts) for step in history.steps):
        raise HistoryError("The shop's history has a step of an order that it does not have.")
