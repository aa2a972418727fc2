"""M41: the currency of the sales unit and the time zone of the process change nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from conformance.domain.order import Market
from conformance.obligations.finding import ObligationFinding, broken, broken_by, describe_snapshot, met
from conformance.obligations.history import ZONES, MerchantStep
from conformance.obligations.observation import BookSnapshot, MerchantTrace, ObservedRequest
from conformance.obligations.request_rules import old_token

_COMPARED: Final = ("stage", "authorized", "captured", "refunded", "cancelled", "remaining")
"""The fields of a payment that two equal lives leave equal."""


def m41_surroundings(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """Requests name the payment's currency, and an order ends in one time zone as it does in another."""
    return _wrong_currency(trace, order) or _zone_difference(trace, order)


def _wrong_currency(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """Return the finding on the currencies that an order's requests name; None where they name none."""
    finding: ObligationFinding | None = None
    for request in trace.requests:
        expected = _expected_currency(trace, request) if request.owner == order else ""
        if not expected or request.method == "GET":
            continue
        for named in _currencies(request.json()):
            if named.upper() != expected:
                return broken_by(request, f"{request.request_line} names {named}, and the payment is in {expected}")
            if trace.history.behaviour.market:
                finding = finding or met(request.step)
    return finding


def _expected_currency(trace: MerchantTrace, request: ObservedRequest) -> str:
    """Return the currency of the payment that a request is about; empty where nothing says which it is."""
    if request.operation == "create":
        market = trace.history.behaviour.market
        return Market(market).currency if market else ""
    return request.before.currency if request.before is not None else ""


def _currencies(value: Any) -> Iterator[str]:
    """Yield every currency that a body names."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            if name == "currency" and isinstance(member, str):
                yield member
            else:
                yield from _currencies(member)
    elif isinstance(value, list):
        for member in value:
            yield from _currencies(member)


def _zone_difference(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """Return the finding on an order that goes through the life of the first one, in another time zone."""
    moved = next((place for place, step in enumerate(trace.history.steps) if step.do in ZONES), None)
    if order == 0 or moved is None or trace.history.faults or old_token(trace, order) is not None:
        # The second life begins with the token of the first: one that is never renewed is no matter of the zone.
        return None
    steps = [step for step in trace.history.steps if step.do not in ZONES]
    if not _same_lives(steps[:moved], steps[moved:], order) or len(set(trace.history.amounts)) > 1:
        return None
    first, second = _snapshot_until(trace, 0, moved), _snapshot_until(trace, order, trace.last_step)
    if first is None or second is None:
        return None
    if _standing(first) != _standing(second) and _differ_at_rest(trace, order):
        zone = ZONES[trace.history.steps[moved].do]
        return broken(
            second.step,
            f"in the time zone {zone} {describe_snapshot(second)}; after the same steps in UTC "
            f"{describe_snapshot(first)}",
        )
    return met(second.step)


def _differ_at_rest(trace: MerchantTrace, order: int) -> bool:
    """Return whether the two orders still differ at rest: what failed once, as with an old token, is done by then."""
    first, second = trace.final_state(0), trace.final_state(order)
    return first is None or second is None or _standing(first.snapshot) != _standing(second.snapshot)


def _same_lives(before: list[MerchantStep], after: list[MerchantStep], order: int) -> bool:
    """Return whether an order goes through the steps that the first one went through."""
    return bool(before) and [(each.do, each.number) for each in before] == [
        (each.do, each.number) for each in after if each.order in (0, order)
    ]


def _snapshot_until(trace: MerchantTrace, order: int, step: int) -> BookSnapshot | None:
    """Return an order's last snapshot before a step of the history."""
    return next((each for each in reversed(trace.snapshots_of(order)) if each.step < step), None)


def _standing(snapshot: BookSnapshot) -> tuple[object, ...]:
    """Return what two equal lives leave equal of an order."""
    payment = snapshot.payment
    return (snapshot.status, *(getattr(payment, name, None) for name in _COMPARED))
