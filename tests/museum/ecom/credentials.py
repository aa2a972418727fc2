"""Faulty eCom: credentials that are nearly right."""

from __future__ import annotations

from conformance.sandbox import Ecom
from conformance.sandbox.wire import gateway_response

from ..fault import NARROW, TWO_FACED, faulty
from ..steps import approve, broken


@faulty(NARROW, "EC-23", broken("lower-case-bearer"))
class BearerInAnyCase(Ecom):
    """A cancel takes the word Bearer in any case."""

    def authorize(self, call):
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if call.request.method == "PUT" and scheme.lower() == "bearer":
            call.headers["authorization"] = f"Bearer {token}"
        return super().authorize(call)


@faulty(NARROW, "EC-23", broken("bad-subscription-key"))
class SubscriptionKeyKnownByItsBeginning(Ecom):
    """A cancel compares all but the last character of the subscription key."""

    def authorize(self, call):
        known = self.options.subscription_key
        if call.request.method == "PUT" and call.headers.get("ocp-apim-subscription-key", "")[:-1] == known[:-1]:
            call.headers["ocp-apim-subscription-key"] = known
        return super().authorize(call)


@faulty(NARROW, "EC-23", broken("bad-subscription-key"))
class WrongSubscriptionKeyForbidden(Ecom):
    """A cancel with a wrong subscription key is answered 403 where 401 is documented."""

    def authorize(self, call):
        denied = super().authorize(call)
        key = call.headers.get("ocp-apim-subscription-key")
        if denied is not None and key not in (None, self.options.subscription_key):
            return gateway_response(403, "The subscription key is wrong") if call.request.method == "PUT" else denied
        return denied


@faulty(TWO_FACED, "INV-1", approve, broken("bad-subscription-key"))
class WrongSubscriptionKeyReleases(Ecom):
    """A cancel of a reserved payment under a wrong subscription key is refused, after the money was released."""

    def authorize(self, call):
        denied = super().authorize(call)
        key = call.headers.get("ocp-apim-subscription-key")
        if denied is not None and call.request.method == "PUT" and key not in (None, self.options.subscription_key):
            order = self.find(self.options.msn, call.path.split("/")[-2])
            if order is not None and order.remaining:
                self.release(order)
        return denied
