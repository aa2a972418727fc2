"""Sends the requests of one history.

They have a valid token, keep to the rate limits, and are sent again where that is safe.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from conformance.domain.messages import Call, NoResponse, Request, Response, ResponseOrNone
from conformance.domain.order import Profile
from conformance.targets.http.health_monitor import HealthMonitor
from conformance.targets.http.in_between import evidence_in
from conformance.targets.http.token_store import TokenStore
from conformance.targets.target import RecordExchange, busy_recorder
from conformance.targets.transport import SPENT, SURPLUS, Connection
from conformance.wire.base import is_page

KEYS: Final = ("Idempotency-Key", "X-Request-Id")
RESENT: Final = 2
"""How often a request without a response is sent again, with the same idempotency key."""
MINUTE: Final = 60.0
CHANGES: Final = 5
READS: Final = 120
"""Documented number of requests of one kind, changes or reads, that one order takes within a minute."""

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class SendPolicy:
    """How politely a target is treated.

    Attributes:
        paced: whether the documented rate limits of an order are kept.
        resends: whether a request without a response may be sent again.
        doubts: whether responses may come from something between the suite and the target, and are checked for it.
        pause: the unit of all waiting, in seconds.
        waits: is told how many seconds a request waits, and why.

    """

    paced: bool = False
    resends: bool = False
    doubts: bool = False
    pause: float = 0.2
    waits: Callable[[float, str], None] = lambda _, __: None


class RateLimiter:
    """Keeps the requests of one order under the documented limits."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sent: dict[tuple[str, str], deque[float]] = {}

    def wait(self, request: Request) -> float:
        """Return how many seconds a request has to wait, and count it as sent after that."""
        method, path = request.method, request.path.partition("?")[0]
        times = self._sent.setdefault((method, path), deque())
        now = self._clock()
        while times and now - times[0] >= MINUTE:
            times.popleft()
        limit = READS if method == "GET" else CHANGES
        seconds = max(0.0, times[-limit] + MINUTE - now) if len(times) >= limit else 0.0
        times.append(now + seconds)
        return seconds


class RequestSender:
    """Sends the requests of one history and records every exchange.

    Attributes:
        unanswered: how many requests of the present step were sent without getting a response.
        preparing: whether the present step is something else than a cancel. Server errors are not under test there, so
            the request is sent again, as the documentation advises.
        mixed_up: whether a connection had more responses than requests during the present step.

    """

    def __init__(
        self, tokens: TokenStore, health: HealthMonitor, policy: SendPolicy, record: RecordExchange, profile: Profile
    ) -> None:
        self.unanswered = 0
        self.preparing = False
        self.mixed_up = False
        self.policy = policy
        self._profile = profile
        self._tokens = tokens
        self._health = health
        self._record = record
        self._limiter = RateLimiter(tokens.clock)

    async def send(self, call: Call, connection: Connection) -> ResponseOrNone:
        """Send a request until it has a response or must not be sent again.

        Returns the last answer, as what it is worth as evidence.

        Raises:
            TargetError: the target is not healthy, or is production.

        """
        resent, was_refused = 0, False
        while True:
            call = await self.prepare(call, connection)
            connection.busy = busy_recorder(self._record)
            answer = await connection.send(call)
            again = call
            if isinstance(answer, Response) and answer.status == 401 and not was_refused and not call.to_control:
                again, was_refused = await self._tokens.reauthorize(call, self._record), True
            evidence = self.evidence_in(call, answer)
            repeat = resent < RESENT and self._may_repeat(call.request, evidence)
            if again is not call or repeat:
                self._record(call, answer, resent=True)
            else:
                self._record(call, answer)
            self.check(answer)
            if again is call and not repeat:
                return evidence
            call = again
            if repeat:
                resent += 1
                self.unanswered += 1
                await connection.pause(self.policy.pause * 5 * resent)

    def evidence_in(self, call: Call, answer: ResponseOrNone) -> ResponseOrNone:
        """Return an answer as what it is worth as evidence: see `in_between`."""
        if answer == NoResponse(SURPLUS):
            self.mixed_up = True
        return evidence_in(self._profile, call, answer) if self.policy.doubts else answer

    async def reauthorized(self, raced: Sequence[tuple[Call, ResponseOrNone]]) -> list[Call] | None:
        """Renew a token that was refused while requests raced.

        Returns the calls with the new token if all of them were refused: nothing was carried out, and they can race
        again. Returns None otherwise.
        """
        renewed = [
            await self._tokens.reauthorize(call, self._record) if self.is_token_refused(call, answer) else call
            for call, answer in raced
        ]
        changed = all(call is not before for call, (before, _) in zip(renewed, raced, strict=True))
        return renewed if changed else None

    def is_token_refused(self, call: Call, answer: ResponseOrNone) -> bool:
        """Tell whether a call was refused for one of the session's own tokens."""
        return isinstance(answer, Response) and answer.status == 401 and self._tokens.is_own(call)

    async def prepare(self, call: Call, connection: Connection) -> Call:
        """Wait until the rate limit lets a call be sent; return it with a valid token."""
        call = await self._tokens.authorize(call, self._record)
        if self.policy.paced and not call.to_control:
            seconds = self._limiter.wait(call.request)
            if seconds > 0:
                self.policy.waits(seconds, f"an order takes {CHANGES} requests of a kind within a minute")
                await connection.pause(seconds)
        return call

    def check(self, answer: ResponseOrNone) -> None:
        """Note what an answer shows of the target's health and of the token.

        Raises:
            TargetError: the target is not healthy, or is production.

        """
        if self._health.check(answer) and isinstance(answer, Response):
            self._tokens.note_success(answer)

    def _may_repeat(self, request: Request, answer: ResponseOrNone) -> bool:
        """Return whether a request is safe to repeat and its answer is not under test.

        A request with an idempotency key is safe. A read has none: whoever reads decides about reading again.
        """
        if not self.policy.resends or not any(request.header(name) for name in KEYS):
            return False
        if isinstance(answer, NoResponse):
            return answer != NoResponse(SPENT)
        return is_page(answer) or (answer.status >= 500 and self.preparing)
