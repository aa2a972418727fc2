"""Executes a history's steps by calling a Python adapter."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from conformance.adapter import Accepted, Event, OrderView, Pending, Refused
from conformance.domain.api_table import spec_of
from conformance.domain.expectation import ACCEPTED, LOST, PENDING
from conformance.domain.messages import Response
from conformance.domain.observation import Field
from conformance.domain.order import Kind, Profile
from conformance.domain.steps import (
    Addressee,
    Age,
    AnotherCharge,
    Cancel,
    Capture,
    Initiate,
    Key,
    Refund,
    Step,
    StopAgreement,
    Together,
    action_of,
)
from conformance.targets.adapter.answers import as_answer
from conformance.wire.base import ObservedFields, OrderIdentifiers, outcome_fields, with_balance_checks

PAUSE: Final = 0.1
"""Seconds before an order is read again, times the number of reads so far."""
_AMOUNTS: Final = ("captured", "refunded", "cancelled", "authorized", "to_capture", "to_refund")
_UNREAD: Final = (
    Field.VIEW_STATE,
    Field.VIEW_CAPTURED,
    Field.VIEW_REFUNDED,
    Field.VIEW_CANCELLED,
    Field.VIEW_LOG_NEWEST,
)
"""Fields that are absent from the observation of an order that could not be read."""

CallMethod = Callable[..., Awaitable[Any]]
"""Calls a method of the adapter: its name, then its arguments; returns whatever the method returns."""


class UnusableResultError(Exception):
    """A method did not return a usable result. The message says why, and ``crash`` what it raised, in a few lines."""

    def __init__(self, message: str, crash: str = "") -> None:
        super().__init__(message)
        self.crash = crash


class AdapterDriver:
    """Executes one history's steps by calling an adapter."""

    complete = False
    doubted = False

    def __init__(self, call_method: CallMethod, profile: Profile, identifiers: OrderIdentifiers) -> None:
        self._call_method = call_method
        self._profile = profile
        self._identifiers = identifiers

    async def perform(self, step: Step) -> ObservedFields:
        """Make a step happen; return the observation of its result."""
        order_id = self._identifiers.order_id
        match step:
            case Initiate():
                return await self._initiate(order_id, step.amount, step.kind)
            case Cancel():
                return await self._cancel(step)
            case Capture() | Refund():
                name = "capture" if isinstance(step, Capture) else "refund"
                return await self._result_of(name, order_id, step.amount)
            case Age():
                return await self._result_of("age", order_id, step.by)
            case StopAgreement(with_other_change=True):
                return _unanswered("a change of the agreement itself takes an HTTP target")
            case AnotherCharge():
                return _unanswered("another charge of the agreement takes an HTTP target")
            case Together():
                return _unanswered("two requests at the same time take an HTTP target")
            case StopAgreement():
                return await self._result_of("stop_agreement", order_id)
        action = action_of(step)
        return {} if action is None else await self._result_of(action, order_id)

    async def look(self, purpose: str, *, log: bool) -> ObservedFields:
        """Read the order back; return the observation.

        A result that is not usable overrides the step's outcome too.
        """
        missing: ObservedFields = dict.fromkeys(_UNREAD)
        try:
            view = await self._call_method("read", self._identifiers.order_id)
            if isinstance(as_answer(view), Refused):
                return missing | {
                    name.replace("answer.", "view."): value for name, value in _observation_of("read", view).items()
                }
            return view_of(self._profile, view)
        except UnusableResultError as error:
            cause = str(error)
            unread: ObservedFields = {Field.VIEW_OUTCOME: LOST, Field.VIEW_CAUSE: cause}
            return missing | unread | _unanswered(f"the order could not be read back: {cause}", error.crash)

    async def pause(self, attempt: int) -> None:
        """Wait a little longer with each attempt."""
        await asyncio.sleep(PAUSE * attempt)

    async def _initiate(self, order_id: str, amount: int, kind: Kind) -> ObservedFields:
        return await self._result_of("initiate", order_id, amount, self._identifiers.market.currency, kind.value)

    async def _cancel(self, step: Cancel) -> ObservedFields:
        identifiers = self._identifiers
        if step.defect is not None or step.to is Addressee.FOREIGN:
            return _unanswered("a request that is broken, or somebody else's, takes an HTTP target")
        if step.key is Key.ANOTHER_OPERATION:
            return _unanswered("the key of a capture or a refund takes an HTTP target")
        order_id = f"{identifiers.order_id}-none" if step.to is Addressee.UNKNOWN else identifiers.order_id
        if step.key is Key.SPENT:
            helper = identifiers.helper_id()
            await self._initiate(helper, 1000, spec_of(self._profile).waiting_kind)
            key = identifiers.key_for(step)
            await self._result_of("cancel", helper, flag=None, key=key)
        else:
            key = identifiers.key_for(step)
        return await self._result_of("cancel", order_id, flag=step.flag, key=key)

    async def _result_of(self, method: str, *arguments: Any, **named: Any) -> ObservedFields:
        try:
            return _observation_of(method, await self._call_method(method, *arguments, **named))
        except UnusableResultError as error:
            return _unanswered(str(error), error.crash)


def _unanswered(cause: str, crash: str = "") -> ObservedFields:
    observed: ObservedFields = {Field.ANSWER_OUTCOME: LOST, Field.ANSWER_CAUSE: cause}
    return observed | {Field.ANSWER_CRASH: crash} if crash else observed


def _observation_of(method: str, returned: object) -> ObservedFields:
    answer = as_answer(returned)
    if method == "read" and not isinstance(answer, Refused):
        answer = None
    match answer:
        # The code is observed to be absent, so that a young order is known not to be refused for its age.
        case Accepted():
            return {Field.ANSWER_OUTCOME: ACCEPTED, Field.ANSWER_CODE: None}
        case Pending():
            return {Field.ANSWER_OUTCOME: PENDING, Field.ANSWER_CODE: None}
        case Refused():
            return _refused(method, answer)
    expected = "an OrderView or Refused" if method == "read" else "Accepted, Refused or Pending"
    raise UnusableResultError(f"{method}() returned {_kind(returned)} where {expected} is meant")


def _refused(method: str, answer: Refused) -> ObservedFields:
    status = answer.status
    if status is not None and not (_whole(status) and 400 <= status < 600):
        raise UnusableResultError(f"{method}() refused with the status {status!r}, which is not 400 to 599")
    observed = outcome_fields(Response(400 if status is None else status))
    if status is None:
        del observed[Field.ANSWER_STATUS]
    if answer.code is not None:
        observed[Field.ANSWER_CODE] = str(answer.code)
    if answer.detail:
        observed[Field.ANSWER_DETAIL] = str(answer.detail)
    return observed


def view_of(profile: Profile, view: object) -> ObservedFields:
    """Return the observation of an adapter's view.

    What the view leaves out is left out.

    >>> view_of(Profile.EPAYMENT, OrderView("AUTHORIZED", 0, 0, 0))["view.state"]
    'AUTHORIZED'

    Raises:
        UnansweredError: it is not an ``OrderView``, or has values of the wrong type.

    """
    if not isinstance(view, OrderView):
        raise UnusableResultError(f"read() returned {_kind(view)} where an OrderView or Refused is meant")
    if not isinstance(view.state, str):
        raise UnusableResultError(f"read() returned a state that is {_kind(view.state)} where text is meant")
    observed: ObservedFields = {Field.VIEW_OUTCOME: ACCEPTED, Field.VIEW_STATE: view.state}
    for name in _AMOUNTS:
        amount = getattr(view, name)
        if amount is None and name not in _AMOUNTS[:3]:
            continue
        if not _whole(amount):
            raise UnusableResultError(f"read() returned {name!r} as {_kind(amount)} where whole minor units are meant")
        observed[f"view.{name}"] = amount
    if view.currency is not None:
        observed[Field.VIEW_CURRENCY] = str(view.currency)
    observed = with_balance_checks(observed, view.authorized or None)
    return observed if view.events is None else observed | _log(profile, view.events)


def _log(profile: Profile, events: object) -> ObservedFields:
    if not isinstance(events, Sequence) or not all(
        isinstance(event, Event) and _whole(event.amount) for event in events
    ):
        raise UnusableResultError("read() returned 'events' that are not a list of Event(name, amount)")
    observed: ObservedFields = {}
    log = spec_of(profile).log
    for total, names in log.totals.items():
        observed[f"view.log.{total}"] = sum(event.amount for event in events if event.name in names)
    for count, names in log.counts.items():
        observed[f"view.log.{count}"] = sum(event.name in names for event in events)
    if log.newest:
        observed[Field.VIEW_LOG_NEWEST] = events[-1].name if events else None
    return observed


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _kind(value: object) -> str:
    return "None" if value is None else f"a value of type {type(value).__name__}"
