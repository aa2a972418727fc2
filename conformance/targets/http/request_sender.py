"""How a request of a history is sent: with a token that holds, as often as is polite, and again where that is safe.

What all players of a session share is their `Office`: the token, and how the target is. What is one order's own is its
`Sender`: how often it was asked for something within the last minute.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Final

from conformance.domain.messages import Request, Response
from conformance.targets.production_guard import says_production
from conformance.targets.transport import SPENT, Connection, TargetError
from conformance.wire import Call, NoResponse, ResponseOrNone
from conformance.wire.base import is_page

KEYS: Final = ("Idempotency-Key", "X-Request-Id")
RESENT: Final = 2
"""How often a request that was not answered is sent again, with the same idempotency key."""
MINUTE: Final = 60.0
CHANGES: Final = 5
READS: Final = 120
"""Requests of one kind that one order takes within a minute, as documented."""
SICK: Final = 24
"""So many requests in a row without an orderly answer, whoever sent them, end the run."""
EARLY: Final = 60.0
"""Seconds before its end at which a token is renewed: no history is to be caught by it halfway."""

Clock = Callable[[], float]
RecordExchange = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. ``ends`` is when, by the clock of this machine; None where nobody said."""

    text: str
    ends: float | None = None


Renew = Callable[[RecordExchange], Awaitable[Token]]
"""Fetches another token; what was asked and answered is written down."""


@dataclass
class TokenStore:
    """What the players of one session share.

    ``renew`` is None where the user gave the token. ``paced`` says whether the documented limits are kept; ``resends``
    whether a request may be sent again; ``pause`` is the shortest wait before that, in seconds. ``loopback`` says that
    the target is on this machine.
    """

    name: str
    token: Token
    renew: Renew | None = None
    paced: bool = False
    resends: bool = False
    pause: float = 0.2
    loopback: bool = True
    clock: Clock = time.monotonic
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _useless: str = ""
    _sick: int = 0

    def __post_init__(self) -> None:
        self._ours = {self.token.text}

    async def bearing(self, call: Call, record: RecordExchange) -> Call:
        """Return a call with a token that will hold for a while, if it bears one of ours."""
        token = self.token
        if token.ends is not None and self.clock() >= token.ends:
            await self._renew(token.text, record)
        borne = _borne(call)
        return _bearing(call, self.token.text) if borne in self._ours else call

    async def bearing_another(self, call: Call, record: RecordExchange) -> Call:
        """Return a call that was refused (401) with another token, or as it was if there is none."""
        borne = _borne(call)
        # One that was sent without the subscription key is refused for that, whatever its token is.
        keyed = call.request.header("Ocp-Apim-Subscription-Key") is not None
        if keyed and borne in self._ours and await self._renew(borne, record):
            return _bearing(call, self.token.text)
        return call

    async def _renew(self, refused: str, record: RecordExchange) -> bool:
        """Renew a token that ended or was refused; tell whether there is another one now.

        One that was fetched anew and is refused at once is not the trouble: it is not renewed again.
        """
        async with self._lock:
            if self.token.text != refused:
                return True
            if self.renew is None or refused == self._useless:
                return False
            self.token = await self.renew(record)
            self._useless = self.token.text
            self._ours.add(self.token.text)
            return True

    def heard(self, answer: ResponseOrNone) -> None:
        """Take note of how the target is.

        Raises:
            TargetError: it is not healthy, or says that it is production.

        """
        if isinstance(answer, Response):
            refuse_production(self.name, answer, loopback=self.loopback)
        if isinstance(answer, Response) and answer.status < 500 and answer.status != 429 and not is_page(answer):
            self._sick = 0
            if answer.status != 401 and self._useless == self.token.text:
                self._useless = ""
            return
        if answer == NoResponse(SPENT):
            return
        self._sick += 1
        if self._sick >= SICK:
            said = answer.cause if isinstance(answer, NoResponse) else f"status {answer.status}"
            raise TargetError(f"{self.name} is not healthy: {SICK} requests in a row had no orderly answer ({said}).")


def refuse_production(name: str, answer: Response, *, loopback: bool) -> None:
    """Go no further with a target that says that it is production. There is no option that changes it.

    Raises:
        TargetError: it says so.

    """
    said = says_production(answer, loopback=loopback)
    if said:
        raise TargetError(
            f"{name} is production, as it says itself ({said}): it is never tested; name the test environment."
        )


class RateLimiter:
    """Keeps one order's requests under the documented limits."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sent: dict[tuple[str, str], deque[float]] = {}

    def wait(self, request: Request) -> float:
        """Return how many seconds a request has to wait, and count it as sent after that."""
        method, place = request.method, request.path.partition("?")[0]
        times = self._sent.setdefault((method, place), deque())
        now = self._clock()
        while times and now - times[0] >= MINUTE:
            times.popleft()
        limit = READS if method == "GET" else CHANGES
        seconds = max(0.0, times[-limit] + MINUTE - now) if len(times) >= limit else 0.0
        times.append(now + seconds)
        return seconds


class RequestSender:
    """Sends one history's requests.

    ``unanswered`` counts the ones of the present step that were sent in vain. ``preparing`` says that the step is not a
    cancel: its server errors are not what is under test, and are asked again as the documentation advises.
    """

    def __init__(self, office: TokenStore, record: RecordExchange) -> None:
        self.unanswered = 0
        self.preparing = False
        self._office = office
        self._record = record
        self._pace = RateLimiter(office.clock)

    async def send(self, call: Call, link: Connection) -> ResponseOrNone:
        """Send a request until it is answered, or must not be sent again. Every answer is written down.

        Raises:
            TargetError: the target is not healthy.

        """
        office, tries, refused = self._office, 0, False
        while True:
            call = await self.ready(call, link)
            answer = await link.send(call)
            again = call
            if isinstance(answer, Response) and answer.status == 401 and not refused and not call.to_control:
                again, refused = await office.bearing_another(call, self._record), True
            vain = office.resends and tries < RESENT and _is_safe(call.request) and self._in_vain(answer)
            if again is not call or vain:
                self._record(call, answer, resent=True)
            else:
                self._record(call, answer)
            office.heard(answer)
            if again is call and not vain:
                return answer
            call = again
            if vain:
                tries += 1
                self.unanswered += 1
                await link.pause(office.pause * 5 * tries)

    def _in_vain(self, answer: ResponseOrNone) -> bool:
        """Tell whether a request was not answered by the target, or not in a way that is under test."""
        if isinstance(answer, NoResponse):
            return answer != NoResponse(SPENT)
        return is_page(answer) or (answer.status >= 500 and self.preparing)

    async def ready(self, call: Call, link: Connection) -> Call:
        """Wait until a call may be sent; return it with a token that holds."""
        call = await self._office.bearing(call, self._record)
        if self._office.paced and not call.to_control:
            seconds = self._pace.wait(call.request)
            if seconds > 0:
                await link.pause(seconds)
        return call


def _is_safe(request: Request) -> bool:
    """Tell whether a request can be sent again: it has an idempotency key. A read is asked again by who reads."""
    return any(request.header(name) for name in KEYS)


def _borne(call: Call) -> str:
    """Return the token that a call bears in the proper form. What is broken on purpose is left alone."""
    said = call.request.header("Authorization") or ""
    return said.removeprefix("Bearer ") if said.startswith("Bearer ") and not call.to_control else ""


def _bearing(call: Call, token: str) -> Call:
    if _borne(call) == token:
        return call
    headers = tuple(
        (name, f"Bearer {token}" if name == "Authorization" else value) for name, value in call.request.headers
    )
    return replace(call, request=replace(call.request, headers=headers))
