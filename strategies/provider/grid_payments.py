"""The grid of eCom and ePayment: situations, ages, flags and captured shares, and what follows the cancel.

Each part of the grid is one function whose docstring says which mistakes it is there to find.
"""

from __future__ import annotations

from conformance.domain.api_spec import CancelKey
from conformance.domain.api_table import spec_of
from conformance.domain.steps import Addressee, Defect, Key
from conformance.model.context import REFUND_LIMIT
from conformance.strategies.provider import payment_situations as at
from conformance.strategies.provider import tails as then
from conformance.strategies.provider.ages import (
    A_DAY,
    CLEAR,
    FRESH,
    OPENING,
    REFUND_BEYOND,
    REFUND_WITHIN,
    Ageing,
    Moment,
)
from conformance.strategies.provider.grid import FLAG_DEFECTS, FLAGS, Grid, right_before_cancel
from conformance.strategies.provider.grid_races import Race
from conformance.strategies.provider.money import (
    ALL_BUT_ONE_UNIT,
    ALL_IN_FOUR,
    ALL_IN_TWO,
    BEYOND_16_BITS,
    BEYOND_24_BITS,
    HUNDRED,
    IN_FIVE,
    IN_FOUR,
    IN_THREE,
    IN_TWO,
    LARGEST,
    MOST,
    ODD_PRICE,
    ONE_UNIT,
    PARTS,
    UNDER_A_TENTH,
    WHOLES,
)


def fill(grid: Grid, *, wire: bool) -> None:
    """Add every part of the grid; without ``wire``, no cell needs HTTP."""
    unapproved(grid)
    reserved(grid)
    partly_captured(grid)
    fully_captured(grid)
    refunded(grid)
    secure(grid)
    ended(grid)
    keys(grid)
    addressees(grid, wire=wire)
    late(grid)
    if wire:
        broken(grid)
    attempts(grid, wire=wire)
    keys_after_changes(grid, wire=wire)
    after_refusals(grid)
    in_time(grid)
    large(grid)


def release_flag(grid: Grid) -> bool | None:
    """Return the flag that releases the remaining amount after a partial capture."""
    return spec_of(grid.profile).release_flag


def unapproved(grid: Grid) -> None:
    """Cancel before approval: does it end the order, and does the order stay ended?"""
    grid.each_flag(at.INITIATED)
    grid.add(at.INITIATED, ageing=OPENING)
    grid.add(at.INITIATED, ageing=A_DAY)
    grid.add(at.INITIATED, True, tail=then.SECOND)
    grid.add(at.INITIATED, tail=then.SECOND_AND_APPROVE)
    attempts = (
        then.APPROVE,
        then.APPROVE_AND_CAPTURE,
        then.CAPTURE,
        then.REFUND,
        then.ENTER_3DS,
        then.REJECT,
        then.EXPIRE,
        then.THIRD,
        then.AGE,
    )
    for turn, tail in enumerate(attempts):
        grid.add(at.INITIATED, FLAGS[turn % 3], tail=tail)


def reserved(grid: Grid) -> None:
    """Cancel a reservation at every age with every flag: does anything but these two matter?"""
    grid.each_flag(at.RESERVED)
    within, beyond = right_before_cancel(grid.limits.within), right_before_cancel(grid.limits.beyond)
    afterwards = (then.CAPTURE, then.SECOND, then.NOTHING_MORE, then.REFUND, then.CAPTURE_ALL)
    grid.each_flag(at.RESERVED, afterwards, ageings=(*within, *beyond))
    grid.each_flag(at.RESERVED, (then.READ,), ageings=right_before_cancel(grid.limits.open), flags=(None,))
    attempts = (
        then.CAPTURE_LEAST,
        then.REFUND_ALL,
        then.APPROVE,
        then.THIRD,
        then.AGE_AND_CAPTURE,
        then.AGE_AND_CANCEL,
        then.CANCEL_AND_CAPTURE,
        then.AGE,
        then.UNKNOWN,
    )
    for turn, tail in enumerate(attempts):
        grid.add(at.RESERVED, FLAGS[turn % 2], tail=tail)


def partly_captured(grid: Grid) -> None:
    """Cancel after partial captures: one or many, tiny or nearly everything, young or old."""
    for turn, share in enumerate(PARTS):
        flags = FLAGS if turn < 4 else (None, True)
        tails = (then.CAPTURE_ALL, then.SECOND_FLAGGED, then.REFUND_ALL, then.NOTHING_MORE, then.CAPTURE)
        for place, flag in enumerate(flags):
            grid.add(at.PARTLY, flag, share=share, tail=tails[(turn + place) % len(tails)])
    shares = (*PARTS[:5], IN_TWO, MOST, IN_FOUR)
    ages = right_before_cancel((*grid.limits.within, *grid.limits.beyond))
    grid.each_flag(at.PARTLY, (then.NOTHING_MORE, then.REFUND, then.SECOND, then.CAPTURE), shares=shares, ageings=ages)
    release = release_flag(grid)
    oldest_valid = grid.limits.within[-1]
    youngest_late = grid.limits.beyond[0]
    grid.add(at.PARTLY, release, share=IN_THREE, ageing=Ageing(oldest_valid, Moment.EARLY))
    grid.add(at.PARTLY, release, share=ALL_BUT_ONE_UNIT, ageing=Ageing(oldest_valid, Moment.SPLIT))
    grid.add(at.PARTLY, release, share=IN_THREE, ageing=Ageing(youngest_late, Moment.SPLIT))
    grid.add(at.PARTLY, release, share=ALL_BUT_ONE_UNIT, ageing=Ageing(youngest_late, Moment.SPLIT))
    attempts = (
        (then.CAPTURE, IN_THREE),
        (then.CAPTURE_LEAST, UNDER_A_TENTH),
        (then.REFUND, IN_TWO),
        (then.REFUND_TWICE, MOST),
        (then.THIRD, IN_FOUR),
        (then.CANCEL_AND_REFUND, ALL_BUT_ONE_UNIT),
        (then.REFUND_AND_CANCEL, HUNDRED),
    )
    for tail, share in attempts:
        grid.add(at.PARTLY, release, share=share, tail=tail)
    for flag in FLAGS[:2]:
        grid.add(at.PARTLY, flag, share=IN_TWO, tail=then.THIRD)
    grid.add(at.PARTLY, share=IN_THREE, tail=then.CAPTURE_AND_FLAG)
    grid.add(at.PARTLY, False, share=UNDER_A_TENTH, tail=then.CAPTURE_AND_FLAG)
    grid.add(at.PARTLY_AFTER_3DS, release, share=IN_THREE, tail=then.CAPTURE)


def fully_captured(grid: Grid) -> None:
    """Cancel when nothing remains: is it refused, and does the money stay where it is?"""
    tails = (then.NOTHING_MORE, then.REFUND, then.SECOND, then.REFUND_ALL)
    for turn, share in enumerate(WHOLES):
        for place, flag in enumerate(FLAGS):
            grid.add(at.FULLY, flag, share=share, tail=tails[(turn + place) % len(tails)])
    ages = right_before_cancel((*grid.limits.within[1::2], grid.limits.beyond[0]))
    again = (then.NOTHING_MORE, then.SECOND_FLAGGED)
    grid.each_flag(at.FULLY, again, shares=WHOLES, ageings=ages, flags=(None, True))
    grid.add(at.FULLY, False, share=ALL_IN_TWO, tail=then.THIRD)


def refunded(grid: Grid) -> None:
    """Cancel after refunds: does a refund change the cancel, or make captured money capturable again?"""
    for situation in (at.PARTLY_REFUNDED, at.PARTLY_ALL_REFUNDED, at.FULLY_REFUNDED, at.FULLY_ALL_REFUNDED):
        grid.each_flag(situation, (then.NOTHING_MORE, then.CAPTURE, then.REFUND))
    release = release_flag(grid)
    grid.add(at.PARTLY_REFUNDED, release, share=IN_THREE, tail=then.REFUND_AND_CANCEL)
    grid.add(at.PARTLY_REFUNDED, release, share=MOST, ageing=Ageing(grid.limits.within[-1]))
    grid.add(at.PARTLY_REFUNDED, release, share=IN_TWO, ageing=Ageing(grid.limits.beyond[0]))
    grid.add(at.FULLY_REFUNDED, share=ALL_IN_FOUR, tail=then.SECOND)


def secure(grid: Grid) -> None:
    """Cancel around a 3-D Secure session: refused during it, and as usual after it."""
    grid.each_flag(at.IN_3DS, (then.NOTHING_MORE, then.FINISH_AND_CANCEL, then.FAIL_AND_CANCEL))
    grid.add(at.IN_3DS, tail=then.SECOND)
    grid.add(at.IN_3DS, False, tail=then.FINISH)
    grid.each_flag(at.FINISHED_3DS, (then.NOTHING_MORE, then.CAPTURE, then.SECOND))
    grid.add(at.FINISHED_3DS, ageing=Ageing(grid.limits.within[-1]))
    grid.add(at.FINISHED_3DS, ageing=Ageing(grid.limits.beyond[0]))
    grid.add(at.REFUSED_IN_3DS)
    grid.each_flag(at.FAILED_3DS, (then.NOTHING_MORE, then.SECOND), flags=(None, True))


def ended(grid: Grid) -> None:
    """Cancel an order that has ended: no money may move, whatever the response is."""
    grid.each_flag(at.REJECTED, (then.NOTHING_MORE, then.CAPTURE, then.SECOND))
    grid.each_flag(at.EXPIRED, (then.NOTHING_MORE, then.APPROVE, then.SECOND))
    grid.each_flag(at.EXPIRED_IN_3DS, flags=(None,))
    grid.each_flag(at.CANCELLED_EARLY, (then.NOTHING_MORE, then.CAPTURE, then.SECOND))
    grid.each_flag(at.CANCELLED, (then.CAPTURE, then.NOTHING_MORE, then.REFUND))
    grid.add(at.CANCELLED, ageing=Ageing(grid.limits.beyond[0]))
    released = at.RELEASED_WITH_FLAG if release_flag(grid) else at.RELEASED
    grid.each_flag(released, (then.REFUND, then.CAPTURE, then.SECOND), shares=(IN_THREE, UNDER_A_TENTH, MOST))
    grid.add(released, release_flag(grid), ageing=Ageing(grid.limits.beyond[0]), tail=then.NOTHING_MORE)


def keys(grid: Grid) -> None:
    """Repeat a cancel with its key, reuse the key, or use a spent one: there is no second effect."""
    release = release_flag(grid)
    for flag in (None, False):
        grid.add(at.INITIATED, flag, tail=then.SAME_KEY)
        grid.add(at.RESERVED, flag, tail=then.SAME_KEY_TWICE)
    grid.add(at.RESERVED, tail=then.SAME_KEY_THEN_FRESH)
    grid.add(at.PARTLY, release, share=IN_THREE, tail=then.SAME_KEY)
    grid.add(at.PARTLY, share=MOST, tail=then.SAME_KEY)
    grid.add(at.PARTLY, False, tail=then.OTHER_FLAG)
    grid.add(at.PARTLY, True, share=IN_TWO, tail=then.OTHER_FLAG_THEN_READ)
    grid.add(at.RESERVED, True, tail=then.SAME_KEY)
    grid.add(at.RESERVED, True, tail=then.OTHER_FLAG)
    grid.add(at.RESERVED, tail=then.OTHER_FLAG)
    grid.add(at.FULLY, tail=then.SAME_KEY)
    grid.add(at.FULLY, False, share=ALL_IN_TWO, tail=then.SAME_KEY_TWICE)
    grid.add(at.FULLY, share=ALL_IN_FOUR, tail=then.OTHER_FLAG)
    grid.add(at.RESERVED, key=Key.SPENT)
    grid.add(at.INITIATED, key=Key.SPENT)
    grid.add(at.PARTLY, release, key=Key.SPENT)
    grid.add(at.RESERVED, tail=then.SPENT_KEY)
    if spec_of(grid.profile).cancel_key is not CancelKey.NONE:
        # ePayment takes the key into account, so each reason for a refusal is also tried with a spent key.
        for situation, flag in ((at.RESERVED, True), (at.FULLY, None), (at.IN_3DS, None), (at.CANCELLED, None)):
            grid.add(situation, flag, key=Key.SPENT)
        grid.add(at.RESERVED, key=Key.SPENT, ageing=Ageing(grid.limits.beyond[0]))


def keys_after_changes(grid: Grid, *, wire: bool) -> None:
    """Repeat a cancel with its key after something else, or use the key of something else: no money moves twice."""
    release = release_flag(grid)
    grid.add(at.RESERVED, tail=then.KEY_AFTER_ATTEMPTS)
    grid.add(at.PARTLY, release, share=MOST, tail=then.KEY_AFTER_REFUND, amount=ODD_PRICE)
    grid.add(at.FULLY, tail=then.KEY_AFTER_REFUND)
    grid.add(at.INITIATED, tail=then.KEY_AFTER_APPROVAL)
    grid.add(at.IN_3DS, tail=then.KEY_AFTER_3DS)
    # A cancel that is refused for its flag.
    if release:
        grid.add(at.PARTLY, share=UNDER_A_TENTH, tail=then.KEY_AFTER_CAPTURE, amount=12_345)
    else:
        grid.add(at.RESERVED, True, tail=then.KEY_AFTER_CAPTURE)
        grid.add(at.PARTLY, True, share=IN_THREE, tail=then.KEY_AFTER_CAPTURE)
    if wire:
        key = Key.ANOTHER_OPERATION
        grid.add(at.PARTLY, release, key=key, tail=then.CAPTURE)
        grid.add(at.PARTLY_REFUNDED, release, share=IN_THREE, key=key, tail=then.SAME_KEY)
        grid.add(at.FULLY, key=key, tail=then.REFUND)
        grid.add(at.RESERVED, key=key, tried=then.OVER_CAPTURE, tail=then.SECOND)


def after_refusals(grid: Grid) -> None:
    """Cancel after something that was refused: does it leave the order as it was, and free for what is right?"""
    release = release_flag(grid)
    grid.add(at.INITIATED, tried=then.REFUSED_MONEY, tail=then.APPROVE)
    grid.add(at.RESERVED, tried=then.REFUSED_MONEY, tail=then.CAPTURE)
    grid.add(at.RESERVED, False, tried=then.REFUSED_MONEY, ageing=Ageing(grid.limits.within[1]))
    grid.add(at.PARTLY, release, share=MOST, tried=then.REFUSED_MONEY, tail=then.REFUND_TWICE, amount=ODD_PRICE)
    grid.add(at.PARTLY_REFUNDED, release, share=IN_THREE, tried=then.REFUSED_MONEY, tail=then.REFUND)
    grid.add(at.FULLY, tried=then.REFUSED_MONEY, tail=then.REFUND_ALL)
    grid.add(at.PARTLY, not release, share=IN_TWO, tail=then.RIGHT)
    grid.add(at.RESERVED, True, to=Addressee.UNKNOWN, tail=then.CAPTURE_AND_RIGHT)
    if release is None:
        grid.add(at.RESERVED, True, tail=then.RIGHT)
        grid.add(at.RESERVED, True, tail=then.CAPTURE_AND_RIGHT)


def in_time(grid: Grid) -> None:
    """Move money at every age between a day and the limit: after a cancel captures are refused, and refunds are not."""
    release = release_flag(grid)
    grid.add(at.RESERVED, tail=then.CAPTURES_IN_TIME)
    grid.add(at.PARTLY, release, share=UNDER_A_TENTH, tail=then.CAPTURES_IN_TIME)
    grid.add(at.PARTLY, release, share=MOST, tail=then.REFUNDS_IN_TIME, amount=12_345)
    last = grid.limits.within[-2]
    grid.add(at.PARTLY, release, share=IN_FIVE, ageing=Ageing(last, Moment.SPREAD), tail=then.REFUND)
    for ageing in right_before_cancel(grid.limits.edges):
        grid.add(at.RESERVED, ageing=ageing, tail=then.READ)


def large(grid: Grid) -> None:
    """Cancel orders of so much money that a number of 16 or 24 bits, or an amount in hundredths, does not hold it."""
    release = release_flag(grid)
    grid.add(at.RESERVED, amount=BEYOND_24_BITS, tail=then.CAPTURE)
    grid.add(at.INITIATED, amount=BEYOND_24_BITS)
    grid.add(at.PARTLY, release, share=ALL_BUT_ONE_UNIT, amount=BEYOND_24_BITS, tail=then.REFUND)
    grid.add(at.PARTLY, release, share=HUNDRED, amount=LARGEST, tail=then.REFUND_ALL)
    grid.add(at.PARTLY, release, share=IN_TWO, amount=BEYOND_16_BITS, tail=then.SECOND)
    grid.add(at.FULLY, amount=LARGEST, tail=then.REFUND)


def addressees(grid: Grid, *, wire: bool) -> None:
    """Cancel an order that does not exist or belongs to another sales unit: not found, and nothing happens."""
    for to in (Addressee.UNKNOWN, Addressee.FOREIGN) if wire else (Addressee.UNKNOWN,):
        grid.add(at.RESERVED, to=to, tail=then.CAPTURE)
        grid.add(at.RESERVED, True, to=to, tail=then.SECOND)
        grid.add(at.PARTLY, True, to=to)
        grid.add(at.INITIATED, False, to=to, tail=then.APPROVE)


def late(grid: Grid) -> None:
    """Move money late: captures after the deadline, and refunds on both sides of theirs."""
    release = release_flag(grid)
    beyond = right_before_cancel(grid.limits.beyond)
    for ageing in beyond:
        grid.add(at.PARTLY, share=IN_TWO, ageing=ageing, tail=then.CAPTURE_LEAST)
    grid.add(at.RESERVED, ageing=beyond[0], tail=then.CAPTURE_LEAST)
    for age in REFUND_BEYOND:
        grid.add(at.FULLY, ageing=Ageing(age), tail=then.REFUND)
    grid.add(at.PARTLY, ageing=Ageing(REFUND_BEYOND[0]), share=MOST, tail=then.REFUND_ALL)
    released = at.RELEASED_WITH_FLAG if release_flag(grid) else at.RELEASED
    for age in REFUND_WITHIN:
        grid.add(released, release, ageing=Ageing(age), tail=then.REFUND)
    grid.add(at.PARTLY, release, tail=then.LATE_REFUND)
    grid.add(at.FULLY, ageing=Ageing(REFUND_LIMIT - CLEAR), tail=then.REFUND)


def broken(grid: Grid) -> None:
    """Send a malformed cancel: it is refused, and nothing is released."""
    for turn, defect in enumerate(grid.defects):
        # With the flag, ePayment refuses the cancel of a reserved payment anyway, whatever else is wrong with it.
        flag = True if defect in FLAG_DEFECTS else FLAGS[turn % 2]
        tail = then.RIGHT if turn % 2 else then.CAPTURE_AND_RIGHT
        grid.add(at.RESERVED, flag, defect=defect, ageing=FRESH, tail=tail)
    if Defect.FLAG_AS_TEXT in grid.defects:
        for flag in (False, True):
            grid.add(at.PARTLY, flag, defect=Defect.FLAG_AS_TEXT)
    for defect in grid.defects[::3]:
        grid.add(at.PARTLY, True, defect=defect, share=ONE_UNIT if defect is Defect.NO_MSN else None)
    if Defect.NO_MSN in grid.defects:
        grid.add(at.INITIATED, defect=Defect.NO_MSN)
        for defect in (Defect.MALFORMED_ID, Defect.NO_SUBSCRIPTION_KEY):
            grid.add(at.PARTLY, defect=defect)
            grid.add(at.INITIATED, defect=defect)


def attempts(grid: Grid, *, wire: bool) -> None:
    """Cancel, then try everything that must not be possible any more, in one history."""
    release = release_flag(grid)
    grid.add(at.RESERVED, tail=then.ATTEMPTS, amount=ODD_PRICE)
    grid.add(at.RESERVED, False, ageing=A_DAY, tail=then.KEYED)
    grid.add(at.PARTLY, release, share=IN_THREE, tail=then.ATTEMPTS, amount=ODD_PRICE)
    grid.add(at.PARTLY, release, share=UNDER_A_TENTH, ageing=A_DAY, tail=then.ATTEMPTS)
    grid.add(at.PARTLY_REFUNDED, release, share=IN_THREE, tail=then.ATTEMPTS)
    grid.add(at.PARTLY, release, tail=then.OVER_REFUND)
    grid.add(at.FULLY, tail=then.OVER_REFUND)
    grid.add(at.PARTLY, share=IN_THREE, tail=then.REFUSALS)
    grid.add(at.PARTLY, False, share=UNDER_A_TENTH, tail=then.REFUSALS)
    grid.add(at.FULLY, tail=then.REFUSALS)
    grid.add(at.INITIATED, tail=then.UNDO)
    for flag in FLAGS:
        # What was refused must not be carried out later, either.
        grid.add(at.PARTLY, flag, tail=then.A_DAY)
        grid.add(at.RESERVED, flag, tail=then.A_DAY)
    for defect in (Defect.NO_TEXT, Defect.LONG_TEXT):
        if wire and defect in grid.defects:
            grid.add(at.INITIATED, defect=defect)


def races(release: bool | None) -> tuple[Race, ...]:
    """Return the races: a cancel against a capture, a cancel, an approval and a refund."""
    return (
        (at.RESERVED, None, then.CAPTURE_ALL),
        (at.RESERVED, None, then.SECOND),
        (at.INITIATED, None, then.APPROVE),
        (at.INITIATED, None, then.SECOND),
        (at.PARTLY, release, then.CAPTURE_ALL),
        (at.PARTLY, release, then.REFUND_ALL),
    )
