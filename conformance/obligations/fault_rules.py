"""M25 to M30: trouble on the way, what is asked twice, and what others do."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from conformance.obligations.finding import Said, at, broken, ended, met, stands
from conformance.obligations.observation import MerchantTrace, ObservedRequest
from conformance.obligations.outcome_rules import called_cancelled, proof
from conformance.obligations.response_reader import Outcome, outcome, retry_after
from conformance.obligations.timing_rules import HONOURED, end_wanted

PER_MINUTE: Final = 5
AT_ONCE: Final = 3
"""So many requests may follow each other without a pause after failures of the server's."""
SLACK: Final = 0.25
"""Seconds that clocks may differ by."""


def m25_unknown(seen: MerchantTrace, order: int) -> Said:
    """What happened is found out before anything is decided."""
    unknown = [one for one in seen.cancels(order) if outcome(one) is Outcome.UNKNOWN]
    if not unknown:
        return None
    books = called_cancelled(seen, order)
    if books is not None:
        last = next((one for one in reversed(seen.cancels(order)) if one.n < books.n), None)
        if last is not None and outcome(last) is Outcome.UNKNOWN and (last.status is None or ended(books.truth)):
            said = "no answer" if last.status is None else f"HTTP {last.status}"
            return broken(books.step, f"{last.where} got {said}, and was decided upon without a look: {stands(books)}")
    taken_back = _never_looked(seen, order, unknown[-1])
    return taken_back or met(unknown[0].step)


def _never_looked(seen: MerchantTrace, order: int, lost: ObservedRequest) -> Said:
    """Say so where a cancel that was done is taken for a failed one at the end, and nobody asked what became of it."""
    quiet = seen.quiet(order)
    if quiet is None or quiet.status not in ("open", "authorized") or lost.before is None or lost.after is None:
        return None
    took_effect = lost.after.cancelled > lost.before.cancelled
    since = [one for one in seen.of(order) if one.n > lost.n]
    asked = any(
        one.operation == "read" or (one.operation == "cancel" and (one.api == "ecom" or one.key == lost.key))
        for one in since
    )
    if not took_effect or not ended(quiet.truth) or asked:
        return None
    return broken(seen.last_step, f"{lost.where} got no usable answer, and was taken for a failure: {stands(quiet)}")


def m26_converge(seen: MerchantTrace, order: int) -> Said:
    """A refusal because it is already cancelled is looked into, and ends as a success."""
    already = [
        one
        for one in seen.cancels(order)
        if outcome(one) is Outcome.REFUSED
        and one.before is not None
        and one.before.released
        and one.before.ended
        and not one.before.late
    ]
    quiet = seen.quiet(order)
    if not already or quiet is None:
        return None
    if ended(quiet.truth) and quiet.status not in ("cancelled", "captured"):
        return broken(seen.last_step, f"{already[-1].where} was refused as it was cancelled already; {stands(quiet)}")
    books = called_cancelled(seen, order)
    if books is not None and books.n > already[0].n:
        return broken(
            books.step, f"{already[0].where} was refused, and taken for a cancel without a look at the payment"
        )
    return met(already[0].step)


def m27_limit(seen: MerchantTrace, order: int) -> Said:
    """At most five cancels of a payment within a minute."""
    cancels = seen.cancels(order)
    for first, sixth in zip(cancels, cancels[PER_MINUTE:], strict=False):
        if sixth.at - first.at < 60 - SLACK:
            return at(
                sixth, f"{sixth.where} is the sixth within {sixth.at - first.at:.1f} seconds, and five are allowed"
            )
    return met(cancels[0].step) if len(cancels) > 1 else None


def m27b_policy(seen: MerchantTrace, order: int) -> Said:
    """``Retry-After`` is respected, and failures are met with patience."""
    said: Said = None
    cancels = seen.cancels(order)
    for one, after in pairwise(cancels):
        if outcome(one) not in (Outcome.UNKNOWN, Outcome.PASSING) or one.status == 401 or seen.crossed(one, after):
            continue
        said = said or met(after.step)
        wait = retry_after(one)
        if wait is not None and after.at - one.at < wait - SLACK and _by_itself(seen, one, after):
            return at(
                after, f"{after.where} came {after.at - one.at:.1f} seconds after one that was to wait for {wait:.0f}"
            )
    failed = [one for one in cancels if outcome(one) is Outcome.UNKNOWN]
    for first, last in zip(failed, failed[AT_ONCE:], strict=False):
        if last.at - first.at < 1 and _by_itself(seen, first, last):
            return at(last, f"{AT_ONCE + 1} cancels failed within {last.at - first.at:.1f} seconds, without a pause")
    return said


def _by_itself(seen: MerchantTrace, one: ObservedRequest, after: ObservedRequest) -> bool:
    """Whether nobody asked for a cancel anew between two requests."""
    return not any(one.n < act.n < after.n and act.action in ("cancel", "abandon") for act in seen.acts)


def m28_duplicates(seen: MerchantTrace, order: int) -> Said:
    """What is asked twice happens once, and does no harm."""
    triggers = [one for one in seen.triggers(order) if one.step < seen.last_step]
    twice = len(triggers) > 1 or any(step.do == "deliver_twice" for step in seen.history.steps)
    quiet = seen.quiet(order)
    if not twice or quiet is None or quiet.truth is None:
        return None
    made = {
        one.answer
        for one in seen.exchanges
        if one.operation == "create" and one.order == order and one.status in (200, 201)
    }
    late = [
        one
        for one in seen.exchanges
        if one.operation == "create"
        and one.order == order
        and triggers
        and one.n > triggers[0].n
        and one.status in (200, 201)
    ]
    if late and len(made) > 1:
        return at(late[0], f"{late[0].where} made a second payment after the order had been cancelled")
    was = [one for one in seen.books if one.order == order and one.status == "cancelled" and ended(one.truth)]
    if was and quiet.status not in ("cancelled", "captured") and ended(quiet.truth):
        return broken(seen.last_step, f"the order was cancelled, and asked again became {quiet.status!r}")
    at_once = [one for one, after in pairwise(triggers) if one.step == after.step]
    if at_once and ended(quiet.truth) and quiet.status not in ("cancelled", "captured"):
        return broken(seen.last_step, f"the order was cancelled twice at the same time; {stands(quiet)}")
    return met(seen.last_step) if end_wanted(seen, order) else None


def m29_elsewhere(seen: MerchantTrace, order: int) -> Said:
    """A cancel in the portal is noticed before anything is captured or shipped."""
    portal = [
        one for one in seen.acts if one.action == "portal_cancel" and one.order == order and one.ended == "returned"
    ]
    quiet = seen.quiet(order)
    if not portal or quiet is None or quiet.truth is None:
        return None
    lost = any(step.do == "lose" for step in seen.history.steps)
    told = any(one.action == "deliver" and one.order == order and one.n > portal[0].n for one in seen.acts)
    if "tick" not in seen.offered and (lost or not told):
        return None
    if quiet.status in HONOURED and quiet.truth.ended and not quiet.truth.captured:
        return broken(seen.last_step, f"the payment was cancelled in the portal; {stands(quiet)}")
    captures = [one for one in seen.of(order) if one.operation == "capture" and one.n > portal[0].n]
    if captures and proof(seen, order, captures[0].n):
        return at(captures[0], f"{captures[0].where} was sent although the payment had been cancelled in the portal")
    return met(portal[0].step)


def m30_thread(seen: MerchantTrace, order: int) -> Said:
    """The payment's reference is kept, whatever happens."""
    kept = ""
    said: Said = None
    for one in seen.books:
        if one.order != order:
            continue
        reference = str(one.view.get("reference") or "")
        if kept and reference != kept:
            shown = "no reference" if not reference else f"the reference {reference!r}"
            return broken(one.step, f"the merchant's books have {shown} instead of {kept!r}")
        kept = reference
        said = met(one.step) if kept else said
    return said


def mc1_ends(seen: MerchantTrace, order: int) -> Said:
    """Every action comes to an end."""
    acts = [one for one in seen.acts if one.order in (order, None)]
    for one in acts:
        if one.ended in ("hung", "flooded"):
            return broken(one.step, f"{one.action}: {one.told}")
    return met(acts[0].step) if acts else None


def mc2_nobody_else(seen: MerchantTrace, order: int) -> Said:
    """Nobody but the provider is asked."""
    foreign = [one for one in seen.exchanges if one.operation == "foreign" and one.order in (order, None)]
    if foreign:
        return at(foreign[0], f"{foreign[0].method} {foreign[0].host}{foreign[0].path} was asked for, and not reached")
    mine = [one for one in seen.exchanges if one.order == order]
    return met(mine[0].step) if mine else None
