"""The reference merchants' client of the provider: a token, the headers, and what a response means."""

from __future__ import annotations

import json

import httpx

from conformance.merchant import Setup

TIMEOUT = 5.0


class TryLater(Exception):
    """Nothing is known: the request may have been carried out or not.

    ``seconds`` is how long the provider said to wait.
    """

    def __init__(self, reason: str, seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.seconds = seconds


class Refused(Exception):
    """The provider refused for good. ``codes`` are its error codes."""

    def __init__(self, status: int, codes: set[str], trace: str) -> None:
        super().__init__(f"HTTP {status}, {', '.join(sorted(codes)) or 'no code'}, {trace}")
        self.status = status
        self.codes = codes


class ProviderClient:
    """Calls of one sales unit, with a token that is fetched when it is needed."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self._client = httpx.Client(base_url=setup.base_url, timeout=TIMEOUT)
        self._token = ""

    def call(self, method: str, path: str, body: object = None, key: str = "") -> object:
        """Make a call; return its JSON, or None where there is none.

        Raises:
            TryLater: The outcome is not known, or the provider is busy.
            Refused: The provider refused.

        """
        response = self._send(method, path, body, key)
        if response.status_code == 401:
            self._token = ""
            response = self._send(method, path, body, key)
        if response.status_code in (401, 408, 423, 425, 429) or response.status_code >= 500 or response.is_redirect:
            raise _later(response)
        content = _json(response)
        if response.is_error:
            codes = _codes(content)
            if codes & {"6160", "6250", "94"}:
                raise _later(response)
            raise Refused(response.status_code, codes, _trace(content))
        if response.status_code == 202:
            raise _later(response)
        return content

    def _send(self, method: str, path: str, body: object, key: str) -> httpx.Response:
        headers = {
            "Authorization": f"Bearer {self._fresh_token()}",
            "Ocp-Apim-Subscription-Key": self.setup.subscription_key,
            "Merchant-Serial-Number": self.setup.msn,
            "Vipps-System-Name": "reference-shop",
            "Vipps-System-Version": "1.0",
        }
        if key:
            headers["X-Request-Id" if path.startswith("/ecomm") else "Idempotency-Key"] = key
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            headers["Content-Type"] = "application/json"
        try:
            return self._client.request(method, path, headers=headers, content=content)
        except httpx.TransportError as error:
            raise TryLater(str(error)) from error

    def _fresh_token(self) -> str:
        if not self._token:
            headers = {
                "client_id": self.setup.client_id,
                "client_secret": self.setup.client_secret,
                "Ocp-Apim-Subscription-Key": self.setup.subscription_key,
                "Merchant-Serial-Number": self.setup.msn,
            }
            try:
                response = self._client.post("/accesstoken/get", headers=headers)
                content = _json(response)
            except httpx.TransportError as error:
                raise TryLater(str(error)) from error
            token = content.get("access_token") if isinstance(content, dict) and response.is_success else None
            if not isinstance(token, str):
                raise TryLater("no token")
            self._token = token
        return self._token


def _later(response: httpx.Response) -> TryLater:
    seconds = response.headers.get("Retry-After", "")
    return TryLater(f"HTTP {response.status_code}", float(seconds) if seconds.isdecimal() else 0.0)


def _json(response: httpx.Response) -> object:
    try:
        return response.json()
    except ValueError:
        return None


def _codes(content: object) -> set[str]:
    if isinstance(content, list):
        return {str(entry.get("errorCode")) for entry in content if isinstance(entry, dict)}
    if isinstance(content, dict):
        details = content.get("extraDetails") or []
        kind = str(content.get("type", "")).rpartition("#")[2]
        return {kind} - {""} | {str(entry.get("reason")) for entry in details if entry.get("name") == "ErrorCode"}
    return set()


def _trace(content: object) -> str:
    first = content[0] if isinstance(content, list) and content else content
    return str(first.get("traceId") or first.get("contextId") or "") if isinstance(first, dict) else ""
