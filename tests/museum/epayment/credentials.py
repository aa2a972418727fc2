"""Faulty ePayment: credentials that are nearly right."""

from __future__ import annotations

from conformance.sandbox import EPayment

from ..fault import BLATANT, NARROW, TWO_FACED, faulty
from ..steps import approve, broken


@faulty(NARROW, "EP-20", broken("lower-case-bearer"))
class BearerInAnyCase(EPayment):
    """A cancel takes the word Bearer in any case."""

    def authorize(self, call):
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if call.path.endswith("/cancel") and scheme.lower() == "bearer":
            call.headers["authorization"] = f"Bearer {token}"
        return super().authorize(call)


@faulty(NARROW, "EP-19", broken("bad-subscription-key"))
class SubscriptionKeyKnownByItsBeginning(EPayment):
    """A cancel compares all but the last character of the subscription key."""

    def authorize(self, call):
        known = self.options.subscription_key
        if call.path.endswith("/cancel") and call.headers.get("ocp-apim-subscription-key", "")[:-1] == known[:-1]:
            call.headers["ocp-apim-subscription-key"] = known
        return super().authorize(call)


@faulty(BLATANT, "EP-19", broken("bad-subscription-key"))
class AnySubscriptionKeyAccepted(EPayment):
    """A cancel needs a subscription key, and takes any."""

    def authorize(self, call):
        if call.path.endswith("/cancel") and call.headers.get("ocp-apim-subscription-key"):
            call.headers["ocp-apim-subscription-key"] = self.options.subscription_key
        return super().authorize(call)


@faulty(TWO_FACED, "INV-1", approve, broken("bad-subscription-key"))
class WrongSubscriptionKeyReleases(EPayment):
    """A cancel of an authorized payment under a wrong subscription key is refused, after the money was released."""

    def authorize(self, call):
        denied = super().authorize(call)
        key = call.headers.get("ocp-apim-subscription-key")
        if denied is not None and call.path.endswith("/cancel") and key not in (None, self.options.subscription_key):
            order = self.find(self.options.msn, call.path.split("/")[-2])
            if order is not None and order.remaining:
                self.release(order)
        return denied
