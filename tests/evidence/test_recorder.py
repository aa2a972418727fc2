"""No secret is ever written down, wherever it stands, and everything else is."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.domain.messages import Request, Response
from conformance.evidence.journal import JOURNAL_NAME, Journal, read_journal
from conformance.evidence.recorder import ExchangeRecorder
from conformance.evidence.redaction import REMOVED, Redactor
from conformance.wire import Call, NoResponse
from tests.stored import record_of, stored_records

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJhcHAiOiJ0ZXN0In0.c2lnbmF0dXJl"
KEY = "0f14ebcab0ec4b29ae0cb90d91b4a84a"
SECRET = "Tq8Q~longAndSecret.value-_"


def recorded(folder, call, answer, *secrets, learn=()):
    journal = Journal(folder)
    journal.append(record_of("run"))
    redactor = Redactor(secrets)
    for secret in learn:
        redactor.learn(secret)
    ticks = iter((1.0, 1.25, 2.0))
    exchanges = ExchangeRecorder(journal, redactor, "ecom-1", lambda: next(ticks))
    exchanges.step = 3
    exchanges(call, answer)
    journal.close()
    return stored_records(read_journal(folder))[1], (folder / JOURNAL_NAME).read_bytes()


def asks(path="/x", headers=(), body=b"", purpose="act"):
    return Call(Request("PUT", path, tuple(headers), body), purpose)


PLACES = [
    ("a request header", asks(headers=[("Authorization", f"Bearer {TOKEN}")]), Response(200)),
    (
        "a header of any case",
        asks(headers=[("AUTHORIZATION", TOKEN), ("ocp-apim-subscription-KEY", KEY)]),
        Response(200),
    ),
    ("a header of another name", asks(headers=[("X-Debug", f"token={TOKEN};{KEY}")]), Response(200)),
    ("a response header", asks(), Response(401, (("WWW-Authenticate", f'realm="{TOKEN}"'), ("Set-Cookie", KEY)))),
    ("the path", asks(f"/accesstoken?client_secret={SECRET}"), Response(200)),
    ("a request body", asks(body=json.dumps({"secret": SECRET}).encode()), Response(200)),
    ("a response body", asks(), Response(200, (), json.dumps({"access_token": TOKEN, "echo": [KEY]}).encode())),
    ("the cause of a lost answer", asks(), NoResponse(f"could not send {TOKEN} with {SECRET}")),
]


@pytest.mark.parametrize(("place", "call", "answer"), PLACES)
def test_a_secret_is_removed_from_every_place(tmp_path, place, call, answer):
    _, content = recorded(tmp_path, call, answer, TOKEN, KEY, SECRET)
    for secret in (TOKEN, KEY, SECRET):
        assert secret.encode() not in content
    assert REMOVED.encode() in content


def test_a_secret_that_is_learnt_later_is_removed_as_well(tmp_path):
    _, content = recorded(tmp_path, asks(body=TOKEN.encode()), Response(200, (), TOKEN.encode()), learn=[TOKEN, TOKEN])
    assert TOKEN.encode() not in content


def test_of_two_secrets_the_one_that_contains_the_other_goes_as_a_whole():
    assert Redactor(["secret", "secret-and-more"]).clean("x secret-and-more y secret") == f"x {REMOVED} y {REMOVED}"
    late = Redactor(["secret"])
    late.learn("secret-and-more")
    assert late.clean("secret-and-more") == REMOVED


def test_what_is_too_short_to_be_a_secret_is_left_alone():
    redactor = Redactor(["", "12345"])
    redactor.learn("")
    assert redactor.clean("order 12345") == "order 12345"


@given(st.text(max_size=20), st.text(max_size=20), st.text(min_size=6, max_size=20))
def test_no_text_keeps_a_known_secret(before, after, secret):
    cleaned = Redactor([secret]).clean(before + secret + after)
    assert secret not in cleaned.replace(REMOVED, "\x00") or secret in REMOVED


def test_a_secret_in_a_body_that_is_not_text_is_removed(tmp_path):
    record, _ = recorded(tmp_path, asks(body=b"\xff" + SECRET.encode()), Response(200), SECRET)
    assert SECRET.encode() not in base64.b64decode(record["request"]["body"]["base64"])


def test_a_secret_that_is_percent_encoded_in_a_path_is_removed(tmp_path):
    _, content = recorded(tmp_path, asks("/x?key=Tq8Q%2Fsecret%2Bvalue"), Response(200), "Tq8Q/secret+value")
    assert b"Tq8Q%2Fsecret%2Bvalue" not in content


def test_a_secret_that_is_escaped_in_a_body_is_removed(tmp_path):
    _, content = recorded(
        tmp_path, asks(body=json.dumps({"s": 'quo"ted-secret'}).encode()), Response(200), 'quo"ted-secret'
    )
    assert b"ted-secret" not in content


def test_an_exchange_is_written_down_whole(tmp_path):
    answer = Response(200, (("Content-Type", "application/json"),), b'{"orderId":"o"}')
    record, _ = recorded(tmp_path, asks("/p?q=1", [("A", "b")], b"\xff\x00"), answer)
    assert record["request"] == {"method": "PUT", "path": "/p?q=1", "headers": [["A", "b"]], "body": {"base64": "/wA="}}
    assert record["response"] == {
        "status": 200,
        "headers": [["Content-Type", "application/json"]],
        "body": '{"orderId":"o"}',
    }
    assert (record["step"], record["purpose"], record["history"], record["ms"]) == (3, "act", "ecom-1", 250.0)


def test_a_lost_answer_is_null_with_its_cause(tmp_path):
    record, _ = recorded(tmp_path, asks(), NoResponse("the connection was closed"))
    assert record["response"] is None
    assert record["lost"] == "the connection was closed"


def test_of_two_that_were_sent_together_it_is_written_when_each_left(tmp_path):
    journal = Journal(tmp_path)
    journal.append(record_of("run"))
    exchanges = ExchangeRecorder(journal, Redactor(()), "ecom-1")
    exchanges(asks(), Response(200), (0.0, 0.25))
    exchanges(asks(), Response(409), (0.0004, 0.1))
    exchanges(asks(), Response(200))
    journal.close()
    records = stored_records(read_journal(tmp_path))[1:]
    assert [(record.get("began"), record["ms"]) for record in records[:2]] == [(0.0, 250.0), (0.4, 100.0)]
    assert "began" not in records[2]
