"""Faulty eCom: whose order it is, who asks, and requests that are broken on the wire."""

from __future__ import annotations

import dataclasses
import json

from conformance.sandbox import Ecom
from conformance.sandbox.wire import json_response

from ..fault import BLATANT, NARROW, TWO_FACED, faulty
from ..steps import approve, broken, foreign, unknown


@faulty(BLATANT, "EC-19", unknown)
class UnknownOrderAnswers200(Ecom):
    """A cancel of an order that does not exist answers success."""

    def cancel(self, call):
        if self.find(call.msn, call.params[0]) is None and call.params[0].endswith("-none"):
            return json_response(200, {"orderId": call.params[0]})
        return super().cancel(call)


@faulty(NARROW, "EC-19", unknown)
class UnknownOrderHasAnotherCode(Ecom):
    """A cancel of an order that does not exist has the code of a missing sales unit."""

    def unknown(self):
        return dataclasses.replace(super().unknown(), code="31")


@faulty(BLATANT, "EC-20", foreign)
class ForeignOrderReleased(Ecom):
    """A cancel reaches the orders of every sales unit."""

    def cancel(self, call):
        self.everywhere = True
        try:
            return super().cancel(call)
        finally:
            self.everywhere = False

    everywhere = False

    def find(self, msn, id_):
        order = super().find(msn, id_)
        if order is None and self.everywhere:
            return super().find(self.options.msn, id_)
        return order


@faulty(NARROW, "EC-20", foreign)
class ForeignOrderAnswers200(Ecom):
    """A cancel of another sales unit's order answers success, and does nothing."""

    def cancel(self, call):
        named = call.body().get("merchantInfo", {}).get("merchantSerialNumber")
        known = self.find(self.options.msn, call.params[0]) is not None
        if known and call.msn == named == self.options.other_msn:
            return json_response(200, {"orderId": call.params[0]})
        return super().cancel(call)


@faulty(TWO_FACED, "INV-1 EC-37", foreign)
class ForeignOrderNotFoundAndReleased(Ecom):
    """A cancel of another sales unit's order is not found, and releases it."""

    def cancel(self, call):
        order = self.find(self.options.msn, call.params[0])
        if call.msn != self.options.msn and order is not None:
            self.release(order)
        return super().cancel(call)


@faulty(BLATANT, "EC-23", broken("no-token"))
class TokenNotChecked(Ecom):
    """A cancel needs no access token."""

    def authorize(self, call):
        return None if call.request.method == "PUT" and "authorization" not in call.headers else super().authorize(call)


@faulty(NARROW, "EC-23", broken("no-bearer"))
class BearerIsOptional(Ecom):
    """A cancel takes the access token without the word Bearer."""

    def authorize(self, call):
        value = call.headers.get("authorization", "")
        if call.request.method == "PUT" and value and not value.startswith("Bearer "):
            call.headers["authorization"] = f"Bearer {value.rpartition(' ')[2]}"
        return super().authorize(call)


@faulty(BLATANT, "EC-23", broken("bad-subscription-key"))
class SubscriptionKeyNotChecked(Ecom):
    """A cancel is carried out under any subscription key."""

    def authorize(self, call):
        if call.request.method == "PUT":
            call.headers["ocp-apim-subscription-key"] = self.options.subscription_key
        return super().authorize(call)


@faulty(TWO_FACED, "INV-1", approve, broken("no-token"))
class RefusedTokenReleases(Ecom):
    """A cancel of a reserved payment without a token is refused, after the money was released."""

    def authorize(self, call):
        denied = super().authorize(call)
        if denied is not None and call.request.method == "PUT":
            order = self.find(self.options.msn, call.path.split("/")[-2])
            if order is not None and order.remaining:
                self.release(order)
        return denied


@faulty(NARROW, "EC-25 EC-01", broken("no-text"))
class TextNotRequired(Ecom):
    """A cancel without a transaction text is carried out."""

    def cancel(self, call):
        body = call.body()
        if body.get("transaction") == {}:
            body["transaction"] = {"transactionText": ""}
            call.request = dataclasses.replace(call.request, body=json.dumps(body).encode())
        return super().cancel(call)


@faulty(NARROW, "EC-25 EC-01", broken("long-text"))
class LongTextIsCut(Ecom):
    """A transaction text that is too long is cut, and the cancel is carried out."""

    def cancel(self, call):
        body = call.body()
        text = body.get("transaction", {}).get("transactionText", "")
        if len(text) > 100:
            body["transaction"] = {"transactionText": text[:100]}
            call.request = dataclasses.replace(call.request, body=json.dumps(body).encode())
        return super().cancel(call)


@faulty(NARROW, "EC-25", approve, broken("no-text"))
class InvalidRequestsAnswer422(Ecom):
    """A cancel that is not as documented is refused with 422 where 400 is documented."""

    def refuse(self, call, refusal):
        if refusal.faults and call.request.method == "PUT":
            refusal = dataclasses.replace(refusal, status=422)
        return super().refuse(call, refusal)


@faulty(BLATANT, "EC-20", foreign)
class EverySalesUnitAlike(Ecom):
    """The payments of every sales unit can be read and cancelled by all of them."""

    def find(self, msn, id_):
        return super().find(msn, id_) or super().find(self.options.msn, id_)
