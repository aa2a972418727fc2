"""The gate between whoever draws requests and the target: every request passes it, is made real, sent, and judged.

It keeps the order's state before and after, asks again what was answered 500, and writes everything down.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final
from urllib.parse import quote

from conformance.domain.expectation import ACCEPTED, PENDING, Observation, Scalar
from conformance.domain.messages import Headers, Request, Response, find_header
from conformance.domain.order import Profile
from conformance.fuzzing.openapi import Description
from conformance.fuzzing.order_pool import OrderPool, PooledOrder, follow
from conformance.fuzzing.recorder import FuzzRecorder, Sent
from conformance.fuzzing.request_shape import (
    MISSING,
    RequestClassification,
    RequestDefaults,
    good_body,
    shape_of,
    value_at,
)
from conformance.judging.http_layer import AGAIN, COMPARED, PASSING, SOUND, judge_request
from conformance.judging.judge import StepStatus
from conformance.targets.transport import Connection, TargetError
from conformance.wire import Call, NoResponse, ResponseOrNone
from conformance.wire.base import JSON_TYPE, SYSTEM_HEADERS, Credentials, as_list, json_body, nested, outcome_fields
from conformance.wire.operations import BODILESS, ENTRIES, MODIFYING, STATES, Operation, OperationKind

UNHEALTHY: Final = 15
"""So many requests in a row that were not answered, or answered by the gateway alone, end the run."""
KEYS: Final[Mapping[Profile, str]] = {
    Profile.ECOM: "X-Request-Id",
    Profile.EPAYMENT: "Idempotency-Key",
    Profile.RECURRING: "Idempotency-Key",
}


class SpentError(Exception):
    """The time or the number of requests that were allowed is used up."""


@dataclass(frozen=True, slots=True)
class RequestDraft:
    """A request before it is sent.

    ``fellow`` is the order that it is about; None where there is no such order, or the operation is about none.
    ``token`` and ``key`` say what of the credentials is sent: ``ours``, ``none`` or ``other``.
    """

    operation: Operation
    source: str
    label: str
    method: str
    body: bytes = b""
    content_type: str = JSON_TYPE
    fellow: PooledOrder | None = None
    token: str = "ours"
    key: str = "ours"


@dataclass
class Budget:
    """What a run may still spend: ``deadline`` on the monotonic clock, and a number of requests."""

    deadline: float
    requests: int
    stopped: bool = False

    @property
    def spent(self) -> bool:
        """Whether nothing more may be sent."""
        return self.stopped or self.requests <= 0 or time.monotonic() > self.deadline


class CountingConnection(Connection):
    """A connection that counts what goes over it, and waits no longer for a 429 than there is time."""

    def __init__(self, link: Connection, budget: Budget) -> None:
        self._link = link
        self._budget = budget

    async def send(self, call: Call) -> ResponseOrNone:
        """Make one call.

        Raises:
            SpentError: nothing more may be sent.

        """
        if self._budget.spent:
            raise SpentError
        self._budget.requests -= 1
        return await self._link.send(call)

    async def pause(self, seconds: float) -> None:
        """Let the target have some time."""
        await self._link.pause(seconds)

    async def close(self) -> None:
        """Give the connection back."""
        await self._link.close()


class RequestExecutor:
    """Sends requests of one profile and judges them."""

    def __init__(
        self,
        orders: OrderPool,
        description: Description,
        link: Connection,
        notebook: FuzzRecorder,
        credentials: Credentials,
        ours: RequestDefaults,
        chance: Random,
    ) -> None:
        self.orders = orders
        self.ours = ours
        self.chance = chance
        self._description = description
        self._link = link
        self._notebook = notebook
        self._credentials = credentials
        self._keys = 0
        self._in_a_row = 0

    @property
    def operations(self) -> tuple[Operation, ...]:
        """What the description has of this profile."""
        return tuple(
            operation for operation in self._description.operations if operation.profile is self.orders.profile
        )

    async def exchange(self, draft: RequestDraft) -> ResponseOrNone:
        """Send a request, see what became of the order, judge and write down.

        Raises:
            SpentError: the time or the number of requests is used up.
            TargetError: the target does not answer any more.

        """
        fellow = draft.fellow
        shape = shape_of(draft.operation, draft.body, draft.content_type, self.ours)
        before = dict(fellow.view) if fellow is not None and fellow.tracked else {}
        request = self._request(draft)
        call = Call(request, "act")
        started = time.perf_counter()
        answer = await self._link.send(call)
        took = time.perf_counter() - started
        facts: dict[str, Scalar] = {**self._sent(draft, shape, request), **answered_facts(draft.operation, answer)}
        facts |= await self._again(request, answer)
        if before and fellow is not None:
            facts |= await self._afterwards(draft, shape, fellow, answer, before)
        facts = {name: value for name, value in facts.items() if value is not None or name == "answer.name"}
        verdict = judge_request(draft.operation.profile, facts)
        self._notebook.write(Sent(draft.operation, draft.source, draft.label, request, answer, took), facts, verdict)
        self._watch(answer)
        if verdict.status is StepStatus.VIOLATES and fellow is not None and draft.operation.deed in MODIFYING:
            fellow.lose_track()
        if draft.operation.deed is OperationKind.CREATE and shape.doubt and not isinstance(answer, NoResponse):
            await self._adopt(draft, answer)
        return answer

    # What is sent

    def _request(self, draft: RequestDraft) -> Request:
        self._keys += 1
        key = f"{self.orders.session.nonce}-{self.orders.profile.value[0]}z{self._keys:05d}"
        headers: list[tuple[str, str]] = []
        tokens = {"ours": f"Bearer {self._credentials.token}", "other": "Bearer not-a-token"}
        if draft.token in tokens:
            headers.append(("Authorization", tokens[draft.token]))
        keys = {"ours": self._credentials.subscription_key, "other": "not-a-subscription-key"}
        if draft.key in keys:
            headers.append(("Ocp-Apim-Subscription-Key", keys[draft.key]))
        headers.append(("Merchant-Serial-Number", self._credentials.msn))
        if draft.content_type and (draft.body or draft.operation.body):
            headers.append(("Content-Type", draft.content_type))
        headers.append((KEYS[self.orders.profile], key))
        sent: Headers = (*headers, *SYSTEM_HEADERS)
        return Request(draft.method, self._path(draft), sent, draft.body)

    def _path(self, draft: RequestDraft) -> str:
        path = draft.operation.path
        known = draft.fellow.ids if draft.fellow is not None else {}
        for name in ("orderId", "reference", "agreementId", "chargeId"):
            braces = f"{{{name}}}"
            if braces in path:
                path = path.replace(braces, quote(known.get(name) or self._nobody(name), safe=""))
        return path

    def _nobody(self, name: str) -> str:
        """Return an identifier of the right form that nothing has. The agreement of a charge is one that there is."""
        if name == "agreementId":
            return self.orders.agreement or f"agr_{self.orders.session.nonce}none"
        return f"{self.orders.session.nonce}-none"

    def _sent(self, draft: RequestDraft, shape: RequestClassification, request: Request) -> dict[str, Scalar]:
        named = "none" if not draft.operation.ordered else "known" if draft.fellow is not None else "unknown"
        if (
            named == "none"
            and draft.operation.profile is Profile.RECURRING
            and draft.operation.deed is OperationKind.CREATE
        ):
            named = "none" if self.orders.agreement else "unknown"
        documented = draft.method == draft.operation.method
        valid = draft.token == draft.key == "ours" and named != "unknown"
        statuses = self._description.operations[draft.operation][1]
        number = value_at(json_body(Response(200, (), draft.body)), "merchantInfo.merchantSerialNumber")
        return {
            "sent.deed": draft.operation.deed.value,
            "sent.method": "documented" if documented else "other",
            "sent.token": draft.token,
            "sent.key": draft.key,
            "sent.order": named,
            "sent.flaw": shape.flaw or None,
            "sent.invalid": bool(shape.flaw) or not valid,
            "sent.doubt": shape.doubt or not documented,
            "sent.plain": shape.step is not None,
            # A sales unit's number that is no text is documented to be able to end in a 500.
            "sent.weakness": number is not MISSING and not isinstance(number, str),
            "document.statuses": ",".join(sorted(statuses)),
        }

    async def _again(self, request: Request, answer: ResponseOrNone) -> dict[str, Scalar]:
        """Ask again what was answered 500, each time under a key of its own; then see whether the target is well."""
        if isinstance(answer, NoResponse) or answer.status < 500 or answer.status in PASSING:
            return {}
        times = 1
        name = KEYS[self.orders.profile]
        while times < AGAIN:
            await self._link.pause(0.2 * times)
            headers = tuple(
                (header, f"{value}-{times}" if header == name else value) for header, value in request.headers
            )
            repeated = await self._link.send(Call(replace(request, headers=headers), "act"))
            self._notebook.aside(Call(replace(request, headers=headers), "act"), repeated)
            if isinstance(repeated, NoResponse) or repeated.status != answer.status:
                break
            times += 1
        healthy = times >= AGAIN and await self._well()
        return {"sent.times": times, "target.healthy": healthy}

    async def _well(self) -> bool:
        """Tell whether an order that is there can be read."""
        fellow = await self.orders.in_situation("waiting")
        return fellow is not None and (await fellow.driver.look("read", log=False)).get("view.outcome") == ACCEPTED

    async def _afterwards(
        self,
        draft: RequestDraft,
        shape: RequestClassification,
        fellow: PooledOrder,
        answer: ResponseOrNone,
        before: Observation,
    ) -> dict[str, Scalar]:
        """Read the order back, compare it with what the model permits, and let its tracker move on."""
        deed, changes = draft.operation.deed, draft.method != draft.operation.method
        if deed in BODILESS and not changes:
            return {}
        fellow.modified += 1
        outcome = outcome_fields(answer)["answer.outcome"]
        fellow.view = await fellow.driver.look("read", log=False)
        if outcome == "refused" and _differs(before, fellow.view):
            # It may be that one of the two reads was behind.
            await fellow.driver.pause(2)
            fellow.view = await fellow.driver.look("poll", log=False)
        facts: dict[str, Scalar] = {}
        step = shape.step if not changes and draft.token == draft.key == "ours" else None
        if step is not None and not isinstance(answer, NoResponse):
            observed = fellow.driver.interpret(step, answer)
            judgement = await follow(fellow, step, observed)
            facts |= {"model.status": judgement.status.value, "model.step": type(step).__name__.lower()}
            for finding in judgement.findings[:1]:
                facts |= {
                    "model.rule": finding.rule,
                    "model.field": finding.field,
                    "model.permitted": finding.permitted,
                    "model.observed": finding.observed,
                }
            # What may still come is not waited for: the order is left alone from here on.
            if outcome == PENDING:
                fellow.lose_track()
        elif outcome != "refused":
            fellow.lose_track()
        for moment, view in (("before", before), ("after", fellow.view)):
            facts[f"{moment}.outcome"] = view.get("view.outcome")
            facts |= {f"{moment}.{name}": view.get(f"view.{name}") for name in (*COMPARED, *SOUND)}
        if fellow.view.get("view.outcome") != ACCEPTED:
            fellow.lose_track()
        return facts

    async def _adopt(self, draft: RequestDraft, answer: Response) -> None:
        body = json_body(Response(200, (), draft.body))
        path = {Profile.ECOM: "transaction.orderId", Profile.EPAYMENT: "reference"}.get(draft.operation.profile)
        amount = value_at(body, "transaction.amount" if draft.operation.profile is Profile.ECOM else "amount.value")
        identifier = value_at(body, path) if path else MISSING
        good = good_body(draft.operation, self.ours, "", 1) or {}
        # What an option may change of an order, the model does not know.
        plain = isinstance(body, dict) and set(body) <= set(good) and _within(body, good, "transaction")
        usable = plain and isinstance(amount, int) and not isinstance(amount, bool) and amount > 0
        if answer.status in (200, 201) and usable and isinstance(identifier, str):
            await self.orders.adopt(identifier, amount)

    def _watch(self, answer: ResponseOrNone) -> None:
        lost = isinstance(answer, NoResponse) or answer.status in PASSING - {501, 505}
        self._in_a_row = self._in_a_row + 1 if lost else 0
        if self._in_a_row >= UNHEALTHY:
            cause = answer.cause if isinstance(answer, NoResponse) else f"status {answer.status}"
            raise TargetError(
                f"{self.orders.session.transport.name} is not healthy: {UNHEALTHY} requests in a row were not answered "
                f"({cause})."
            )


def answered_facts(operation: Operation, answer: ResponseOrNone) -> dict[str, Scalar]:
    """Return the facts that an answer alone shows. None stands for what is left out."""
    if isinstance(answer, NoResponse):
        return {"answer.cause": answer.cause}
    body = json_body(answer)
    kind = find_header(answer.headers, "content-type")
    media = None if kind is None else kind.partition(";")[0].strip().lower()
    # What is like one of the families of JSON is JSON; anything else is said as it is.
    family = "json" if media is not None and (media.endswith(("/json", "+json"))) else media
    facts: dict[str, Scalar] = {
        "answer.status": answer.status,
        "answer.type": family,
        "answer.body": bool(answer.body),
        "answer.parsed": body is not None or answer.body.strip() == b"null",
        "answer.lacks": next((path for path in operation.answered if value_at(body, path) is MISSING), None),
    }
    names = list(_names(operation, body)) if answer.status < 300 else []
    if names:
        facts["answer.name"] = next((name for name, known in names if not known), None)
    return facts


def _within(body: dict[str, Any], good: dict[str, Any], name: str) -> bool:
    inner, known = body.get(name, {}), good.get(name, {})
    return isinstance(inner, dict) and set(inner) <= set(known)


def _differs(before: Observation, after: Observation) -> bool:
    return any(before.get(f"view.{name}") != after.get(f"view.{name}") for name in COMPARED)


def _names(operation: Operation, body: Any) -> list[tuple[str, bool]]:
    """Return the names of states and entries in an answer, and whether each is a documented one."""
    names: list[tuple[Any, frozenset[str]]] = []
    states, entries = STATES[operation.profile], ENTRIES[operation.profile]
    if operation.profile is Profile.ECOM:
        state = nested(body, "transactionInfo", "status")
        if operation.deed is OperationKind.CANCEL and state is not None:
            names.append((state.lower() if isinstance(state, str) else state, states))
        names += [(nested(entry, "operation"), entries) for entry in as_list(nested(body, "transactionLogHistory"))]
    elif operation.profile is Profile.EPAYMENT:
        if operation.deed is OperationKind.LOG:
            names += [(nested(entry, "name"), entries) for entry in as_list(body)]
        elif operation.deed is not OperationKind.CREATE and nested(body, "state") is not None:
            names.append((nested(body, "state"), states))
    elif operation.deed is OperationKind.READ:
        names.append((nested(body, "status"), states))
        names += [(nested(entry, "event"), entries) for entry in as_list(nested(body, "history"))]
    return [(str(name), name in known) for name, known in names if isinstance(name, str)]


__all__ = ["Budget", "CountingConnection", "RequestDraft", "RequestExecutor", "SpentError", "answered_facts"]
