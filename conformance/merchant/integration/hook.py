"""An integration behind a test hook: a service of the merchant that takes actions over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

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
from conformance.targets.http.httpx_exchange import no_response
from conformance.targets.transport import TargetError, TargetUsageError

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class HookIntegration:
    """A service of the merchant that answers ``POST BASE/ACTION``."""

    kind = "url"
    virtual = False
    first: Profile | None = None

    def __init__(self, base: str) -> None:
        self.name = base
        split = urlsplit(base)
        if split.hostname not in _LOOPBACK:
            raise TargetUsageError(
                f"{base} is not on this machine: a test hook is reached at http://127.0.0.1:PORT only."
            )
        if split.scheme != "http":
            raise TargetUsageError(f"{base} is not http: on this machine nothing is encrypted.")
        self._base = base.rstrip("/")
        self.seconds = ACTION_SECONDS
        self.vain_pauses = 0
        self._setup: Setup | None = None
        self._follows_clock = False
        # It is on this machine, where certificates are home-made.
        self._client = httpx.Client(timeout=ACTION_SECONDS, verify=False, trust_env=False)  # nosec B501

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
        hung = ActionResult("hung", None, f"it did not answer within {self.seconds:.0f} seconds")
        deadline = time.monotonic() + self.seconds
        content = as_json(arguments, self._setup.now() if self._setup and self._follows_clock else None)
        body = bytearray()
        try:
            with self._client.stream("POST", f"{self._base}/{action}", json=content, timeout=self.seconds) as response:
                for chunk in response.iter_bytes():
                    body += chunk
                    # A response may trickle so that no single read times out.
                    if time.monotonic() > deadline:
                        return hung
                    if len(body) > LARGEST_OUTPUT:
                        return ActionResult("raised", None, f"answered with {TOO_MUCH}")
        except httpx.TimeoutException:
            return hung
        except httpx.TransportError as error:
            reason = no_response(error, self.seconds).cause
            raise TargetError(f"{self.name} cannot be reached: {reason}. Is the merchant's service running?") from None
        except httpx.DecodingError as error:
            raise TargetError(f"The test hook is at fault: POST {self._base}/{action}: {error}.") from None
        text = body.decode("utf-8", "replace")
        if not response.is_success:
            return ActionResult(
                "raised",
                None,
                f"answered {response.status_code}: {cut_between_words(text, 200)}",
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

    def together(self, action: str, arguments: Mapping[str, Any]) -> list[ActionResult]:
        """Post an action twice at the same time."""
        return call_twice(self.call, action, arguments)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
