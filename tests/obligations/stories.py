"""Traces made by hand: what happened in a history, one line each."""

from __future__ import annotations

import json
from typing import Any

from conformance.domain.order import Profile
from conformance.evidence.record_parts import ProviderRecord
from conformance.obligations.declarations import Declarations
from conformance.obligations.history import Behaviour, MerchantHistory, MerchantStep
from conformance.obligations.judge import ObligationResult, judge
from conformance.obligations.observation import Action, BookSnapshot, MerchantTrace, ObservedRequest, ProviderEvent
from tests.merchant.helpers import BOOK

PAYMENT = "order-1"
EVERY_ACTION = ("abandon", "capture", "complete", "refund", "pay_again", "stop_agreement", "tick", "deliver", "restart")
PATHS = {
    "create": "POST /epayment/v1/payments",
    "read": "GET /epayment/v1/payments/{id}",
    "cancel": "POST /epayment/v1/payments/{id}/cancel",
    "capture": "POST /epayment/v1/payments/{id}/capture",
    "refund": "POST /epayment/v1/payments/{id}/refund",
    "token": "POST /accesstoken/get",
    "list": "GET /recurring/v3/agreements/agr-1/charges",
    "stop": "PATCH /recurring/v3/agreements/agr-1",
    "unknown": "PUT /epayment/v1/payments/{id}/cancel",
}
CHARGE_PATHS = {
    "create": "POST /recurring/v3/agreements/agr-1/charges",
    "cancel": "DELETE /recurring/v3/agreements/agr-1/charges/{id}",
    "read": "GET /recurring/v3/agreements/agr-1/charges/{id}",
}


def payment(authorized: int = 1000, *, captured: int = 0, cancelled: int = 0, **fields: Any) -> ProviderRecord:
    """Return a payment of 10.00 NOK; one of which nothing is authorized can still be paid."""
    values = {
        "stage": "reserved" if authorized else "initiated",
        "payable": not authorized,
        "currency": "NOK",
        **fields,
    }
    return ProviderRecord(
        amount=1000,
        authorized=authorized,
        captured=captured,
        cancelled=cancelled,
        remaining=max(0, authorized - captured - cancelled),
        pending=values.pop("pending", False),
        late=values.pop("late", False),
        **values,
    )


HEADERS = (
    ("Authorization", "Bearer token"),
    ("Ocp-Apim-Subscription-Key", "subscription"),
    ("Merchant-Serial-Number", "123456"),
    ("Vipps-System-Name", "story"),
)


def shown(truth: ProviderRecord) -> dict[str, Any]:
    """Return an ePayment payment as a response shows it."""
    amounts = {"authorized": truth.authorized, "captured": truth.captured, "cancelled": truth.cancelled}
    state = "AUTHORIZED" if truth.authorized else "CREATED" if truth.payable else "TERMINATED"
    return {"state": state, "aggregate": {f"{name}Amount": {"value": value} for name, value in amounts.items()}}


UNPAID, PAID = payment(0), payment()
ENDED = payment(cancelled=1000)


class Story:
    """A trace that is written line by line. ``steps`` are words; every line is about the step that runs."""

    def __init__(
        self,
        steps: str,
        *,
        profile: str = "epayment",
        offered: tuple[str, ...] = EVERY_ACTION,
        declared: Declarations | None = None,
        orders: int = 1,
        behaviour: Behaviour | None = None,
    ) -> None:
        parsed = [(word.partition("@")[0], int(word.partition("@")[2] or 0)) for word in steps.split()]
        history = MerchantHistory(
            Profile(profile),
            (1000,) * orders,
            tuple(MerchantStep(do, order) for do, order in parsed),
            behaviour=behaviour or Behaviour(),
        )
        self.trace = MerchantTrace(history, frozenset(offered), declared or Declarations())
        self.n = 0
        self.step = 0
        self.at = 0.0
        self.action = ""

    def next(self, seconds: float = 1.0) -> Story:
        """Go on to the next step; the last one is followed by the end."""
        self.step += 1
        self.at += seconds
        return self

    def _number(self) -> int:
        self.n += 1
        return self.n

    def asked(
        self, action: str, number: int = 0, *, order: int | None = 0, ending: str = "returned", webhook: str = ""
    ) -> Story:
        """Note an action, after the requests that were sent during it."""
        self.trace.actions.append(
            Action(self._number(), self.step, action, order, number, ending, "", self.at, webhook)
        )
        return self

    def sent(
        self,
        operation: str,
        before: ProviderRecord | None = PAID,
        after: ProviderRecord | None = None,
        *,
        status: int | None = 200,
        during: str = "tick",
        body: Any = None,
        answer: Any = None,
        id_: str = PAYMENT,
        order: int = 0,
        fault: str = "",
        key: str = "",
    ) -> Story:
        """Note a request; without ``after`` it changed nothing."""
        charge = self.trace.history.profile is Profile.RECURRING
        paths = {**PATHS, **(CHARGE_PATHS if charge else {})}
        method, path = paths[operation].format(id=id_).split()
        after = before if after is None else after
        if answer is None and after is not None and status == 200 and not charge:
            answer = shown(after)
        named = operation in ("cancel", "capture", "refund", "read")
        n = self._number()
        self.trace.requests.append(
            ObservedRequest(
                n=n, step=self.step, action=during, order=order, operation=operation,
                api=str(self.trace.history.profile), payment_id=id_ if named else "", owner=order,
                method=method, path=path, host="", headers=(*HEADERS, ("Idempotency-Key", key or f"key-{n}")),
                body=b"" if body is None else json.dumps(body).encode(), at=self.at, fault=fault, reached=not fault,
                copy=False, status=status, response_headers=(),
                response_body=b"" if answer is None else json.dumps(answer).encode(),
                before=before, after=after,
            )
        )  # fmt: skip
        return self

    def event(self, event: str, by: str = "shop", *, id_: str = PAYMENT, order: int = 0, amount: int = 1000) -> Story:
        """Note something that happened at the provider."""
        key = (str(self.trace.history.profile), id_)
        self.trace.events.append(ProviderEvent(self.n + 1, self.step, order, key, event, amount, self.at, by))
        return self

    def books(
        self, status: str, *truths: ProviderRecord, order: int = 0, ids: tuple[str, ...] = (), **view: Any
    ) -> Story:
        """Note the books beside the order's payments, the latest one last."""
        api = str(self.trace.history.profile)
        payments = {(api, id_): truth for id_, truth in zip(ids, truths, strict=True)} if ids else {}
        said = {"status": status, **view} if status else {}
        self.trace.snapshots.append(BookSnapshot(self._number(), self.step, order, said, truths[-1], payments))
        return self

    def approved(self, status: str = "authorized") -> Story:
        """Go through creation and approval, which take two steps; the books have the status then."""
        self.event("create").books("open", UNPAID).next()
        return self.event("reserve", "customer").books(status, PAID).next()

    def results(self) -> dict[str, ObligationResult]:
        """Return the result of each obligation that the story says something about."""
        return {result.rule: result for result in judge(self.trace, BOOK)}

    def broken(self) -> dict[str, str]:
        """Return the obligations that are broken, without consequences, each with the reason."""
        return {rule: result.finding.reason for rule, result in self.results().items() if result.counts}
