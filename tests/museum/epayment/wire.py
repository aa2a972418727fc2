"""Faulty ePayment: whose payment it is, who asks, and requests that are broken on the wire."""

from __future__ import annotations

import dataclasses

from conformance.sandbox import EPayment
from conformance.sandbox.wire import BadBodyError, RefusedError, json_response

from ..fault import BLATANT, NARROW, TWO_FACED, faulty
from ..steps import approve, broken, foreign, unknown


@faulty(BLATANT, "EP-16", unknown)
class UnknownPaymentAnswers200(EPayment):
    """A cancel of a payment that does not exist answers success."""

    def carry_out_cancel_request(self, call, key):
        if self.find(call.msn, call.params[0]) is None:
            return json_response(200, {"reference": call.params[0]})
        return super().carry_out_cancel_request(call, key)


@faulty(NARROW, "EP-16", unknown)
class UnknownPaymentHasAnotherCode(EPayment):
    """A cancel of a payment that does not exist has the code of one that cannot be cancelled."""

    def unknown(self):
        return dataclasses.replace(super().unknown(), code="6190")


@faulty(BLATANT, "EP-16", foreign)
class ForeignPaymentReleased(EPayment):
    """A cancel reaches the payments of every sales unit."""

    def carry_out_cancel_request(self, call, key):
        if self.find(call.msn, call.params[0]) is None:
            call.msn = self.options.msn
        return super().carry_out_cancel_request(call, key)


@faulty(TWO_FACED, "INV-1", foreign)
class ForeignPaymentNotFoundAndReleased(EPayment):
    """A cancel of another sales unit's payment is not found, and releases it."""

    def carry_out_cancel_request(self, call, key):
        order = self.find(self.options.msn, call.params[0])
        if call.msn != self.options.msn and order is not None and not order.cancelled:
            self.release(order)
        return super().carry_out_cancel_request(call, key)


@faulty(BLATANT, "EP-17", broken("malformed-id"))
class MalformedReferenceNotFound(EPayment):
    """A malformed reference is one that does not exist."""

    def check_headers(self, call):
        try:
            super().check_headers(call)
        except RefusedError as refused:
            if call.params and call.path.endswith("/cancel"):
                raise RefusedError(self.unknown()) from refused
            raise


@faulty(BLATANT, "EP-20", broken("no-token"))
class TokenNotChecked(EPayment):
    """A cancel needs no valid access token."""

    def authorize(self, call):
        denied = super().authorize(call)
        known = call.headers.get("ocp-apim-subscription-key") == self.options.subscription_key
        return None if call.path.endswith("/cancel") and known else denied


@faulty(NARROW, "EP-20", broken("no-bearer"))
class BearerIsOptional(EPayment):
    """A cancel takes the access token without the word Bearer."""

    def authorize(self, call):
        value = call.headers.get("authorization", "")
        if call.path.endswith("/cancel") and value and not value.startswith("Bearer "):
            call.headers["authorization"] = f"Bearer {value.rpartition(' ')[2]}"
        return super().authorize(call)


@faulty(BLATANT, "EP-19", broken("no-subscription-key"))
class SubscriptionKeyNotChecked(EPayment):
    """A cancel needs no subscription key."""

    def authorize(self, call):
        if call.path.endswith("/cancel"):
            call.headers["ocp-apim-subscription-key"] = self.options.subscription_key
        return super().authorize(call)


@faulty(NARROW, "EP-19", broken("no-msn"))
class SalesUnitGuessed(EPayment):
    """A cancel without the sales unit's number is carried out for the first of the merchant's."""

    def choose_sales_unit(self, call):
        if call.path.endswith("/cancel"):
            call.headers.setdefault("merchant-serial-number", self.options.msn)
        return super().choose_sales_unit(call)


@faulty(NARROW, "EP-18 EP-04", broken("flag-not-boolean", flag=True))
class FlagOfAnyTypeAccepted(EPayment):
    """The field cancelTransactionOnly may have any type, and counts as false."""

    def transaction_only_flag(self, check):
        return check.body.get("cancelTransactionOnly") is True


@faulty(NARROW, "EP-18 EP-04", broken("malformed-json"))
class UnreadableBodyAccepted(EPayment):
    """A body that is not JSON counts as none."""

    def carry_out_cancel_request(self, call, key):
        try:
            call.body(required=False)
        except ValueError:
            call.request = dataclasses.replace(call.request, body=b"")
        return super().carry_out_cancel_request(call, key)


@faulty(BLATANT, "EP-18", broken("malformed-json"))
class MalformedBodyAnswers422(EPayment):
    """A body that is not as documented is refused with 422 where 400 is documented."""

    def carry_out_cancel_request(self, call, key):
        try:
            return super().carry_out_cancel_request(call, key)
        except (BadBodyError, RefusedError) as error:
            if isinstance(error, RefusedError) and not error.refusal.faults:
                raise
            raise RefusedError(dataclasses.replace(self.invalid(()), status=422)) from error


@faulty(TWO_FACED, "INV-1", approve, broken("no-token"))
class RefusedTokenReleases(EPayment):
    """A cancel of an authorized payment without a token is refused, after the money was released."""

    def authorize(self, call):
        denied = super().authorize(call)
        if denied is not None and call.path.endswith("/cancel"):
            order = self.find(self.options.msn, call.path.split("/")[-2])
            if order is not None and order.remaining:
                self.release(order)
        return denied


@faulty(BLATANT, "EP-16", foreign)
class EverySalesUnitAlike(EPayment):
    """The payments of every sales unit can be read and cancelled by all of them."""

    def find(self, msn, id_):
        return super().find(msn, id_) or super().find(self.options.msn, id_)
