"""One HTTP exchange through an httpx transport.

The result is a response, or in plain words why there is none.
"""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from conformance import __version__
from conformance.domain.messages import NoResponse, Request, Response
from conformance.targets.http.outgoing import OtherHostError

LARGEST: Final = 5_000_000
"""Bytes of a response's body that are read. No response of these APIs is nearly as large."""
LONGEST_WAIT: Final = 65.0
"""Seconds that a 429 may make the suite wait."""
_PACKED: Final = {"gzip": 31, "x-gzip": 31, "deflate": zlib.MAX_WBITS, "compress": None, "br": None, "zstd": None}
"""The ways of packing a body, with what zlib needs to know; None for those that are not read."""
_OWN_HEADERS: Final = (("User-Agent", f"cancel-conformance/{__version__}"), ("Accept-Encoding", "identity"))


class TooLargeError(Exception):
    """A response has more bytes than are read."""


class PackedError(Exception):
    """A response's body is packed in a way that is not read. It was asked for as it is."""


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
        async for chunk in response.aiter_raw():
            _append(body, chunk, LARGEST)
    finally:
        await response.aclose()
    return _plain_response(response, body, LARGEST)


def read_response_now(response: httpx.Response, largest: int = LARGEST) -> Response:
    """Return a response with its whole body, from a synchronous transport.

    Raises:
        TooLargeError: the body has more than ``largest`` bytes.
        PackedError: it is packed in a way that is not read.
        httpx.HTTPError: the body broke off, or cannot be decoded.

    """
    body = bytearray()
    try:
        for chunk in response.iter_raw():
            _append(body, chunk, largest)
    finally:
        response.close()
    return _plain_response(response, body, largest)


def _append(body: bytearray, chunk: bytes, largest: int) -> None:
    body += chunk
    if len(body) > largest:
        raise TooLargeError


def _plain_response(response: httpx.Response, body: bytearray, largest: int) -> Response:
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)
    return Response(response.status_code, headers, _unpacked(response, bytes(body), largest))


def _unpacked(response: httpx.Response, body: bytes, largest: int) -> bytes:
    """Return a body as it was before the server packed it, which it was asked not to do.

    A few bytes can stand for more than a memory holds. So one layer is unpacked, as far as is read, and no more.
    """
    names = response.headers.get_list("content-encoding", split_commas=True)
    layers = [name for name in map(str.lower, names) if name in _PACKED]
    if not layers or not body:
        return body
    window = _PACKED[layers[0]]
    if window is None or len(layers) > 1:
        raise PackedError
    # Some servers send deflate without the header that it has.
    for bits in (window, -zlib.MAX_WBITS) if layers[0] == "deflate" else (window,):
        unpacker = zlib.decompressobj(bits)
        try:
            plain = unpacker.decompress(body, largest + 1)
        except zlib.error:
            continue
        if len(plain) > largest:
            raise TooLargeError
        if unpacker.eof:
            return plain
    raise httpx.DecodingError("The body is not packed as its headers say.")


def no_response(error: Exception, timeout: float) -> NoResponse:
    """Return a request that got no response, with the cause in words.

    The text of the exception is left out: it may contain what was sent.
    """
    return NoResponse(_cause(error, timeout))


def _cause(error: Exception, timeout: float) -> str:
    match error:
        case TooLargeError():
            return f"the answer is larger than {LARGEST // 1_000_000} MB"
        case PackedError():
            return "the answer's body is packed in a way that is not read, and was asked for as it is"
        case OtherHostError():
            return "the request would have gone to another host than the one that was named; it was not sent"
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
