"""Histories of a merchant: its orders, what happens to them, injected faults, and the provider's behaviour.

A history is one plain value that can be written as JSON, run again, and shrunk. Its end is not a part of it: after the
last step no more faults are injected, and the merchant gets the time and the prompting that it needs to come to rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from conformance.domain.names import did_you_mean
from conformance.domain.order import Market, Profile
from conformance.domain.steps import HistoryError
from conformance.evidence.journal import MERCHANT_PARTY

VERSION: Final = 1

MERCHANT_STEPS: Final = (
    "create", "cancel", "cancel_together", "abandon", "capture", "complete", "refund", "pay_again", "stop_agreement",
    "tick", "restart",
)  # fmt: skip
CUSTOMER_STEPS: Final = ("approve", "reject", "expire", "start_3ds", "finish_3ds", "fail_3ds", "customer_stop")
PROVIDER_STEPS: Final = ("portal_cancel", "bank_release")
"""What the merchant's staff do in the provider's portal, and a bank that drops a reservation early."""
TOGETHER: Final = "together"
"""The capability of an integration that can be asked for two actions at the same time."""
CLOCK: Final = "clock"
"""The capability of an integration that lives by the run's clock, so that days can pass for it."""
ZONE: Final = "zone"
"""The capability of an integration whose process the suite can put into another time zone."""
WEBHOOK_STEPS: Final = ("deliver", "deliver_twice", "deliver_reversed", "lose")
HANDLER: Final = "deliver_http"
"""The action, and the capability, of an integration that takes signed deliveries as its own handler gets them."""
DELIVERY_FORMS: Final = (
    "deliver_proxied", "deliver_spaced", "deliver_unicode", "deliver_slashes", "deliver_large", "deliver_extended",
    "deliver_charset",
)  # fmt: skip
"""True deliveries that look otherwise: through a proxy that changes the host, or with an unusual body."""
FORGERIES: Final = (
    "forge_unsigned", "forge_wrong_secret", "forge_body", "forge_hash", "forge_path", "forge_host", "forge_date",
    "forge_replay", "forge_other_shop", "forge_deleted_secret",
)  # fmt: skip
"""Deliveries that do not come from the provider, each signed wrongly in one way.

Without a number they claim the approval of a payment that is not approved, and the cancel of one that is. A number is
the minor units of a claimed capture.
"""
FAILURES: Final = ("fail_authorization", "fail_capture", "fail_cancel")
"""True deliveries that say, with ``success: false``, that an operation did not happen."""
SIGNED_STEPS: Final = (*DELIVERY_FORMS, *FORGERIES, *FAILURES, "deliver_unknown")
"""Steps for an integration with a handler; the last one is an event of a name that nobody knows."""
TIME_STEPS: Final = ("wait", "age", "live")
LONGEST_WITHOUT_CLOCK: Final = 3600
"""Seconds of ``live`` that a merchant with a clock of its own can go through."""
ZONES: Final[Mapping[str, str]] = {
    "zone_utc": "UTC",
    "zone_oslo": "Europe/Oslo",
    "zone_kiritimati": "Pacific/Kiritimati",
    "zone_los_angeles": "America/Los_Angeles",
}
"""The steps that put the merchant's process into another time zone; a history begins in UTC."""
STEPS: Final = (*MERCHANT_STEPS, *CUSTOMER_STEPS, *PROVIDER_STEPS, *WEBHOOK_STEPS, *TIME_STEPS, *ZONES)
SHIPPING_STEPS: Final = ("capture", "complete")
"""Steps in which the shop says that an amount was shipped."""
END_STEPS: Final = ("cancel", "cancel_together", "abandon", "complete")
"""Steps in which the shop asks for the end of an order."""
MONEY_STEPS: Final = (*SHIPPING_STEPS, "refund")
"""Steps whose number is an amount."""
PLAIN_SPANS: Final = (3600, 86_400, 14 * 86_400)
"""An hour, a day and two weeks in seconds: the plainest spans that orders live through, the shortest first."""
QUIET: Final = "quiet"
"""The name of the phase after the last step."""

OPERATIONS: Final = ("cancel", "read", "capture", "create", "refund", "token")
"""The operations that a fault can be tied to."""

BEFORE: Final = (
    "lost-before", "error-500", "error-502-html", "error-503", "busy-429", "locked-423", "processing-409",
    "timeout-408", "unauthorized-401", "forbidden-403", "missing-404", "redirect-302", "empty-200", "html-200",
    "accepted-202", "unchanged-200", "sticky-400",
)  # fmt: skip
"""Faults in front of the provider: the request does not reach it."""
AFTER: Final = ("lost-after", "slow-after", "error-500-after", "empty-200-after", "html-200-after")
"""Faults behind the provider: the request is carried out, and the provider's response does not come back."""
EVENTS: Final = ("approve-before", "approve-after", "twice")
"""What happens instead of a faulty response: the customer approves just before the request arrives or just after its
response, or something below the application sends the request twice.
"""
KINDS: Final = (*BEFORE, *AFTER, *EVENTS)
SIGNED_EVENTS: Final = ("deliver-after",)
"""What happens beside a request of an integration with a handler: notifications come before its response does."""

_OPTIONAL_STEPS: Final = frozenset(
    ("abandon", "capture", "complete", "refund", "pay_again", "stop_agreement", "restart")
)
"""Steps that a history needs the merchant's action for; without its tick or deliver it can run all the same."""
KEY_SCOPES: Final = ("sales-unit", "operation")
SECOND_CANCELS: Final = ("refuse", "repeat")


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that meets the n-th request of an operation, and those right after it.

    Attributes:
        on: The operation, one of `OPERATIONS`.
        kind: One of `KINDS`.
        at: The number of the first request that it meets, from 1.
        times: How many requests in a row it meets; 0 means all of them until the last step.
        seconds: What ``Retry-After`` says, or how late the response is.

    """

    on: str
    kind: str
    at: int = 1
    times: int = 1
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class MerchantStep:
    """One step of a history.

    ``number`` is the minor units of a capture, refund or complete (what was shipped in this step) or of a capture that
    a delivery claims, the seconds of a wait or live, or the days of an age; 0 for other steps.
    """

    do: str
    order: int = 0
    number: int = 0


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the provider behaves where the documentation leaves a choice.

    Attributes:
        key_scope: Where an idempotency key must be unique, one of `KEY_SCOPES`.
        second_cancel: What the cancel of an ended payment does, one of `SECOND_CANCELS`.
        keys_on_cancel: Whether ePayment's cancel takes an idempotency key.
        accepts: Whether Recurring's cancel is answered 202 and carried out later.
        market: The country of the sales unit, which decides the currency; empty means the run's.
        one_agreement: Whether Recurring's orders are charges of one agreement.

    """

    key_scope: str = "sales-unit"
    second_cancel: str = "refuse"
    keys_on_cancel: bool = True
    accepts: bool = False
    market: str = ""
    one_agreement: bool = False


@dataclass(frozen=True, slots=True)
class MerchantHistory:
    """Orders, with their amounts in minor units, and what happens to them."""

    profile: Profile
    amounts: tuple[int, ...]
    steps: tuple[MerchantStep, ...]
    faults: tuple[Fault, ...] = ()
    behaviour: Behaviour = Behaviour()

    @property
    def needs(self) -> frozenset[str]:
        """The optional actions that a merchant must have to run the history as it is meant."""
        names = {step.do for step in self.steps}
        needed = names & _OPTIONAL_STEPS
        if names & {"deliver_twice", "deliver_reversed"}:
            needed.add("deliver")
        if self._loses_notifications:
            needed.add("tick")
        if "cancel_together" in names:
            needed.add(TOGETHER)
        if any(step.do == "live" and step.number > LONGEST_WITHOUT_CLOCK for step in self.steps):
            needed.add(CLOCK)
        if names & ZONES.keys():
            needed.add(ZONE)
        if names.intersection(SIGNED_STEPS) or any(fault.kind in SIGNED_EVENTS for fault in self.faults):
            needed.add(HANDLER)
        return frozenset(needed)

    @property
    def _loses_notifications(self) -> bool:
        """Whether notifications are lost that say more than that the payments were made."""
        lost = [place for place, step in enumerate(self.steps) if step.do == "lose"]
        return bool(lost) and any(step.do != "create" for step in self.steps[: lost[-1]] if step.do != "lose")

    def __repr__(self) -> str:
        return f"merchant_history({', '.join(self._arguments())})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print the history as ``repr`` does, on several lines where one is too short."""
        with printer.group(4, "merchant_history(", ")"):
            for number, argument in enumerate(self._arguments()):
                if number:
                    printer.text(",")
                printer.breakable(" " if number else "")
                printer.text(argument)

    def _arguments(self) -> list[str]:
        """Return the arguments of `history_text.merchant_history`, as code."""
        arguments = [repr(self.profile.value), *(repr(_step_as_text(step)) for step in self.steps)]
        if self.amounts != (SIMPLEST_AMOUNT,):
            arguments.append(f"amounts={list(self.amounts)}")
        if self.faults:
            arguments.append(f"faults={[_fault_as_text(fault) for fault in self.faults]}")
        if self.behaviour != Behaviour():
            arguments.append(f"provider={_behaviour_as_json(self.behaviour)}")
        return arguments

    @property
    def size(self) -> tuple[int, int, int]:
        """How large the history is: faults, then steps, then how far the rest is from the simplest.

        A history without a fault is smaller than one with a fault and fewer steps.
        """
        unusual = sum(getattr(self.behaviour, each.name) != each.default for each in fields(Behaviour))
        detail = sum(fault.times != 1 for fault in self.faults) + sum(fault.at for fault in self.faults)
        odd_numbers = sum(step.do in MONEY_STEPS and bool(step.number % 100) for step in self.steps)
        long_times = sum(span < step.number for step in self.steps if step.do == "live" for span in PLAIN_SPANS)
        odd_amounts = sum(amount != SIMPLEST_AMOUNT for amount in self.amounts)
        return len(self.faults), len(self.steps), unusual + detail + odd_numbers + long_times + odd_amounts


SIMPLEST_AMOUNT: Final = 1000
"""The amount in minor units of an order in which nothing depends on the amount."""


def merchant_history_as_json(history: MerchantHistory) -> dict[str, Any]:
    """Return a history as JSON; a behaviour, order, number or wait that is the default is left out."""
    return {
        "version": VERSION,
        "party": MERCHANT_PARTY,
        "profile": history.profile.value,
        "amounts": list(history.amounts),
        "provider": _behaviour_as_json(history.behaviour),
        "faults": [_fault_as_json(fault) for fault in history.faults],
        "steps": [_step_as_json(step) for step in history.steps],
    }


def _behaviour_as_json(behaviour: Behaviour) -> dict[str, Any]:
    values = {field.name: getattr(behaviour, field.name) for field in fields(behaviour)}
    return {name: value for name, value in values.items() if value != getattr(Behaviour(), name)}


def _step_as_text(step: MerchantStep) -> str:
    """Return a step in the short form, such as ``capture 300`` or ``cancel order=1``."""
    number = [str(step.number)] if step.number else []
    return " ".join([step.do, *number, *([f"order={step.order}"] if step.order else [])])


def _fault_as_text(fault: Fault) -> str:
    """Return a fault in the short form, such as ``cancel lost-after at=2``."""
    numbers = [(name, getattr(fault, name)) for name in ("at", "times", "seconds")]
    shown = [f"{name}={value}" for name, value in numbers if value != getattr(Fault("", ""), name)]
    return " ".join([fault.on, fault.kind, *shown])


def _fault_as_json(fault: Fault) -> dict[str, Any]:
    data: dict[str, Any] = {"on": fault.on, "kind": fault.kind, "at": fault.at, "times": fault.times}
    return {**data, "seconds": fault.seconds} if fault.seconds else data


def _step_as_json(step: MerchantStep) -> dict[str, Any]:
    data: dict[str, Any] = {"do": step.do}
    if step.order:
        data["order"] = step.order
    if step.number:
        data["number"] = step.number
    return data


def merchant_history_from_json(data: object) -> MerchantHistory:
    """Return the history of some JSON.

    Raises:
        HistoryError: The JSON is not a history of this version, or has a word that is not known.

    """
    if not isinstance(data, Mapping) or data.get("party") != MERCHANT_PARTY or data.get("version") != VERSION:
        raise HistoryError(f"This is not a shop's history of version {VERSION}.")
    try:
        history = MerchantHistory(
            profile=Profile(data["profile"]),
            amounts=tuple(_whole_number(amount) for amount in data["amounts"]),
            steps=tuple(_step_from_json(step) for step in data["steps"]),
            faults=tuple(_fault_from_json(fault) for fault in data["faults"]),
            behaviour=Behaviour(**data["provider"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise HistoryError(f"The shop's history is not complete: {error}.") from None
    _check(history)
    return history


def _step_from_json(data: Any) -> MerchantStep:
    return MerchantStep(str(data["do"]), _whole_number(data.get("order", 0)), _whole_number(data.get("number", 0)))


def _fault_from_json(data: Any) -> Fault:
    return Fault(
        on=str(data["on"]),
        kind=str(data["kind"]),
        at=_whole_number(data["at"]),
        times=_whole_number(data["times"]),
        seconds=_whole_number(data.get("seconds", 0)),
    )


def _whole_number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is not a whole number from 0 on")
    return value


def _check(history: MerchantHistory) -> None:
    """Raise a HistoryError where a history has an unknown word, or a step of an order that does not exist."""
    words = [
        *((step.do, (*STEPS, *SIGNED_STEPS)) for step in history.steps),
        *((fault.kind, (*KINDS, *SIGNED_EVENTS)) for fault in history.faults),
        *((fault.on, OPERATIONS) for fault in history.faults),
        (history.behaviour.key_scope, KEY_SCOPES),
        (history.behaviour.second_cancel, SECOND_CANCELS),
        (history.behaviour.market, ("", *Market)),
    ]
    for word, known in words:
        if word not in known:
            instead = did_you_mean(word, known) or f" There are: {', '.join(known)}."
            raise HistoryError(f"The shop's history has {word!r}, which is not known.{instead}")
    if not history.amounts or any(step.order >= len(history.amounts) for step in history.steps):
        raise HistoryError("The shop's history has a step of an order that it does not have.")
