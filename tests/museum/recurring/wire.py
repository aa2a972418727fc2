"""Faulty Recurring: whose charge it is, who asks, and requests that are broken on the wire."""

from __future__ import annotations

import dataclasses

from conformance.sandbox import Recurring
from conformance.sandbox.wire import empty_response

from ..fault import BLATANT, NARROW, TWO_FACED, faulty
from ..steps import broken, foreign, unknown


@faulty(BLATANT, "RE-14", unknown)
class UnknownChargeAnswers204(Recurring):
    """A cancel of a charge that does not exist answers success."""

    def carry_out_cancel_request(self, call, key):
        if self.find(call.msn, self.payment_id(call)) is None:
            return empty_response(204)
        return super().carry_out_cancel_request(call, key)


@faulty(NARROW, "RE-14", unknown)
class UnknownChargeHasAnotherType(Recurring):
    """A cancel of a charge that does not exist has the problem of a charge in the wrong status."""

    def unknown(self):
        return dataclasses.replace(super().unknown(), code="cancel-charge-failed")


@faulty(NARROW, "RE-14", foreign)
class ChargeOfAnotherAgreementCancelled(Recurring):
    """A cancel does not look whether the charge belongs to the agreement."""

    def need_charge(self, call):
        if call.request.method == "DELETE":
            self.need_agreement(call)
            return self.need(call)
        return super().need_charge(call)


@faulty(TWO_FACED, "INV-1", foreign)
class ChargeOfAnotherAgreementReleased(Recurring):
    """A cancel under another agreement is not found, and releases the charge."""

    def carry_out_cancel_request(self, call, key):
        charge = self.find(call.msn, self.payment_id(call))
        if charge is not None and charge.agreement_id != call.params[0] and charge.remaining:
            self.release(charge)
        return super().carry_out_cancel_request(call, key)


@faulty(BLATANT, "RE-16 RE-09", broken("no-token"))
class TokenNotChecked(Recurring):
    """A cancel needs no valid access token."""

    def authorize(self, call):
        return None if call.request.method == "DELETE" else super().authorize(call)


@faulty(NARROW, "RE-16 RE-09", broken("bad-token"))
class AnyTokenAccepted(Recurring):
    """A cancel needs an access token, and takes any."""

    def authorize(self, call):
        if call.request.method == "DELETE" and call.headers.get("authorization", "").startswith("Bearer "):
            return None
        return super().authorize(call)


@faulty(NARROW, "RE-16 RE-09", broken("no-subscription-key"))
class SubscriptionKeyNotChecked(Recurring):
    """A cancel needs no subscription key."""

    def authorize(self, call):
        if call.request.method == "DELETE":
            call.headers["ocp-apim-subscription-key"] = self.options.subscription_key
        return super().authorize(call)


@faulty(TWO_FACED, "INV-1", broken("no-token"))
class RefusedTokenReleases(Recurring):
    """A cancel of a reserved charge without a token is refused, after the money was released."""

    def authorize(self, call):
        denied = super().authorize(call)
        if denied is not None and call.request.method == "DELETE":
            charge = self.find(self.options.msn, call.params[-1])
            if charge is not None and charge.remaining:
                self.release(charge)
        return denied


@faulty(BLATANT, "RE-15", broken("malformed-agreement"))
class MalformedAgreementIgnored(Recurring):
    """A cancel does not look at the agreement at all where it is malformed."""

    def carry_out_cancel_request(self, call, key):
        if " " in call.params[0]:
            call.params = call.params[1:]
        return super().carry_out_cancel_request(call, key)
