"""One HTTP exchange through an httpx transport.

The result is a response, or in plain words why there is none.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from conformance import __version__
from conformance.domain.messages import NoResponse, Request, Response

LARGEST: Final = 5_000_000
"""Bytes of a response's body that are read. No response of these APIs is nearly as large."""
LONGEST_WAIT: Final = 65.0
"""Seconds that a 429 may make the suite wait."""
_OWN_HEADERS: Final = (("User-Agent", f"cancel-conformance/{__version__}"), ("Accept-Encoding", "identity"))


class TooLargeError(Exception):
    """A response has more bytes than are read."""


def http_request(request: Request, base: str, **timeouts: float) -> httpx.Request:
    """Return a request for a transport, with the request's path added to the base.

    Raises:
        ValueError: a header has characters that HTTP does not allow.

    """
    return httpx.Request(
        request.method,
        base + request.path,
        headers=[*request.headers, *_OWN_HEADERS],
        content=request.body,
        extensions={"timeout": timeouts},
    )


async def read_response(response: httpx.Response) -> Response:
    """Return a response with its whole body, from an asynchronous transport.

    Raises:
        TooLargeError: the body has more than ``LARGEST`` bytes.
        httpx.HTTPError: the body broke off, or cannot be decoded.

    """
    body = bytearray()
    try:
        async for chunk in response.aiter_bytes():
            _append(body, chunk)
    finally:
        await response.aclose()
    return _plain_response(response, body)


def read_response_now(response: httpx.Response) -> Response:
    """Return a response with its whole body, from a synchronous transport.

    Raises:
        TooLargeError: the body has more than ``LARGEST`` bytes.
        httpx.HTTPError: the body broke off, or cannot be decoded.

    """
    body = bytearray()
    try:
        for chunk in response.iter_bytes():
            _append(body, chunk)
    finally:
        response.close()
    return _plain_response(response, body)


def _append(body: bytearray, chunk: bytes) -> None:
    body += chunk
    if len(body) > LARGEST:
        raise TooLargeError


def _plain_response(response: httpx.Response, body: bytearray) -> Response:
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)
    return Response(response.status_code, headers, bytes(body))


def no_response(error: Exception, timeout: float) -> NoResponse:
    """Return a request that got no response, with the cause in words.

    The text of the exception is left out: it may contain what was sent.
    """
    return NoResponse(_cause(error, timeout))


def _cause(error: Exception, timeout: float) -> str:
    match error:
        case TooLargeError():
            return f"the answer is larger than {LARGEST // 1_000_000} MB"
        case httpx.ConnectTimeout():
            return "no connection could be made in time"
        case httpx.TimeoutException() | TimeoutError():
            return f"no answer within {timeout:g} seconds"
        case httpx.ProxyError():
            return "the proxy refused the connection"
        case httpx.ConnectError():
            return _connection_cause(error)
        case httpx.RemoteProtocolError():
            closed = "disconnected" in str(error) or "closed" in str(error)
            return "the connection was closed before the answer was complete" if closed else "the answer is not HTTP"
        case httpx.LocalProtocolError() | UnicodeError():
            return "the request cannot be sent: a header has letters that HTTP does not allow; check the credentials"
        case httpx.DecodingError():
            return "the answer's body is not encoded as its headers say"
        case httpx.NetworkError():
            return "the connection broke off"
    return f"the exchange failed ({type(error).__name__})"


def _connection_cause(error: BaseException) -> str:
    words = str(error).lower()
    causes = list(_causes(error))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes) or "certificate" in words:
        return "its certificate is not trusted; SSL_CERT_FILE may name the authority that signed it"
    if any(isinstance(cause, ssl.SSLError) for cause in causes) or "ssl" in words:
        return "no encrypted connection could be made"
    if "refused" in words or "all connection attempts failed" in words:
        return "the connection was refused"
    if any(type(cause).__name__ == "gaierror" for cause in causes):
        return "the host's name is not known"
    return "no connection could be made"


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def retry_after(response: Response, otherwise: float) -> float:
    """Return how many seconds a 429 asks the client to wait.

    ``Retry-After`` is a number or a date. The result is at most ``LONGEST_WAIT``, and ``otherwise`` if the header is
    missing or unreadable.

    >>> retry_after(Response(429, (("Retry-After", "2"),)), 1.0), retry_after(Response(429), 1.0)
    (2.0, 1.0)
    """
    value = (response.header("retry-after") or "").strip()
    if value.isascii() and value.isdigit():
        return float(min(int(value[:9]), LONGEST_WAIT))
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return otherwise
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), LONGEST_WAIT)
