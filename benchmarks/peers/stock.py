"""Schemathesis as it comes: every phase of its engine over our own OpenAPI description, in this process.

``prepared`` is what its documentation recommends to get deeper: identifiers of orders in assorted states, from which
most path parameters are drawn, and answers to bad requests that are no failure because the description allows them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import schemathesis
from schemathesis import engine
from schemathesis.engine import events

from benchmarks.apis import APIS, Api
from benchmarks.peers.direct import client_of
from conformance.domain.order import Profile
from conformance.sandbox import Provider
from conformance.sandbox.asgi import create_app
from conformance.sandbox.options import MSN

BASES = {Profile.ECOM: "/ecomm/v2/payments", Profile.EPAYMENT: "/epayment/v1/", Profile.RECURRING: "/recurring/v3/"}
IDENTIFIERS = {Profile.ECOM: "orderId", Profile.EPAYMENT: "reference", Profile.RECURRING: "chargeId"}
PREPARED = {Profile.ECOM: 40, Profile.EPAYMENT: 40, Profile.RECURRING: 12}
"""How many orders; of charges fewer, because a charge and its agreement are drawn apart and have to meet."""
AMOUNT = 1000

Failure = tuple[str, str]


@dataclass(frozen=True)
class Found:
    """What a run of schemathesis reports: the failed checks, each with its operation."""

    failures: frozenset[Failure]
    requests: int
    succeeded: int
    """How many cancels were answered with success."""


def run(provider: Provider, profile: Profile, *, examples: int | None, prepared: bool, seed: int) -> Found:
    """Run every phase against a provider."""
    logging.disable(logging.WARNING)
    client = client_of(provider)
    api = APIS[profile](client)
    orders = _prepare(api) if prepared else []
    schema = schemathesis.openapi.from_asgi(
        "/openapi.json", create_app(provider), config=_config(api, orders, examples, seed)
    )
    if prepared:
        schema.hook("map_body")(_with_own_sales_unit)
    schema = schema.include(path_regex=f"^{BASES[profile]}")
    failures: set[Failure] = set()
    requests = succeeded = 0
    for event in engine.from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            for name, sent in event.recorder.interactions.items():
                requests += 1
                label = event.recorder.cases[name].value.operation.label
                answered = sent.response is not None and sent.response.status_code < 300
                succeeded += answered and (label.endswith("/cancel") or label.startswith("DELETE"))
                checks = event.recorder.checks.get(name, [])
                failures.update((check.name, label) for check in checks if check.status.value == "failure")
    return Found(frozenset(failures), requests, succeeded)


def _with_own_sales_unit(context: Any, body: Any) -> Any:  # noqa: ARG001 - schemathesis goes by the name
    """Name our sales unit where a body names one: no drawn number is anybody's."""
    if isinstance(body, dict) and isinstance(body.get("merchantInfo"), dict):
        body["merchantInfo"]["merchantSerialNumber"] = MSN
    return body


def _config(api: Api, orders: list[str], examples: int | None, seed: int) -> Any:
    content: dict[str, Any] = {
        "seed": seed,
        "headers": dict(api.headers),
        "continue-on-failure": True,
        "generation": {"database": "none", "deterministic": False},
    }
    if examples is not None:
        content["generation"]["max-examples"] = examples
    if orders:
        parts = [order.rpartition("/charges/") for order in orders]
        content["dictionaries"] = {"orders": {"values": [last for _, _, last in parts]}}
        content["parameters"] = {f"path.{IDENTIFIERS[api.profile]}": {"dictionary": "orders", "probability": 0.9}}
        agreements = [first.rpartition("/")[2] for first, cut, _ in parts if cut]
        if agreements:
            content["dictionaries"]["agreements"] = {"values": agreements}
            content["parameters"]["path.agreementId"] = {"dictionary": "agreements", "probability": 0.9}
        content["checks"] = {"positive_data_acceptance": {"expected-statuses": ["2xx", 400, 401, 403, 404, 409, 422]}}
    return schemathesis.Config.from_dict(content)


def _prepare(api: Api) -> list[str]:
    """Make orders in assorted states: new, approved, partly and wholly captured, cancelled."""
    orders = []
    for number in range(PREPARED[api.profile]):
        order = api.create(number, AMOUNT)
        kind = number % 5
        if kind and not api.approved_at_once:
            api.approve(order)
        if kind in (2, 3):
            api.capture(order, AMOUNT if kind == 3 else 400)
        if kind == 4:
            api.cancel(order, None)
        orders.append(order)
    return orders
