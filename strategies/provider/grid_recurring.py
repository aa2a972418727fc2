"""The grid of Recurring: charges of every kind, ages and captured shares, and what follows the cancel."""

from __future__ import annotations

from conformance.domain.order import Standing
from conformance.domain.steps import Addressee, Defect, Key
from conformance.model.context import REFUND_LIMIT
from conformance.strategies.provider import charge_situations as at
from conformance.strategies.provider import tails as then
from conformance.strategies.provider.ages import A_DAY, CLEAR, REFUND_WITHIN, Ageing, Moment
from conformance.strategies.provider.grid import Grid, right_before_cancel
from conformance.strategies.provider.money import (
    ALL_BUT_ONE_UNIT,
    ALL_IN_FOUR,
    ALL_IN_TWO,
    BEYOND_16_BITS,
    HALF,
    HUNDRED,
    IN_FIVE,
    IN_FOUR,
    IN_THREE,
    IN_TWO,
    LARGEST_CHARGE,
    MOST,
    ODD_PRICE,
    PARTS,
    UNDER_A_TENTH,
    WHOLES,
)
from conformance.strategies.provider.situations import Situation
from conformance.strategies.provider.tails import Tail


def fill(grid: Grid, *, wire: bool) -> None:
    """Add every part of the grid; without ``wire``, no cell needs HTTP."""
    waiting(grid)
    reserved(grid)
    partly_captured(grid)
    charged(grid)
    ended(grid)
    keys(grid)
    addressees(grid, wire=wire)
    late(grid)
    stopped(grid, wire=wire)
    if wire:
        broken(grid)
    attempts(grid)
    keys_after_changes(grid, wire=wire)
    after_refusals(grid)
    in_time(grid)
    large(grid)
    if wire:
        several(grid)


def _with_tails(grid: Grid, situation: Situation, *tails: Tail) -> None:
    for tail in tails:
        grid.add(situation, tail=tail)


def waiting(grid: Grid) -> None:
    """Cancel before the charge is made: does it end the charge, and does the charge stay ended?"""
    _with_tails(
        grid,
        at.PENDING,
        then.NOTHING_MORE,
        then.BECOME_DUE,
        then.DUE_AND_RESERVE,
        then.DUE_AND_CHARGE,
        then.CAPTURE,
        then.SECOND,
        then.THIRD,
    )
    _with_tails(
        grid, at.DUE, then.NOTHING_MORE, then.RESERVE, then.CAPTURE, then.REFUND, then.SECOND, then.CANCEL_AND_CAPTURE
    )
    _with_tails(grid, at.DIRECT_PENDING, then.NOTHING_MORE, then.DUE_AND_CHARGE, then.SECOND)
    _with_tails(grid, at.DIRECT_DUE, then.NOTHING_MORE, then.REFUND, then.THIRD)
    _with_tails(grid, at.PROCESSING, then.NOTHING_MORE, then.RESERVE, then.RESERVE_AND_CANCEL, then.SECOND)
    _with_tails(grid, at.DIRECT_PROCESSING, then.NOTHING_MORE, then.SECOND)


def reserved(grid: Grid) -> None:
    """Cancel a reservation at every age: initial charges, ordinary ones, and ones that were processed."""
    _with_tails(
        grid,
        at.INITIAL,
        then.NOTHING_MORE,
        then.CAPTURE,
        then.CAPTURE_ALL,
        then.CAPTURE_LEAST,
        then.REFUND,
        then.REFUND_ALL,
        then.SECOND,
        then.THIRD,
        then.CANCEL_AND_CAPTURE,
        then.AGE,
        then.AGE_AND_CAPTURE,
    )
    _with_tails(grid, at.ORDINARY, then.NOTHING_MORE, then.CAPTURE)
    grid.add(at.PROCESSED)
    tails = (then.NOTHING_MORE, then.CAPTURE, then.SECOND)
    for turn, ageing in enumerate(right_before_cancel((*grid.limits.within, *grid.limits.beyond))):
        for place, situation in enumerate((at.INITIAL, at.ORDINARY, at.PROCESSED)):
            grid.add(situation, ageing=ageing, tail=tails[(turn + place) % len(tails)])
    for ageing in right_before_cancel(grid.limits.open):
        grid.add(at.INITIAL, ageing=ageing, tail=then.READ)


def partly_captured(grid: Grid) -> None:
    """Cancel after partial captures: one or many, tiny or nearly everything, young or old."""
    for share in PARTS:
        grid.add(at.INITIAL_PARTLY, share=share, tail=then.CAPTURE_ALL)
    for share in PARTS[:2]:
        grid.add(at.ORDINARY_PARTLY, share=share, tail=then.REFUND)
    attempts = (
        (then.NOTHING_MORE, HALF),
        (then.CAPTURE, IN_THREE),
        (then.CAPTURE_LEAST, UNDER_A_TENTH),
        (then.REFUND, IN_TWO),
        (then.REFUND_ALL, MOST),
        (then.REFUND_TWICE, IN_FOUR),
        (then.SECOND, ALL_BUT_ONE_UNIT),
        (then.THIRD, IN_TWO),
        (then.CANCEL_AND_REFUND, MOST),
        (then.REFUND_AND_CANCEL, IN_THREE),
        (then.AGE_AND_CANCEL, HALF),
    )
    for tail, share in attempts:
        grid.add(at.INITIAL_PARTLY, share=share, tail=tail)
    for turn, ageing in enumerate(right_before_cancel((*grid.limits.within, *grid.limits.beyond))):
        for place, situation in enumerate((at.INITIAL_PARTLY, at.ORDINARY_PARTLY)):
            grid.add(situation, share=PARTS[(turn + place) % len(PARTS)], ageing=ageing)
    for share in (IN_THREE, ALL_BUT_ONE_UNIT):
        for age, moment in (
            (grid.limits.within[-1], Moment.SPLIT),
            (grid.limits.within[-1], Moment.EARLY),
            (grid.limits.beyond[0], Moment.SPLIT),
        ):
            grid.add(at.INITIAL_PARTLY, share=share, ageing=Ageing(age, moment))


def charged(grid: Grid) -> None:
    """Cancel when nothing remains, or after refunds: is it refused, and does the money stay where it is?"""
    for share in WHOLES:
        grid.add(at.INITIAL_FULLY, share=share)
        grid.add(at.ORDINARY_FULLY, share=share, tail=then.REFUND)
    _with_tails(grid, at.INITIAL_FULLY, then.SECOND, then.CAPTURE_LEAST, then.REFUND_ALL)
    for ageing in right_before_cancel((*grid.limits.within[1::2], grid.limits.beyond[0])):
        grid.add(at.INITIAL_FULLY, ageing=ageing, share=ALL_IN_TWO)
    _with_tails(grid, at.DIRECT_CHARGED, then.NOTHING_MORE, then.REFUND, then.SECOND)
    grid.add(at.DIRECT_CHARGED, ageing=Ageing(grid.limits.within[-1]))
    grid.add(at.DIRECT_CHARGED, ageing=Ageing(grid.limits.beyond[0]))
    for situation in (at.INITIAL_REFUNDED, at.INITIAL_ALL_REFUNDED, at.DIRECT_REFUNDED, at.DIRECT_ALL_REFUNDED):
        _with_tails(grid, situation, then.NOTHING_MORE, then.SECOND)
    grid.add(at.INITIAL_REFUNDED, share=ALL_IN_FOUR, tail=then.REFUND)
    for situation in (at.INITIAL_PARTLY_REFUNDED, at.INITIAL_PARTLY_ALL_REFUNDED):
        _with_tails(grid, situation, then.NOTHING_MORE, then.CAPTURE, then.REFUND)
    grid.add(at.INITIAL_PARTLY_REFUNDED, share=IN_THREE, ageing=Ageing(grid.limits.within[-1]))
    grid.add(at.INITIAL_PARTLY_REFUNDED, share=IN_TWO, ageing=Ageing(grid.limits.beyond[0]))


def ended(grid: Grid) -> None:
    """Cancel a charge that has ended: no money may move, whatever the response is."""
    _with_tails(grid, at.FAILED, then.NOTHING_MORE, then.CAPTURE, then.SECOND)
    _with_tails(grid, at.FAILED_DUE, then.NOTHING_MORE, then.REFUND)
    _with_tails(grid, at.CANCELLED_PENDING, then.NOTHING_MORE, then.CAPTURE)
    _with_tails(grid, at.CANCELLED_DUE, then.NOTHING_MORE, then.RESERVE)
    _with_tails(grid, at.CANCELLED_RESERVED, then.NOTHING_MORE, then.CAPTURE, then.REFUND)
    for tail, share in ((then.REFUND, IN_THREE), (then.CAPTURE, UNDER_A_TENTH), (then.SECOND, MOST)):
        grid.add(at.RELEASED_INITIAL, share=share, tail=tail)
    for situation in (at.CANCELLED_RESERVED, at.RELEASED_INITIAL):
        grid.add(situation, ageing=Ageing(grid.limits.beyond[0]))


def keys(grid: Grid) -> None:
    """Repeat a cancel with its key, reuse the key, or use a spent one: there is no second effect."""
    for situation in (at.PENDING, at.DUE, at.INITIAL, at.INITIAL_PARTLY):
        grid.add(situation, tail=then.SAME_KEY)
        grid.add(situation, key=Key.SPENT, tail=then.CAPTURE)
    grid.add(at.INITIAL, tail=then.SAME_KEY_THEN_FRESH)
    grid.add(at.INITIAL, tail=then.SPENT_KEY)
    grid.add(at.INITIAL_PARTLY, share=IN_THREE, tail=then.SAME_KEY_TWICE)
    for situation in (at.INITIAL_FULLY, at.FAILED, at.DIRECT_CHARGED, at.CANCELLED_RESERVED):
        grid.add(situation, tail=then.SAME_KEY)
    grid.add(at.INITIAL_FULLY, share=ALL_IN_TWO, tail=then.SAME_KEY_TWICE)
    for situation in (
        at.INITIAL_FULLY,
        at.DIRECT_CHARGED,
        at.FAILED,
        at.PROCESSING,
        at.CANCELLED_RESERVED,
        at.DIRECT_DUE,
    ):
        grid.add(situation, key=Key.SPENT)
    grid.add(at.INITIAL, key=Key.SPENT, ageing=Ageing(grid.limits.beyond[0]))


def keys_after_changes(grid: Grid, *, wire: bool) -> None:
    """Repeat a cancel with its key after something else, or use the key of something else: no money moves twice."""
    grid.add(at.INITIAL, tail=then.KEY_AFTER_ATTEMPTS)
    grid.add(at.INITIAL_PARTLY, share=MOST, tail=then.KEY_AFTER_REFUND, amount=ODD_PRICE)
    grid.add(at.INITIAL_FULLY, tail=then.KEY_AFTER_REFUND)
    grid.add(at.DIRECT_CHARGED, tail=then.KEY_AFTER_REFUND)
    grid.add(at.DUE, tail=then.KEY_AFTER_CHARGE_RUN)
    grid.add(at.PROCESSING, tail=then.KEY_AFTER_CHARGE_RUN)
    grid.add(at.INITIAL, tail=then.KEY_AFTER_STOP)
    grid.add(at.INITIAL_FULLY, share=ALL_IN_TWO, tail=then.KEY_AFTER_STOP)
    if wire:
        key = Key.ANOTHER_OPERATION
        grid.add(at.INITIAL_PARTLY, key=key, tail=then.CAPTURE)
        grid.add(at.INITIAL_PARTLY_REFUNDED, share=IN_THREE, key=key, tail=then.SAME_KEY)
        grid.add(at.INITIAL_FULLY, key=key, tail=then.REFUND)
        grid.add(at.INITIAL, key=key, tried=then.OVER_CAPTURE, tail=then.SECOND)


def after_refusals(grid: Grid) -> None:
    """Cancel after something that was refused: does it leave the charge as it was, and free for what is right?"""
    grid.add(at.PENDING, tried=then.REFUSED_MONEY, tail=then.BECOME_DUE)
    grid.add(at.INITIAL, tried=then.REFUSED_MONEY, tail=then.CAPTURE)
    grid.add(at.ORDINARY, tried=then.REFUSED_MONEY, ageing=Ageing(grid.limits.within[1]))
    grid.add(at.INITIAL_PARTLY, share=MOST, tried=then.REFUSED_MONEY, tail=then.REFUND_TWICE, amount=ODD_PRICE)
    grid.add(at.INITIAL_PARTLY_REFUNDED, share=IN_THREE, tried=then.REFUSED_MONEY, tail=then.REFUND)
    grid.add(at.INITIAL_FULLY, tried=then.REFUSED_MONEY, tail=then.REFUND_ALL)
    grid.add(at.INITIAL, to=Addressee.UNKNOWN, tail=then.CAPTURE_AND_RIGHT)


def in_time(grid: Grid) -> None:
    """Move money at every age between a day and the limit: after a cancel captures are refused, and refunds are not."""
    grid.add(at.INITIAL, tail=then.CAPTURES_IN_TIME)
    grid.add(at.INITIAL_PARTLY, share=UNDER_A_TENTH, tail=then.CAPTURES_IN_TIME)
    grid.add(at.INITIAL_PARTLY, share=MOST, tail=then.REFUNDS_IN_TIME, amount=12_345)
    last = grid.limits.within[-2]
    grid.add(at.INITIAL_PARTLY, share=IN_FIVE, ageing=Ageing(last, Moment.SPREAD), tail=then.REFUND)
    for ageing in right_before_cancel(grid.limits.edges):
        grid.add(at.INITIAL, ageing=ageing, tail=then.READ)


def large(grid: Grid) -> None:
    """Cancel charges of so much money that a number of 16 bits does not hold it, as far as every schema allows."""
    grid.add(at.INITIAL, amount=LARGEST_CHARGE, tail=then.CAPTURE)
    grid.add(at.PENDING, amount=LARGEST_CHARGE)
    grid.add(at.INITIAL_PARTLY, share=ALL_BUT_ONE_UNIT, amount=LARGEST_CHARGE, tail=then.REFUND)
    grid.add(at.INITIAL_PARTLY, share=HUNDRED, amount=LARGEST_CHARGE, tail=then.SECOND)
    grid.add(at.INITIAL_PARTLY, share=IN_TWO, amount=BEYOND_16_BITS, tail=then.REFUND)
    grid.add(at.INITIAL_FULLY, amount=LARGEST_CHARGE, tail=then.REFUND)


def addressees(grid: Grid, *, wire: bool) -> None:
    """Cancel a charge that does not exist or belongs to another sales unit: not found, and nothing happens."""
    for to in (Addressee.UNKNOWN, Addressee.FOREIGN) if wire else (Addressee.UNKNOWN,):
        grid.add(at.INITIAL, to=to, tail=then.CAPTURE)
        grid.add(at.INITIAL, to=to, tail=then.SECOND)
        grid.add(at.INITIAL_PARTLY, to=to)
        grid.add(at.PENDING, to=to, tail=then.DUE_AND_RESERVE)


def late(grid: Grid) -> None:
    """Move money late: captures after the deadline, and refunds on both sides of theirs."""
    for ageing in right_before_cancel(grid.limits.beyond):
        grid.add(at.INITIAL_PARTLY, share=IN_TWO, ageing=ageing, tail=then.CAPTURE_LEAST)
        grid.add(at.INITIAL, ageing=ageing, tail=then.CAPTURE_LEAST)
    for age in REFUND_WITHIN:
        grid.add(at.RELEASED_INITIAL, ageing=Ageing(age), tail=then.REFUND)
    grid.add(at.INITIAL_PARTLY, tail=then.LATE_REFUND)
    grid.add(at.INITIAL_FULLY, ageing=Ageing(REFUND_LIMIT - CLEAR), tail=then.REFUND)


def stopped(grid: Grid, *, wire: bool) -> None:
    """Stop the agreement: its open charges end with it, and a cancel comes after that."""
    for situation in at.STOPPED:
        grid.add(situation)
    _with_tails(grid, at.STOPPED_INITIAL, then.CAPTURE, then.STOP)
    _with_tails(grid, at.STOPPED_PENDING, then.DUE_AND_CHARGE, then.STOP)
    _with_tails(grid, at.STOPPED_PARTLY, then.CAPTURE, then.REFUND, then.STOP)
    grid.add(at.STOPPED_ORDINARY, tail=then.STOP_TWICE)
    _with_tails(grid, at.INITIAL_PARTLY, then.STOP, then.STOP_TWICE)
    if wire:
        for situation in (at.PENDING, at.INITIAL, at.INITIAL_PARTLY):
            grid.add(situation, tail=then.STOP_WITH_CHANGE)
        grid.add(at.STOPPED_WITH_CHANGE, tail=then.CAPTURE)


def several(grid: Grid) -> None:
    """Cancel one of two charges: the other stays as it is. Stop their agreement: both of them end, if they are open."""
    beside = (
        (at.INITIAL, Standing.RESERVED, then.SECOND_AND_STOP),
        (at.INITIAL_PARTLY, Standing.PARTLY_CAPTURED, then.REFUND_AND_STOP),
        (at.PENDING, Standing.DUE, then.STOP),
        (at.DUE, Standing.PENDING, then.SECOND_AND_STOP),
        (at.INITIAL_FULLY, Standing.CHARGED, then.REFUND_AND_STOP),
        (at.DIRECT_DUE, Standing.RESERVED, then.STOP),
    )
    for situation, stands, tail in beside:
        grid.add(situation, tried=then.another(stands), tail=tail)
    ended = (
        (at.INITIAL, Standing.RESERVED),
        (at.PENDING, Standing.DUE),
        (at.INITIAL_PARTLY, Standing.PENDING),
        (at.INITIAL, Standing.CHARGED),
        (at.INITIAL_FULLY, Standing.PARTLY_CAPTURED),
    )
    for situation, stands in ended:
        grid.add(situation, tried=then.another_and_stop(stands))


def broken(grid: Grid) -> None:
    """Send a malformed cancel: it is refused, and nothing is released."""
    for turn, defect in enumerate(grid.defects):
        grid.add(at.INITIAL, defect=defect, tail=then.RIGHT if turn % 2 else then.CAPTURE_AND_RIGHT)
    for defect in (Defect.NO_TOKEN, Defect.MALFORMED_AGREEMENT, Defect.LONG_KEY):
        grid.add(at.INITIAL_PARTLY, share=IN_THREE, defect=defect)
        grid.add(at.PENDING, defect=defect)


def attempts(grid: Grid) -> None:
    """Cancel, then try everything that must not be possible any more, in one history."""
    grid.add(at.INITIAL, tail=then.ATTEMPTS, amount=ODD_PRICE)
    grid.add(at.INITIAL, ageing=A_DAY, tail=then.KEYED)
    grid.add(at.INITIAL_PARTLY, share=IN_THREE, tail=then.ATTEMPTS, amount=ODD_PRICE)
    grid.add(at.INITIAL_PARTLY, share=UNDER_A_TENTH, ageing=A_DAY, tail=then.ATTEMPTS)
    grid.add(at.INITIAL_PARTLY_REFUNDED, share=IN_THREE, tail=then.ATTEMPTS)
    grid.add(at.INITIAL_PARTLY, tail=then.OVER_REFUND)
    grid.add(at.INITIAL_FULLY, tail=then.OVER_REFUND)
    grid.add(at.INITIAL_FULLY, tail=then.REFUSALS)
    grid.add(at.DIRECT_CHARGED, tail=then.REFUSALS)
    grid.add(at.PENDING, tail=then.RESUME)
    grid.add(at.DIRECT_DUE, tail=then.ATTEMPTS)
    grid.add(at.STOPPED_PENDING, key=Key.SPENT)
