"""Exchanges between our wires and the embedded provider: hand-made histories that show it in every situation."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from conformance.domain.messages import Request, Response
from conformance.domain.order import Kind, Market, Profile
from conformance.domain.order_naming import OrderNaming
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
    History,
    Initiate,
    Key,
    Leave3DS,
    Read,
    Refund,
    Reject,
    Reserve,
    StartProcessing,
    Step,
    StopAgreement,
    name_of,
)
from conformance.sandbox import Options, Provider
from conformance.targets.http.credentials import credentials_from
from conformance.targets.http.embedded import EmbeddedTransport
from conformance.targets.http.target import HttpTarget
from conformance.wire import WIRES, Call, OrderIdentifiers, ResponseOrNone

NONCE = "cctest-00000000"
DAY = timedelta(days=1)
ASIDES = 100

Path = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Played:
    """One exchange. ``broken`` is a request that is not as documented on purpose; its answer must be nevertheless."""

    request: Request
    response: Response
    broken: bool
    step: str

    @property
    def label(self) -> str:
        return f"{self.request.method} {self.request.path} ({self.step}) answered {self.response.status}"


# Histories

PAYMENTS: dict[str, Path] = {
    "initiated": (),
    "in 3-D Secure": (Enter3DS(),),
    "3-D Secure passed": (Enter3DS(), Leave3DS()),
    "3-D Secure failed": (Enter3DS(), Leave3DS(success=False)),
    "rejected": (Reject(),),
    "expired": (Expire(),),
    "approved": (Approve(),),
    "partly captured": (Approve(), Capture(300)),
    "captured but for a little": (Approve(), Capture(999)),
    "captured in parts": (Approve(), Capture(300), Capture(200), Capture(500)),
    "captured": (Approve(), Capture(1000)),
    "captured too much": (Approve(), Capture(1001)),
    "partly refunded": (Approve(), Capture(300), Refund(100)),
    "refunded": (Approve(), Capture(1000), Refund(1000)),
    "refunded too much": (Approve(), Capture(300), Refund(301)),
    "cancelled": (Cancel(),),
    "released": (Approve(), Cancel()),
}
RESERVED: dict[str, Path] = {
    "reserved": (),
    "partly captured": (Capture(300),),
    "captured": (Capture(1000),),
    "captured too much": (Capture(1001),),
    "partly refunded": (Capture(1000), Refund(500)),
    "refunded": (Capture(1000), Refund(1000)),
    "refunded too much": (Capture(300), Refund(301)),
    "cancelled": (Cancel(),),
    "partly captured, cancelled": (Capture(300), Cancel()),
    "stopped": (StopAgreement(),),
    "partly captured, stopped": (Capture(300), StopAgreement()),
}
WAITING: dict[str, Path] = {
    "pending": (),
    "due": (BecomeDue(),),
    "processing": (BecomeDue(), StartProcessing()),
    "failed": (BecomeDue(), Fail()),
    "stopped": (StopAgreement(),),
    "stopped with another change": (StopAgreement(with_other_change=True),),
}
CHARGED: dict[str, Path] = {
    "charged": (BecomeDue(), Charge()),
    "charged, refunded": (BecomeDue(), Charge(), Refund(400)),
}
CANCELS = (
    Cancel(),
    Cancel(flag=False),
    Cancel(flag=True),
    Cancel(key=Key.SPENT),
    Cancel(to=Addressee.UNKNOWN),
    Cancel(to=Addressee.FOREIGN),
)
TAILS: tuple[Path, ...] = (
    (Cancel(),),
    (Cancel(key=Key.SAME),),
    (Cancel(key=Key.SAME, flag=True),),
    (Capture(100),),
    (Refund(100),),
    (Read(), Cancel(), Cancel(), Cancel(), Cancel(), Cancel()),
)
AGED: tuple[Path, ...] = (
    (Age(100 * DAY), Cancel()),
    (Age(190 * DAY), Cancel()),
    (Age(190 * DAY), Capture(100)),
    (Age(400 * DAY), Refund(100)),
)


def paths(profile: Profile) -> Iterator[tuple[Initiate, str, Path]]:
    """Every way in which an order can stand when a cancel arrives."""
    if profile is not Profile.RECURRING:
        yield from ((Initiate(), name, path) for name, path in PAYMENTS.items())
        return
    yield from ((Initiate(kind=Kind.INITIAL_RESERVE), name, path) for name, path in RESERVED.items())
    for kind in (Kind.CHARGE_RESERVE, Kind.CHARGE_DIRECT):
        more = {"reserved": (BecomeDue(), Reserve())} if kind is Kind.CHARGE_RESERVE else CHARGED
        yield from ((Initiate(kind=kind), name, path) for name, path in (WAITING | more).items())


def hand_made(profile: Profile) -> Iterator[History]:
    """Every situation with every cancel, every tail and every age; every defect of a request in one of them."""
    for opening, _, path in paths(profile):
        cancels = CANCELS if profile is not Profile.RECURRING else (Cancel(), *CANCELS[3:])
        for cancel in cancels:
            yield History(profile, opening, (*path, cancel))
        for tail in TAILS:
            yield History(profile, opening, (*path, Cancel(flag=True), *tail))
        for aged in AGED:
            yield History(profile, opening, (*path, *aged))
    opening, _, path = next(path for path in paths(profile) if path[1] in ("approved", "reserved"))
    for defect in Defect:
        yield History(profile, opening, (*path, Cancel(defect=defect)))


# Playing


def play(
    profile: Profile, histories: Iterable[History], options: Options | None = None, *, controlled: bool = True
) -> list[Played]:
    """Play histories against an embedded provider of their own, with the token and the smoke test before them.

    Without its test control, users approve by the API's own test endpoint.
    """
    return asyncio.run(_play(profile, histories, options or Options(), controlled=controlled))


async def _play(profile: Profile, histories: Iterable[History], options: Options, *, controlled: bool) -> list[Played]:
    played: list[Played] = []
    step: Step = Read()

    def record(call: Call, answer: ResponseOrNone, *_: object, **__: object) -> None:
        if call.to_control:
            return
        assert isinstance(answer, Response), "the embedded provider always answers"
        broken = call.purpose == "act" and isinstance(step, Cancel) and step.defect is not None
        played.append(Played(call.request, answer, broken, name_of(step)))

    provider = Provider(options)
    target = EmbeddedTransport(provider)
    if not controlled:
        target.control = None
    seat = HttpTarget(target, credentials_from({}, embedded=True))
    await seat.open(Market(options.market.value), OrderNaming(NONCE), lambda _: None, record)
    await seat.probe(profile, record)
    worker = seat.worker()
    for number, history in enumerate(histories, 1):
        driver = worker.driver(profile, OrderNaming(NONCE).order_id(profile, f"{number:05d}"), record)
        for step in history.all_steps:
            await driver.perform(step)
            await driver.look("read", log=True)
    played += asides(profile, seat, provider)
    return played


def asides(profile: Profile, seat: HttpTarget, provider: Provider) -> Iterator[Played]:
    """What our wires never ask, and other clients of the embedded provider do."""
    credentials = seat.session.credentials
    wire = WIRES[profile](credentials, OrderIdentifiers("aside", seat.session.today))
    orders = [id_ for name, _, id_ in provider.shared.payments if name == profile.value]
    agreements = [id_ for _, id_ in provider.apis["recurring"].agreements][:ASIDES]
    if profile is Profile.ECOM:
        paths = [f"/ecomm/v2/payments/{id_}/status" for id_ in (*orders, "none")]
        stranger = "/ecomm/v2/payments/none/details"
    elif profile is Profile.EPAYMENT:
        paths = [f"/epayment/v1/payments/no-such-payment{rest}" for rest in ("", "/events")]
        stranger = "/epayment/v1/payments/no-such-payment"
    else:
        paths = [f"/recurring/v3/charges/{id_}" for id_ in (*orders, "chr-none")]
        for id_ in (*agreements, "agr_none"):
            paths += [f"/recurring/v3/agreements/{id_}{rest}" for rest in ("", "/charges", "/charges?status=DUE")]
        stranger = "/recurring/v3/charges/chr-none"
    asked = [Request("GET", path, wire.headers()) for path in paths]
    for request in (*asked, Request("GET", stranger, wire.headers(msn="999999"))):
        yield Played(request, provider.handle(request), broken=False, step="aside")
