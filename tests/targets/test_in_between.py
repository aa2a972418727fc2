"""Responses that prove nothing: of gateways, cut, emptied, mixed up, or with a status that no API has."""

import asyncio
import contextlib
import json
import socket
import threading

import pytest

from conformance.domain.expectation import LOST
from conformance.domain.messages import Call, NoResponse, Request, Response
from conformance.domain.observation import Field
from conformance.domain.order import Market, Profile
from conformance.domain.order_naming import OrderNaming
from conformance.domain.steps import Approve, Cancel, Capture, Initiate, Together
from conformance.sandbox import Provider
from conformance.sandbox.tokens import Tokens
from conformance.targets.http.credentials import credentials_from
from conformance.targets.http.embedded import EmbeddedTransport
from conformance.targets.http.in_between import REFUSED_IN_RACE, evidence_in, is_foreign_refusal, is_in_between_cause
from conformance.targets.http.remote import RemoteTransport
from conformance.targets.http.target import HttpTarget
from conformance.targets.transport import SURPLUS

from .loopback import ignored, whole

OWN, OTHER = "cctest-1234-p00001", "cctest-1234-p00002"
READ = Request("GET", f"/epayment/v1/payments/{OWN}")
CANCEL = Request("POST", f"/epayment/v1/payments/{OWN}/cancel")
EVENTS = Request("GET", f"/epayment/v1/payments/{OWN}/events")
ECOM = Request("PUT", f"/ecomm/v2/payments/{OWN}/cancel")
CHARGE = Request("GET", "/recurring/v3/agreements/agr_1/charges/chr-abcdef")
DELETE = Request("DELETE", "/recurring/v3/agreements/agr_1/charges/chr-abcdef")
RIGHT = json.dumps({"reference": OWN, "state": "TERMINATED"}).encode()
MARK = b"\xef\xbb\xbf"

NO_EVIDENCE = {
    "cut": (CANCEL, Response(200, (), RIGHT[:-9]), "the body is cut, or is no JSON"),
    "emptied": (CANCEL, Response(200), "the body is empty"),
    "a log that was cut": (EVENTS, Response(200, (), b'[{"name":"CREA'), "the body is cut"),
    "a read that a gateway refused": (READ, Response(404, (), b'{"message":"no Route"}'), "not in the API's form"),
    "a log that a gateway refused": (EVENTS, Response(403), "not in the API's form"),
    "of another order": (READ, Response(200, (), RIGHT.replace(OWN.encode(), OTHER.encode())), "of another order"),
    "of another charge": (CHARGE, Response(200, (), b'{"id":"chr-fedcba"}'), "of another order"),
    **{f"status {status}": (CANCEL, Response(status, (), RIGHT), "intermediary") for status in (203, 206, 226)},
    **{f"status {status}": (CANCEL, Response(status), "between the suite") for status in (407, 408, 417, 421, 426)},
}  # fmt: skip
EVIDENCE = {
    "right": (CANCEL, Response(200, (), RIGHT)),
    "with a byte order mark": (CANCEL, Response(200, (), MARK + RIGHT)),
    "no content where none is documented": (DELETE, Response(204)),
    "a refusal": (CANCEL, Response(409, (), b'{"title":"Conflict"}')),
    "a server error": (CANCEL, Response(502)),
    "another reference of the target's own making": (CANCEL, Response(200, (), b'{"reference":"something else"}')),
    "the reference in other letters": (READ, Response(200, (), RIGHT.replace(OWN.encode(), OWN.upper().encode()))),
    "a created order without a body": (Request("POST", "/epayment/v1/payments"), Response(201)),
}


def profile_of(request):
    return next(profile for profile in Profile if profile.value in request.path.replace("ecomm", "ecom"))


@pytest.mark.parametrize(("request_", "response", "cause"), NO_EVIDENCE.values(), ids=NO_EVIDENCE)
def test_what_something_in_between_sent_proves_nothing(request_, response, cause):
    evidence = evidence_in(profile_of(request_), Call(request_, "act"), response)
    assert isinstance(evidence, NoResponse)
    assert cause in evidence.cause
    assert is_in_between_cause(evidence.cause)
    assert evidence.cause.endswith(f"(status {response.status})")


@pytest.mark.parametrize(("request_", "response"), EVIDENCE.values(), ids=EVIDENCE)
def test_what_the_target_sent_is_evidence(request_, response):
    assert evidence_in(profile_of(request_), Call(request_, "act"), response) is response


def test_a_byte_order_mark_does_not_keep_a_body_from_being_read():
    assert Response(200, (), MARK + RIGHT).json() == json.loads(RIGHT)


@pytest.mark.parametrize(
    ("profile", "body", "foreign"),
    [
        (Profile.EPAYMENT, b'{"type":"https://httpstatuses.io/404","title":"Not Found","extraDetails":null}', False),
        (Profile.EPAYMENT, b'{"statusCode":404,"message":"Resource not found"}', True),
        (Profile.EPAYMENT, b"", True),
        (Profile.EPAYMENT, b'{"type":"https://httpstat', True),
        (Profile.ECOM, b'[{"errorGroup":"Payment","errorCode":"98","errorMessage":"no"}]', False),
        (Profile.ECOM, b'{"message":"Forbidden"}', True),
        (Profile.ECOM, b"[]", True),
        (Profile.RECURRING, b'{"title":"Not Found","contextId":"1"}', False),
        (Profile.RECURRING, b'{"fault":{"faultstring":"Unexpected EOF at target"}}', True),
    ],
)
def test_a_refusal_in_another_form_than_the_apis_may_be_a_gateways(profile, body, foreign):
    assert is_foreign_refusal(profile, Response(404, (), body)) is foreign


@pytest.mark.parametrize(("body", "foreign"), [(b'{"message":"no"}', False), (b"", True), (b'{"title":"Conf', True)])
def test_a_status_that_gateways_do_not_have_is_the_targets_unless_its_body_cannot_be_read(body, foreign):
    assert is_foreign_refusal(Profile.EPAYMENT, Response(409, (), body)) is foreign


def message(body):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@contextlib.contextmanager
def keeping_server(respond):
    """Serve with connections that are kept; ``respond`` sends what it wants for each request and its number."""
    listening = socket.create_server(("127.0.0.1", 0))
    numbers = iter(range(1, 100))

    def serve(connection):
        with connection, contextlib.suppress(OSError):
            while request := whole(connection):
                respond(connection, request, next(numbers))

    def accept():
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    with listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def sent_in_turn(base, times, pause=0.0):
    """Send a request so many times over one connection; return the bodies, or why there is none."""

    async def send():
        link = RemoteTransport(base, timeout=5.0, environment={}).connect()
        answers = []
        for _ in range(times):
            answers.append(await link.send(Call(READ, "read")))
            await asyncio.sleep(pause)
        await link.close()
        return [answer.cause if isinstance(answer, NoResponse) else answer.body for answer in answers]

    return asyncio.run(send())


def test_a_response_that_is_sent_twice_is_not_taken_for_that_of_the_next_request():
    def twice_at_first(connection, _, number):
        body = message(b"%d" % number)
        connection.sendall(body * 2 if number == 1 else body)

    with keeping_server(twice_at_first) as url:
        assert sent_in_turn(url, 3) == [SURPLUS, b"2", b"3"]


def test_a_response_that_comes_again_later_takes_the_connection_with_it():
    def again_later(connection, _, number):
        connection.sendall(message(b"%d" % number))
        if number == 1:
            threading.Timer(0.05, connection.sendall, (message(b"1"),)).start()

    with keeping_server(again_later) as url:
        assert sent_in_turn(url, 3, pause=0.15) == [b"1", SURPLUS, b"2"]


def test_a_connection_that_the_server_closed_is_made_anew_and_nothing_is_lost():
    def closes(connection, _, number):
        connection.sendall(message(b"%d" % number))
        connection.shutdown(socket.SHUT_RDWR)

    with keeping_server(closes) as url:
        assert sent_in_turn(url, 3, pause=0.05) == [b"1", b"2", b"3"]


class Revoked(Tokens):
    """Takes its tokens back before the so-many-th request, or refuses one request alone."""

    asked, at, alone = 0, 0, False

    def is_valid(self, token):
        self.asked += 1
        if self.at and self.asked == self.at:
            if self.alone:
                return False
            self.expiries.clear()
        return super().is_valid(token)


def raced(alone):
    """Let a cancel and a capture race while the token is refused, to both or to one of them."""
    tokens, recorded = Revoked, []

    async def play():
        provider = Provider(tokens=tokens)
        transport = EmbeddedTransport(provider)
        target = HttpTarget(transport, credentials_from({}, loopback=True))
        await target.open(Market.NO, OrderNaming("cctest"), ignored, ignored)
        worker = target.worker()

        def record(call, answer, timing=None, /, *, resent=False):
            recorded.append((call.request.path, getattr(answer, "status", None), timing is not None, resent))

        driver = worker.driver(Profile.EPAYMENT, "cctest-p00001", record)
        for step in (Initiate(1000), Approve()):
            await driver.perform(step)
        provider.shared.tokens.at, provider.shared.tokens.alone = provider.shared.tokens.asked + 2, alone
        observed = await driver.perform(Together(Cancel(), Capture(1000)))
        await worker.close()
        await target.close()
        return observed

    return asyncio.run(play()), recorded


def test_a_token_that_is_refused_to_both_of_a_race_is_renewed_and_they_race_again():
    observed, recorded = raced(alone=False)
    racing = [(status, resent) for _, status, timed, resent in recorded if timed]
    assert [pair for pair in racing if pair[1]] == [(401, True), (401, True)]
    assert sorted(status for status, resent in racing if not resent) in ([200, 400], [200, 409])
    assert observed[Field.SENT_TOGETHER]


def test_a_token_that_is_refused_to_one_of_a_race_makes_it_prove_nothing():
    observed, recorded = raced(alone=True)
    assert not any(resent for _, _, timed, resent in recorded if timed)
    first, second = observed[Field.ANSWER_OUTCOME], observed[Field.OTHER_OUTCOME]
    assert LOST in (first, second)
    assert REFUSED_IN_RACE in (observed.get(Field.ANSWER_CAUSE), observed.get("other.cause"))
    assert sum(path == "/accesstoken/get" for path, *_ in recorded) == 1, "the token is renewed for what follows"
