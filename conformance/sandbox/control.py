"""The test control API lets time pass and the user act, for one payment at a time.

It needs no credentials. The base is ``/control``; calls are
``/v1/capabilities``, ``/v1/{profile}/payments/{id}/age`` and ``…/action`` under it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from conformance.domain.messages import Response
from conformance.sandbox.api_base import ApiBase
from conformance.sandbox.clock import DAY
from conformance.sandbox.options import Options
from conformance.sandbox.payment import Payment
from conformance.sandbox.wire import BadBodyError, ProviderRequest, empty_response, json_response

OLDEST = 100 * 365 * DAY
"""How old a payment can become, in seconds: its moments must remain valid dates."""


class Control:
    """The test control API."""

    ROUTES = (
        ("GET", "/control/v1/capabilities", "capabilities"),
        ("POST", "/control/v1/{profile}/payments/{id}/age", "age"),
        ("POST", "/control/v1/{profile}/payments/{id}/action", "action"),
    )

    def __init__(self, options: Options, profiles: Mapping[str, ApiBase]) -> None:
        self.options = options
        self.profiles = profiles

    def serve(self, call: ProviderRequest, handler: str) -> Response:
        """Return the response to one request."""
        try:
            response: Response = getattr(self, handler)(call)
        except BadBodyError as error:
            return self.refuse(400, str(error))
        return response

    def refuse(self, status: int, message: str) -> Response:
        """Return a response that says why something was not done."""
        return json_response(status, {"error": message})

    def capabilities(self, call: ProviderRequest) -> Response:
        """``GET /control/v1/capabilities``: what is offered."""
        actions = {name: list(profile.ACTIONS) for name, profile in self.profiles.items()}
        return json_response(200, {"version": 1, "profiles": list(self.profiles), "age": True, "actions": actions})

    def find(self, call: ProviderRequest) -> tuple[ApiBase, Payment] | None:
        """Return a payment and its API.

        Ids are looked up in both sales units unless a header names one.
        """
        profile = self.profiles.get(call.params[0])
        if profile is None:
            return None
        named = call.headers.get("merchant-serial-number")
        for msn in (self.options.msn, self.options.other_msn) if named is None else (named,):
            payment = profile.find(msn, call.params[1])
            if payment is not None:
                return profile, payment
        return None

    def age(self, call: ProviderRequest) -> Response:
        """Make a payment older."""
        seconds = call.body().get("seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
            return self.refuse(400, "seconds must be a number")
        match = self.find(call)
        if match is None:
            return self.refuse(404, "There is no such payment")
        payment = match[1]
        if not 0 <= seconds <= OLDEST - payment.offset:
            return self.refuse(400, f"seconds must be from 0 to {OLDEST:.0f} in all")
        payment.grow_older(seconds)
        return empty_response(204)

    def action(self, call: ProviderRequest) -> Response:
        """Let the user, the bank or the charge run act on a payment."""
        action = call.body().get("action")
        match = self.find(call)
        if match is None:
            return self.refuse(404, "There is no such payment")
        profile, payment = match
        if not isinstance(action, str) or action not in profile.ACTIONS:
            return self.refuse(400, "action must be one of " + ", ".join(profile.ACTIONS))
        if not profile.act(payment, action):
            return self.refuse(409, f"{action} cannot happen in the payment's present state")
        return empty_response(204)
