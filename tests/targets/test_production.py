"""Addresses that may be used, and those that never are."""

import pytest

from conformance.domain.messages import Response
from conformance.targets.production_guard import base_address, control_address
from conformance.targets.production_sign import production_sign
from conformance.targets.resolve import resolve_target
from conformance.targets.transport import TargetError, TargetUsageError

from .loopback import http, probed, server

ENVIRONMENT = {"VIPPS_ACCESS_TOKEN": "a-token-of-a-test", "VIPPS_SUBSCRIPTION_KEY": "a-key", "VIPPS_MSN": "123456"}
PRODUCTION = [
    "https://api.vipps.no",
    "https://vipps.no",
    "https://API.Vipps.NO",
    "https://api.vipps.no.",
    "https://api.vipps.no../",
    "https://api.vipps.no:443/epayment",
    "http://api.vipps.no",
    "https://api。vipps。no",
    "https://x.apitest.vipps.no",
    "https://ece46ec4-6f9c-489b-8fe5-146a89e11635.tech-02.net.vipps.no",
    "https://api.vippsmobilepay.com",
    "https://api.mobilepay.dk",
    "https://mobilepay.fi",
    "https://www.mobilepay.com/x",
    " https://api.vipps.no ",
]
SENSELESS = {
    "https://user:secret@example.com": "must not carry a user name or password",
    "https://user@example.com": "must not carry a user name or password",
    "https://api.vipps.no@example.com": "must not carry a user name or password",
    "http://127.0.0.1:1/?a=b": "without a query or fragment",
    "http://127.0.0.1:1/#part": "without a query or fragment",
    "http://127.0.0.1:1?": "without a query or fragment",
    "http://": "names no host",
    "http:///path": "names no host",
    "http:relative": "names no host",
    "http://127.0.0.1:port": "is not a URL",
    "http://127.0.0.1:99999999": "names the port 99999999",
    "https://ａｐｉ.vipps.no": "is not a URL",
    "http://api%2evipps.no": "names a host with letters",
    "http://exa mple.com": "names a host with letters",
    "ftp://127.0.0.1": "is not a kind of target",
    "127.0.0.1:9701": "is not a kind of target",
    "": "is not a kind of target",
    "embedded:x": "is not a kind of target",
}


@pytest.mark.parametrize("url", PRODUCTION)
def test_production_is_refused_by_name(url):
    with pytest.raises(TargetUsageError, match=r"production host .* never tested: use the test environment"):
        resolve_target(url, environment=ENVIRONMENT)


@pytest.mark.parametrize("url", [*PRODUCTION, "https://apitest.vipps.no/control"])
def test_test_control_is_never_at_their_hosts(url):
    with pytest.raises(TargetUsageError, match="--control-url must not be at"):
        resolve_target("http://127.0.0.1:1", control_url=url, environment=ENVIRONMENT)
    with pytest.raises(TargetUsageError, match="--control-url must not be at"):
        control_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://apitest.vipps.no",
        "https://APITEST.vipps.no./",
        "https://vipps.no.example.com",
        "https://notvipps.no",
        "http://provider:8080",
        "http://[::1]:8080/base",
    ],
)
def test_other_hosts_may_be_tested(url):
    target = resolve_target(url, environment=ENVIRONMENT)
    assert (target.kind, target.over_http, target.private, target.concurrency) == ("url", True, False, 40)


def test_credentials_go_to_the_test_environment_over_https_only():
    with pytest.raises(TargetUsageError, match="over https only"):
        resolve_target("http://apitest.vipps.no", environment=ENVIRONMENT)


@pytest.mark.parametrize(("url", "words"), SENSELESS.items(), ids=SENSELESS)
def test_what_is_no_target_is_refused(url, words):
    with pytest.raises(TargetUsageError) as error:
        resolve_target(url, environment=ENVIRONMENT)
    assert words in str(error.value)
    assert "secret" not in str(error.value)


def test_an_address_is_what_is_connected_to():
    address = base_address("HTTP://LocalHost.:8080/a/b/")
    assert (address.host, address.url, address.loopback) == ("localhost", "http://localhost:8080/a/b", True)
    assert not base_address("http://127.0.0.1.example.com").loopback


def test_credentials_that_are_missing_are_named():
    with pytest.raises(TargetUsageError, match="VIPPS_SUBSCRIPTION_KEY, VIPPS_MSN, VIPPS_CLIENT_ID"):
        resolve_target("https://apitest.vipps.no", environment={})


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"HTTPS_PROXY": "gopher://127.0.0.1"}, "the proxy that the environment names"),
        ({"all_proxy": "http://127.0.0.1:x"}, "the proxy that the environment names"),
        ({"SSL_CERT_FILE": "/nowhere/ca.pem"}, "SSL_CERT_FILE"),
    ],
)
def test_unusable_proxies_and_certificates_are_usage_errors(environment, words):
    with pytest.raises(TargetUsageError, match=words):
        resolve_target("https://example.com", environment=ENVIRONMENT | environment)


@pytest.mark.parametrize(
    ("url", "environment"),
    [
        ("https://example.com", {"HTTPS_PROXY": "gopher://x", "NO_PROXY": "other.org, .example.com"}),
        ("https://a.example.com:8443", {"https_proxy": "gopher://x", "no_proxy": "example.com"}),
        ("https://example.com", {"https_proxy": "gopher://x", "no_proxy": "*"}),
        ("http://127.0.0.1:1", {"http_proxy": "gopher://x"}),
        ("https://example.com", {"https_proxy": "127.0.0.1:3128"}),
    ],
)
def test_a_proxy_is_for_those_who_need_it(url, environment):
    assert resolve_target(url, environment=ENVIRONMENT | environment).name == url


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "embedded", "concurrency": 0}, "--concurrency must be at least 1"),
        ({"target": "embedded", "timeout": 0}, "above 0"),
        ({"target": "embedded", "timeout": float("nan")}, "above 0"),
        ({"target": "embedded", "control_url": "http://127.0.0.1:1"}, "leave --control-url out"),
    ],
)
def test_options_that_make_no_sense(options, words):
    with pytest.raises(TargetUsageError, match=words):
        resolve_target(**options)


# What an answer says

MARKED = [
    (Response(200, (("X-Vipps-Environment", "production"),)), "the header X-Vipps-Environment: production"),
    (Response(200, (("environment", "PROD"),)), "the header environment: PROD"),
    (Response(200, (), b'{"environment":"production"}'), "environment: production"),
    (Response(200, (), b'{"access_token":"a.eyJlbnYiOiJwcm9kIn0.b"}'), "env: prod in its token"),
]
LINKED = [
    (Response(302, (("Location", "https://api.vipps.no/accesstoken/get"),)), "a redirect to api.vipps.no"),
    (Response(200, (), b'{"redirectUrl":"https://api.vipps.no/dwo?token=x"}'), "redirectUrl at api.vipps.no"),
    (
        Response(200, (), b'{"access_token":"a.eyJpc3MiOiJodHRwczovL2FwaS52aXBwcy5ubyJ9.b"}'),
        "iss at api.vipps.no in its",
    ),
]
HARMLESS = [
    Response(200, (("X-Environment", "test"), ("Content-Type", "application/json"))),
    Response(200, (), b'{"environment":"mt","redirectUrl":"https://apitest.vipps.no/dwo"}'),
    Response(409, (), b'{"type":"https://developer.vippsmobilepay.com/docs/APIs/recurring-api#conflict"}'),
    Response(200, (), b'{"access_token":"not.ajwt.x"}'),
    Response(200, (), b"[]"),
    Response(200, (), b"\xff"),
]


@pytest.mark.parametrize(("answer", "words"), MARKED + LINKED)
def test_a_response_from_production_is_recognised(answer, words):
    assert words in production_sign(answer, loopback=False)


@pytest.mark.parametrize("answer", HARMLESS + [answer for answer, _ in LINKED])
def test_an_emulator_may_hand_out_the_links_of_the_documentation(answer):
    assert not production_sign(answer, loopback=True)


@pytest.mark.parametrize("answer", HARMLESS)
def test_a_response_of_the_test_environment_is_not_taken_for_production(answer):
    assert not production_sign(answer, loopback=False)


@pytest.mark.parametrize("name", ["X-Environment", "environment"])
def test_a_target_whose_token_endpoint_names_production_is_not_tested(name):
    asked = []

    def answer(request):
        asked.append(request.splitlines()[0])
        headers = {name.replace("-", "_"): "production"} if name.startswith("X") else {}
        return http(200, {"access_token": "a-token-of-a-test", **({} if headers else {name: "production"})}, **headers)

    with server(answer) as url, pytest.raises(TargetError) as error:
        probed(url)
    assert "is production, as it says itself" in str(error.value)
    assert asked == ["POST /accesstoken/get HTTP/1.1"]


def test_a_target_that_says_it_later_is_left_then():
    def answer(request):
        if "/accesstoken" in request:
            return http(200, {"access_token": "a-token-of-a-test"})
        return http(201, {"reference": "one"}, X_Environment="live")

    with server(answer) as url, pytest.raises(TargetError) as error:
        probed(url)
    assert "the header X-Environment: live" in str(error.value)
