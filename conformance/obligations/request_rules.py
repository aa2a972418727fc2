"""M1 to M9: what a cancel request has to look like, and its idempotency key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from conformance.obligations.finding import Said, at, met
from conformance.obligations.observation import MerchantTrace, ObservedRequest
from conformance.obligations.response_reader import Outcome, outcome

_SECRETS: Final = ("client_secret", "client-secret", "clientsecret")
_SYSTEM: Final = (
    "vipps-system-name",
    "vipps-system-version",
    "vipps-system-plugin-name",
    "vipps-system-plugin-version",
)
_ENDS: Final = re.compile(r"cancel|void|/charges/[^/]+/?$", re.IGNORECASE)
_FORBIDDEN: Final = frozenset("#?/\\")


def _mine(seen: MerchantTrace, order: int) -> list[ObservedRequest]:
    """Return the requests that belong to an order, or were sent in the course of what was asked for it."""
    return [one for one in seen.exchanges if not one.copy and order in (one.owner, one.order)]


def m1_route(seen: MerchantTrace, order: int) -> Said:
    """Exactly the documented method and path."""
    wrong = [
        one
        for one in _mine(seen, order)
        if one.operation == "unknown"
        and one.action not in ("create", "capture", "local_view")
        and (_ENDS.search(one.path.partition("?")[0]) or one.method in ("DELETE", "PUT"))
    ]
    if wrong:
        return at(wrong[0], f"{wrong[0].where} is no documented operation")
    cancels = seen.cancels(order)
    return met(cancels[0].step) if cancels else None


def m2_target(seen: MerchantTrace, order: int) -> Said:
    """The identifier of the payment, as it was at creation."""
    about = [one for one in _mine(seen, order) if one.operation in ("cancel", "capture", "refund", "read")]
    for one in about:
        if one.owner is None and _made(seen, one) and not _asked_to_make(seen, one):
            return at(one, f"{one.where} names a payment that this merchant did not create")
    cancels = [one for one in about if one.operation == "cancel"]
    return met(cancels[0].step) if cancels else None


def _made(seen: MerchantTrace, exchange: ObservedRequest) -> bool:
    """Whether the order's payment had been made before a request: until then, one may look whether there is one."""
    return exchange.order is not None and any(
        one.operation == "create" and one.order == exchange.order and one.n < exchange.n and one.status in (200, 201)
        for one in seen.exchanges
    )


def _asked_to_make(seen: MerchantTrace, exchange: ObservedRequest) -> bool:
    """Whether a merchant had asked for a payment of this name: whether it was made is what a look is to tell."""
    # In quotes: an identifier such as 10 stands in every body with an amount.
    named = json.dumps(exchange.payment).encode()
    return any(one.operation == "create" and one.n < exchange.n and named in one.body for one in seen.exchanges)


def m3_credentials(seen: MerchantTrace, order: int) -> Said:
    """Token and subscription key on every call, the secret on the token call only."""
    calls = [one for one in _mine(seen, order) if one.api and one.operation not in ("token", "foreign", "unknown")]
    for one in calls:
        names = {name.lower() for name, _ in one.headers}
        if names & set(_SECRETS) or any(secret in one.body.lower() for secret in (b"client_secret", b"clientsecret")):
            return at(one, f"{one.where} carries the client secret, which belongs to the token call alone")
        bearer = one.header("Authorization") or ""
        if not bearer.startswith("Bearer ") or not bearer[7:].strip():
            return at(one, f"{one.where} has {'no token' if not bearer else 'a token without Bearer'}")
        if not one.header("Ocp-Apim-Subscription-Key"):
            return at(one, f"{one.where} has no subscription key")
    return met(calls[0].step) if calls else None


def m3b_headers(seen: MerchantTrace, order: int) -> Said:
    """The sales unit and the system's name on every call."""
    calls = [one for one in _mine(seen, order) if one.api and one.operation not in ("token", "foreign", "unknown")]
    for one in calls:
        if not one.header("Merchant-Serial-Number"):
            return at(one, f"{one.where} has no Merchant-Serial-Number")
        if not one.header("Vipps-System-Name"):
            return at(one, f"{one.where} has no Vipps-System-Name")
        long = next((name for name in _SYSTEM if len(one.header(name) or "") > 30), "")
        if long:
            return at(one, f"{one.where} has a {long} of more than 30 characters")
    return met(calls[0].step) if calls else None


def m4_body(seen: MerchantTrace, order: int) -> Said:
    """Nothing in the body that is not documented to be there."""
    cancels = seen.cancels(order)
    for one in cancels:
        problem = next(_body_problems(one), "")
        if problem:
            return at(one, f"the body of {one.where} {problem}")
    return met(cancels[0].step) if cancels else None


def _body_problems(exchange: ObservedRequest) -> Iterator[str]:
    body = exchange.body.strip()
    if exchange.api == "ecom":
        yield from _ecom_problems(exchange.json())
        return
    if not body or body == b"{}":
        return
    if exchange.api == "recurring":
        yield f"is {_short(body)}, and none belongs to it"
        return
    said = exchange.json()
    if not isinstance(said, Mapping):
        yield f"is {_short(body)}, and must be empty or a JSON object"
        return
    yield from (f"has {name!r}, which no cancel has" for name in said if name != "cancelTransactionOnly")
    if not isinstance(said.get("cancelTransactionOnly", False), bool):
        yield f"has cancelTransactionOnly {said['cancelTransactionOnly']!r}, which is no boolean"


def _ecom_problems(said: Any) -> Iterator[str]:
    if not isinstance(said, Mapping):
        yield "is no JSON object"
        return
    for group, name in (("merchantInfo", "merchantSerialNumber"), ("transaction", "transactionText")):
        part = said.get(group)
        value = part.get(name) if isinstance(part, Mapping) else None
        if not isinstance(value, str) or not value:
            yield f"has {group}.{name} {value!r}, and must have a text there"
    transaction = said.get("transaction")
    if isinstance(transaction, Mapping) and "amount" in transaction:
        yield "has an amount, and a cancel takes none"
    if not isinstance(said.get("shouldReleaseRemainingFunds", False), bool):
        yield f"has shouldReleaseRemainingFunds {said['shouldReleaseRemainingFunds']!r}, which is no boolean"


def _short(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    return text if len(text) <= 60 else f"{text[:60]}…"


def flag(exchange: ObservedRequest, name: str) -> bool:
    """Return a flag in a request's body; absent acts as false."""
    said = exchange.json()
    return isinstance(said, Mapping) and said.get(name) is True


def m6_key(seen: MerchantTrace, order: int) -> Said:
    """Recurring's cancel has a key of 1 to 40 characters."""
    cancels = seen.cancels(order)
    for one in cancels:
        key = one.key
        if not key:
            return at(one, f"{one.where} has no Idempotency-Key")
        if len(key) > 40 or not _FORBIDDEN.isdisjoint(key):
            return at(one, f"the Idempotency-Key {key!r} is longer than 40 characters, or has one of # ? / \\")
    return met(cancels[0].step) if cancels else None


def m6b_key(seen: MerchantTrace, order: int) -> Said:
    """EPayment's cancel has a key of at most 50 characters."""
    cancels = [one for one in seen.cancels(order) if one.api == "epayment"]
    for one in cancels:
        if not one.key:
            return at(one, f"{one.where} has no Idempotency-Key")
        if len(one.key) > 50:
            return at(one, f"the Idempotency-Key of {one.where} has {len(one.key)} characters, and may have 50")
    return met(cancels[0].step) if cancels else None


def m7_key_stable(seen: MerchantTrace, order: int) -> Said:
    """After an answer that settles nothing, the next request has the same key, unless the payment was read first."""
    open_key: ObservedRequest | None = None
    said: Said = None
    for one in seen.of(order):
        if one.operation == "read" and one.status == 200:
            open_key = None
        if one.operation != "cancel":
            continue
        if open_key is not None and not seen.crossed(open_key, one) and _canonical(one) == _canonical(open_key):
            if one.key != open_key.key:
                return at(
                    one,
                    f"{open_key.where} was not settled ({_answered(open_key)}), and was sent again with the key "
                    f"{one.key!r} instead of {open_key.key!r}",
                    open_key,
                )
            said = met(one.step)
        open_key = one if outcome(one) is Outcome.UNKNOWN and one.key else None
    return said


def _answered(exchange: ObservedRequest) -> str:
    return "no answer" if exchange.status is None else f"HTTP {exchange.status}"


def m8_key_distinct(seen: MerchantTrace, order: int) -> Said:
    """No key is shared between payments, operations or bodies."""
    keyed = [one for one in seen.exchanges if one.api and one.key and not one.copy and one.method != "GET"]
    uses: dict[tuple[str, ...], tuple[str, str, ObservedRequest]] = {}
    mine: Said = None
    for one in keyed:
        # An eCom request id is unique for an order and an endpoint only.
        scope = (one.api, str(one.key), one.path) if one.api == "ecom" else (one.api, str(one.key))
        if one.api == "ecom" and one.operation not in ("capture", "refund"):
            continue
        use = (one.method + " " + one.path.partition("?")[0], _canonical(one))
        first = uses.setdefault(scope, (*use, one))
        if first[:2] != use and order in (one.owner, first[2].owner):
            what = "another body" if first[0] == use[0] else "another request"
            return at(one, f"{one.where} has the key {one.key!r}, which {first[2].where} had with {what}", first[2])
        if one.owner == order and one.operation != "create":
            mine = mine or met(one.step)
    return mine


def _canonical(exchange: ObservedRequest) -> str:
    said = exchange.json()
    return repr(exchange.body) if said is None else repr(_sorted(said)) if said != {} else repr(b"")


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return sorted((name, _sorted(one)) for name, one in value.items())
    return [_sorted(one) for one in value] if isinstance(value, list) else value


def m9_key_renewed(seen: MerchantTrace, order: int) -> Said:
    """After a final refusal, a new attempt has a new key."""
    refused: dict[str, ObservedRequest] = {}
    said: Said = None
    for one in seen.cancels(order):
        if one.api == "ecom" or not one.key:
            continue
        if one.key in refused and not seen.crossed(refused[one.key], one):
            first = refused[one.key]
            return at(
                one,
                f"the cancel was refused for good ({first.status}), and tried again with the same key {one.key!r}",
                first,
            )
        if refused:
            said = met(one.step)
        if outcome(one) is Outcome.REFUSED and one.before is not None and not one.before.ended:
            refused[one.key] = one
    return said
