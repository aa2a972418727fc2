"""Applications and adapters that `test_applications.py` and `test_adapter.py` name: good ones, and bad ones."""

import asyncio
import itertools
import time
from http import HTTPStatus

from conformance.adapter import Accepted, Event, OrderView, Refused
from conformance.domain.messages import Request, Response
from conformance.sandbox import Provider, create_app
from examples.adapter_example import InMemoryEpayment

good = create_app(Provider())
happened = []


def good_factory():
    return good


class EmptyAsHtml(Provider):
    """Sends no body where none is documented, with the type that a web framework gives to everything."""

    def handle(self, request):
        response = super().handle(request)
        if response.body:
            return response
        headers = [header for header in response.headers if header[0].lower() != "content-type"]
        return Response(response.status, (*headers, ("Content-Type", "text/html; charset=utf-8")), b"")


empty_as_html = create_app(EmptyAsHtml())


async def without_lifespan(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    await good(scope, receive, send)


async def with_state(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        scope["state"]["database"] = "open"
        happened.append("started")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        happened.append("stopped")
        await send({"type": "lifespan.shutdown.complete"})
        return
    happened.append(scope["state"]["database"])
    await good(scope, receive, send)


async def not_starting(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "the database is away"})


async def never_starting(scope, receive, send):
    await asyncio.sleep(60)


async def raising(scope, receive, send):
    raise RuntimeError("no such table: payments")


async def leaving(scope, receive, send):
    raise SystemExit(3)


async def silent(scope, receive, send):
    return


async def hanging(scope, receive, send):
    if scope["type"] == "http":
        await asyncio.sleep(60)


async def blocking(scope, receive, send):
    if scope["type"] == "http":
        time.sleep(3)


async def cancelling(scope, receive, send):
    raise asyncio.CancelledError


not_callable = "an application"
_served = Provider()


def wsgi(environ, start_response):
    headers = [("Content-Type", environ.get("CONTENT_TYPE", ""))]
    headers += [(name[5:].replace("_", "-"), value) for name, value in environ.items() if name.startswith("HTTP_")]
    # WSGI says nothing of underscores, and these two have some.
    headers += [(f"client_{name}", environ.get(f"HTTP_CLIENT_{name.upper()}", "")) for name in ("id", "secret")]
    body = environ["wsgi.input"].read()
    answer = _served.handle(Request(environ["REQUEST_METHOD"], environ["PATH_INFO"], tuple(headers), body))
    start_response(f"{answer.status} Some", list(answer.headers))
    return [answer.body]


def wsgi_raising(environ, start_response):
    raise RuntimeError("no such table: payments")


def wsgi_silent(environ, start_response):
    return []


class Asynchronous:
    """The example, behind coroutines."""

    profiles = ("epayment",)

    def __init__(self):
        self._inner = InMemoryEpayment()

    def __getattr__(self, name):
        inner = getattr(self._inner, name)

        async def called(*arguments, **named):
            await asyncio.sleep(0)
            return inner(*arguments, **named)

        return called


class Least(InMemoryEpayment):
    """No method but those that every adapter has."""

    approve = reject = expire = start_3ds = finish_3ds = fail_3ds = age = capture = refund = None


class Statuses(InMemoryEpayment):
    """Answers as a web handler does: a status, with a body in either order."""

    BODIES = ("", b"", None, {}, {"title": "no"}, "no", [1])
    turns = itertools.count()

    def _answered(self, answer):
        turn = next(self.turns)
        body = self.BODIES[turn % len(self.BODIES)]
        if isinstance(answer, Refused) and answer.code is not None:
            return answer
        status = (answer.status or 409) if isinstance(answer, Refused) else HTTPStatus.OK
        return status if body is None else (body, status) if turn % 2 else (status, body)

    def initiate(self, *arguments):
        return self._answered(super().initiate(*arguments))

    def cancel(self, *arguments, **named):
        return self._answered(super().cancel(*arguments, **named))

    def capture(self, *arguments):
        return self._answered(super().capture(*arguments))

    def approve(self, order_id):
        return self._answered(super().approve(order_id))


class AnswersElsewhere(InMemoryEpayment):
    """Answers with a status that says neither yes nor no."""

    def cancel(self, order_id, *, flag, key):
        return "", 302


class ReturnsABody(InMemoryEpayment):
    """Answers with a body alone."""

    def cancel(self, order_id, *, flag, key):
        return ""


class ForgetsTheRemainder(InMemoryEpayment):
    """Releases what was captured as well."""

    def cancel(self, order_id, *, flag, key):
        answer = super().cancel(order_id, flag=flag, key=key)
        payment = self.payments.get(order_id)
        if payment is not None and payment.captured and isinstance(answer, Accepted):
            payment.cancelled = payment.amount
        return answer


class CancelsNothing(InMemoryEpayment):
    """Says yes and does nothing."""

    def cancel(self, order_id, *, flag, key):
        return Accepted()


class RefusesInSilence(InMemoryEpayment):
    """Refuses every cancel, without a word."""

    def cancel(self, order_id, *, flag, key):
        return Refused()


class RaisesLater(InMemoryEpayment):
    """Is fine until it is asked for the third cancel."""

    asked = 0

    def cancel(self, order_id, *, flag, key):
        self.asked += 1
        if self.asked == 3:
            raise KeyError(order_id)
        return super().cancel(order_id, flag=flag, key=key)


class HangsLater(InMemoryEpayment):
    """Blocks its thread once."""

    asked = 0

    def cancel(self, order_id, *, flag, key):
        self.asked += 1
        if self.asked == 3:
            time.sleep(3)
        return super().cancel(order_id, flag=flag, key=key)


class Raises(InMemoryEpayment):
    def cancel(self, order_id, *, flag, key):
        raise ValueError("no such\ncolumn")


class Exits(InMemoryEpayment):
    def cancel(self, order_id, *, flag, key):
        raise SystemExit(2)


class Hangs(InMemoryEpayment):
    async def read(self, order_id):
        await asyncio.sleep(60)


class Blocks(InMemoryEpayment):
    def read(self, order_id):
        time.sleep(3)


class CancelsItself(InMemoryEpayment):
    async def read(self, order_id):
        raise asyncio.CancelledError


class ReturnsNone(InMemoryEpayment):
    def initiate(self, order_id, amount, currency, kind):
        return None


class ReturnsADict(InMemoryEpayment):
    def read(self, order_id):
        return {"state": "CREATED"}


class ReturnsAnotherStatus(InMemoryEpayment):
    def cancel(self, order_id, *, flag, key):
        return Refused(status=200)


class ReturnsKroner(InMemoryEpayment):
    def read(self, order_id):
        return OrderView("CREATED", 0.0, 0, 0)


class ReturnsNoState(InMemoryEpayment):
    def read(self, order_id):
        return OrderView(None, 0, 0, 0)


class ReturnsOtherEvents(InMemoryEpayment):
    def read(self, order_id):
        return OrderView("CREATED", 0, 0, 0, events=["CREATED"])


class RefusesOrders(InMemoryEpayment):
    def initiate(self, order_id, amount, currency, kind):
        return Refused(detail="closed")


class RefusesReads(InMemoryEpayment):
    def read(self, order_id):
        return Refused(status=404)


class NoProfiles(InMemoryEpayment):
    profiles = ()


class TextForProfiles(InMemoryEpayment):
    profiles = "epayment"


class UnknownProfile(InMemoryEpayment):
    profiles = ("epayments",)


class BothPayments(InMemoryEpayment):
    profiles = ("ecom", "epayment")


class NoMethods:
    profiles = ("epayment",)

    def initiate(self, order_id, amount, currency, kind): ...


class OtherParameters(InMemoryEpayment):
    def cancel(self, order_id):
        return Accepted()


class NoMethodButAName(InMemoryEpayment):
    approve = "yes"


class NotMade(InMemoryEpayment):
    def __init__(self, database):
        super().__init__()


class NeverMade(InMemoryEpayment):
    def __init__(self):
        time.sleep(3)


instance = InMemoryEpayment()


class Recurring:
    """As little of Recurring as there can be: charges that wait or are reserved, and are cancelled."""

    profiles = frozenset({"recurring"})

    def __init__(self):
        self.charges = {}

    def initiate(self, order_id, amount, currency, kind):
        self.charges[order_id] = ["RESERVED" if kind == "initial-reserve" else "PENDING", amount, []]
        return Accepted()

    def cancel(self, order_id, *, flag, key):
        charge = self.charges.get(order_id)
        if charge is None:
            return Refused("resource-not-found", 404)
        if charge[0] != "CANCELLED":
            charge[0] = "CANCELLED"
            charge[2].append(Event("CANCEL", charge[1]))
        return Accepted()

    def read(self, order_id):
        state, amount, events = self.charges[order_id]
        return OrderView(state, 0, 0, amount if events else 0, events=tuple(events))


class Ecom:
    """As little of eCom as there can be, with a log."""

    profiles = frozenset({"ecom"})

    def __init__(self):
        self.orders = {}

    def initiate(self, order_id, amount, currency, kind):
        self.orders[order_id] = [Event("INITIATE", amount)]
        return Accepted()

    def approve(self, order_id):
        log = self.orders[order_id]
        if len(log) > 1:
            return Refused()
        log.append(Event("RESERVE", log[0].amount))
        return Accepted()

    def cancel(self, order_id, *, flag, key):
        log = self.orders.get(order_id)
        if log is None:
            return Refused(35, 400)
        if log[-1].name in ("CANCEL", "VOID"):
            return Refused()
        log.append(Event("CANCEL" if len(log) == 1 else "VOID", log[0].amount))
        return Accepted()

    def read(self, order_id):
        log = self.orders[order_id]
        reserved = log[0].amount if len(log) > 1 and log[1].name == "RESERVE" else 0
        cancelled = log[0].amount if log[-1].name in ("CANCEL", "VOID") else 0
        reserved_rest = reserved - cancelled if reserved else 0
        return OrderView("", 0, 0, cancelled, reserved or None, reserved_rest, 0, events=log)
