"""An integration behind a test hook: a service of the merchant that takes actions over HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import httpx

from conformance.domain.messages import Request, Response
from conformance.domain.order import Profile
from conformance.merchant.integration.base import (
    ACTION_SECONDS,
    ACTIONS_WITH_OUTPUT,
    LARGEST_OUTPUT,
    LONGEST_CRASH,
    TOO_MUCH,
    ActionResult,
    MerchantCapabilities,
    as_json,
    call_twice,
    capabilities_from,
    setup_as_json,
)
from conformance.merchant.protocol import Setup
from conformance.obligations.history import CLOCK
from conformance.targets.crash import cut_between_words
from conformance.targets.http.httpx_exchange import (
    PackedError,
    TooLargeError,
    http_request,
    no_response,
    read_response_now,
)
from conformance.targets.http.outgoing import OutgoingTransport, in_time
from conformance.targets.production_guard import hook_address
from conformance.targets.transport import TargetError

_CONNECTIONS: Final = 4
"""An action may be posted twice at the same time, and one that hangs keeps its connection until it is ended."""


class HookIntegration:
    """A service of the merchant that answers ``POST BASE/ACTION``."""

    kind = "url"
    virtual = False
    first: Profile | None = None

    def __init__(self, base: str) -> None:
        address = hook_address(base)
        self.name = base
        self._base = address.url
        self.seconds = ACTION_SECONDS
        self.vain_pauses = 0
        self._setup: Setup | None = None
        self._follows_clock = False
        self._transport = OutgoingTransport(address.origin, trusted=False, proxy=None, connections=_CONNECTIONS)

    def open(self, setup: Setup) -> MerchantCapabilities:
        """Start the first history, and return what the service can do."""
        capabilities = capabilities_from(self.name, self._start(setup), zone=False)
        self._follows_clock = CLOCK in capabilities.actions
        return capabilities

    def begin(self, setup: Setup) -> None:
        """Start a history: POST ``start``."""
        self._start(setup)

    def _start(self, setup: Setup) -> dict[str, Any]:
        # A history begins with both clocks at the same time; `start` needs no other.
        self._setup = None
        result = self.call("start", setup_as_json(setup))
        self._setup = setup
        if result.ending != "returned" or not isinstance(result.value, dict):
            raise TargetError(
                f"{self.name} did not start: POST {self._base}/start: {result.message or 'it gave no JSON object'}. "
                "docs/reference/merchant-protocol.md says what it must answer.",
                result.crash,
            )
        return result.value

    def enter_zone(self, zone: str) -> None:
        """Do nothing: a service that runs already keeps its time zone, so it has no such capability."""

    def call(self, action: str, arguments: Mapping[str, Any]) -> ActionResult:
        """Post an action, and return how it ended."""
        content = as_json(arguments, self._setup.now() if self._setup and self._follows_clock else None)
        try:
            response = in_time(self._transport, self.seconds, lambda: self._post(action, content))
        except (TimeoutError, httpx.TimeoutException):
            return ActionResult("hung", None, f"it did not answer within {self.seconds:.0f} seconds")
        except TooLargeError:
            return ActionResult("raised", None, f"answered with {TOO_MUCH}")
        except httpx.TransportError as error:
            reason = no_response(error, self.seconds).cause
            raise TargetError(f"{self.name} cannot be reached: {reason}. Is the merchant's service running?") from None
        except (httpx.DecodingError, PackedError) as error:
            reason = no_response(error, self.seconds).cause
            raise TargetError(f"The test hook is at fault: POST {self._base}/{action}: {reason}.") from None
        text = response.body.decode("utf-8", "replace")
        if not 200 <= response.status < 300:
            return ActionResult(
                "raised",
                None,
                f"answered {response.status}: {cut_between_words(text, 200)}",
                cut_between_words(text, LONGEST_CRASH).strip(),
            )
        if action not in ACTIONS_WITH_OUTPUT:
            return ActionResult("returned")
        try:
            return ActionResult("returned", json.loads(text))
        except (ValueError, RecursionError):
            raise TargetError(
                f"The test hook is at fault: POST {self._base}/{action} answered {text[:80]!r}, which is no JSON."
            ) from None

    def _post(self, action: str, content: Any) -> Response:
        request = http_request(
            Request("POST", f"/{action}", (("Content-Type", "application/json"),), json.dumps(content).encode()),
            self._base,
            **dict.fromkeys(("connect", "read", "write", "pool"), self.seconds),
        )
        return read_response_now(self._transport.handle_request(request), LARGEST_OUTPUT)

    def together(self, action: str, arguments: Mapping[str, Any]) -> list[ActionResult]:
        """Post an action twice at the same time."""
        return call_twice(self.call, action, arguments)

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()
