"""M5 and M10 to M17: when to cancel, and what the order must have come to at the end."""

from __future__ import annotations

from conformance.obligations.finding import Said, at, broken, ended, met, stands
from conformance.obligations.observation import BookSnapshot, MerchantTrace, ObservedRequest
from conformance.obligations.request_rules import flag
from conformance.obligations.response_reader import BUSY_STAGES, Outcome, outcome, shows_charged

HONOURED = ("authorized", "captured")


def end_wanted(seen: MerchantTrace, order: int) -> bool:
    """Whether the shop asked for the end of an order."""
    return bool(seen.triggers(order))


def approved_before(seen: MerchantTrace, order: int) -> bool:
    """Whether the payment was approved before the shop first asked for its end."""
    first = seen.triggers(order)[0]
    known = [one for one in seen.books if one.order == order and one.n < first.n]
    return bool(known) and known[-1].truth is not None and known[-1].truth.authorized > 0


def may_be_honoured(seen: MerchantTrace, order: int) -> bool:
    """Whether the order may go on although its end was asked for: approval and end crossed, or it was abandoned."""
    cancels = [one for one in seen.triggers(order) if one.action == "cancel"]
    return not cancels or not approved_before(seen, order)


def _honoured(seen: MerchantTrace, order: int, quiet: BookSnapshot) -> bool:
    truth = quiet.truth
    return (
        may_be_honoured(seen, order)
        and quiet.status in HONOURED
        and truth is not None
        and not truth.cancelled
        and truth.authorized > 0
    )


def m5_flag(seen: MerchantTrace, order: int) -> Said:
    """``cancelTransactionOnly`` is for payments that were not approved, and must not keep a reservation alive."""
    quiet = seen.quiet(order)
    presses = [one for one in seen.triggers(order) if one.action == "cancel"]
    if quiet is None or quiet.truth is None or not presses:
        return None
    approved = [
        one for one in seen.cancels(order) if one.before is not None and one.before.remaining > 0 and one.reached
    ]
    flagged = [one for one in approved if flag(one, "cancelTransactionOnly")]
    if flagged and len(flagged) == len(approved) and quiet.truth.remaining and not _honoured(seen, order, quiet):
        one = flagged[-1]
        return at(
            one, f"{one.where} has cancelTransactionOnly, and the reserved {quiet.truth.remaining} are never released"
        )
    return met(presses[0].step) if approved or seen.cancels(order) else None


def m10_release(seen: MerchantTrace, order: int) -> Said:
    """What is not wanted any more is not left reserved or payable."""
    quiet = seen.quiet(order)
    if quiet is None or quiet.truth is None or not end_wanted(seen, order):
        return None
    if quiet.truth.stage in BUSY_STAGES:
        # Nobody can cancel it now, and the customer has never come back.
        return None
    if ended(quiet.truth) or _honoured(seen, order, quiet) or quiet.truth.late:
        return met(seen.last_step)
    if not any(one.action == "cancel" for one in seen.triggers(order)) and quiet.truth.remaining:
        return None
    return broken(seen.last_step, f"the order is not wanted, {stands(quiet)}")


def m11_rest(seen: MerchantTrace, order: int) -> Said:
    """eCom: what remains after a partial capture is released with ``shouldReleaseRemainingFunds``."""
    quiet = seen.quiet(order)
    partial = [
        one
        for one in seen.cancels(order)
        if one.api == "ecom" and one.before is not None and one.before.captured and one.before.remaining
    ]
    if not partial or quiet is None or quiet.truth is None:
        return None
    without = [one for one in partial if not flag(one, "shouldReleaseRemainingFunds")]
    if quiet.truth.remaining and len(without) == len(partial):
        return at(without[0], f"{without[0].where} does not say shouldReleaseRemainingFunds, and releases nothing")
    return met(partial[0].step)


def m12_last(seen: MerchantTrace, order: int) -> Said:
    """Nothing is released while a capture that is wanted has not happened."""
    said: Said = None
    for one in seen.cancels(order):
        wanted = sum(
            act.number
            for act in seen.acts
            if act.order == order and act.action == "capture" and act.ended == "returned" and act.n < one.n
        )
        if not wanted or one.before is None or one.after is None or not one.before.authorized:
            continue
        if one.after.cancelled > one.before.cancelled and one.before.captured < wanted:
            return at(
                one,
                f"{one.where} released {one.after.cancelled - one.before.cancelled} while only {one.before.captured} "
                f"of the {wanted} that were to be captured had been",
            )
        said = met(one.step)
    return said


def m13_pointless(seen: MerchantTrace, order: int) -> Said:
    """No cancel where the merchant knows that there is nothing to cancel."""
    known = ""
    said: Said = None
    for one in seen.of(order):
        if one.operation == "cancel":
            if not known and _called_cancelled(seen, order, one):
                known = "the merchant's own books called the order cancelled, and it was"
            if known and one.action in ("cancel", "abandon", "tick"):
                return at(one, f"{one.where} was sent although {known}")
            said = said or met(one.step)
        elif shows_charged(one) and one.after is not None and one.after.captured == one.after.authorized:
            known = "everything had been captured"
            said = said or met(one.step)
    return said


def _called_cancelled(seen: MerchantTrace, order: int, exchange: ObservedRequest) -> bool:
    """Whether both parties' books had the payment as cancelled before a request."""
    known = [one for one in seen.books if one.order == order and one.n < exchange.n]
    return bool(known) and known[-1].status == "cancelled" and ended(known[-1].truth)


def m14_deadline(seen: MerchantTrace, order: int) -> Said:
    """A cancel that comes too late is refused for good."""
    late = [one for one in seen.cancels(order) if one.before is not None and one.before.late]
    asked = seen.triggers(order)
    aged = [one for one in seen.acts if one.action == "age" and one.order == order and one.ended == "returned"]
    if not aged or not asked:
        return None
    final = [one for one in late if one.status == 400]
    if len(final) > len([one for one in asked if one.n > aged[0].n]):
        return at(
            final[-1], f"{final[-1].where} was refused with 400 as too late, and sent again {len(final) - 1} times"
        )
    return met(aged[0].step)


def m15_early(seen: MerchantTrace, order: int) -> Said:
    """An order is not called cancelled while its payment can still be approved and no cancel was even tried."""
    said: Said = None
    for one in seen.books:
        if one.order != order or one.truth is None or not one.truth.payable:
            continue
        said = said or met(one.step)
        tried = [each for each in seen.cancels(order) if each.n < one.n]
        asked = [each for each in seen.of(order) if each.operation == "read" and each.status != 200 and each.n < one.n]
        if one.status == "cancelled" and not tried and not asked:
            return broken(one.step, f"nothing was cancelled, {stands(one)}")
    return said


def m16_race(seen: MerchantTrace, order: int) -> Said:
    """At the end the order is honoured and nothing is cancelled, or it is cancelled and nothing is left."""
    quiet = seen.quiet(order)
    if quiet is None or quiet.truth is None or not end_wanted(seen, order):
        return None
    if quiet.status == "cancelled" and not ended(quiet.truth):
        return broken(seen.last_step, stands(quiet))
    money = (quiet.amount("captured") or 0) > quiet.truth.captured
    # What the provider released by itself at the deadline was no cancel that crossed an approval.
    if (
        not quiet.truth.late
        and quiet.status in HONOURED
        and quiet.truth.ended
        and quiet.truth.released
        and (not quiet.truth.captured or money)
    ):
        return broken(seen.last_step, stands(quiet))
    return met(seen.last_step)


def m17_not_now(seen: MerchantTrace, order: int) -> Said:
    """A cancel that cannot be done now is tried again later."""
    passing = [one for one in seen.cancels(order) if outcome(one) is Outcome.PASSING and one.status not in (401, 429)]
    if not passing or seen.quiet(order) is None:
        return None
    quiet = seen.quiet(order)
    assert quiet is not None
    if any(one.action == "restart" and one.n > passing[-1].n for one in seen.acts):
        # What a restart made it forget is not taken for its answer to a busy payment; M10 tells of it.
        return None
    again = [one for one in seen.cancels(order) if one.n > passing[0].n]
    if ended(quiet.truth) or again or _honoured(seen, order, quiet):
        return met(passing[0].step)
    return at(
        passing[0],
        f"{passing[0].where} was answered {passing[0].status}, not now, and never sent again: {stands(quiet)}",
    )
