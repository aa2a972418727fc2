"""The systematic set of a shop's histories: every way of life of an order, every fault, what tells most first.

A history's steps are written as text, a word for each: ``create approve deliver cancel``, with a number after a colon
(``capture:400``) and a second order behind an at-sign (``cancel@1``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from conformance.domain.order import Profile
from conformance.obligations.history import Behaviour, Fault, MerchantHistory, Step

RETRY_AFTER: Final = 30
"""Seconds that ``Retry-After`` asks for."""


@dataclass(frozen=True, slots=True)
class Situation:
    """One history of the set. ``label`` is what it tries, in words; ``name`` the way of life it belongs to."""

    name: str
    label: str
    history: MerchantHistory


APPROVED: Final = "create approve deliver tick cancel"
UNAPPROVED: Final = "create cancel"
LATE: Final = "create cancel approve deliver tick"
CLOSED: Final = "create approve deliver capture:400 cancel"
OPERATION: Final = Behaviour(key_scope="operation")

_LIVES: Final[tuple[tuple[str, str, dict[str, object]], ...]] = (
    ("approved, then cancelled", APPROVED, {}),
    ("cancelled before approval", UNAPPROVED, {}),
    ("partly shipped, then closed", CLOSED, {}),
    ("cancelled, then approved", LATE, {}),
    ("two orders, both cancelled", "create create@1 approve approve@1 deliver cancel cancel@1", {}),
    ("abandoned, then approved late", "create abandon approve deliver tick", {}),
    ("abandoned after an approval that is not known", "create approve abandon", {}),
    ("approved, then abandoned", "create approve deliver tick abandon", {}),
    ("cancelled twice", "create approve deliver cancel cancel", {}),
    ("shipped, then cancelled", "create approve deliver capture:1000 cancel", {}),
    ("rejected by the customer", "create reject deliver tick", {}),
    ("timed out", "create expire deliver tick cancel", {}),
    ("cancelled in the portal", "create approve deliver tick portal_cancel deliver tick", {}),
    ("cancelled in the portal, unnoticed", "create approve deliver tick portal_cancel lose tick", {}),
    (
        "partly shipped, cancelled in the portal",
        "create approve deliver tick capture:400 portal_cancel deliver tick",
        {},
    ),
    ("cancelled, process restarted", "create approve deliver restart cancel restart", {}),
    ("cancelled before approval, twice", "create cancel cancel", {}),
    ("notifications doubled", "create approve deliver_twice cancel deliver_twice", {}),
    ("notifications reversed", "create approve capture:400 cancel deliver_reversed", {}),
    ("cancelled, notifications reversed", "create approve cancel tick deliver_reversed", {}),
    ("partly shipped in two, then closed", "create approve deliver capture:300 capture:300 cancel", {}),
    ("in 3-D Secure, then paid", "create start_3ds cancel finish_3ds deliver tick", {}),
    ("in 3-D Secure, then failed", "create start_3ds cancel fail_3ds deliver tick", {}),
    ("too old", "create approve deliver tick age:200 cancel", {}),
    ("too old", "create approve tick age:186 cancel cancel", {}),
    ("partly shipped, too old", "create approve deliver capture:400 age:200 cancel", {}),
    ("two orders, one cancelled", "create create@1 approve approve@1 deliver cancel@1 tick", {}),
    ("odd amounts, partly shipped", "create approve deliver capture:115 cancel", {"amounts": (1999,)}),
)

_ONCE: Final = (
    "error-500", "lost-after", "lost-before", "empty-200", "html-200", "unchanged-200", "error-500-after", "busy-429",
    "sticky-400", "missing-404", "redirect-302", "forbidden-403", "accepted-202", "empty-200-after", "html-200-after",
    "error-503", "processing-409", "locked-423", "timeout-408", "unauthorized-401", "error-502-html", "slow-after",
    "twice",
)  # fmt: skip
_ALWAYS: Final = ("error-500", "busy-429", "lost-before", "forbidden-403", "error-503")
_BEFORE_APPROVAL: Final = (
    "error-500",
    "lost-before",
    "missing-404",
    "redirect-302",
    "html-200",
    "unchanged-200",
    "sticky-400",
)
_READS: Final = ("missing-404", "error-500", "forbidden-403", "html-200", "lost-before")
_CAPTURES: Final = ("error-500", "lost-after", "lost-before", "locked-423")
_CREATING: Final = ("lost-after", "error-500-after", "lost-before", "error-500", "busy-429")
_CLOSING: Final = ("lost-after", "error-500", "empty-200", "busy-429")


def systematic_merchant_cases(profile: Profile) -> list[Situation]:
    """Return the set for an API, in order."""
    found: dict[MerchantHistory, Situation] = {}
    for name, label, steps, fault, options in _all(profile):
        history = _history(profile, steps, fault, options)
        found.setdefault(history, Situation(name, label, history))
    return list(found.values())


Cell = tuple[str, str, str, tuple[Fault, ...], dict[str, object]]


def _all(profile: Profile) -> Iterator[Cell]:
    yield from _interleaved(list(_lives(profile)), list(_faulty()))
    yield from _races()
    yield from _behaviours(profile)
    yield from _rest()


def _interleaved(lives: list[Cell], faulty: list[Cell]) -> Iterator[Cell]:
    """The first lives come first, and then the two take turns: neither is missing from a short run."""
    yield from lives[:6]
    rest = lives[6:]
    for turn in range(max(len(rest), len(faulty))):
        yield from rest[turn : turn + 1]
        yield from faulty[turn : turn + 1]


def _lives(profile: Profile) -> Iterator[Cell]:
    for name, steps, options in _LIVES:
        if profile is Profile.RECURRING and "expire" in steps:
            continue
        yield (name, name, steps, (), options)


def _fault(on: str, kind: str, times: int = 1) -> Fault:
    seconds = RETRY_AFTER if kind in ("busy-429", "error-503", "slow-after") else 0
    return Fault(on, kind, times=times, seconds=seconds)


def _faulty() -> Iterator[Cell]:
    name = "approved, then cancelled"
    for kind in _ONCE:
        yield (name, f"{name}, with {kind}", APPROVED, (_fault("cancel", kind),), {})
    for kind in _ALWAYS:
        yield (name, f"{name}, with {kind} until the end", APPROVED, (_fault("cancel", kind, 0),), {})
    name = "cancelled, then approved"
    for kind in _BEFORE_APPROVAL:
        yield (name, f"{name}, with {kind}", LATE, (_fault("cancel", kind),), {})


def _races() -> Iterator[Cell]:
    name = "approval and cancel cross"
    for on, kind in (("cancel", "approve-before"), ("read", "approve-after"), ("cancel", "approve-after")):
        for first, steps in (("cancelled", "create cancel deliver tick"), ("abandoned", "create abandon deliver tick")):
            yield (name, f"{first} while the customer approves ({on}, {kind})", steps, (Fault(on, kind),), {})
        both = (Fault(on, kind), _fault("cancel", "lost-after"))
        yield (name, f"cancelled while the customer approves ({on}, {kind}), answer lost", UNAPPROVED, both, {})


def _behaviours(profile: Profile) -> Iterator[Cell]:
    lost = (_fault("cancel", "lost-after"),)
    yield ("key scope", "keys of one operation", APPROVED, (), {"behaviour": OPERATION})
    yield ("key scope", "keys of one operation, answer lost", APPROVED, lost, {"behaviour": OPERATION})
    yield ("key scope", "keys of one operation, partly shipped", CLOSED, (), {"behaviour": OPERATION})
    repeats = Behaviour(second_cancel="repeat")
    yield (
        "second cancel",
        "a second cancel succeeds again",
        "create approve cancel cancel",
        lost,
        {"behaviour": repeats},
    )
    if profile is Profile.EPAYMENT:
        no_keys = Behaviour(keys_on_cancel=False)
        yield ("second cancel", "already cancelled", APPROVED, lost, {"behaviour": no_keys})
        yield ("second cancel", "already stopped", UNAPPROVED, lost, {"behaviour": no_keys})
        yield ("second cancel", "already closed", CLOSED, lost, {"behaviour": no_keys})
    if profile is Profile.RECURRING:
        later = Behaviour(accepts=True)
        for steps in (APPROVED, UNAPPROVED, CLOSED, "create approve cancel cancel"):
            yield ("accepted for later", f"accepted for later: {steps}", steps, (), {"behaviour": later})
        yield ("accepted for later", "accepted for later, answer lost", APPROVED, lost, {"behaviour": later})


def _rest() -> Iterator[Cell]:
    repeats = Behaviour(second_cancel="repeat")
    name = "approved, then cancelled"
    for kind in _READS:
        yield (name, f"{name}, reads with {kind}", APPROVED, (_fault("read", kind),), {})
        yield (
            name,
            f"{name}, reads with {kind} until the end",
            "create approve cancel tick",
            (_fault("read", kind, 0),),
            {},
        )
    name = "partly shipped, then closed"
    for kind in _CAPTURES:
        yield (name, f"{name}, capture with {kind}", CLOSED, (_fault("capture", kind),), {})
    for kind in _CLOSING:
        yield (name, f"{name}, with {kind}", CLOSED, (_fault("cancel", kind),), {})
    name = "cancelled, process restarted"
    for kind in ("lost-after", "error-500", "lost-before"):
        steps = "create approve deliver cancel restart tick"
        yield (name, f"{name}, with {kind}", steps, (_fault("cancel", kind),), {})
    yield (
        "cancelled twice",
        "cancelled twice, with lost-after",
        "create approve cancel cancel",
        (_fault("cancel", "lost-after"),),
        {},
    )
    yield (
        "cancelled twice",
        "cancelled twice, with error-500",
        "create approve cancel cancel",
        (_fault("cancel", "error-500"),),
        {},
    )
    for kind in _CREATING:
        fault = (_fault("create", kind),)
        yield ("checkout", f"checkout with {kind}, cancelled", "create approve deliver cancel", fault, {})
        yield ("checkout", f"checkout with {kind}, abandoned", "create cancel", fault, {})
    name = "cancelled twice at once"
    for steps in (
        "create approve deliver cancel_together tick",
        "create cancel_together deliver tick",
        "create approve deliver capture:400 cancel_together tick",
    ):
        yield (name, f"{name}: {steps}", steps, (), {})
        yield (name, f"{name}, a second cancel succeeds again: {steps}", steps, (), {"behaviour": repeats})
    yield ("tokens", "no token at first", APPROVED, (_fault("token", "error-500"),), {})


def _history(profile: Profile, steps: str, faults: tuple[Fault, ...], options: dict[str, object]) -> MerchantHistory:
    made = tuple(_step(word) for word in steps.split())
    amounts = options.get("amounts") or (1000,) * (1 + max(step.order for step in made))
    behaviour = options.get("behaviour") or Behaviour()
    assert isinstance(amounts, tuple)
    assert isinstance(behaviour, Behaviour)
    return MerchantHistory(profile, amounts, made, faults, behaviour)


def _step(word: str) -> Step:
    word, _, order = word.partition("@")
    name, _, number = word.partition(":")
    return Step(name, int(order or 0), int(number or 0))
