"""Providers with one defect of the HTTP layer each, and correct ones that do it in another way."""

from __future__ import annotations

import json
from dataclasses import replace

from conformance.domain.messages import Response
from conformance.sandbox import Ecom, EPayment, Provider, Recurring

JSON = (("Content-Type", "application/json"),)


def parsed(body):
    try:
        return json.loads(body)
    except ValueError:
        return None


class Wrapped(Provider):
    """A provider whose requests and answers pass through two hands more."""

    def handle(self, request):
        first = self.before(request)
        return first if first is not None else self.after(request, super().handle(request))

    def before(self, request):
        return None

    def after(self, request, response):
        return response


def about(request, *words):
    return all(word in request.path for word in words)


# Faults: the rule that each breaks, and the profile that it is found in.

FAULTS = {}


def fault(rule, profile):
    def register(made):
        FAULTS[made.__name__] = (made, rule, profile)
        return made

    return register


@fault("WIRE-01", "epayment")
class CrashesOnBrokenJson(Wrapped):
    """Answers 500 to a body that cannot be parsed."""

    def before(self, request):
        broken = request.method == "POST" and request.body and parsed(request.body) is None
        return Response(500, JSON, b'{"title":"JSONDecodeError"}') if broken else None


@fault("WIRE-01", "recurring")
class CrashesOnUnknownCharges(Wrapped):
    """Answers 500 where there is no such charge."""

    def after(self, request, response):
        return Response(500, JSON, b"{}") if response.status == 404 and about(request, "/charges/") else response


@fault("WIRE-02", "ecom")
class CapturesForAnybody(Wrapped):
    """Does not look at the token of a capture."""

    token = ""

    def before(self, request):
        authorization = request.header("authorization") or ""
        if authorization.startswith("Bearer ") and authorization != "Bearer not-a-token":
            self.token = authorization
        elif about(request, "/ecomm/", "/capture"):
            return super(Wrapped, self).handle(replace(request, headers=self.with_token(request)))
        return None

    def with_token(self, request):
        return (*((n, v) for n, v in request.headers if n.lower() != "authorization"), ("Authorization", self.token))


@fault("WIRE-02", "epayment")
class ReadsForAnybody(CapturesForAnybody):
    """Does not look at the token of a read."""

    def before(self, request):
        authorization = request.header("authorization") or ""
        if authorization.startswith("Bearer ") and authorization != "Bearer not-a-token":
            self.token = authorization
        elif request.method == "GET" and about(request, "/epayment/"):
            return super(Wrapped, self).handle(replace(request, headers=self.with_token(request)))
        return None


@fault("WIRE-03", "epayment")
class RefusesAsATeapot(Wrapped):
    """Refuses the cancel of a finished payment with 418."""

    def after(self, request, response):
        refused = about(request, "/cancel") and response.status == 400 and b"6190" in response.body
        return replace(response, status=418) if refused else response


@fault("WIRE-03", "ecom")
class CancelsAsCreated(Wrapped):
    """Answers a successful cancel with 201."""

    def after(self, request, response):
        return replace(response, status=201) if about(request, "/cancel") and response.status == 200 else response


@fault("WIRE-04", "epayment")
class AnswersInHtml(Wrapped):
    """Says that the answer to a cancel is HTML."""

    def after(self, request, response):
        html = (("Content-Type", "text/html"),)
        return replace(response, headers=html) if about(request, "/cancel") and response.status == 200 else response


@fault("WIRE-05", "epayment")
class LosesTheReference(Wrapped):
    """Leaves the pspReference out of the answer to a capture."""

    def after(self, request, response):
        if about(request, "/capture") and response.status == 200:
            body = json.loads(response.body)
            del body["pspReference"]
            return replace(response, body=json.dumps(body).encode())
        return response


@fault("WIRE-06", "epayment")
class InventsAState(Wrapped):
    """Calls a terminated payment VOIDED."""

    def after(self, request, response):
        return replace(response, body=response.body.replace(b'"TERMINATED"', b'"VOIDED"'))


class _ChargesTheRefused(EPayment):
    """Books what a refused capture asked for."""

    def capture(self, call):
        response = super().capture(call)
        payment = self.find(call.msn, self.payment_id(call))
        if response.status >= 400 and payment is not None and payment.remaining > 100:
            payment.captured += 100
        return response


@fault("WIRE-07", "epayment")
def books_what_it_refused():
    return Provider(epayment=_ChargesTheRefused)


class _KeepsTheReservation(Ecom):
    """Says that it cancelled, and releases half."""

    def releasable(self, order):
        return order.remaining // 2


@fault("WIRE-09", "ecom")
def releases_half():
    return Provider(ecom=_KeepsTheReservation)


@fault("WIRE-10", "ecom")
class CancelsWithoutAText(Wrapped):
    """Adds what is missing in the body of a cancel."""

    def before(self, request):
        body = parsed(request.body)
        if about(request, "/ecomm/", "/cancel") and isinstance(body, dict) and "transaction" not in body:
            whole = {**body, "transaction": {"transactionText": "none"}}
            return super(Wrapped, self).handle(replace(request, body=json.dumps(whole).encode()))
        return None


@fault("WIRE-10", "epayment")
class CreatesWithoutAnAmount(Wrapped):
    """Takes a payment without an amount for one of 100."""

    def before(self, request):
        body = parsed(request.body)
        if request.path == "/epayment/v1/payments" and isinstance(body, dict) and "amount" not in body:
            whole = {**body, "amount": {"currency": "NOK", "value": 100}}
            return super(Wrapped, self).handle(replace(request, body=json.dumps(whole).encode()))
        return None


@fault("WIRE-08", "recurring")
def refunds_what_was_never_captured():
    return Provider(recurring=_RefundsAnything)


class _RefundsAnything(Recurring):
    """Refunds whatever it is asked for."""

    def refund(self, call):
        response = super().refund(call)
        charge = self.find(call.msn, self.payment_id(call))
        if response.status >= 400 and charge is not None and b"amount" in call.request.body:
            charge.refunded += 5000
        return response


# Correct, in another way

CORRECT = {}


def correct(made):
    CORRECT[made.__name__] = made
    return made


@correct
class ForbidsTheUnknown(Wrapped):
    """Answers 403 where no token is sent, and 404 before it looks at anything else."""

    def after(self, request, response):
        if response.status == 401:
            return replace(response, status=403)
        return response


@correct
class LooksForTheOrderFirst(Wrapped):
    """Answers 404 for an unknown order before it looks at credentials or at the body."""

    def after(self, request, response):
        unknown = "-none" in request.path and response.status in (400, 401, 415)
        return Response(404, (("Content-Type", "text/html"),), b"<h1>Not Found</h1>") if unknown else response


@correct
class WantsJson(Wrapped):
    """Answers 415 to what is not JSON, in HTML, and 422 to what is not as described."""

    def before(self, request):
        kind = request.header("content-type") or ""
        if request.body and not kind.startswith("application/json"):
            return Response(415, (("Content-Type", "text/html; charset=utf-8"),), b"<h1>Unsupported Media Type</h1>")
        if request.body and parsed(request.body) is None:
            return Response(422, JSON, b'{"detail":"malformed"}')
        return None


@correct
class KnowsHeadAndOptions(Wrapped):
    """Answers OPTIONS and HEAD everywhere, and redirects a path with a slash at its end."""

    def before(self, request):
        if request.method == "OPTIONS":
            return Response(204, (("Allow", "GET, POST"),))
        if request.method == "HEAD":
            return Response(200, JSON)
        if request.path.endswith("/"):
            return Response(307, (("Location", request.path[:-1]),))
        return None

    def after(self, request, response):
        return Response(501, (), b"") if response.status == 405 else response


@correct
class AddsAndIgnores(Wrapped):
    """Adds fields to every answer, and ignores the ones that it does not know."""

    def after(self, request, response):
        body = parsed(response.body)
        if isinstance(body, dict):
            return replace(response, body=json.dumps({"extra": {"deep": [1]}, **body}).encode())
        return response


@correct
class IsLenient(Wrapped):
    """Coerces numbers in texts and single values, and takes unknown fields."""

    KNOWN = frozenset({"merchantInfo", "transaction", "customerInfo", "shouldReleaseRemainingFunds", "amount"})

    def before(self, request):
        body = parsed(request.body)
        if not isinstance(body, dict):
            return None
        amount = body.get("modificationAmount")
        if isinstance(amount, dict) and isinstance(amount.get("value"), str | float):
            try:
                value = int(float(amount["value"]))
            except (ValueError, OverflowError):
                return None
            whole = {"modificationAmount": {"currency": amount.get("currency", "NOK"), "value": value}}
            return super(Wrapped, self).handle(replace(request, body=json.dumps(whole).encode()))
        return None


@correct
class SlowsDown(Wrapped):
    """Answers 429 to every seventh request, and 503 to every fiftieth."""

    count = 0

    def before(self, request):
        if not request.path.startswith(("/ecomm", "/epayment", "/recurring")) or "smoke" in request.path:
            return None
        self.count += 1
        if self.count > 60 and self.count % 50 == 0:
            return Response(503, (("Content-Type", "text/html"),), b"<h1>busy</h1>")
        return None
