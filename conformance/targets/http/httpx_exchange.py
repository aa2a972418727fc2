"""One HTTP exchange through one of httpx' transports: an answer, or in plain words why there is none."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from conformance import __version__
from conformance.domain.messages import Request, Response
from conformance.wire import NoResponse

LARGEST: Final = 5_000_000
"""Bytes of an answer's body. No answer of these APIs comes near it."""
LONGEST_WAIT: Final = 65.0
"""Seconds that a 429 may make us wait."""
_OWN_HEADERS: Final = (("User-Agent", f"cancel-conformance/{__version__}"), ("Accept-Encoding", "identity"))


class TooLargeError(Exception):
    """An answer has more bytes than are read."""


def http_request(request: Request, base: str, **timeouts: float) -> httpx.Request:
    """Return a request for a transport; its path is added to the base's.

    Raises:
        ValueError: a header has letters that HTTP does not allow.

    """
    return httpx.Request(
        request.method,
        base + request.path,
        headers=[*request.headers, *_OWN_HEADERS],
        content=request.body,
        extensions={"timeout": timeouts},
    )


async def read_answer(answer: httpx.Response) -> Response:
    """Read an answer's body, up to the largest that makes sense.

    Raises:
        TooLargeError: there is more.
        httpx.HTTPError: it broke off, or cannot be decoded.

    """
    body = bytearray()
    try:
        async for chunk in answer.aiter_bytes():
            _add(body, chunk)
    finally:
        await answer.aclose()
    return _response(answer, body)


def read_answer_now(answer: httpx.Response) -> Response:
    """Do the same where nothing is asynchronous.

    Raises:
        TooLargeError: there is more.
        httpx.HTTPError: it broke off, or cannot be decoded.

    """
    body = bytearray()
    try:
        for chunk in answer.iter_bytes():
            _add(body, chunk)
    finally:
        answer.close()
    return _response(answer, body)


def _add(body: bytearray, chunk: bytes) -> None:
    body += chunk
    if len(body) > LARGEST:
        raise TooLargeError


def _response(answer: httpx.Response, body: bytearray) -> Response:
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw)
    return Response(answer.status_code, headers, bytes(body))


def lost(error: Exception, timeout: float) -> NoResponse:
    """Say in plain words why there is no answer. An exception's own text may carry what was sent, so it is left out."""
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
            return _unconnected(error)
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


def _unconnected(error: BaseException) -> str:
    words = str(error).lower()
    causes: list[BaseException] = [error]
    while causes[-1].__cause__ or causes[-1].__context__:
        causes.append(causes[-1].__cause__ or causes[-1].__context__ or error)
    if any(isinstance(one, ssl.SSLCertVerificationError) for one in causes) or "certificate" in words:
        return "its certificate is not trusted; SSL_CERT_FILE may name the authority that signed it"
    if any(isinstance(one, ssl.SSLError) for one in causes) or "ssl" in words:
        return "no encrypted connection could be made"
    if "refused" in words or "all connection attempts failed" in words:
        return "the connection was refused"
    if any(type(one).__name__ == "gaierror" for one in causes):
        return "the host's name is not known"
    return "no connection could be made"


def retry_after(answer: Response, otherwise: float) -> float:
    """Return how many seconds a 429 asks us to wait: a number or a date, and never longer than makes sense.

    >>> retry_after(Response(429, (("Retry-After", "2"),)), 1.0), retry_after(Response(429), 1.0)
    (2.0, 1.0)
    """
    said = (answer.header("retry-after") or "").strip()
    if said.isascii() and said.isdigit():
        return float(min(int(said[:9]), LONGEST_WAIT))
    try:
        moment = parsedate_to_datetime(said)
    except ValueError:
        return otherwise
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), LONGEST_WAIT)
