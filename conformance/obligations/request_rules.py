"""M1 to M9: what a cancel request has to look like, and its idempotency key."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from conformance.obligations.apis import counts_key, differences_of
from conformance.obligations.finding import ObligationFinding, broken_by, met
from conformance.obligations.observation import MerchantTrace, ObservedRequest
from conformance.obligations.response_reader import CancelOutcome, cancel_outcome, error_codes

_SECRET_HEADERS: Final = frozenset({"client_secret", "client-secret", "clientsecret"})
_SECRET_FIELDS: Final = (b"client_secret", b"clientsecret")
_SYSTEM_HEADERS: Final = (
    "vipps-system-name",
    "vipps-system-version",
    "vipps-system-plugin-name",
    "vipps-system-plugin-version",
)
_CANCEL_PATH: Final = re.compile(r"cancel|void|/charges/[^/]+/?$", re.IGNORECASE)
MOST_REFUSED: Final = 3
"""So many calls, each a minute or more after the other, may find out that a token is too old."""
A_MINUTE: Final = 60
_FORBIDDEN_IN_KEY: Final = frozenset("#?/\\")


def _related(trace: MerchantTrace, order: int) -> list[ObservedRequest]:
    """Return the requests about an order, and those sent during an action for it; without copies."""
    return [request for request in trace.requests if not request.copy and order in (request.owner, request.order)]


def m1_route(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """A cancel uses exactly the documented method and path."""
    for request in _related(trace, order):
        if is_attempted_cancel(request):
            return broken_by(request, f"{request.request_line} is no documented operation")
    cancels = trace.cancels_of(order)
    return met(cancels[0].step) if cancels else None


def is_attempted_cancel(request: ObservedRequest) -> bool:
    """Return whether a request has no documented method and path, and was meant as a cancel."""
    if request.operation != "unknown" or request.action in ("create", "capture", "pay_again", "refund", "local_view"):
        return False
    return bool(_CANCEL_PATH.search(request.path.partition("?")[0])) or request.method in ("DELETE", "PUT")


def m2_target(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """The path has the payment's identifier as it was at creation."""
    requests = [
        request for request in _related(trace, order) if request.operation in ("cancel", "capture", "refund", "read")
    ]
    for request in requests:
        if request.owner is None and _was_created(trace, request) and not _asked_to_create(trace, request):
            return broken_by(request, f"{request.request_line} names a payment that this merchant did not create")
    cancels = [request for request in requests if request.operation == "cancel"]
    return met(cancels[0].step) if cancels else None


def _was_created(trace: MerchantTrace, request: ObservedRequest) -> bool:
    """Return whether the order's payment existed before a request: until then it may look for one."""
    return request.order is not None and any(
        create.operation == "create"
        and create.order == request.order
        and create.n < request.n
        and create.status in (200, 201)
        for create in trace.requests
    )


def _asked_to_create(trace: MerchantTrace, request: ObservedRequest) -> bool:
    """Return whether the merchant had tried to create a payment of this identifier.

    Whether that succeeded is what the request may have to find out.
    """
    # With the quotes: an identifier such as 10 occurs in every body with an amount.
    quoted = json.dumps(request.payment_id).encode()
    return any(
        create.operation == "create" and create.n < request.n and quoted in create.body for create in trace.requests
    )


def _api_calls(trace: MerchantTrace, order: int) -> list[ObservedRequest]:
    """Return the requests to documented operations other than the token's."""
    return [
        request
        for request in _related(trace, order)
        if request.api and request.operation not in ("token", "foreign", "unknown")
    ]


def _judge_each(
    requests: list[ObservedRequest], problems: Callable[[ObservedRequest], Iterator[str]]
) -> ObligationFinding | None:
    """Return the finding on the first problem of any request; met where there is none, None without requests."""
    for request in requests:
        for problem in problems(request):
            return broken_by(request, problem)
    return met(requests[0].step) if requests else None


def m3_credentials(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """Every call has a token and the subscription key; only the token call has the secret."""
    finding = _judge_each(_api_calls(trace, order), _credential_problems)
    return finding if finding is None or finding.broken else old_token(trace, order) or finding


def old_token(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """Return the finding on a token that was accepted once and is sent again and again after it was refused."""
    calls = _api_calls(trace, order)
    refused: list[ObservedRequest] = []
    for call in calls:
        if call.status != 401 or call.fault or (refused and _asked_for_a_token(trace, refused[-1], call)):
            refused = []
        if call.status == 401 and not call.fault and (not refused or call.at - refused[-1].at >= A_MINUTE):
            refused.append(call)
        if len(refused) > MOST_REFUSED and any(each.n < refused[0].n and each.status in (200, 201) for each in calls):
            return broken_by(
                call,
                f"{call.request_line} got HTTP 401, as {MOST_REFUSED} calls before it, minutes apart: the token that "
                "had been accepted is too old, and the merchant gets no new one",
            )
    return None


def _asked_for_a_token(trace: MerchantTrace, earlier: ObservedRequest, later: ObservedRequest) -> bool:
    return any(each.operation == "token" and earlier.n < each.n < later.n for each in trace.requests)


def _credential_problems(call: ObservedRequest) -> Iterator[str]:
    names = {name.lower() for name, _ in call.headers}
    if names & _SECRET_HEADERS or any(secret in call.body.lower() for secret in _SECRET_FIELDS):
        yield f"{call.request_line} carries the client secret, which belongs to the token call alone"
    authorization = call.header("Authorization") or ""
    if not authorization:
        yield f"{call.request_line} has no token"
    elif not authorization.startswith("Bearer ") or not authorization[7:].strip():
        yield f"{call.request_line} has a token without Bearer"
    if not call.header("Ocp-Apim-Subscription-Key"):
        yield f"{call.request_line} has no subscription key"


def m3b_headers(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """Every call names the sales unit and the merchant's system."""
    return _judge_each(_api_calls(trace, order), _header_problems)


def _header_problems(call: ObservedRequest) -> Iterator[str]:
    for name in ("Merchant-Serial-Number", "Vipps-System-Name"):
        if not call.header(name):
            yield f"{call.request_line} has no {name}"
    for name in _SYSTEM_HEADERS:
        if len(call.header(name) or "") > 30:
            yield f"{call.request_line} has a {name} of more than 30 characters"


def m4_body(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """The body of a cancel has nothing that is not documented."""
    return _judge_each(
        trace.cancels_of(order),
        lambda cancel: (
            f"the body of {cancel.request_line} {problem}" for problem in differences_of(cancel).body_problems(cancel)
        ),
    )


def has_flag(request: ObservedRequest, name: str) -> bool:
    """Return whether a request's body sets a flag; where it is absent it counts as false."""
    content = request.json()
    return isinstance(content, Mapping) and content.get(name) is True


def m6_key(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """Recurring's cancel has an idempotency key of 1 to 40 characters."""
    return _judge_each(trace.cancels_of(order), _recurring_key_problems)


def _recurring_key_problems(cancel: ObservedRequest) -> Iterator[str]:
    key = cancel.key
    if not key:
        yield f"{cancel.request_line} has no Idempotency-Key"
    elif len(key) > 40 or not _FORBIDDEN_IN_KEY.isdisjoint(key):
        yield f"the Idempotency-Key {key!r} is longer than 40 characters, or has one of # ? / \\"


def m6b_key(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """The cancel of an ePayment payment has an idempotency key of at most 50 characters."""
    cancels = [cancel for cancel in trace.cancels_of(order) if cancel.api == trace.history.profile]
    return _judge_each(cancels, _epayment_key_problems)


def _epayment_key_problems(cancel: ObservedRequest) -> Iterator[str]:
    key = cancel.key
    if not key:
        yield f"{cancel.request_line} has no Idempotency-Key"
    elif len(key) > 50:
        yield f"the Idempotency-Key of {cancel.request_line} has {len(key)} characters, and may have 50"


def m7_key_stable(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """After a response that settles nothing the next cancel has the same key, unless the payment was read."""
    unsettled: ObservedRequest | None = None
    finding: ObligationFinding | None = None
    reads = {request.n for request in trace.reads_of(order) if request.status == 200}
    relevant = {request.n: request for request in (*trace.cancels_of(order), *trace.reads_of(order))}
    for _, request in sorted(relevant.items()):
        if request.n in reads:
            unsettled = None
        if request.operation != "cancel":
            continue
        if unsettled is not None and _is_repetition(trace, unsettled, request):
            if request.key != unsettled.key:
                return broken_by(
                    request,
                    f"{unsettled.request_line} was not settled ({unsettled.response_summary}), and was sent again "
                    f"with the key {request.key!r} instead of {unsettled.key!r}",
                    unsettled,
                )
            finding = met(request.step)
        unsettled = request if cancel_outcome(request) is CancelOutcome.UNKNOWN and request.key else None
    return finding


def _is_repetition(trace: MerchantTrace, first: ObservedRequest, second: ObservedRequest) -> bool:
    return not trace.sent_together(first, second) and _canonical_body(first) == _canonical_body(second)


def m8_key_distinct(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """No idempotency key is shared between payments, operations or bodies."""
    first_uses: dict[tuple[str, ...], ObservedRequest] = {}
    finding: ObligationFinding | None = None
    for request in trace.requests:
        if not _has_binding_key(request):
            continue
        first = first_uses.setdefault(differences_of(request).key_scope(request) or (), request)
        difference = _key_difference(first, request)
        if difference and order in (request.owner, first.owner):
            return broken_by(
                request,
                f"{request.request_line} has the key {request.key!r}, which {first.request_line} had with {difference}",
                first,
            )
        if request.owner == order and request.operation != "create":
            finding = finding or met(request.step)
    return finding


def _has_binding_key(request: ObservedRequest) -> bool:
    """Return whether a request has a key that ties it to its content."""
    if not request.api or not request.key or request.copy or request.method == "GET":
        return False
    return differences_of(request).key_scope(request) is not None


def _key_difference(first: ObservedRequest, second: ObservedRequest) -> str:
    """Return in what the second request with a key differs from the first; empty if in nothing."""
    if first.route != second.route:
        return "another request"
    return "" if _canonical_body(first) == _canonical_body(second) else "another body"


def _canonical_body(request: ObservedRequest) -> str:
    """Return a request's body as a text that is equal for equal content."""
    content = request.json()
    if content is None:
        return repr(request.body)
    return repr(_sorted_members(content)) if content != {} else repr(b"")


def _sorted_members(value: Any) -> Any:
    if isinstance(value, Mapping):
        return sorted((name, _sorted_members(member)) for name, member in value.items())
    return [_sorted_members(member) for member in value] if isinstance(value, list) else value


def m9_key_renewed(trace: MerchantTrace, order: int) -> ObligationFinding | None:
    """After a final refusal a new attempt has a new key."""
    refused: dict[str, ObservedRequest] = {}
    finding: ObligationFinding | None = None
    for cancel in trace.cancels_of(order):
        if not counts_key(cancel) or not cancel.key:
            continue
        first = refused.get(cancel.key)
        if first is not None and not trace.sent_together(first, cancel):
            return broken_by(
                cancel,
                f"the cancel was refused for good ({first.status}), and tried again with the same key {cancel.key!r}",
                first,
            )
        if refused:
            finding = met(cancel.step)
        if _is_refused_for_good(cancel):
            refused[cancel.key] = cancel
    return finding


def _is_refused_for_good(cancel: ObservedRequest) -> bool:
    """Return whether the API itself refused a cancel, with an error of its own: that answer is kept with the key."""
    ended = cancel.before is None or cancel.before.ended
    by_the_api = bool(error_codes(cancel.response_json()))
    return cancel_outcome(cancel) is CancelOutcome.REFUSED and by_the_api and not ended
