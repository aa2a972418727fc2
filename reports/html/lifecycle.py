"""The payment lifecycle of a run: states, transitions, and cancels in each state.

It follows from the evidence: an accepted step moves the order to another state, a refused one does not. An order is not
followed beyond two concurrent requests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from conformance.domain.api_table import spec_of
from conformance.domain.observation import Field
from conformance.domain.order import Profile
from conformance.domain.steps import (
    Addressee,
    Age,
    Cancel,
    Capture,
    Initiate,
    Leave3DS,
    Read,
    Step,
    StopAgreement,
    Together,
    name_of,
)
from conformance.evidence.records import JudgementRecord
from conformance.reports.html.charts import money_of
from conformance.reports.html.histories import HistoryView
from conformance.reports.wording.provider import counted

INITIATED, SECURE, RESERVED, PARTLY, CAPTURED = "initiated", "in 3-D Secure", "reserved", "partly captured", "captured"
CANCELLED, RELEASED, REJECTED, EXPIRED = "cancelled", "rest released", "rejected", "timed out"
PENDING, DUE, PROCESSING, FAILED = "pending", "due", "processing", "failed"
BEGINNING: Final = "begins"

Transition = tuple[str, str]
Position = tuple[int, int]

_PAYMENT: Final[Mapping[str, Position]] = {
    INITIATED: (0, 1), SECURE: (1, 0), RESERVED: (2, 1), PARTLY: (3, 1), CAPTURED: (4, 0),
    EXPIRED: (0, 2), REJECTED: (1, 2), CANCELLED: (2, 2), RELEASED: (4, 2),
}  # fmt: skip
_PAYMENT_TRANSITIONS: Final[tuple[Transition, ...]] = (
    (INITIATED, SECURE), (INITIATED, RESERVED), (INITIATED, CANCELLED), (INITIATED, REJECTED), (INITIATED, EXPIRED),
    (SECURE, RESERVED), (SECURE, REJECTED), (RESERVED, PARTLY), (RESERVED, CAPTURED), (RESERVED, CANCELLED),
    (PARTLY, CAPTURED), (PARTLY, RELEASED),
)  # fmt: skip
_CHARGE: Final[Mapping[str, Position]] = {
    PENDING: (0, 0), DUE: (1, 0), PROCESSING: (2, 0), FAILED: (3, 0),
    RESERVED: (2, 1), PARTLY: (3, 2), CAPTURED: (4, 1), CANCELLED: (1, 2), RELEASED: (4, 2),
}  # fmt: skip
_CHARGE_TRANSITIONS: Final[tuple[Transition, ...]] = (
    (PENDING, DUE), (DUE, PROCESSING), (DUE, RESERVED), (PROCESSING, RESERVED), (PROCESSING, CAPTURED),
    (PROCESSING, FAILED), (PENDING, CANCELLED), (DUE, CANCELLED), (RESERVED, CANCELLED), (RESERVED, PARTLY),
    (RESERVED, CAPTURED), (PARTLY, CAPTURED), (PARTLY, RELEASED),
)  # fmt: skip
_MOVES: Final[Mapping[str, str]] = {
    "approve": RESERVED, "reject": REJECTED, "expire": EXPIRED, "enter-3ds": SECURE, "become-due": DUE,
    "start-processing": PROCESSING, "reserve": RESERVED, "charge": CAPTURED, "fail": FAILED,
}  # fmt: skip
_OPENINGS: Final[Mapping[str, str]] = {"initial-reserve": RESERVED, "charge-reserve": PENDING, "charge-direct": PENDING}
_ACCEPTED: Final = ("accepted", "pending")

_WIDTH, _HEIGHT, _ACROSS, _DOWN, _MARGIN = 132, 50, 200, 108, 8
_LABEL: Final = 0.3
"""Where along a line its count stands: before the middle, where lines cross."""


@dataclass(frozen=True, slots=True)
class StateView:
    """A state: how many orders reached it, and how its cancels were answered."""

    name: str
    orders: int
    accepted: int
    refused: int


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """One API's states, and its transitions with their counts, which may be 0."""

    profile: Profile
    states: tuple[StateView, ...]
    transitions: tuple[tuple[str, str, int], ...]

    @property
    def words(self) -> str:
        """The content of the drawing, in a sentence."""
        taken = sum(count > 0 for _, _, count in self.transitions)
        cancels = sum(state.accepted + state.refused for state in self.states)
        return (
            f"The life of an order in {spec_of(self.profile).title}: {taken} of {len(self.transitions)} ways between "
            f"{len(self.states)} stages were gone, and {counted(cancels, 'cancel')} arrived. The table says the same."
        )

    @property
    def drawing(self) -> Markup:
        """The drawing, as SVG."""
        return _draw(self)


def lifecycles_of(plays: Iterable[HistoryView]) -> list[Lifecycle]:
    """Return the lifecycle of each API that was tested.

    Histories of shrinking do not count.
    """
    groups: dict[Profile, list[HistoryView]] = {}
    for play in plays:
        if play.is_counted:
            groups.setdefault(play.profile, []).append(play)
    return [_lifecycle(profile, group) for profile, group in groups.items()]


def _lifecycle(profile: Profile, plays: Iterable[HistoryView]) -> Lifecycle:
    positions, documented = (
        (_CHARGE, _CHARGE_TRANSITIONS) if spec_of(profile).belongs_to_agreement else (_PAYMENT, _PAYMENT_TRANSITIONS)
    )
    transitions: Counter[Transition] = Counter()
    reached: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for play in plays:
        for before, after, cancel, was_accepted in _moves(play):
            if after != before:
                transitions[before, after] += 1
                reached[after] += 1
            if cancel and before != BEGINNING:
                (accepted if was_accepted else refused)[before] += 1
    states = tuple(StateView(name, reached[name], accepted[name], refused[name]) for name in positions)
    others = [transition for transition in transitions if transition not in documented and BEGINNING not in transition]
    return Lifecycle(
        profile, states, tuple((*transition, transitions[transition]) for transition in (*documented, *sorted(others)))
    )


def _moves(play: HistoryView) -> Iterator[tuple[str, str, bool, bool]]:
    """Yield the state before and after each step, and how the step was answered.

    The last two elements say whether it cancels the order, and whether it was accepted.
    """
    history = play.history
    state = BEGINNING
    for number, step in enumerate(history.all_steps):
        judgement = play.judgement_of(number)
        if judgement is None or isinstance(step, Together):
            return
        outcome = judgement.observed.get(Field.ANSWER_OUTCOME)
        if outcome is None and not isinstance(step, Read | Age):
            return
        accepted = outcome in _ACCEPTED
        after = _after(state, step, judgement, history.opening) if accepted else state
        cancel = isinstance(step, Cancel) and step.to is Addressee.OWN and step.defect is None
        yield state, after, cancel, accepted
        state = after


def _after(state: str, step: Initiate | Step, judgement: JudgementRecord, opening: Initiate) -> str:
    money = money_of(judgement.observed, opening.amount)
    if isinstance(step, Initiate):
        return _OPENINGS.get(step.kind, INITIATED)
    if isinstance(step, Leave3DS):
        return RESERVED if step.success else REJECTED
    if isinstance(step, Capture):
        return CAPTURED if money is not None and money.reserved == 0 else PARTLY
    ends = isinstance(step, Cancel) and step.to is Addressee.OWN
    if ends or (isinstance(step, StopAgreement) and (money is None or money.reserved == 0)):
        if state == PARTLY:
            return RELEASED
        return state if state in (CAPTURED, RELEASED, CANCELLED, REJECTED, EXPIRED, FAILED) else CANCELLED
    return _MOVES.get(name_of(step), state)


def _draw(life: Lifecycle) -> Markup:
    positions = _CHARGE if spec_of(life.profile).belongs_to_agreement else _PAYMENT
    marker = f"arrow-{life.profile.value}"
    pieces = [
        _draw_transition(positions[start], positions[end], count, marker) for start, end, count in life.transitions
    ]
    pieces += [_draw_state(positions[state.name], state) for state in life.states]
    width = max(across for across, _ in positions.values()) * _ACROSS + _WIDTH + 2 * _MARGIN
    height = max(down for _, down in positions.values()) * _DOWN + _HEIGHT + 2 * _MARGIN
    return Markup(
        '<svg class="life" viewBox="0 0 {} {}" role="img" aria-label="{}"><defs><marker id="{}" viewBox="0 0 8 8" '
        'refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>'
        "{}</svg>"
    ).format(width, height, life.words, marker, Markup("").join(pieces))


def _corner(position: Position) -> tuple[int, int]:
    return _MARGIN + position[0] * _ACROSS, _MARGIN + position[1] * _DOWN


def _middle(position: Position) -> tuple[float, float]:
    x, y = _corner(position)
    return x + _WIDTH / 2, y + _HEIGHT / 2


def _draw_transition(start: Position, end: Position, count: int, marker: str) -> Markup:
    """Draw a transition from box to box, with its count beside it."""
    (x1, y1), (x2, y2) = _middle(start), _middle(end)
    across, down = x2 - x1, y2 - y1
    # The share of the line that lies inside a box.
    inside = min(_WIDTH / 2 / abs(across) if across else 1, _HEIGHT / 2 / abs(down) if down else 1)
    ax, ay = x1 + across * inside, y1 + down * inside
    bx, by = x2 - across * inside, y2 - down * inside
    kind = "way" if count else "way ungone"
    return Markup(
        '<path class="{}" d="M{:.0f} {:.0f}L{:.0f} {:.0f}" marker-end="url(#{})"/>'
        '<text class="count" x="{:.0f}" y="{:.0f}">{}</text>'
    ).format(kind, ax, ay, bx, by, marker, ax + (bx - ax) * _LABEL + 4, ay + (by - ay) * _LABEL - 5, f"{count:,}")


def _draw_state(position: Position, state: StateView) -> Markup:
    x, y = _corner(position)
    kind = "stage" if state.orders else "stage ungone"
    text = f"✓ {state.accepted:,}   ✕ {state.refused:,}" if state.accepted + state.refused else "no cancel"
    return Markup(
        '<g class="{}"><rect x="{}" y="{}" width="{}" height="{}" rx="6"/><text class="name" x="{}" y="{}">{}</text>'
        '<text class="told" x="{}" y="{}">{}</text></g>'
    ).format(kind, x, y, _WIDTH, _HEIGHT, x + 9, y + 20, state.name, x + 9, y + 39, text)
