"""Executes fuzzed requests: sends, reads the order back, judges and records.

Every fuzzed request passes here, whatever drew
it. A request that gets a 500 is sent again before it is judged.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final
from urllib.parse import quote

from conformance.domain.api_table import spec_of
from conformance.domain.expectation import ACCEPTED, PENDING, REFUSED, Observation, Scalar
from conformance.domain.messages import Call, Headers, NoResponse, Request, Response, ResponseOrNone
from conformance.domain.observation import Field
from conformance.domain.operations import BODILESS, MODIFYING, Operation, OperationKind
from conformance.domain.steps import Step
from conformance.fuzzing.openapi import Description
from conformance.fuzzing.order_pool import AGREEMENT, OrderPool, PooledOrder, follow
from conformance.fuzzing.recorder import FuzzRecorder, Sent
from conformance.fuzzing.request_bodies import good_body
from conformance.fuzzing.request_shape import RequestClassification, classify
from conformance.fuzzing.requests import REQUESTS
from conformance.fuzzing.requests.base import MISSING, RequestDefaults, value_at
from conformance.fuzzing.response_facts import response_facts
from conformance.judging.http_layer import AGAIN, COMPARED, PASSING, SOUND, judge_request
from conformance.judging.judge import StepStatus
from conformance.targets.target import busy_recorder
from conformance.targets.transport import SPENT, Connection, TargetError
from conformance.wire.base import JSON_TYPE, SYSTEM_HEADERS, Credentials, ObservedFields, json_body, outcome_fields

UNHEALTHY: Final = 15
"""Requests in a row without a response, or with one of the gateway alone, that end the run."""


class SpentError(Exception):
    """The allowed time or number of requests is used up."""


@dataclass(frozen=True, slots=True)
class RequestDraft:
    """A request before it is sent.

    Attributes:
        operation: what it is sent to.
        source: what drew it: ``probe``, or a phase of schemathesis.
        label: what is special about it.
        method: its HTTP method.
        body: its body.
        content_type: the value of ``Content-Type``; empty for no such header.
        order: the order that it is about; None if the operation is about none, or the order must not exist.
        token: the token that is sent: ``ours``, ``none`` or ``other``.
        key: the subscription key that is sent: ``ours``, ``none`` or ``other``.

    """

    operation: Operation
    source: str
    label: str
    method: str
    body: bytes = b""
    content_type: str = JSON_TYPE
    order: PooledOrder | None = None
    token: str = "ours"
    key: str = "ours"

    @property
    def has_documented_method(self) -> bool:
        """Whether the method is the operation's."""
        return self.method == self.operation.method

    @property
    def is_authorized(self) -> bool:
        """Whether the credentials are ours."""
        return self.token == self.key == "ours"

    @property
    def is_own(self) -> bool:
        """Whether method and credentials are those of the suite's own requests."""
        return self.has_documented_method and self.is_authorized


@dataclass
class Budget:
    """What may still be spent: time and requests.

    ``deadline`` is in seconds of ``time.monotonic``.
    """

    deadline: float
    requests: int
    stopped: bool = False

    @property
    def spent(self) -> bool:
        """Whether nothing more may be sent."""
        return self.stopped or self.requests <= 0 or time.monotonic() > self.deadline


class CountingConnection(Connection):
    """A connection that takes its requests from a budget."""

    def __init__(self, connection: Connection, budget: Budget) -> None:
        self._connection = connection
        self._budget = budget

    async def send(self, call: Call) -> ResponseOrNone:
        """Send a call and return its answer.

        Raises:
            SpentError: this budget, or the whole run's, is spent.

        """
        if self._budget.spent:
            raise SpentError
        self._budget.requests -= 1
        self._connection.busy = self.busy
        answer = await self._connection.send(call)
        if answer == NoResponse(SPENT):
            # The run's own limit, which says nothing of the target's health.
            raise SpentError
        return answer

    async def pause(self, seconds: float) -> None:
        """Give the target some time."""
        await self._connection.pause(seconds)

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()


class RequestExecutor:
    """Sends and judges the requests of one API.

    Attributes:
        orders: the orders that requests are about.
        defaults: what the suite's own requests have.
        random: decides what is sent.

    """

    def __init__(
        self,
        orders: OrderPool,
        description: Description,
        connection: Connection,
        recorder: FuzzRecorder,
        credentials: Credentials,
        defaults: RequestDefaults,
        random: Random,
    ) -> None:
        self.orders = orders
        self.defaults = defaults
        self.random = random
        self._description = description
        self._connection = connection
        self._recorder = recorder
        self._credentials = credentials
        self._sent = 0
        self._failures = 0

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The operations of this API in the description."""
        profile = self.orders.profile
        return tuple(operation for operation in self._description.operations if operation.profile is profile)

    async def execute(self, draft: RequestDraft) -> ResponseOrNone:
        """Send a request, read the order back, judge and record; return the answer.

        Raises:
            SpentError: the budget is spent.
            TargetError: the target does not respond any more.

        """
        classification = classify(draft.operation, draft.body, draft.content_type, self.defaults)
        before = dict(draft.order.view) if draft.order is not None and draft.order.is_known else {}
        request = self._request(draft)
        started = time.perf_counter()
        self._connection.busy = busy_recorder(self._recorder.record_aside)
        answer = await self._connection.send(Call(request, "act"))
        seconds = time.perf_counter() - started
        facts = self._request_facts(draft, classification) | response_facts(draft.operation, answer)
        facts |= await self._repeat(request, answer)
        if before and draft.order is not None:
            facts |= await self._order_facts(draft, classification, draft.order, answer, before)
        self._judge(draft, Sent(draft.operation, draft.source, draft.label, request, answer, seconds), facts)
        creates = draft.operation.kind is OperationKind.CREATE and classification.uncertain
        if creates and isinstance(answer, Response):
            await self._adopt(draft, answer)
        return answer

    def _judge(self, draft: RequestDraft, sent: Sent, facts: dict[str, Scalar]) -> None:
        facts = {name: value for name, value in facts.items() if value is not None or name == Field.ANSWER_NAME}
        verdict = judge_request(draft.operation.profile, facts)
        self._recorder.record(sent, facts, verdict)
        self._check_health(sent.answer)
        if verdict.status is StepStatus.VIOLATES and draft.order is not None and draft.operation.kind in MODIFYING:
            draft.order.lose_track()

    # The request

    def _request(self, draft: RequestDraft) -> Request:
        self._sent += 1
        key = self.orders.naming.order_id(self.orders.profile, f"z{self._sent:05d}")
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
        headers.append((spec_of(self.orders.profile).key_header, key))
        all_headers: Headers = (*headers, *SYSTEM_HEADERS)
        return Request(draft.method, self._path(draft), all_headers, draft.body)

    def _path(self, draft: RequestDraft) -> str:
        path = draft.operation.path
        known = draft.order.ids if draft.order is not None else {}
        for name in draft.operation.parameters:
            path = path.replace(f"{{{name}}}", quote(known.get(name) or self._unknown_id(name), safe=""))
        return path

    def _unknown_id(self, name: str) -> str:
        """Return a well-formed identifier of nothing.

        The agreement of an unknown charge exists, if possible.
        """
        if name == AGREEMENT:
            return self.orders.agreement or f"agr_{self.orders.naming.nonce}none"
        return f"{self.orders.naming.nonce}-none"

    def _request_facts(self, draft: RequestDraft, classification: RequestClassification) -> dict[str, Scalar]:
        order = self._order_fact(draft)
        statuses = self._description.operations[draft.operation][1]
        msn = value_at(json_body(Response(200, (), draft.body)), "merchantInfo.merchantSerialNumber")
        return {
            Field.SENT_DEED: draft.operation.kind.value,
            Field.SENT_METHOD: "documented" if draft.has_documented_method else "other",
            Field.SENT_TOKEN: draft.token,
            Field.SENT_KEY: draft.key,
            Field.SENT_ORDER: order,
            Field.SENT_FLAW: classification.flaw or None,
            Field.SENT_INVALID: bool(classification.flaw) or not draft.is_authorized or order == "unknown",
            Field.SENT_DOUBT: classification.uncertain or not draft.has_documented_method,
            Field.SENT_PLAIN: classification.step is not None,
            # A sales unit's number that is not text is documented to be able to end in a 500.
            Field.SENT_WEAKNESS: msn is not MISSING and not isinstance(msn, str),
            "document.statuses": ",".join(sorted(statuses)),
        }

    def _order_fact(self, draft: RequestDraft) -> str:
        """Return whether a request names an order that exists.

        The result is ``known`` or ``unknown``, or ``none`` if it names none.
        """
        operation = draft.operation
        if operation.names_order:
            return "known" if draft.order is not None else "unknown"
        if AGREEMENT in operation.parameters:
            return "none" if self.orders.agreement else "unknown"
        return "none"

    # After the response

    async def _repeat(self, request: Request, answer: ResponseOrNone) -> dict[str, Scalar]:
        """Repeat a request that got a 500, with a new key each time.

        Returns how often, and the target's health.
        """
        if isinstance(answer, NoResponse) or answer.status < 500 or answer.status in PASSING:
            return {}
        times = 1
        key_header = spec_of(self.orders.profile).key_header
        while times < AGAIN:
            await self._connection.pause(0.2 * times)
            headers = tuple(
                (name, f"{value}-{times}" if name == key_header else value) for name, value in request.headers
            )
            call = Call(replace(request, headers=headers), "act")
            repeated = await self._connection.send(call)
            self._recorder.record_aside(call, repeated)
            if isinstance(repeated, NoResponse) or repeated.status != answer.status:
                break
            times += 1
        healthy = times >= AGAIN and await self._is_healthy()
        return {Field.SENT_TIMES: times, "target.healthy": healthy}

    async def _is_healthy(self) -> bool:
        """Return whether an order that exists can be read."""
        order = await self.orders.in_situation("waiting")
        return order is not None and (await order.driver.look("read", log=False)).get(Field.VIEW_OUTCOME) == ACCEPTED

    async def _order_facts(
        self,
        draft: RequestDraft,
        classification: RequestClassification,
        order: PooledOrder,
        answer: ResponseOrNone,
        before: Observation,
    ) -> dict[str, Scalar]:
        """Read the order back.

        Returns how it was before and after, and what the model says of the change. The order remains known only if its
        state still follows from what the model permits.
        """
        if draft.operation.kind in BODILESS and draft.has_documented_method:
            return {}
        order.modified += 1
        outcome = outcome_fields(answer)[Field.ANSWER_OUTCOME]
        order.view = await self._view_after(order, outcome, before)
        facts: dict[str, Scalar] = {}
        step = classification.step if draft.is_own else None
        if step is not None and isinstance(answer, Response):
            facts = await self._model_facts(order, step, answer)
        if outcome == PENDING or (not facts and outcome != REFUSED):
            # A change that is still to come is not waited for: the order is not used any more.
            order.lose_track()
        for moment, view in (("before", before), ("after", order.view)):
            facts[f"{moment}.outcome"] = view.get(Field.VIEW_OUTCOME)
            facts |= {f"{moment}.{name}": view.get(f"view.{name}") for name in (*COMPARED, *SOUND)}
        if order.view.get(Field.VIEW_OUTCOME) != ACCEPTED:
            order.lose_track()
        return facts

    @staticmethod
    async def _view_after(order: PooledOrder, outcome: Scalar, before: Observation) -> ObservedFields:
        view = await order.driver.look("read", log=False)
        if outcome == REFUSED and _differs(before, view):
            # One of the two reads may have been behind.
            await order.driver.pause(2)
            view = await order.driver.look("poll", log=False)
        return view

    async def _model_facts(self, order: PooledOrder, step: Step, response: Response) -> dict[str, Scalar]:
        """Return what the model says of a step with this response; follow the order."""
        observed = order.driver.interpret(step, response)
        judgement = await follow(order, step, observed)
        facts: dict[str, Scalar] = {
            Field.MODEL_STATUS: judgement.status.value,
            Field.MODEL_STEP: type(step).__name__.lower(),
        }
        for finding in judgement.findings[:1]:
            facts |= {
                Field.MODEL_RULE: finding.rule,
                Field.MODEL_FIELD: finding.field,
                Field.MODEL_PERMITTED: finding.permitted,
                Field.MODEL_OBSERVED: finding.observed,
            }
        return facts

    async def _adopt(self, draft: RequestDraft, response: Response) -> None:
        """Add the order of a drawn request to the pool if it has no unusual field.

        The model does not know what an optional field may change about an order.
        """
        body = json_body(Response(200, (), draft.body))
        if response.status not in (200, 201) or not self._has_usual_fields(draft.operation, body):
            return
        paths = REQUESTS[draft.operation.profile].created
        if paths is None:
            return
        identifier, amount = (value_at(body, path) for path in paths)
        is_amount = isinstance(amount, int) and not isinstance(amount, bool) and amount > 0
        if is_amount and isinstance(identifier, str):
            await self.orders.adopt(identifier, amount)

    def _has_usual_fields(self, operation: Operation, body: Any) -> bool:
        good = good_body(operation, self.defaults, "", 1) or {}
        return isinstance(body, dict) and set(body) <= set(good) and _is_within(body, good, "transaction")

    def _check_health(self, answer: ResponseOrNone) -> None:
        failed = isinstance(answer, NoResponse) or answer.status in PASSING - {501, 505}
        self._failures = self._failures + 1 if failed else 0
        if self._failures >= UNHEALTHY:
            cause = answer.cause if isinstance(answer, NoResponse) else f"status {answer.status}"
            raise TargetError(
                f"{self.orders.session.transport.name} is not healthy: {UNHEALTHY} requests in a row were not answered "
                f"({cause})."
            )


def _is_within(body: dict[str, Any], good: dict[str, Any], name: str) -> bool:
    inner, known = body.get(name, {}), good.get(name, {})
    return isinstance(inner, dict) and set(inner) <= set(known)


def _differs(before: Observation, after: Observation) -> bool:
    return any(before.get(f"view.{name}") != after.get(f"view.{name}") for name in COMPARED)
