"""Access tokens: issued for the client's keys, checked with every request.

Documented in the Access Token API description, 2.0.0: ``POST /accesstoken/get`` with the keys in headers and no body.
"""

from __future__ import annotations

import base64
import json

from conformance.domain.messages import Response
from conformance.sandbox.clock import Clock
from conformance.sandbox.ids import Ids
from conformance.sandbox.options import Options
from conformance.sandbox.wire import ProviderRequest, gateway_response, json_response


class Tokens:
    """The token endpoint and the tokens it issued."""

    ROUTES = (("POST", "/accesstoken/get", "issue"),)

    def __init__(self, options: Options, clock: Clock, ids: Ids) -> None:
        self.options = options
        self.clock = clock
        self.ids = ids
        self.expiries: dict[str, float] = {}

    def serve(self, call: ProviderRequest, handler: str) -> Response:
        """Return the response to one request."""
        response: Response = getattr(self, handler)(call)
        return response

    def issue(self, call: ProviderRequest) -> Response:
        """Exchange the client's keys for a token."""
        if not self.keys_fit(call):
            return gateway_response(401, "Client credentials or subscription key are missing or wrong")
        issued = self.clock.seconds()
        lifetime = self.options.token_seconds
        token = self.mint(issued)
        self.expiries[token] = issued + lifetime
        return json_response(
            200,
            {
                "token_type": "Bearer",
                "expires_in": str(lifetime),
                "ext_expires_in": str(lifetime),
                "expires_on": str(int(issued + lifetime)),
                "not_before": str(int(issued)),
                "resource": "00000002-0000-0000-c000-000000000000",
                "access_token": token,
            },
        )

    def keys_fit(self, call: ProviderRequest) -> bool:
        """Return whether id, secret and subscription key are those of this client."""
        headers = call.headers
        return (
            headers.get("client_id") == self.options.client_id
            and headers.get("client_secret") == self.options.client_secret
            and headers.get("ocp-apim-subscription-key") == self.options.subscription_key
        )

    def mint(self, issued: float) -> str:
        """Return a new token in the form of a JWT; its signature is a random word."""
        head = {"alg": "HS256", "typ": "JWT"}
        claims = {"iat": int(issued), "exp": int(issued + self.options.token_seconds), "jti": self.ids.uuid()}
        parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (head, claims))
        return ".".join((*parts, self.ids.word(43)))

    def is_valid(self, token: str) -> bool:
        """Return whether the token was issued here and has not expired."""
        expiry = self.expiries.get(token)
        return expiry is not None and self.clock.seconds() < expiry
