"""Secrets are removed in every form and place; what only looks like one stays. `tests/cli/test_canaries.py` has all."""

import gzip
import json
import time

import pytest

from conformance.domain.request_words import DEFECTS
from conformance.evidence.journal import read_journal
from conformance.evidence.records import ExchangeRecord, JudgementRecord
from conformance.evidence.redaction import REMOVED, Redactor
from conformance.sandbox import Options, Provider, running_server
from tests.audit.stage import command
from tests.cli.canaries import CANARIES, FORMS, TOKEN, leaks

SECRET = CANARIES["VIPPS_CLIENT_SECRET"]
CREDENTIALS = {
    "VIPPS_CLIENT_ID": "fb492b5e-7907-4d83-ba20-c7fb60ca35de",
    "VIPPS_CLIENT_SECRET": "Y8Kteew6GE2ZmeycEt6egg==",
    "VIPPS_SUBSCRIPTION_KEY": "0f14ebcab0ec4b29ae0cb90d91b4a84a",
}
"""Secrets as the portal gives them."""
SENT = {"Authorization", "Ocp-Apim-Subscription-Key", "client_id", "client_secret"}
"""Headers that have secrets."""
HARMLESS = (
    "cctest-6b86b273-r00326-k5",
    "/epayment/v1/payments/cctest-6b86b273-p00249/cancel?full=true",
    "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "00000000-0000-0000-0000-000000000000",
    "100000000000",
    "2026-12-01T04:48:43.123456789Z",
    "Access denied due to missing subscription key. Make sure to include subscription key when making requests.",
    "Ocp-Apim-Subscription-Key, client_id and client_secret are required",
    "The access token is missing, malformed or expired",
    "https://apitest.vipps.no/dwo-api-application/v1/deeplink/vippsgateway?v=2&token=aGVsbG8gd29ybGQgYW5kIG1vcmU",
    "write to somebody@example.com about https://example.com/terms",
    "H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA",
    json.dumps({"amount": {"currency": "NOK", "value": 1000}, "pspReference": "1234567891", "idempotencyKey": "k-1"}),
    json.dumps({"token_type": "Bearer", "expires_in": "3600", "paymentDescription": "5 kr \u00b7 100 %25 & more"}),
)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_no_form_gets_through_in_any_place(form):
    redactor, text = Redactor([SECRET, TOKEN]), form(SECRET)
    in_latin = text.encode("latin-1", "ignore").decode("latin-1")
    ((name, value), (_, other)) = redactor.headers((("X-" + in_latin, "a"), ("X-Echo", f"<{in_latin}>")))
    written = {
        "clean": redactor.clean(f"He said {text}!"),
        "names": json.dumps(redactor.clean_json({"list": [{text: text}]}), ensure_ascii=False),
        "headers": name + value + other,
        "body": str(redactor.body(f'{{"a": "{text}"}}'.encode("utf-8", "surrogatepass"))),
        "no text": redactor.body(b"\xff\xfe" + text.encode("latin-1", "ignore")).base64,
        "compressed": str(redactor.body(gzip.compress(text.encode("utf-8", "surrogatepass")))),
    }
    assert not {place for place, said in written.items() if leaks(said.encode("utf-8", "surrogatepass"), [SECRET])}


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays(text):
    redactor = Redactor(
        [*CREDENTIALS.values(), "4791234567", "sandbox-subscription-key", "sandbox-client-secret", TOKEN]
    )
    assert redactor.clean(text) == text
    assert redactor.body(text.encode()) == text


def judged_at(url, folder, monkeypatch, *, removes):
    """Return the exchanges and the judgements of a small run with ordinary secrets."""
    with monkeypatch.context() as patch:
        for name, value in {**CREDENTIALS, "VIPPS_MSN": "123456"}.items():
            patch.setenv(name, value)
        if not removes:
            patch.setattr(Redactor, "_secrets_in", lambda *_: [])
        words = (
            "--target",
            url,
            "--profile",
            "epayment",
            "--histories",
            "0",
            "--max-requests",
            "60",
            "--concurrency",
            "1",
        )
        assert command("run", *words, "--out", folder).code == 4
    evidence = read_journal(folder)
    judgements = [(record.history, record.step, record.status, record.seen) for record in evidence.of(JudgementRecord)]
    return list(evidence.of(ExchangeRecord)), judgements


def test_an_ordinary_run_is_judged_the_same_and_keeps_its_references(tmp_path, monkeypatch):
    options = Options(**{name.removeprefix("VIPPS_").lower(): value for name, value in CREDENTIALS.items()})
    with running_server(Provider(options)) as url:
        exchanges, judgements = judged_at(url, tmp_path / "removed", monkeypatch, removes=True)
        assert command("verify", tmp_path / "removed").code == 0
        _, same = judged_at(url, tmp_path / "kept", monkeypatch, removes=False)
    assert judgements == same
    assert len(judgements) > 5
    removed = [
        (exchange.request.path, place)
        for exchange in exchanges
        for place, text in (
            ("path", exchange.request.path),
            ("request", exchange.request.body),
            ("response", exchange.response.body),
            ("headers", dict(exchange.response.headers)),
            ("sent", {name for name, value in exchange.request.headers if REMOVED in value} - SENT),
        )
        if REMOVED in str(text) or (place == "sent" and text)
    ]
    assert {path for path, _ in removed} <= {"/accesstoken/get"}
    journal = (tmp_path / "removed" / "journal.jsonl").read_bytes()
    assert leaks(journal, CREDENTIALS.values()) == set()


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ('{"access_token": "abc.def", "n": 1}', '{"access_token": "[removed]", "n": 1}'),
        ('{"refreshToken":"abcdef1"}', '{"refreshToken":"[removed]"}'),
        ("{'id_token': 'abcdef1'}", "{'id_token': '[removed]'}"),
        ('{"a":"{\\"client_secret\\":\\"abcdef1\\"}"}', '{"a":"{\\"client_secret\\":\\"[removed]\\"}"}'),
        ("grant=x&client_secret=abcdefghijkl&n=1", "grant=x&client_secret=[removed]&n=1"),
        ("/login?access_token=abcdefghijkl", "/login?access_token=[removed]"),
        ("Ocp-Apim-Subscription-Key: abcdefghijkl", "Ocp-Apim-Subscription-Key: [removed]"),
        ("http://admin:pass@127.0.0.1/x", "http://[removed]@127.0.0.1/x"),
        ("https%3A%2F%2Fadmin%3Apass%40shop.example", "https%3A%2F%2F[removed]%40shop.example"),
        (
            "export VIPPS_SUBSCRIPTION_KEY=sandbox-subscription-key",
            "export VIPPS_SUBSCRIPTION_KEY=sandbox-subscription-key",
        ),
        (
            '-H "Ocp-Apim-Subscription-Key: $VIPPS_SUBSCRIPTION_KEY"',
            '-H "Ocp-Apim-Subscription-Key: $VIPPS_SUBSCRIPTION_KEY"',
        ),
    ],
)
def test_a_field_for_secrets_has_one_whatever_it_is(text, cleaned):
    redactor = Redactor()
    assert redactor.clean(text) == cleaned
    assert redactor.clean(cleaned) == cleaned


@pytest.mark.parametrize("name", ["Authorization", "Proxy-Authorization", "Set-Cookie", "X-Refresh-Token", "x-api-key"])
def test_a_header_for_secrets_has_one_whatever_it_is(name):
    headers = ((name, "xyz"), ("Idempotency-Key", "cctest-1-k5"), ("Merchant-Serial-Number", "123456"))
    assert Redactor().headers(headers) == ((name, REMOVED), *headers[1:])


def test_a_part_is_removed_and_what_stands_around_it_stays():
    redactor = Redactor(["0f14ebcab0ec4b29ae0cb90d91b4a84a"])
    assert redactor.clean("key 0f14ebcab0e, order 1") == "key 0f14ebcab0e, order 1"
    assert redactor.clean("key 0f14ebcab0ec, order 1") == "key [removed], order 1"
    assert redactor.clean("a b0ec4b29ae0cb90d, and %62%30ec4b29ae0cb90d!") == "a [removed], and [removed]!"


def test_a_secret_that_is_learned_later_is_removed_from_what_was_clean():
    redactor = Redactor()
    assert redactor.clean("a bGF0ZXItc2VjcmV0LTEyMw== here") == "a bGF0ZXItc2VjcmV0LTEyMw== here"
    redactor.learn("later-secret-123")
    assert redactor.clean("a bGF0ZXItc2VjcmV0LTEyMw== here") == "a [removed]== here"


@pytest.mark.parametrize(
    "text", ["A" * 400_000, "%25" * 100_000, "\\u0041" * 60_000, "61:" * 100_000, "&amp;" * 80_000, "栀" * 100_000]
)
def test_a_large_text_takes_no_more_than_seconds(text):
    redactor, began = Redactor([SECRET, TOKEN]), time.process_time()
    assert redactor.clean(text) == text
    assert time.process_time() - began < 10


@pytest.mark.parametrize("words", DEFECTS.values())
def test_a_finding_says_what_was_wrong_with_a_credential(words):
    reason = f"a cancel {words}: answer.outcome should be refused, but was accepted"
    assert Redactor().clean(reason) == reason


def test_a_name_reaches_no_further_than_its_line():
    text = "Ocp-Apim-Subscription-Key: [removed]\n    Merchant-Serial-Number: 123456"
    assert Redactor().clean(text) == text
