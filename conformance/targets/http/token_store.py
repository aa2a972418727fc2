"""The access token that all requests of a session share.

It is renewed before it ends, and once after a 401.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from conformance.domain.messages import Call, Response
from conformance.targets.target import RecordExchange

RENEWAL_MARGIN: Final = 60.0
"""Seconds before its end at which a token is renewed, so that it does not end in the middle of a history."""
_SUBSCRIPTION_KEY: Final = "Ocp-Apim-Subscription-Key"

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Token:
    """An access token.

    Attributes:
        text: what is sent after ``Bearer``.
        ends: the moment to renew it, in seconds of ``time.monotonic``; None if its lifetime is not known.

    """

    text: str
    ends: float | None = None


Renew = Callable[[RecordExchange], Awaitable[Token]]
"""Fetches a new token and records the exchange."""


class TokenStore:
    """Holds the session's token and puts it into requests.

    Only requests that carry a token of this store are changed: a header that a history breaks on purpose stays broken.
    """

    def __init__(
        self, token: Token, renew: Renew | None = None, clock: Clock = time.monotonic, *, subscription_key: str = ""
    ) -> None:
        """Start with a token, and the subscription key that requests carry beside it.

        Without ``renew`` it cannot be renewed: the user supplied it.
        """
        self.token = token
        self.clock = clock
        self._renew = renew
        self._subscription_key = subscription_key
        self._issued = {token.text}
        self._refused_when_new = ""
        self._lock = asyncio.Lock()

    async def authorize(self, call: Call, record: RecordExchange) -> Call:
        """Return a call that carries one of our tokens with one that is valid."""
        token = self.token
        if token.ends is not None and self.clock() >= token.ends:
            await self._replace(token.text, record)
        return _with_token(call, self.token.text) if _token_of(call) in self._issued else call

    async def reauthorize(self, call: Call, record: RecordExchange) -> Call:
        """Return a call that was refused with 401 with a new token.

        The result is the same call if there is none.
        """
        refused = _token_of(call)
        # A request without the subscription key, or with another one, is refused for that, whatever its token is.
        has_key = call.request.header(_SUBSCRIPTION_KEY) == self._subscription_key
        if has_key and refused in self._issued and await self._replace(refused, record):
            return _with_token(call, self.token.text)
        return call

    def is_own(self, call: Call) -> bool:
        """Return whether a call carries a token of this store."""
        return _token_of(call) in self._issued

    def note_success(self, response: Response) -> None:
        """Note that the current token was accepted: a later 401 may renew it."""
        if response.status != 401 and self._refused_when_new == self.token.text:
            self._refused_when_new = ""

    async def _replace(self, refused: str, record: RecordExchange) -> bool:
        """Renew a token that ended or was refused.

        Returns whether there is another one now. A new token that is refused at once is not renewed again: the token is
        not the problem then.
        """
        async with self._lock:
            if self.token.text != refused:
                return True
            if self._renew is None or refused == self._refused_when_new:
                return False
            self.token = await self._renew(record)
            self._refused_when_new = self.token.text
            self._issued.add(self.token.text)
            return True


def _token_of(call: Call) -> str:
    """Return the token of a well-formed ``Authorization`` header to the API.

    The result is an empty text otherwise.
    """
    value = call.request.header("Authorization") or ""
    return value.removeprefix("Bearer ") if value.startswith("Bearer ") and not call.to_control else ""


def _with_token(call: Call, token: str) -> Call:
    if _token_of(call) == token:
        return call
    headers = tuple(
        (name, f"Bearer {token}" if name == "Authorization" else value) for name, value in call.request.headers
    )
    return replace(call, request=replace(call.request, headers=headers))
