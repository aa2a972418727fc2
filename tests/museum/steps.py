"""Steps in as few words as a person needs for them."""

from __future__ import annotations

from datetime import timedelta

from conformance.domain.steps import (
    Addressee,
    Age,
    Approve,
    BecomeDue,
    Cancel,
    Capture,
    Charge,
    Defect,
    Enter3DS,
    Expire,
    Fail,
    Key,
    Leave3DS,
    Read,
    Refund,
    Reject,
    Reserve,
    StartProcessing,
    StopAgreement,
)

approve, reject, expire, enter, leave, read = Approve(), Reject(), Expire(), Enter3DS(), Leave3DS(), Read()
due, processing, reserve, charge, fail = BecomeDue(), StartProcessing(), Reserve(), Charge(), Fail()
stop, stop_with_change = StopAgreement(), StopAgreement(with_other_change=True)
capture, refund = Capture, Refund
cancel, unflagged, flagged = Cancel(), Cancel(flag=False), Cancel(flag=True)
again, spent = Cancel(key=Key.SAME), Cancel(key=Key.SPENT)
first, another_operation = Cancel(key=Key.FIRST), Cancel(key=Key.ANOTHER_OPERATION)
hour = Age(timedelta(hours=1))
unknown, foreign = Cancel(to=Addressee.UNKNOWN), Cancel(to=Addressee.FOREIGN)


def days(number: int) -> Age:
    """Let days pass."""
    return Age(timedelta(days=number))


def broken(defect: str, flag: bool | None = None) -> Cancel:
    """Cancel with a request that is broken on the wire."""
    return Cancel(flag=flag, defect=Defect(defect))
