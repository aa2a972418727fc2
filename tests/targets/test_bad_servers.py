"""Servers that cannot be tested as they are: every one ends in one sentence that says what to change."""

import asyncio
import socket
import threading
import time

import pytest

from conformance.domain.messages import Request, Response
from conformance.sandbox import Provider, running_server
from conformance.targets.http.remote import RemoteTransport
from conformance.targets.transport import TargetError
from conformance.wire import Call, NoResponse

from .loopback import NOTHING, TOKEN, first_the_token, http, probed, sent, server

HTML = http(200, b"<html>Welcome</html>", "text/html")


def created(reading):
    def answer(request):
        if request.startswith("POST"):
            return TOKEN if "/accesstoken" in request else http(201, {"reference": "one"})
        return reading

    return answer


def one_sentence(error):
    text = str(error.value)
    assert "\n" not in text
    assert text[-1] in ".?"
    assert len(text) < 400
    return text


BEFORE_THE_TOKEN = {
    "garbage": (b"\x00\x01\x02 this is no HTTP\r\n\r\n", "not HTTP"),
    "html": (HTML, "200 with 20 bytes (text/html)"),
    "empty": (http(200), "an empty body"),
    "redirect": (http(302, location="https://elsewhere.example/login"), "a redirect to https://elsewhere.example"),
    "errors only": (http(500, {"oops": True}), "answered 500"),
    "closed": (b"", "closed before the answer was complete"),
    "half an answer": (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}", "closed before the answer was complete"),
    "never answers": (NOTHING, "no answer within 0.3 seconds"),
    "wrong encoding": (http(200, b"not gzip", content_encoding="gzip"), "not encoded as its headers say"),
    "too large": (http(200, b" " * 5_000_001), "larger than 5 MB"),
    "wrong credentials": (http(401, {}), "set VIPPS_CLIENT_ID"),
    "wrong path": (http(404, {}), "answered 404"),
    "a token that is none": (http(200, {"access_token": 5}), "gave no access token"),
}
AFTER_THE_TOKEN = {
    "html": (HTML, "that is a web page, so this address is not the API's"),
    "empty": (http(201), "could not be read back"),
    "redirect": (http(307, location="/elsewhere"), "give the address that it redirects to"),
    "errors only": (http(503, {}), "the target is not healthy"),
    "closed": (b"", "closed before the answer was complete"),
    "wrong credentials": (http(403, {}), "the embedded provider's own were tried"),
    "wrong path": (http(404, {}), "the base URL must be the one under which the API's own paths begin"),
    "invalid": (http(400, {"title": "no such sales unit"}), "no such sales unit"),
}


@pytest.mark.parametrize(("answer", "words"), BEFORE_THE_TOKEN.values(), ids=BEFORE_THE_TOKEN)
def test_a_server_that_gives_no_token(answer, words):
    with server(answer) as url, pytest.raises(TargetError) as error:
        probed(url, timeout=0.3)
    assert words in one_sentence(error)
    assert url in str(error.value)


@pytest.mark.parametrize(("answer", "words"), AFTER_THE_TOKEN.values(), ids=AFTER_THE_TOKEN)
def test_a_server_that_takes_no_orders(answer, words):
    with server(first_the_token(answer)) as url, pytest.raises(TargetError) as error:
        probed(url, timeout=2)
    assert words in one_sentence(error)


def test_an_order_that_cannot_be_read_is_no_order():
    with server(created(http(404, {}))) as url, pytest.raises(TargetError) as error:
        probed(url)
    assert "could not be read back" in one_sentence(error)


@pytest.mark.parametrize(
    ("body", "there"),
    [({}, "has no field"), ({"ok": True, "data": {}}, "has ok, data"), ([], "could not be read back")],
)
def test_an_order_without_its_documented_fields_is_told_with_both_lists(body, there):
    with server(created(http(200, body))) as url, pytest.raises(TargetError) as error:
        probed(url)
    sentence = one_sentence(error)
    assert there in sentence
    if isinstance(body, dict):
        assert "amount, state, aggregate, pspReference, reference should be there" in sentence
        assert "/events" not in sentence


def test_a_closed_port_is_an_environment_error():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(TargetError) as error:
            probed(url)
    assert "the connection was refused" in one_sentence(error)


def test_a_server_without_encryption_is_no_https_server():
    with server(b"HTTP/1.1 400 Bad Request\r\n\r\n") as url, pytest.raises(TargetError) as error:
        probed(url.replace("http://", "https://"))
    assert "no encrypted connection" in one_sentence(error)


CONTROLS = {
    "not there": (http(404, {}), "answered 404"),
    "html": (HTML, "check --control-url"),
    "a list": (http(200, []), "check --control-url"),
    "another version": (http(200, {"version": 2}), "speaks version 2; this suite speaks version 1"),
    "without its lists": (http(200, {"version": 1}), "does not list its 'profiles' and 'actions'"),
    "closed": (b"", "check --control-url"),
}


@pytest.mark.parametrize(("answer", "words"), CONTROLS.values(), ids=CONTROLS)
def test_a_test_control_api_that_is_none(answer, words):
    with server(answer) as control, server(TOKEN) as url, pytest.raises(TargetError) as error:
        probed(url, control_url=f"{control}/control")
    assert words in one_sentence(error)
    assert f"{control}/control" in str(error.value)


def test_credentials_that_the_environment_has_are_named_when_they_are_refused():
    environment = {
        "VIPPS_CLIENT_ID": "wrong",
        "VIPPS_CLIENT_SECRET": "wrong-secret",
        "VIPPS_SUBSCRIPTION_KEY": "wrong-key",
        "VIPPS_MSN": "123456",
    }
    with running_server(Provider()) as url, pytest.raises(TargetError) as error:
        probed(url, environment=environment)
    assert "check VIPPS_CLIENT_ID, VIPPS_CLIENT_SECRET" in one_sentence(error)
    assert "wrong-secret" not in str(error.value)
    assert "wrong-key" not in str(error.value)


@pytest.mark.parametrize("bad", ["line\r\nbreak", "naïve-ø", "nul\x00"])
def test_credentials_that_no_header_can_carry_are_not_printed(bad):
    environment = {"VIPPS_ACCESS_TOKEN": bad, "VIPPS_SUBSCRIPTION_KEY": "key", "VIPPS_MSN": "1"}
    with server(http(200)) as url, pytest.raises(TargetError) as error:
        probed(url, environment=environment)
    assert "a header has letters that HTTP does not allow" in str(error.value)
    assert "naïve" not in str(error.value)


# What one request meets


def test_the_paths_of_a_base_url_are_kept():
    asked = []

    def answer(request):
        asked.append(request.splitlines()[0])
        return http(200, {})

    with server(answer) as url:
        sent(f"{url}/prefix/", Request("GET", "/order/a%2Fb?one=two"))
        sent(url, Request("GET", "/v1/capabilities"), purpose="control", control=f"{url}/other/control/")
    assert asked == ["GET /prefix/order/a%2Fb?one=two HTTP/1.1", "GET /other/control/v1/capabilities HTTP/1.1"]


def test_redirects_are_not_followed():
    with server(http(302, location="/elsewhere")) as url:
        answer = sent(url)
    assert isinstance(answer, Response)
    assert (answer.status, answer.header("location")) == (302, "/elsewhere")


def test_a_server_that_is_in_a_hurry_for_ever_is_asked_three_times():
    asked = []

    def answer(request):
        asked.append(request)
        return http(429, {}, retry_after="0")

    with server(answer) as url:
        assert sent(url, Request("PUT", "/order", (("Idempotency-Key", "k1"),), b"{}")).status == 429
    assert len(asked) == 3
    assert len(set(asked)) == 1


def test_a_server_that_asks_for_a_pause_gets_it():
    answers = iter([http(429, {}, retry_after="1"), http(204)])
    before = time.monotonic()
    with server(lambda _: next(answers)) as url:
        assert sent(url).status == 204
    assert time.monotonic() - before >= 1


def test_an_answer_that_does_not_end_is_given_up():
    def answer(request):
        return b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + b" " * 5_100_000

    with server(answer) as url:
        assert sent(url) == NoResponse("the answer is larger than 5 MB")


def test_one_connection_serves_a_worker():
    with running_server(Provider()) as url:
        assert sent(url, Request("GET", "/control/v1/capabilities"), times=3).status == 200


# What takes too long is left


def trickle(remaining):
    try:
        yield b"HTTP/1.1 200 OK\r\nX-Endless: "
        for _ in range(1000):
            time.sleep(0.01)
            yield b"x"
    finally:
        remaining.set()


def test_a_trickling_response_times_out_and_the_next_request_gets_its_own(monkeypatch):
    monkeypatch.setattr("conformance.targets.http.remote.CONNECT_SECONDS", 0.1)
    remaining, asked = threading.Event(), []

    def answer(request):
        asked.append(request)
        return trickle(remaining) if len(asked) < 3 else http(204)

    with server(answer) as url:
        assert sent(url, timeout=0.3) == NoResponse("no answer within 0.3 seconds")
        assert remaining.wait(5)
        assert sent(url, times=2, timeout=0.3).status == 204


def test_a_request_that_is_cancelled_leaves_its_connection():
    client_left = threading.Event()

    async def give_up(url):
        async with asyncio.timeout(0.2):
            await RemoteTransport(url, environment={}).connect().send(Call(Request("GET", "/order"), "act"))

    with server(lambda _: trickle(client_left)) as url:
        with pytest.raises(TimeoutError):
            asyncio.run(give_up(url))
        assert client_left.wait(5)
