"""The systematic set of merchant histories: every course of an order and every fault, the most telling first.

A history's steps are written as text, one word each: ``create approve deliver cancel``. A number follows a colon
(``capture:400`` captures 4.00), and the number of another order than the first follows an at-sign (``cancel@1``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from conformance.domain.api_spec import CancelKey
from conformance.domain.api_table import spec_of
from conformance.domain.order import Profile
from conformance.obligations.history import SIMPLEST_AMOUNT, Behaviour, Fault, MerchantHistory, MerchantStep

RETRY_AFTER: Final = 30
"""Seconds that ``Retry-After`` asks the merchant to wait."""


@dataclass(frozen=True, slots=True)
class MerchantSituation:
    """One history of the systematic set.

    ``name`` is the course of the order, ``label`` says in words what the history tries.
    """

    name: str
    label: str
    history: MerchantHistory


APPROVED: Final = "create approve deliver tick cancel"
UNAPPROVED: Final = "create cancel"
LATE: Final = "create cancel approve deliver tick"
CLOSED: Final = "create approve deliver capture:400 cancel"
DEFAULT: Final = Behaviour()
OPERATION: Final = Behaviour(key_scope="operation")
REPEATS: Final = Behaviour(second_cancel="repeat")

_COURSES: Final[tuple[tuple[str, str], ...]] = (
    ("approved, then cancelled", APPROVED),
    ("cancelled before approval", UNAPPROVED),
    ("partly shipped, then closed", CLOSED),
    ("cancelled, then approved", LATE),
    ("two orders, both cancelled", "create create@1 approve approve@1 deliver cancel cancel@1"),
    ("abandoned, then approved late", "create abandon approve deliver tick"),
    ("abandoned after an approval that is not known", "create approve abandon"),
    ("approved, then abandoned", "create approve deliver tick abandon"),
    ("cancelled twice", "create approve deliver cancel cancel"),
    ("shipped, then cancelled", "create approve deliver capture:1000 cancel"),
    ("rejected by the customer", "create reject deliver tick"),
    ("timed out", "create expire deliver tick cancel"),
    ("cancelled in the portal", "create approve deliver tick portal_cancel deliver tick"),
    ("cancelled in the portal, unnoticed", "create approve deliver tick portal_cancel lose tick"),
    (
        "partly shipped, cancelled in the portal",
        "create approve deliver tick capture:400 portal_cancel deliver tick",
    ),
    ("cancelled, process restarted", "create approve deliver restart cancel restart"),
    ("cancelled before approval, twice", "create cancel cancel"),
    ("notifications doubled", "create approve deliver_twice cancel deliver_twice"),
    ("notifications reversed", "create approve capture:400 cancel deliver_reversed"),
    ("cancelled, notifications reversed", "create approve cancel tick deliver_reversed"),
    ("partly shipped in two, then closed", "create approve deliver capture:300 capture:300 cancel"),
    ("in 3-D Secure, then paid", "create start_3ds cancel finish_3ds deliver tick"),
    ("in 3-D Secure, then failed", "create start_3ds cancel fail_3ds deliver tick"),
    ("too old", "create approve deliver tick age:200 cancel"),
    ("too old", "create approve tick age:186 cancel cancel"),
    ("partly shipped, too old", "create approve deliver capture:400 age:200 cancel"),
    ("two orders, one cancelled", "create create@1 approve approve@1 deliver cancel@1 tick"),
    ("odd amounts, partly shipped", "create approve deliver capture:115 cancel"),
)
"""The courses of an order: a name, and the steps."""
_ODD_AMOUNTS: Final = {"odd amounts, partly shipped": (1999,)}
"""The amounts of courses that are about odd ones; the others have the simplest."""

_FAULTS_ONCE: Final = (
    "error-500", "lost-after", "lost-before", "empty-200", "html-200", "unchanged-200", "error-500-after", "busy-429",
    "sticky-400", "missing-404", "redirect-302", "forbidden-403", "accepted-202", "empty-200-after", "html-200-after",
    "error-503", "processing-409", "locked-423", "timeout-408", "unauthorized-401", "error-502-html", "slow-after",
    "twice",
)  # fmt: skip
_FAULTS_ALWAYS: Final = ("error-500", "busy-429", "lost-before", "forbidden-403", "error-503")
_FAULTS_BEFORE_APPROVAL: Final = (
    "error-500",
    "lost-before",
    "missing-404",
    "redirect-302",
    "html-200",
    "unchanged-200",
    "sticky-400",
)
_FAULTS_OF_READS: Final = ("missing-404", "error-500", "forbidden-403", "html-200", "lost-before")
_FAULTS_OF_CAPTURES: Final = ("error-500", "lost-after", "lost-before", "locked-423")
_FAULTS_OF_CREATION: Final = ("lost-after", "error-500-after", "lost-before", "error-500", "busy-429")
_FAULTS_OF_CLOSING: Final = ("lost-after", "error-500", "empty-200", "busy-429")


@dataclass(frozen=True, slots=True)
class Cell:
    """One history of the set, before its steps are parsed. ``name`` is the course that it belongs to."""

    name: str
    label: str
    steps: str
    faults: tuple[Fault, ...] = ()
    behaviour: Behaviour = DEFAULT

    def history(self, profile: Profile) -> MerchantHistory:
        """Return the cell's history in an API."""
        steps = tuple(_step(text) for text in self.steps.split())
        amounts = _ODD_AMOUNTS.get(self.name) or (SIMPLEST_AMOUNT,) * (1 + max(step.order for step in steps))
        return MerchantHistory(profile, amounts, steps, self.faults, self.behaviour)


def systematic_merchant_cases(profile: Profile) -> list[MerchantSituation]:
    """Return the systematic set of an API, in the order in which it is run."""
    situations: dict[MerchantHistory, MerchantSituation] = {}
    for cell in _cells(profile):
        history = cell.history(profile)
        situations.setdefault(history, MerchantSituation(cell.name, cell.label, history))
    return list(situations.values())


def _cells(profile: Profile) -> Iterator[Cell]:
    yield from _interleaved(list(_courses(profile)), list(_with_faults()))
    yield from _races()
    yield from _behaviours(profile)
    yield from _more_faults()
    yield from _cancelled_together()
    yield Cell("tokens", "no token at first", APPROVED, (_fault("token", "error-500"),))


def _interleaved(courses: list[Cell], faulty: list[Cell]) -> Iterator[Cell]:
    """Return the first courses, then courses and faults in turn, so that a short run has both."""
    yield from courses[:6]
    further = courses[6:]
    for turn in range(max(len(further), len(faulty))):
        yield from further[turn : turn + 1]
        yield from faulty[turn : turn + 1]


def _courses(profile: Profile) -> Iterator[Cell]:
    for name, steps in _COURSES:
        if "expire" in steps and "expire" not in spec_of(profile).steps:
            continue
        yield Cell(name, name, steps)


def _fault(on: str, kind: str, times: int = 1) -> Fault:
    seconds = RETRY_AFTER if kind in ("busy-429", "error-503", "slow-after") else 0
    return Fault(on, kind, times=times, seconds=seconds)


def _with_faults() -> Iterator[Cell]:
    name = "approved, then cancelled"
    for kind in _FAULTS_ONCE:
        yield Cell(name, f"{name}, with {kind}", APPROVED, (_fault("cancel", kind),))
    for kind in _FAULTS_ALWAYS:
        yield Cell(name, f"{name}, with {kind} until the end", APPROVED, (_fault("cancel", kind, 0),))
    name = "cancelled, then approved"
    for kind in _FAULTS_BEFORE_APPROVAL:
        yield Cell(name, f"{name}, with {kind}", LATE, (_fault("cancel", kind),))


def _races() -> Iterator[Cell]:
    name = "approval and cancel cross"
    for on, kind in (("cancel", "approve-before"), ("read", "approve-after"), ("cancel", "approve-after")):
        for end, steps in (("cancelled", "create cancel deliver tick"), ("abandoned", "create abandon deliver tick")):
            yield Cell(name, f"{end} while the customer approves ({on}, {kind})", steps, (Fault(on, kind),))
        both = (Fault(on, kind), _fault("cancel", "lost-after"))
        yield Cell(name, f"cancelled while the customer approves ({on}, {kind}), answer lost", UNAPPROVED, both)


def _behaviours(profile: Profile) -> Iterator[Cell]:
    lost = (_fault("cancel", "lost-after"),)
    name = "key scope"
    yield Cell(name, "keys of one operation", APPROVED, (), OPERATION)
    yield Cell(name, "keys of one operation, answer lost", APPROVED, lost, OPERATION)
    yield Cell(name, "keys of one operation, partly shipped", CLOSED, (), OPERATION)
    name = "second cancel"
    yield Cell(name, "a second cancel succeeds again", "create approve cancel cancel", lost, REPEATS)
    spec = spec_of(profile)
    if spec.cancel_key is CancelKey.DISPUTED:
        no_keys = Behaviour(keys_on_cancel=False)
        yield Cell(name, "already cancelled", APPROVED, lost, no_keys)
        yield Cell(name, "already stopped", UNAPPROVED, lost, no_keys)
        yield Cell(name, "already closed", CLOSED, lost, no_keys)
    if spec.may_cancel_later:
        name, later = "accepted for later", Behaviour(accepts=True)
        for steps in (APPROVED, UNAPPROVED, CLOSED, "create approve cancel cancel"):
            yield Cell(name, f"{name}: {steps}", steps, (), later)
        yield Cell(name, f"{name}, answer lost", APPROVED, lost, later)


def _more_faults() -> Iterator[Cell]:
    """Return faults of other requests than the cancel, and of cancels in other courses."""
    name = "approved, then cancelled"
    for kind in _FAULTS_OF_READS:
        yield Cell(name, f"{name}, reads with {kind}", APPROVED, (_fault("read", kind),))
        always = (_fault("read", kind, 0),)
        yield Cell(name, f"{name}, reads with {kind} until the end", "create approve cancel tick", always)
    name = "partly shipped, then closed"
    for kind in _FAULTS_OF_CAPTURES:
        yield Cell(name, f"{name}, capture with {kind}", CLOSED, (_fault("capture", kind),))
    for kind in _FAULTS_OF_CLOSING:
        yield Cell(name, f"{name}, with {kind}", CLOSED, (_fault("cancel", kind),))
    name, steps = "cancelled, process restarted", "create approve deliver cancel restart tick"
    for kind in ("lost-after", "error-500", "lost-before"):
        yield Cell(name, f"{name}, with {kind}", steps, (_fault("cancel", kind),))
    name, steps = "cancelled twice", "create approve cancel cancel"
    for kind in ("lost-after", "error-500"):
        yield Cell(name, f"{name}, with {kind}", steps, (_fault("cancel", kind),))
    name = "checkout"
    for kind in _FAULTS_OF_CREATION:
        fault = (_fault("create", kind),)
        yield Cell(name, f"{name} with {kind}, cancelled", "create approve deliver cancel", fault)
        yield Cell(name, f"{name} with {kind}, abandoned", "create cancel", fault)


def _cancelled_together() -> Iterator[Cell]:
    name = "cancelled twice at once"
    for steps in (
        "create approve deliver cancel_together tick",
        "create cancel_together deliver tick",
        "create approve deliver capture:400 cancel_together tick",
    ):
        yield Cell(name, f"{name}: {steps}", steps)
        yield Cell(name, f"{name}, a second cancel succeeds again: {steps}", steps, (), REPEATS)


def _step(text: str) -> MerchantStep:
    """Return the step of a word such as ``capture:400@1``."""
    text, _, order = text.partition("@")
    name, _, number = text.partition(":")
    return MerchantStep(name, int(order or 0), int(number or 0))
