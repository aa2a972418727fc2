"""The provider's seat: one function from a merchant's request to what comes back, with everything written down."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from conformance.domain.messages import Headers, Request, Response
from conformance.evidence.journal import body_as_json
from conformance.merchant.provider_double.fault_injection import Faults, gateway, made_up, page
from conformance.merchant.provider_double.routes import ELSEWHERE, RoutedRequest, route_request
from conformance.merchant.provider_double.state import ProviderState, provider_record_as_json
from conformance.merchant.provider_double.virtual_clock import StuckError, VirtualClock
from conformance.obligations.history import AFTER, Fault
from conformance.obligations.observation import REMOVED
from conformance.sandbox.options import CLIENT_ID, CLIENT_SECRET, SUBSCRIPTION_KEY

MOST_REQUESTS: Final = 600
FEWER_REQUESTS: Final = 60
"""Requests of one action; what asks for more is stopped."""
MOST_BODY: Final = 1_000_000
"""Bytes that no request needs; of a longer one ``SHOWN_BODY`` are kept, and it is refused."""
SHOWN_BODY: Final = 1000
_COUNTED: Final = {
    "token": "token",
    "create": "create",
    "cancel": "cancel",
    "capture": "capture",
    "read": "read",
    "list": "read",
}
_OUR_KEYS: Final = frozenset({CLIENT_ID, CLIENT_SECRET, SUBSCRIPTION_KEY})
_SECRET: Final = frozenset({"authorization", "ocp-apim-subscription-key", "client_id", "client_secret", "cookie"})

WriteRecord = Callable[..., None]


@dataclass(frozen=True, slots=True)
class NoResponse:
    """No answer comes. ``reached`` tells whether the provider dealt with the request, ``seconds`` after how long."""

    reached: bool
    seconds: float = 0.0


class RequestBarrier:
    """Where two triggers are served at once, each request waits for one of the other's, so that they cross.

    A shop that lets only one of them in at a time is waited for once, and then no more.
    """

    def __init__(self, seconds: float = 0.15) -> None:
        self._barrier = threading.Barrier(2)
        self._seconds = seconds

    def wait(self) -> None:
        """Wait for another request, for a moment."""
        with contextlib.suppress(threading.BrokenBarrierError):
            self._barrier.wait(self._seconds)

    def end(self) -> None:
        """Let everybody pass from now on."""
        self._barrier.abort()


@dataclass(slots=True)
class ActionContext:
    """In the course of what a request arrives: the step, the action and its order."""

    step: int = 0
    action: str = ""
    order: int | None = None
    requests: int = 0
    operations: set[str] = field(default_factory=set)


class ProviderDouble:
    """Plays the provider for one history.

    Args:
        counter: the provider.
        clock: the history's clock.
        faults: what goes wrong.
        write: writes a record, as the journal does.
        orders: how many orders the shop has.

    """

    def __init__(
        self, counter: ProviderState, clock: VirtualClock, faults: Faults, write: WriteRecord, orders: int
    ) -> None:
        self.counter = counter
        self.clock = clock
        self.faults = faults
        self.now = ActionContext()
        self.write = write
        self._lock = threading.RLock()
        self._sticky: dict[str, Response] = {}
        self.payments: list[list[tuple[str, str]]] = [[] for _ in range(orders)]
        self.most = MOST_REQUESTS
        self.flooded = False
        self._connection = ""
        self.crossing: RequestBarrier | None = None

    # From the desk

    def enter(self, step: int, action: str, order: int | None) -> None:
        """Say in the course of what the next requests arrive."""
        with self._lock:
            self.now = ActionContext(step, action, order)

    def main(self, order: int) -> tuple[str, str] | None:
        """Return the API and the identifier of an order's payment, the latest if it has several."""
        return self.payments[order][-1] if self.payments[order] else None

    # From the wire

    def answer(self, request: Request, host: str = "", connection: str = "") -> Response | NoResponse:
        """Answer a merchant's request to the provider. ``connection`` tells connections of one history apart.

        Raises:
            StuckError: the action has asked too often.

        """
        if self.crossing is not None:
            self.crossing.wait()
        with self._lock:
            self.now.requests += 1
            if self.now.requests > self.most:
                self.flooded = True
                raise StuckError("flooded", f"it sent more than {self.most} requests")
            self._connection = connection
            return self._answer(request, host)

    def refuse_foreign(self, method: str, url: str, headers: Headers, body: bytes) -> None:
        """Write down that another host was asked, which is not allowed to happen."""
        with self._lock:
            host, _, path = url.partition("://")[2].partition("/")
            nobody = RoutedRequest("foreign", "", "")
            self._record(
                Request(method, f"/{path}", headers, body), nobody, host, "", NoResponse(reached=False), None, None
            )

    def _answer(self, request: Request, host: str) -> Response | NoResponse:
        what = route_request(request.method, request.path)
        self.now.operations.add(what.operation)
        if what.payment in self.counter.inherited and self._owner(what) is None:
            what = RoutedRequest("earlier", what.api, "")
        if request.path.partition("?")[0] == ELSEWHERE:
            led = page(200, b"Maintenance")
            self._record(request, RoutedRequest("other", "", ""), host, "", led, None, None)
            return led
        if len(request.body) > MOST_BODY:
            # Kept and compared again and again, it would fill the memory.
            cut = replace(request, body=request.body[:SHOWN_BODY])
            refused = gateway(413, f"The body has {len(request.body)} bytes")
            self._record(cut, what, host, "", refused, None, None)
            return refused
        meets = self.faults.meeting(_COUNTED.get(what.operation, what.operation))
        if any(one.kind == "approve-before" for one in meets):
            self._approve(what)
        fault = next((one for one in meets if not one.kind.startswith(("approve", "twice"))), None)
        if any(one.kind == "twice" for one in meets):
            # Something below the application sent it before, and never passed on what came back.
            self._once(request, what, host, None, copy=True)
        given = self._once(request, what, host, fault)
        if any(one.kind == "approve-after" for one in meets):
            self._approve(what)
        return given

    def _approve(self, what: RoutedRequest) -> None:
        order = self._owner(what)
        at = None if order is None else self.main(order)
        if at is not None:
            self.counter.act(*at, "approve")

    def _owner(self, what: RoutedRequest) -> int | None:
        if not what.payment:
            return self.now.order
        named = (order for order, known in enumerate(self.payments) if what.payment in {id_ for _, id_ in known})
        return next(named, None)

    def _once(
        self, request: Request, what: RoutedRequest, host: str, fault: Fault | None, *, copy: bool = False
    ) -> Response | NoResponse:
        owner = self._owner(what)
        at = None if owner is None else self.main(owner)
        before = None if at is None else self.counter.truth(*at)
        stuck = self._sticky.get(self._place(request, what))
        kind = "" if fault is None else fault.kind
        given: Response | NoResponse
        if stuck is not None:
            kind, given = "sticky-400", stuck
        elif fault is None:
            given = self._handled(request, what)
        elif kind in AFTER:
            self._handled(request, what)
            made = made_up(fault, what.api, request.path)
            given = NoResponse(reached=True, seconds=float(fault.seconds)) if made is None else made
        elif kind == "unchanged-200":
            given = self._unchanged(what, request)
        else:
            made = made_up(fault, what.api, request.path)
            given = NoResponse(reached=False) if made is None else made
            if kind == "sticky-400" and made is not None and self._key(request, what):
                self._sticky[self._place(request, what)] = made
        after = None if at is None else self.counter.truth(*at)
        self._record(request, what, host, kind, given, before, after, copy=copy)
        if isinstance(given, NoResponse) and given.seconds:
            self.clock.skip(given.seconds)
        return given

    def _key(self, request: Request, what: RoutedRequest) -> str:
        return request.header("Idempotency-Key") or "" if what.api != "ecom" else ""

    def _place(self, request: Request, what: RoutedRequest) -> str:
        key = self._key(request, what)
        return f"{request.method} {request.path} {key}" if key else ""

    def _handled(self, request: Request, what: RoutedRequest) -> Response:
        if what.operation == "other" and not request.path.startswith("/epayment/v1/test/"):
            return _neighbour(request)
        given = self.counter.handle(request)
        if what.operation in ("create", "draft") and given.status in (200, 201):
            self._file(what.api, request, given)
        return given

    def _file(self, api: str, request: Request, given: Response) -> None:
        body = given.json()
        id_ = str(body.get({"ecom": "orderId", "epayment": "reference"}.get(api, "chargeId")) or "")
        order = self.now.order
        if order is None:
            order = next((n for n, known in enumerate(self.payments) if not known), len(self.payments) - 1)
        if id_ and (api, id_) not in self.payments[order]:
            self.payments[order].append((api, id_))

    def _unchanged(self, what: RoutedRequest, request: Request) -> Response:
        """Answer as if a cancel had succeeded that did nothing: a success with the payment as it stood."""
        read = {
            "ecom": f"/ecomm/v2/payments/{what.payment}/details",
            "epayment": f"/epayment/v1/payments/{what.payment}",
        }
        if what.api not in read:
            return Response(200, (), b"")
        return self.counter.handle(Request("GET", read[what.api], request.headers))

    def _record(
        self,
        request: Request,
        what: RoutedRequest,
        host: str,
        fault: str,
        given: Response | NoResponse,
        before: Any,
        after: Any,
        *,
        copy: bool = False,
    ) -> None:
        content: dict[str, Any] = {
            "step": self.now.step,
            "purpose": "act",
            "request": {
                "method": request.method,
                "path": request.path,
                "headers": [[name, self._shown(name, value)] for name, value in request.headers],
                "body": body_as_json(request.body),
            },
            "response": None,
            "ms": 0,
            "wire": {
                "action": self.now.action,
                "order": self.now.order,
                "operation": what.operation,
                "api": what.api,
                "payment": what.payment,
                "owner": self._owner(what),
                "host": host,
                "connection": self._connection,
                "at": round(self.clock.elapsed(), 3),
                "fault": fault,
                "reached": given.reached if isinstance(given, NoResponse) else fault in ("", *AFTER),
                "copy": copy,
                "before": provider_record_as_json(before),
                "after": provider_record_as_json(after),
            },
        }
        if isinstance(given, NoResponse):
            content["lost"] = "the answer was lost" if given.reached else "the connection was dropped"
            if what.operation == "foreign":
                content["lost"] = "another host is never reached"
        else:
            content["response"] = {
                "status": given.status,
                "headers": [list(header) for header in given.headers],
                "body": body_as_json(given.body),
            }
        self.write("exchange", **content)

    def _shown(self, name: str, value: str) -> str:
        """Return a header's value for a record. The seat's own credentials are public; others are somebody's secret."""
        if name.lower() not in _SECRET or value in _OUR_KEYS:
            return value
        kind, space, token = value.partition(" ")
        if name.lower() == "authorization" and space:
            return value if self.counter.provider.tokens.is_valid(token.strip()) else f"{kind} {REMOVED}"
        return REMOVED


def _neighbour(request: Request) -> Response:
    """Answer for an API beside the three: webhooks can be registered, and nothing else is there."""
    path = request.path.partition("?")[0]
    if path.startswith("/webhooks/v1/webhooks"):
        if request.method == "POST":
            body = b'{"id":"3fa85f64-5717-4562-b3fc-2c963f66afa6","secret":"c2VjcmV0"}'
            return Response(201, (("Content-Type", "application/json"),), body)
        if request.method == "GET":
            return Response(200, (("Content-Type", "application/json"),), b'{"webhooks":[]}')
    return gateway(404, "There is no such resource")
