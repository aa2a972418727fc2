"""The Webhooks API of the provider double: where notifications go, and the secret of each registration."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from conformance.domain.messages import Request, Response
from conformance.sandbox.options import MSN
from conformance.targets.http.base_url import split_url
from conformance.targets.production_guard import Address

ROOT: Final = "/webhooks/v1/webhooks"
MOST_PER_EVENT: Final = 25
"""Registrations of one sales unit for one event."""
_JSON: Final = (("Content-Type", "application/json"),)
_PROBLEM: Final = (("Content-Type", "application/problem+json"),)


@dataclass(frozen=True, slots=True)
class Registration:
    """Where notifications go.

    Attributes:
        id: Its identifier.
        url: The registered URL.
        secret: What deliveries are signed with. Of a callback of eCom: the merchant's own token, or empty.
        events: The names of the events; empty for all of them.
        msn: The sales unit.
        callback: Whether it is a callback of eCom, which is not signed and sent once.

    """

    id: str
    url: str
    secret: str
    events: frozenset[str] = frozenset()
    msn: str = MSN
    callback: bool = False

    def takes(self, event: str) -> bool:
        """Return whether an event is sent there."""
        return not self.events or event in self.events


def url_problem(url: str) -> str:
    """Return what speaks against sending deliveries to a URL, in one sentence; empty where nothing does.

    The URL is only looked at: no name is ever resolved, and nothing but this machine is ever contacted.
    """
    try:
        parts = split_url(url)
    except ValueError:
        return f"{url!r:.100} is not a URL: register one such as http://127.0.0.1:8000/webhook."
    if parts.has_credentials:
        return "The URL must not carry a user name or password: leave them out."
    if not Address(parts.scheme, parts.host, "", "").loopback:
        host = parts.host or repr(url)
        return f"{host:.100} is not this machine: in a test run deliveries go to http://127.0.0.1:PORT."
    if parts.scheme != "http":
        return f"{url:.100} is not http: on this machine nothing is encrypted."
    return ""


@dataclass(slots=True)
class Registrations:
    """The registrations of a history.

    Those of earlier histories stay until the merchant registers anew: each history begins with empty tables, but a
    service may register once for all.

    Attributes:
        seed: Decides identifiers and secrets.
        anywhere: Whether any URL can be registered, since deliveries are handed over in this process.
        former: The registrations of earlier histories.
        own: Those that the merchant made in this history.
        deleted: Those of them that it deleted.
        declared: The one that the integration states, with the secret that it states.
        callbacks: eCom's callbacks by order.

    """

    seed: str
    anywhere: bool
    former: tuple[Registration, ...] = ()
    own: list[Registration] = field(default_factory=list)
    deleted: list[Registration] = field(default_factory=list)
    declared: Registration | None = None
    callbacks: dict[str, Registration] = field(default_factory=dict)

    def active(self) -> tuple[Registration, ...]:
        """Return where notifications go now, in the order in which it was registered."""
        return self.registered() or (() if self.declared is None else (self.declared,))

    def registered(self) -> tuple[Registration, ...]:
        """Return what was registered through the API and not deleted, in this history or else before it."""
        return tuple(self.own) if self.own or self.deleted else self.former

    def reachable(self) -> bool:
        """Return whether any delivery can arrive."""
        return any(self.anywhere or not url_problem(each.url) for each in (*self.active(), *self.callbacks.values()))

    def handle(self, request: Request) -> Response:
        """Return the response to a request to the Webhooks API."""
        id_ = request.path.partition("?")[0][len(ROOT) :].strip("/")
        msn = request.header("Merchant-Serial-Number") or MSN
        match request.method, id_:
            case "POST", "":
                return self._register(request, msn)
            case "GET", "":
                shown = [{"id": each.id, "url": each.url, "events": sorted(each.events)} for each in self._of_unit(msn)]
                return _json(200, {"webhooks": shown})
            case "DELETE", _ if any(each.id == id_ for each in self._of_unit(msn)):
                self.deleted += [each for each in self.own if each.id == id_]
                self.own = [each for each in self.own if each.id != id_]
                return Response(204, (), b"")
        return _problem(404, f"There is no webhook {id_!r:.60}.")

    def _of_unit(self, msn: str) -> Iterator[Registration]:
        return (each for each in self.own if each.msn == msn)

    def _register(self, request: Request, msn: str) -> Response:
        wanted = _json_object(request)
        url, events = wanted.get("url"), wanted.get("events")
        if not isinstance(url, str) or not isinstance(events, list) or not all(isinstance(e, str) for e in events):
            return _problem(400, "A webhook is registered with a url and a list of events.")
        problem = "" if self.anywhere else url_problem(url)
        if problem:
            return _problem(400, problem)
        full = [each for each in events if sum(each in other.events for other in self._of_unit(msn)) >= MOST_PER_EVENT]
        if full:
            return _problem(400, f"There are {MOST_PER_EVENT} webhooks for {full[0]} already: delete one.")
        number = f"{self.seed}-{len(self.own) + len(self.deleted)}"
        made = Registration(_id(number), url, secret_of(number), frozenset(events), msn)
        self.own.append(made)
        return _json(201, {"id": made.id, "secret": made.secret})

    def note_callback(self, order_id: str, creation: Request) -> None:
        """Keep where an order's callback goes, from the request that made its payment."""
        merchant = _json_object(creation).get("merchantInfo")
        prefix = merchant.get("callbackPrefix") if isinstance(merchant, Mapping) else None
        if isinstance(prefix, str) and isinstance(merchant, Mapping):
            url = f"{prefix.rstrip('/')}/v2/payments/{order_id}"
            token = str(merchant.get("authToken") or "")
            self.callbacks[order_id] = Registration(f"callback-{order_id}", url, token, callback=True)

    def for_event(self, event: str, payment_id: str, *, callback: bool) -> Collection[Registration]:
        """Return where an event of a payment goes."""
        if callback:
            return [self.callbacks[payment_id]] if payment_id in self.callbacks else []
        return [each for each in self.active() if each.takes(event)]


def secret_of(name: str) -> str:
    """Return a secret: 32 bytes in base64, decided by a name."""
    return base64.b64encode(hashlib.sha256(f"secret-{name}".encode()).digest()).decode()


def _id(name: str) -> str:
    digest = hashlib.sha256(f"webhook-{name}".encode()).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))


def _json_object(request: Request) -> Mapping[str, Any]:
    try:
        content = json.loads(request.body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _json(status: int, content: Mapping[str, Any]) -> Response:
    return Response(status, _JSON, json.dumps(content).encode())


def _problem(status: int, detail: str) -> Response:
    return Response(status, _PROBLEM, json.dumps({"title": "Error", "status": status, "detail": detail}).encode())
