"""The wire of the made-up API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from conformance.domain.expectation import ACCEPTED
from conformance.domain.messages import Call, NoResponse, Request, ResponseOrNone
from conformance.domain.order import Profile
from conformance.domain.steps import Cancel, Initiate, Step
from conformance.wire.base import (
    Calls,
    ObservedFields,
    Wire,
    as_json_bytes,
    json_body,
    nested,
    observed_amount,
    observed_name,
    outcome_fields,
    read_outcome_fields,
    with_balance_checks,
)

from .row import HOLD, PATH


class HoldWire(Wire):
    profile: ClassVar[Profile] = HOLD
    base: ClassVar[str] = PATH

    @property
    def identifier(self) -> str:
        return self.identifiers.order_id

    def act(self, step: Step) -> Calls:
        if not isinstance(step, Initiate):
            return {}
        body = {"holdId": self.identifier, "amount": step.amount, "currency": self.identifiers.market.currency}
        response = yield Call(Request("POST", PATH, self.headers(), as_json_bytes(body)), "act")
        return {**outcome_fields(response), **_code(response)}

    def cancel(self, step: Cancel) -> Calls:
        hold_id, msn = self.order_and_unit(step)
        headers = self.headers(step.defect, msn)
        response = yield Call(Request("POST", f"{PATH}/{hold_id}/cancel", headers, as_json_bytes({})), "act")
        return {
            **outcome_fields(response),
            **_code(response),
            "answer.state": observed_name(nested(json_body(response), "state")),
        }

    def read(self, purpose: str = "read", *, log: bool = True) -> Calls:
        response = yield Call(Request("GET", f"{PATH}/{self.identifier}", self.headers()), purpose)
        view, body = read_outcome_fields(response), json_body(response)
        if not isinstance(body, Mapping) or view["view.outcome"] != ACCEPTED:
            return view
        view["view.state"] = observed_name(body.get("state"))
        view["view.cancelled"] = observed_amount(body.get("released"))
        return with_balance_checks(view, None)


def _code(response: ResponseOrNone) -> ObservedFields:
    if isinstance(response, NoResponse) or response.status < 400:
        return {}
    return {"answer.code": observed_name(nested(json_body(response), "code"))}
