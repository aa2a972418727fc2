"""Sends a delivery to a handler on this machine, over a real connection."""

from __future__ import annotations

import http.client
import time
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from conformance.merchant.integration.base import ActionResult
from conformance.merchant.protocol import WebhookRequest, WebhookResponse
from conformance.merchant.webhooks.registrations import url_problem
from conformance.merchant.webhooks.signing import host_and_path
from conformance.obligations.webhook_rules import ANSWER_SECONDS

SHORT_SECONDS: Final = 1.0
"""How long a response is waited for once several deliveries had none. What is not there by then breaks no rule."""
MOST_UNANSWERED: Final = 3
HOST: Final = "127.0.0.1"
LARGEST_RESPONSE: Final = 65_536
"""Bytes that are read of a response."""


class Poster:
    """Posts deliveries, and waits less for a handler that never answers."""

    def __init__(self) -> None:
        self._unanswered = 0

    def post(self, request: WebhookRequest) -> ActionResult:
        """Post a delivery; return a `WebhookResponse`, or that the action raised where none came.

        Redirects are not followed, no name is resolved, and no other machine is reached.
        """
        problem = url_problem(request.url)
        if problem:
            return ActionResult("skipped", None, problem)
        is_short = self._unanswered >= MOST_UNANSWERED
        seconds = SHORT_SECONDS if is_short else ANSWER_SECONDS
        try:
            response = _exchange(request, seconds)
        except TimeoutError:
            self._unanswered += 1
            gave_up = "given up after a second, because others had no answer"
            return ActionResult("raised", None, gave_up if is_short else f"no answer within {seconds:.0f} seconds")
        except (OSError, http.client.HTTPException) as error:
            return ActionResult("raised", None, f"no answer: {type(error).__name__}")
        self._unanswered = 0
        return ActionResult("returned", response)


def _exchange(request: WebhookRequest, seconds: float) -> WebhookResponse:
    parts = urlsplit(request.url)
    deadline = time.monotonic() + seconds
    connection = http.client.HTTPConnection(_address(parts.hostname or ""), parts.port or 80, timeout=seconds)
    try:
        connection.putrequest(request.method, host_and_path(request.url)[1], skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers:
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body)
        response = connection.getresponse()
        body = b""
        while len(body) < LARGEST_RESPONSE and (part := response.read1(LARGEST_RESPONSE)):
            body += part
            if time.monotonic() > deadline:
                raise TimeoutError
        return WebhookResponse(response.status, body)
    finally:
        connection.close()


def _address(host: str) -> str:
    """Return the address of a host on this machine, without asking anybody for it."""
    try:
        address = ip_address(host)
    except ValueError:
        return HOST
    return str(address) if address.is_loopback else HOST
