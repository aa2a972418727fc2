"""The life of an order as the run went through it: which stages, which ways between them, and where it was cancelled.

Everything is read off the evidence: a step that was accepted moves the order on, one that was refused leaves it where
it was. What an order went through after two requests at the same moment is not followed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from conformance.domain.api_table import spec_of
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

Way = tuple[str, str]
Place = tuple[int, int]

_PAYMENT: Final[Mapping[str, Place]] = {
    INITIATED: (0, 1), SECURE: (1, 0), RESERVED: (2, 1), PARTLY: (3, 1), CAPTURED: (4, 0),
    EXPIRED: (0, 2), REJECTED: (1, 2), CANCELLED: (2, 2), RELEASED: (4, 2),
}  # fmt: skip
_PAYMENT_WAYS: Final[tuple[Way, ...]] = (
    (INITIATED, SECURE), (INITIATED, RESERVED), (INITIATED, CANCELLED), (INITIATED, REJECTED), (INITIATED, EXPIRED),
    (SECURE, RESERVED), (SECURE, REJECTED), (RESERVED, PARTLY), (RESERVED, CAPTURED), (RESERVED, CANCELLED),
    (PARTLY, CAPTURED), (PARTLY, RELEASED),
)  # fmt: skip
_CHARGE: Final[Mapping[str, Place]] = {
    PENDING: (0, 0), DUE: (1, 0), PROCESSING: (2, 0), FAILED: (3, 0),
    RESERVED: (2, 1), PARTLY: (3, 2), CAPTURED: (4, 1), CANCELLED: (1, 2), RELEASED: (4, 2),
}  # fmt: skip
_CHARGE_WAYS: Final[tuple[Way, ...]] = (
    (PENDING, DUE), (DUE, PROCESSING), (DUE, RESERVED), (PROCESSING, RESERVED), (PROCESSING, CAPTURED),
    (PROCESSING, FAILED), (PENDING, CANCELLED), (DUE, CANCELLED), (RESERVED, CANCELLED), (RESERVED, PARTLY),
    (RESERVED, CAPTURED), (PARTLY, CAPTURED), (PARTLY, RELEASED),
)  # fmt: skip
_MOVES: Final[Mapping[str, str]] = {
    "approve": RESERVED, "reject": REJECTED, "expire": EXPIRED, "enter-3ds": SECURE, "become-due": DUE,
    "start-processing": PROCESSING, "reserve": RESERVED, "charge": CAPTURED, "fail": FAILED,
}  # fmt: skip
_OPENINGS: Final[Mapping[str, str]] = {"initial-reserve": RESERVED, "charge-reserve": PENDING, "charge-direct": PENDING}
_TAKEN: Final = ("accepted", "pending")

_WIDTH, _HEIGHT, _ACROSS, _DOWN, _MARGIN = 132, 50, 200, 108, 8
_LABEL: Final = 0.3
"""Where along a way its count stands: before the middle, in which ways cross."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One stage: how many cancels arrived there and were accepted, and how many were refused."""

    name: str
    orders: int
    accepted: int
    refused: int


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """One profile's stages and the ways between them, each with how often it was gone; 0 where it never was."""

    profile: Profile
    stops: tuple[Stop, ...]
    ways: tuple[tuple[str, str, int], ...]

    @property
    def words(self) -> str:
        """What the picture shows, in a sentence."""
        gone = sum(count > 0 for _, _, count in self.ways)
        cancels = sum(stop.accepted + stop.refused for stop in self.stops)
        return (
            f"The life of an order in {spec_of(self.profile).title}: {gone} of {len(self.ways)} ways between "
            f"{len(self.stops)} stages were gone, and {counted(cancels, 'cancel')} arrived. The table says the same."
        )

    @property
    def drawing(self) -> Markup:
        """The picture."""
        return _drawn(self)


def lifecycles_of(plays: Iterable[HistoryView]) -> list[Lifecycle]:
    """Return the life of an order in each profile that was played; histories of shrinking searches do not count."""
    found: dict[Profile, list[HistoryView]] = {}
    for play in plays:
        if play.counts:
            found.setdefault(play.profile, []).append(play)
    return [_lifecycle(profile, each) for profile, each in found.items()]


def _lifecycle(profile: Profile, plays: Iterable[HistoryView]) -> Lifecycle:
    places, usual = (_CHARGE, _CHARGE_WAYS) if spec_of(profile).belongs_to_agreement else (_PAYMENT, _PAYMENT_WAYS)
    ways: Counter[Way] = Counter()
    reached: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for play in plays:
        for before, after, cancel, taken in _moves(play):
            if after != before:
                ways[before, after] += 1
                reached[after] += 1
            if cancel and before != BEGINNING:
                (accepted if taken else refused)[before] += 1
    stops = tuple(Stop(name, reached[name], accepted[name], refused[name]) for name in places)
    others = [way for way in ways if way not in usual and BEGINNING not in way]
    return Lifecycle(profile, stops, tuple((*way, ways[way]) for way in (*usual, *sorted(others))))


def _moves(play: HistoryView) -> Iterator[tuple[str, str, bool, bool]]:
    """Yield for every step the stage before and after it, whether it cancels the order, and whether it was taken."""
    history = play.history
    stage = BEGINNING
    for number, step in enumerate(history.all_steps):
        judgement = play.judged(number)
        if judgement is None or isinstance(step, Together):
            return
        outcome = judgement.observed.get("answer.outcome")
        if outcome is None and not isinstance(step, Read | Age):
            return
        taken = outcome in _TAKEN
        after = _after(stage, step, judgement, history.opening) if taken else stage
        cancel = isinstance(step, Cancel) and step.to is Addressee.OWN and step.defect is None
        yield stage, after, cancel, taken
        stage = after


def _after(stage: str, step: Initiate | Step, judgement: JudgementRecord, opening: Initiate) -> str:
    money = money_of(judgement.observed, opening.amount)
    if isinstance(step, Initiate):
        return _OPENINGS.get(step.kind, INITIATED)
    if isinstance(step, Leave3DS):
        return RESERVED if step.success else REJECTED
    if isinstance(step, Capture):
        return CAPTURED if money is not None and money.reserved == 0 else PARTLY
    ends = isinstance(step, Cancel) and step.to is Addressee.OWN
    if ends or (isinstance(step, StopAgreement) and (money is None or money.reserved == 0)):
        if stage == PARTLY:
            return RELEASED
        return stage if stage in (CAPTURED, RELEASED, CANCELLED, REJECTED, EXPIRED, FAILED) else CANCELLED
    return _MOVES.get(name_of(step), stage)


def _drawn(life: Lifecycle) -> Markup:
    places = _CHARGE if spec_of(life.profile).belongs_to_agreement else _PAYMENT
    marker = f"arrow-{life.profile.value}"
    pieces = [_line(places[one], places[other], count, marker) for one, other, count in life.ways]
    pieces += [_box(places[stop.name], stop) for stop in life.stops]
    width = max(across for across, _ in places.values()) * _ACROSS + _WIDTH + 2 * _MARGIN
    height = max(down for _, down in places.values()) * _DOWN + _HEIGHT + 2 * _MARGIN
    return Markup(
        '<svg class="life" viewBox="0 0 {} {}" role="img" aria-label="{}"><defs><marker id="{}" viewBox="0 0 8 8" '
        'refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>'
        "{}</svg>"
    ).format(width, height, life.words, marker, Markup("").join(pieces))


def _corner(place: Place) -> tuple[int, int]:
    return _MARGIN + place[0] * _ACROSS, _MARGIN + place[1] * _DOWN


def _middle(place: Place) -> tuple[float, float]:
    x, y = _corner(place)
    return x + _WIDTH / 2, y + _HEIGHT / 2


def _line(start: Place, end: Place, count: int, marker: str) -> Markup:
    """Draw a way from the border of one box to that of another, with its count beside it."""
    (x1, y1), (x2, y2) = _middle(start), _middle(end)
    across, down = x2 - x1, y2 - y1
    # The share of the whole way that lies inside a box.
    inside = min(_WIDTH / 2 / abs(across) if across else 1, _HEIGHT / 2 / abs(down) if down else 1)
    ax, ay = x1 + across * inside, y1 + down * inside
    bx, by = x2 - across * inside, y2 - down * inside
    kind = "way" if count else "way ungone"
    return Markup(
        '<path class="{}" d="M{:.0f} {:.0f}L{:.0f} {:.0f}" marker-end="url(#{})"/>'
        '<text class="count" x="{:.0f}" y="{:.0f}">{}</text>'
    ).format(kind, ax, ay, bx, by, marker, ax + (bx - ax) * _LABEL + 4, ay + (by - ay) * _LABEL - 5, f"{count:,}")


def _box(place: Place, stop: Stop) -> Markup:
    x, y = _corner(place)
    kind = "stage" if stop.orders else "stage ungone"
    told = f"✓ {stop.accepted:,}   ✕ {stop.refused:,}" if stop.accepted + stop.refused else "no cancel"
    return Markup(
        '<g class="{}"><rect x="{}" y="{}" width="{}" height="{}" rx="6"/><text class="name" x="{}" y="{}">{}</text>'
        '<text class="told" x="{}" y="{}">{}</text></g>'
    ).format(kind, x, y, _WIDTH, _HEIGHT, x + 9, y + 20, stop.name, x + 9, y + 39, told)
