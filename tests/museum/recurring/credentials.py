"""Faulty Recurring: credentials that are nearly right."""

from __future__ import annotations

from conformance.sandbox import Recurring

from ..fault import BLATANT, NARROW, TWO_FACED, faulty
from ..steps import broken


@faulty(NARROW, "RE-16", broken("lower-case-bearer"))
class BearerInAnyCase(Recurring):
    """A cancel takes the word Bearer in any case."""

    def authorize(self, call):
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if call.request.method == "DELETE" and scheme.lower() == "bearer":
            call.headers["authorization"] = f"Bearer {token}"
        return super().authorize(call)


@faulty(NARROW, "RE-16", broken("no-bearer"))
class BearerIsOptional(Recurring):
    """A cancel takes the access token without the word Bearer."""

    def authorize(self, call):
        value = call.headers.get("authorization", "")
        if call.request.method == "DELETE" and value and " " not in value:
            call.headers["authorization"] = f"Bearer {value}"
        return super().authorize(call)


@faulty(NARROW, "RE-16 RE-09", broken("bad-subscription-key"))
class SubscriptionKeyKnownByItsBeginning(Recurring):
    """A cancel compares all but the last character of the subscription key."""

    def authorize(self, call):
        known = self.options.subscription_key
        if call.request.method == "DELETE" and call.headers.get("ocp-apim-subscription-key", "")[:-1] == known[:-1]:
            call.headers["ocp-apim-subscription-key"] = known
        return super().authorize(call)


@faulty(BLATANT, "RE-16 RE-09", broken("bad-subscription-key"))
class AnySubscriptionKeyAccepted(Recurring):
    """A cancel needs a subscription key, and takes any."""

    def authorize(self, call):
        if call.request.method == "DELETE" and call.headers.get("ocp-apim-subscription-key"):
            call.headers["ocp-apim-subscription-key"] = self.options.subscription_key
        return super().authorize(call)


@faulty(TWO_FACED, "INV-1", broken("bad-subscription-key"))
class WrongSubscriptionKeyReleases(Recurring):
    """A cancel of a reserved charge under a wrong subscription key is refused, after the money was released."""

    def authorize(self, call):
        denied = super().authorize(call)
        key = call.headers.get("ocp-apim-subscription-key")
        if denied is not None and call.request.method == "DELETE" and key not in (None, self.options.subscription_key):
            charge = self.find(self.options.msn, call.params[-1])
            if charge is not None and charge.remaining:
                self.release(charge)
        return denied
