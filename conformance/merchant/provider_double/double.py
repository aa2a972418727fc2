"""The provider double: one function from a merchant's request to the response, with everything recorded."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from conformance.domain.api_spec import CancelKey
from conformance.domain.api_table import spec_named, spec_of
from conformance.domain.messages import Headers, Request, Response
from conformance.domain.order import Profile
from conformance.evidence.record_parts import (
    ProviderRecord,
    Record,
    RequestRecord,
    ResponseRecord,
    WireRecord,
    body_as_record,
)
from conformance.evidence.records import ExchangeRecord
from conformance.merchant.provider_double.apis import PARTS, part_named
from conformance.merchant.provider_double.fault_injection import Faults, faulty_response, gateway_response, web_page
from conformance.merchant.provider_double.routes import ELSEWHERE, RoutedRequest, route_request
from conformance.merchant.provider_double.state import ProviderState
from conformance.merchant.provider_double.virtual_clock import StuckError, VirtualClock
from conformance.merchant.webhooks.registrations import ROOT, Registrations
from conformance.obligations.history import AFTER, Fault
from conformance.obligations.observation import REMOVED, PaymentKey
from conformance.sandbox.options import CLIENT_ID, CLIENT_SECRET, SUBSCRIPTION_KEY

MOST_REQUESTS: Final = 600
"""How many requests one action may send before it is stopped."""
FEWER_REQUESTS: Final = 60
"""The same, once it is known that some actions never end."""
LARGEST_BODY: Final = 1_000_000
"""Bytes of a request's body; a larger one is refused with 413. A mount may refuse to read a much larger one before."""
RECORDED_BODY: Final = 1000
"""Bytes that are recorded of a body that is too large."""
_DOUBLE_CREDENTIALS: Final = frozenset({CLIENT_ID, CLIENT_SECRET, SUBSCRIPTION_KEY})
_SECRET_HEADERS: Final = frozenset(
    {"authorization", "ocp-apim-subscription-key", "client_id", "client_secret", "cookie"}
)


class WriteRecord(Protocol):
    """Writes one record of the history that runs; the history's id is filled in where it is written."""

    def __call__(self, record: Record, /) -> None:
        """Write a record."""


@dataclass(frozen=True, slots=True)
class DroppedResponse:
    """The merchant gets no response.

    ``reached`` says whether the provider carried the request out, ``seconds`` how long the merchant waits in vain.
    """

    reached: bool
    seconds: float = 0.0


class RequestBarrier:
    """Makes the requests of two concurrent actions arrive together: each waits for one of the other action.

    A merchant that runs its actions one after the other sends no second request. The first one then waits in vain, and
    no later one waits.
    """

    def __init__(self, seconds: float = 0.15) -> None:
        self._barrier = threading.Barrier(2)
        self._seconds = seconds

    def wait(self) -> None:
        """Wait for another request, at most for the barrier's seconds."""
        with contextlib.suppress(threading.BrokenBarrierError):
            self._barrier.wait(self._seconds)

    def end(self) -> None:
        """Let every request pass from now on."""
        self._barrier.abort()


@dataclass(slots=True)
class RunningAction:
    """The merchant's action that requests belong to: its step, name and order, and what it has sent so far."""

    step: int = 0
    name: str = ""
    order: int | None = None
    requests: int = 0
    operations: set[str] = field(default_factory=set)


class ProviderDouble:
    """The provider for one history.

    A request passes through these methods, from the outside in:

    - `respond`: counts the requests of the running action, one at a time;
    - `_respond`: refuses what no provider would look at, such as a body that is too large;
    - `_respond_with_faults`: finds the faults that meet the request, and the approvals around it;
    - `_exchange`: records the exchange, with the provider's books before and after;
    - `_outcome_of`: injects the fault in place of the response, or before it;
    - `_carry_out`: the embedded provider's own response.

    Args:
        state: the embedded provider behind the double.
        clock: the history's clock.
        faults: the faults to inject.
        write: writes a record of the journal.
        orders: how many orders the history has.
        registrations: where notifications go; without it, any URL can be registered.

    Attributes:
        payments: The payments of each order, oldest first.
        names: What tells that a request is about an order, such as its id, for each order.
        notify: Delivers notifications before a response goes back, where the merchant has a handler.

    """

    def __init__(
        self,
        state: ProviderState,
        clock: VirtualClock,
        faults: Faults,
        write: WriteRecord,
        orders: int,
        registrations: Registrations | None = None,
    ) -> None:
        self.state = state
        self.clock = clock
        self.faults = faults
        self.action = RunningAction()
        self.write = write
        self.payments: list[list[PaymentKey]] = [[] for _ in range(orders)]
        self.names: list[tuple[str, ...]] = [()] * orders
        self.most_requests = MOST_REQUESTS
        self.flooded = False
        self.barrier: RequestBarrier | None = None
        self.registrations = registrations or Registrations("", anywhere=True)
        self.notify: Callable[[], None] | None = None
        self._notify_now = False
        self._lock = threading.RLock()
        self._repeated_refusals: dict[str, Response] = {}
        self._connection = ""

    # Called by the scenario

    def begin_action(self, step: int, action: str, order: int | None) -> None:
        """Set the action to which the next requests belong."""
        with self._lock:
            self.action = RunningAction(step, action, order)

    def payment_of(self, order: int, number: int = 0) -> PaymentKey | None:
        """Return a payment of an order: the latest one, or the one with a number, counted from 1; None without one."""
        payments = self.payments[order]
        return payments[number - 1] if len(payments) >= max(number, 1) else None

    # Called by the mounts

    def respond(self, request: Request, host: str = "", connection: str = "") -> Response | DroppedResponse:
        """Return the response to a merchant's request, after recording both.

        Args:
            request: the request.
            host: the host that it was sent to.
            connection: tells the connections of one history apart.

        Raises:
            StuckError: the action has sent too many requests.

        """
        if self.barrier is not None:
            self.barrier.wait()
        with self._lock:
            self.action.requests += 1
            if self.action.requests > self.most_requests:
                self.flooded = True
                raise StuckError("flooded", f"it sent more than {self.most_requests} requests")
            self._connection = connection
            response = self._respond(request, host)
            notify, self._notify_now = self.notify if self._notify_now else None, False
        if notify is not None:
            # The handler may ask the provider for something itself, so that nobody else may be kept waiting here.
            notify()
        return response

    def record_foreign_request(self, method: str, url: str, headers: Headers, body: bytes) -> None:
        """Record a request to another host, which must not happen and was not let through."""
        with self._lock:
            host, _, path = url.partition("://")[2].partition("/")
            request = Request(method, f"/{path}", headers, body)
            self._record(request, RoutedRequest("foreign", "", ""), host, "", DroppedResponse(reached=False))

    def _respond(self, request: Request, host: str) -> Response | DroppedResponse:
        route = route_request(request.method, request.path)
        self.action.operations.add(route.operation)
        if route.payment_id in self.state.inherited and self._owner(route) is None:
            route = RoutedRequest("earlier", route.api, "")
        if request.path.partition("?")[0] == ELSEWHERE:
            response = web_page(200, b"Maintenance")
            self._record(request, RoutedRequest("other", "", ""), host, "", response)
            return response
        if len(request.body) > LARGEST_BODY:
            # The whole body, recorded and compared several times, would fill the memory.
            response = gateway_response(413, f"The body has {len(request.body)} bytes")
            self._record(replace(request, body=request.body[:RECORDED_BODY]), route, host, "", response)
            return response
        return self._respond_with_faults(request, route, host)

    def _respond_with_faults(self, request: Request, route: RoutedRequest, host: str) -> Response | DroppedResponse:
        if route.operation == "create":
            self.state.make_room(route.api, request)
        faults = self.faults.meeting("read" if route.operation == "list" else route.operation)
        kinds = {fault.kind for fault in faults}
        if "approve-before" in kinds:
            self._approve(route)
        if "twice" in kinds:
            # A layer below the application sends the request twice, and passes only the second response on.
            self._exchange(request, route, host, None, copy=True)
        fault = next((fault for fault in faults if _changes_response(fault)), None)
        response = self._exchange(request, route, host, fault)
        if "approve-after" in kinds:
            self._approve(route)
        self._notify_now = "deliver-after" in kinds
        return response

    def _approve(self, route: RoutedRequest) -> None:
        payment = self._payment(route)
        if payment is not None:
            self.state.act(*payment, "approve")

    def _payment(self, route: RoutedRequest) -> PaymentKey | None:
        """Return the payment that a request is about: the one it names, else the latest of its order."""
        owner = self._owner(route)
        if owner is None:
            return None
        named = (key for key in self.payments[owner] if key[1] == route.payment_id)
        return next(named, self.payment_of(owner))

    def _owner(self, route: RoutedRequest) -> int | None:
        """Return the order whose payment a request names; without a name, the order of the running action."""
        if not route.payment_id:
            return self.action.order
        owners = (order for order, keys in enumerate(self.payments) if route.payment_id in {id_ for _, id_ in keys})
        return next(owners, None)

    def _exchange(
        self, request: Request, route: RoutedRequest, host: str, fault: Fault | None, *, copy: bool = False
    ) -> Response | DroppedResponse:
        """Carry a request out, or inject a fault; record the exchange and return the response."""
        payment = self._payment(route)
        before = None if payment is None else self.state.record(*payment)
        kind, response = self._outcome_of(request, route, fault)
        after = None if payment is None else self.state.record(*payment)
        self._record(request, route, host, kind, response, before, after, copy=copy)
        if isinstance(response, DroppedResponse) and response.seconds:
            self.clock.skip(response.seconds)
        return response

    def _outcome_of(
        self, request: Request, route: RoutedRequest, fault: Fault | None
    ) -> tuple[str, Response | DroppedResponse]:
        """Return the kind of the fault that met a request, empty if none did, and the response."""
        repetition = _repetition_key(request, route)
        if repetition in self._repeated_refusals:
            return "sticky-400", self._repeated_refusals[repetition]
        if fault is None:
            return "", self._carry_out(request, route)
        if fault.kind == "unchanged-200":
            return fault.kind, self._unchanged_payment(route, request)
        if fault.kind in AFTER:
            # The request is carried out, and the merchant does not learn its result.
            self._carry_out(request, route)
        response = faulty_response(fault, route.api, request.path)
        if response is None:
            reached = fault.kind in AFTER
            return fault.kind, DroppedResponse(reached, seconds=float(fault.seconds) if reached else 0.0)
        if fault.kind == "sticky-400" and repetition:
            self._repeated_refusals[repetition] = response
        return fault.kind, response

    def _carry_out(self, request: Request, route: RoutedRequest) -> Response:
        if route.operation == "other":
            return self._other_api_response(request)
        request = route.as_documented(request)
        response = self.state.handle(request)
        if route.operation in ("create", "draft") and response.status in (200, 201):
            self._remember_payment(route.api, request, response)
        return response

    def _remember_payment(self, api: str, request: Request, response: Response) -> None:
        """Assign a new payment to the order that the request names, or else to the running action's."""
        payment_id = str(response.json().get(spec_of(Profile(api)).id_field) or "")
        order = self._order_named(request)
        if order is None:
            order = self.action.order
        if order is None:
            order = next((number for number, keys in enumerate(self.payments) if not keys), len(self.payments) - 1)
        if PARTS[Profile(api)].calls_back:
            self.registrations.note_callback(payment_id, request)
        if payment_id and (api, payment_id) not in self.payments[order]:
            self.payments[order].append((api, payment_id))

    def _order_named(self, request: Request) -> int | None:
        """Return the only order that a request names, in its path or its body."""
        text = request.path.encode() + b" " + request.body
        named = [
            number for number, names in enumerate(self.names) if any(name and name.encode() in text for name in names)
        ]
        return named[0] if len(named) == 1 else None

    def _other_api_response(self, request: Request) -> Response:
        """Return the response of an API beside the three: that of the Webhooks API, or that there is none."""
        if not request.path.lower().startswith(ROOT):
            return gateway_response(404, "There is no such resource")
        scheme, _, token = (request.header("Authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not self.state.provider.tokens.is_valid(token.strip()):
            return gateway_response(401, "The access token is missing, malformed or expired")
        return self.registrations.handle(request)

    def _unchanged_payment(self, route: RoutedRequest, request: Request) -> Response:
        """Return a success with the payment as it stands, although the cancel is not carried out."""
        part = part_named(route.api)
        path = None if part is None else part.read_path(route.payment_id)
        return Response(200, (), b"") if path is None else self.state.handle(Request("GET", path, request.headers))

    def _record(
        self,
        request: Request,
        route: RoutedRequest,
        host: str,
        fault: str,
        response: Response | DroppedResponse,
        before: ProviderRecord | None = None,
        after: ProviderRecord | None = None,
        *,
        copy: bool = False,
    ) -> None:
        record = ExchangeRecord(
            history="",
            step=self.action.step,
            purpose="act",
            request=self._request_record(request),
            response=None if isinstance(response, DroppedResponse) else _response_record(response),
            ms=0,
            lost=_why_no_response(route, response) if isinstance(response, DroppedResponse) else None,
            wire=WireRecord(
                action=self.action.name,
                order=self.action.order,
                operation=route.operation,
                api=route.api,
                payment=route.payment_id,
                owner=self._owner(route),
                host=host,
                connection=self._connection,
                at=round(self.clock.elapsed(), 3),
                fault=fault,
                reached=response.reached if isinstance(response, DroppedResponse) else fault in ("", *AFTER),
                copy=copy,
                before=before,
                after=after,
            ),
        )
        self.write(record)

    def _request_record(self, request: Request) -> RequestRecord:
        return RequestRecord(
            method=request.method,
            path=request.path,
            headers=tuple((name, self._without_secret(name, value)) for name, value in request.headers),
            body=body_as_record(request.body),
        )

    def _without_secret(self, name: str, value: str) -> str:
        """Return a header's value for a record. The double's own credentials are public, others are secrets."""
        if name.lower() not in _SECRET_HEADERS or value in _DOUBLE_CREDENTIALS:
            return value
        scheme, space, token = value.partition(" ")
        if name.lower() == "authorization" and space:
            return value if self.state.provider.tokens.is_valid(token.strip()) else f"{scheme} {REMOVED}"
        return REMOVED


def _changes_response(fault: Fault) -> bool:
    """Return whether a fault changes the response to the request that it meets."""
    return not fault.kind.startswith(("approve", "twice", "deliver"))


def _repetition_key(request: Request, route: RoutedRequest) -> str:
    """Return what tells a request and its repetitions from others; empty where it has no idempotency key."""
    spec = spec_named(route.api)
    keyless = spec is not None and spec.cancel_key is CancelKey.NONE
    key = None if keyless else request.header("Idempotency-Key")
    return f"{request.method} {request.path} {key}" if key else ""


def _response_record(response: Response) -> ResponseRecord:
    return ResponseRecord(status=response.status, headers=response.headers, body=body_as_record(response.body))


def _why_no_response(route: RoutedRequest, response: DroppedResponse) -> str:
    if route.operation == "foreign":
        return "another host is never reached"
    return "the answer was lost" if response.reached else "the connection was dropped"
