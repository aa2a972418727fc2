"""The embedded provider behind the double: payments, the customer, and webhooks, from history to history."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from itertools import islice, takewhile
from typing import Any, Final, TypeVar, cast

from conformance.domain.api_table import spec_of
from conformance.domain.messages import Request, Response
from conformance.domain.order import Profile
from conformance.evidence.record_parts import EventRecord, ProviderRecord
from conformance.merchant.protocol import Webhook
from conformance.merchant.provider_double.apis import PARTS
from conformance.merchant.provider_double.virtual_clock import VirtualClock
from conformance.obligations.history import Behaviour
from conformance.obligations.observation import PaymentKey
from conformance.sandbox import Market, Options, Provider
from conformance.sandbox.agreement import Charge
from conformance.sandbox.payment import Payment, Stage

PAYABLE: Final = (Stage.INITIATED, Stage.IN_3DS, Stage.PENDING, Stage.DUE, Stage.PROCESSING)
REMEMBERED: Final = 100
"""How many payments and tokens of earlier histories are still known."""
_Key = TypeVar("_Key")
_Item = TypeVar("_Item")


class ProviderState:
    """The embedded provider of one history.

    Args:
        clock: the history's clock.
        behaviour: how the provider behaves where the documentation leaves a choice.
        market: the sales unit's country.
        seed: decides every identifier.
        former: the provider of the previous history; its latest tokens and payments stay known.
        tokens_expire: whether tokens end with the clock; for a merchant whose own clock stands still they do not.

    """

    def __init__(
        self,
        clock: VirtualClock,
        behaviour: Behaviour,
        market: str,
        seed: int,
        former: ProviderState | None = None,
        *,
        tokens_expire: bool = True,
    ) -> None:
        self.options = Options(
            market=Market(behaviour.market or market),
            key_scope=cast(Any, behaviour.key_scope),
            second_cancel=cast(Any, behaviour.second_cancel),
            cancel_key_ignored=not behaviour.keys_on_cancel,
            recurring_async=behaviour.accepts,
        )
        self.provider = Provider(self.options, seed=seed, now=clock.now)
        self._clock = clock
        self._tokens_expire = tokens_expire
        self._reported: dict[PaymentKey, int] = {}
        self._attributed: dict[PaymentKey, int] = {}
        self._events: list[EventRecord] = []
        if former is not None:
            # A merchant may keep its token from one history to the next, and read its older orders.
            self.provider.tokens.expiries.update(_latest(former.provider.tokens.expiries))
            self.provider.shared.payments.update(_latest(former.provider.shared.payments))
            for part in PARTS.values():
                part.inherit(self.provider, former.provider, REMEMBERED)
        self.inherited = frozenset(id_ for (_, id_), _ in self._payments())

    def _payments(self) -> list[tuple[PaymentKey, Payment]]:
        payments = self.provider.shared.payments
        return [((api, id_), payment) for (api, _, id_), payment in payments.items()]

    def _own_payments(self) -> list[tuple[PaymentKey, Payment]]:
        """Return the payments of this history, oldest first: they came after the inherited ones."""
        latest_first = reversed(self.provider.shared.payments.items())
        own = takewhile(lambda item: item[0][2] not in self.inherited, latest_first)
        return [((api, id_), payment) for (api, _, id_), payment in own][::-1]

    def make_room(self, api: str, request: Request) -> None:
        """Forget a payment of an earlier history whose identifier a new payment is to have.

        A shop with order numbers of its own begins each history with the same number.
        """
        id_ = PARTS[Profile(api)].wanted_id(_json_object(request))
        if id_ not in self.inherited:
            return
        payments = self.provider.shared.payments
        for key in [key for key in payments if key[2] == id_]:
            PARTS[Profile(key[0])].forget(self.provider, payments.pop(key))
        self.inherited -= {id_}

    def handle(self, request: Request) -> Response:
        """Return the provider's response to one request of the shop's."""
        with self.provider.turn():
            self._pass_time()
        response = self.provider.handle(request)
        with self.provider.turn():
            self._attribute("shop")
            if not self._tokens_expire:
                self.provider.tokens.expiries.update(dict.fromkeys(self.provider.tokens.expiries, math.inf))
        return response

    def _pass_time(self) -> None:
        """Let time end what is over by now, such as an approval or a reservation."""
        for key, _ in self._own_payments():
            self.payment(*key)
        self._attribute("time")

    def _attribute(self, cause: str) -> None:
        """Note who caused what happened to the payments since the last call."""
        at = round(self._clock.elapsed(), 3)
        for (api, id_), payment in self._own_payments():
            known = self._attributed.get((api, id_), 0)
            self._events += [
                EventRecord(api=api, id=id_, event=entry.kind.value, amount=entry.amount, at=at, by=cause)
                for entry in payment.entries[known:]
                if entry.success
            ]
            self._attributed[api, id_] = len(payment.entries)

    def take_events(self, payments: Iterable[PaymentKey]) -> tuple[EventRecord, ...]:
        """Return what happened to some payments since they were last asked about, oldest first."""
        asked = set(payments)
        taken = tuple(event for event in self._events if (event.api, event.id) in asked)
        self._events = [event for event in self._events if (event.api, event.id) not in asked]
        return taken

    def payment(self, api: str, id_: str) -> Payment | None:
        """Return a payment, brought up to date; None where there is none.

        It may be another API's: some know each other's payments by the same identifiers.
        """
        payments = (self.provider.apis[name].find(self.options.msn, id_) for name in _sharing(api))
        return next((payment for payment in payments if payment is not None), None)

    def record(self, api: str, id_: str) -> ProviderRecord | None:
        """Return a payment as the provider has it; None where there is none."""
        payment = self.payment(api, id_)
        if payment is None:
            return None
        pending = isinstance(payment, Charge) and payment.pending_cancel is not None
        return ProviderRecord(
            stage=payment.stage.value,
            amount=payment.amount,
            authorized=payment.authorized,
            captured=payment.captured,
            cancelled=payment.cancelled,
            remaining=payment.remaining,
            payable=payment.stage in PAYABLE,
            pending=pending,
            late=self.provider.apis[api].is_too_old(payment),
            currency=payment.currency,
            refunded=payment.refunded,
            agreement=PARTS[Profile(api)].agreement_status(self.provider, payment),
        )

    def agree(self, profile: Profile, name: str) -> str:
        """Make what an order has to belong to, such as an agreement that the customer has accepted; return its id."""
        return PARTS[profile].agree(self.provider, self.token, name)

    def token(self) -> str:
        """Return a new access token."""
        options = self.options
        headers = (
            ("client_id", options.client_id),
            ("client_secret", options.client_secret),
            ("Ocp-Apim-Subscription-Key", options.subscription_key),
        )
        return str(self.handle(Request("POST", "/accesstoken/get", headers)).json()["access_token"])

    def act(self, api: str, id_: str, action: str) -> bool:
        """Let the customer, time or the charge run act on a payment; return whether the action was possible."""
        cause = "time" if action == "expire" else "customer"
        return self._change(api, id_, cause, lambda payment: self._act(api, payment, action))

    def _act(self, api: str, payment: Payment, action: str) -> bool:
        payments = self.provider.shared.payments
        owner = next(name for name in _sharing(api) if payments.get((name, payment.msn, payment.id)) is payment)
        return PARTS[Profile(owner)].act(self.provider, payment, action)

    def age(self, api: str, id_: str, days: int) -> bool:
        """Make a payment older by a number of days; return whether there is such a payment."""

        def grow_older(payment: Payment) -> bool:
            payment.grow_older(days * 86_400.0)
            return self.payment(api, id_) is not None

        return self._change(api, id_, "time", grow_older)

    def release(self, api: str, id_: str, by: str) -> bool:
        """Cancel a payment as the merchant's staff would in the portal, or the customer's bank.

        ``by`` is ``portal`` or ``bank``; a bank releases only what is reserved. Returns whether it was possible.
        """

        def release(payment: Payment) -> bool:
            open_stages = (Stage.INITIATED, Stage.PENDING, Stage.DUE) if by == "portal" else ()
            if payment.remaining == 0 and payment.stage not in open_stages:
                return False
            self.provider.apis[api].release(payment)
            return True

        return self._change(api, id_, by, release)

    def _change(self, api: str, id_: str, cause: str, change: Callable[[Payment], bool]) -> bool:
        """Change a payment and note who caused what came of it; return whether the change was possible."""
        with self.provider.turn():
            self._pass_time()
            payment = self.payment(api, id_)
            possible = payment is not None and change(payment)
            self._attribute(cause)
            return possible

    def new_webhooks(self) -> list[Webhook]:
        """Return the webhooks of what happened since the last call, oldest first."""
        with self.provider.turn():
            events = []
            self._pass_time()
            for (api, id_), payment in self._own_payments():
                reported = self._reported.get((api, id_), 0)
                entries = payment.entries[reported:]
                self._reported[api, id_] = reported + len(entries)
                events += [(entry.at, PARTS[Profile(api)].webhook(payment, entry)) for entry in entries]
        ordered = sorted((at, number, webhook) for number, (at, webhook) in enumerate(events) if webhook is not None)
        return [webhook for _, _, webhook in ordered]


def _json_object(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _sharing(api: str) -> tuple[str, ...]:
    """Return an API and those that know its payments by the same identifiers."""
    return (api, *spec_of(Profile(api)).shares_orders_with)


def _latest(items: Mapping[_Key, _Item]) -> dict[_Key, _Item]:
    """Return the last `REMEMBERED` items."""
    return dict(islice(items.items(), max(0, len(items) - REMEMBERED), None))
