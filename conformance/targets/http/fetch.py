"""One document fetched from a URL that the user named, without following redirects."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.domain.messages import Request, Response
from conformance.targets.http.httpx_exchange import http_request, no_response, read_response_now
from conformance.targets.http.outgoing import OutgoingTransport, in_time
from conformance.targets.http.remote import CONNECT_SECONDS, route_to
from conformance.targets.production_guard import DocumentAddress


class FetchError(Exception):
    """There is no response. The message says why, in a clause."""


def fetch(document: DocumentAddress, *, accept: str, seconds: float, environment: Mapping[str, str]) -> Response:
    """Return the response to a GET of a document.

    Args:
        document: where it is.
        accept: the header of that name.
        seconds: how long all of it may take.
        environment: names proxies and certificates.

    Raises:
        FetchError: there is no response within ``seconds``, or one that is too large.
        TargetUsageError: the proxy or the certificates cannot be used.

    """
    address = document.address
    limits = {"connect": CONNECT_SECONDS, "read": seconds, "write": seconds, "pool": seconds}
    request = http_request(Request("GET", document.path, (("Accept", accept),)), address.origin, **limits)
    transport = OutgoingTransport(address.origin, *route_to(address, environment))
    try:
        return in_time(transport, seconds, lambda: read_response_now(transport.handle_request(request)))
    except Exception as error:
        raise FetchError(no_response(error, seconds).cause) from None
    finally:
        transport.close()
