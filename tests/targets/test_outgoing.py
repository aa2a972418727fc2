"""The one way out: production is refused in every spelling by every way in, and nothing leaves beside it."""

from __future__ import annotations

import ast
import gzip
import json
import time
import tracemalloc
import zlib
from pathlib import Path

import httpx
import pytest

from conformance.domain.messages import NoResponse, Request, Response
from conformance.merchant.integration.hook import HookIntegration
from conformance.targets.http.fetch import FetchError, fetch
from conformance.targets.http.httpx_exchange import http_request, no_response
from conformance.targets.http.outgoing import OtherHostError, OutgoingTransport
from conformance.targets.production_guard import base_address, control_address, document_address, hook_address
from conformance.targets.production_sign import production_sign
from conformance.targets.resolve import resolve_target
from conformance.targets.transport import TargetUsageError

from ..house.modules import modules
from .loopback import http, sent, server
from .test_production import ENVIRONMENT, PRODUCTION

SPELLINGS = [
    *PRODUCTION,
    "https://ａｐｉ．ｖｉｐｐｓ．ｎｏ",
    "https://api．vipps．no",
    "https://api｡vipps｡no",
    "https://api.vipps.no。",
    "https://api.vipps%2eno",
    "https://%61pi.vipps.no",
    "https://api.vipps.no%2e",
    "https://api.vipps.no%00.example.com",
    "https://api.vi\u00adpps.no",
    "https://api.vipps\u200b.no",
    "https://api.vipps.no\t",
    "https://api.vip\nps.no",
    "https://user@api.vipps.no",
    "https://127.0.0.1@api.vipps.no",
    "https://127.0.0.1:80@api.vipps.no:443/",
    "https://api.vipps.no:443",
    "https://api.vipps.no\\@127.0.0.1",
    "https:\\\\api.vipps.no",
    "https:///api.vipps.no",
    "https:api.vipps.no",
    "//api.vipps.no",
    "HTTPS://api.vipps.no",
    "https://api.vipps.no.:443",
    "https://[api.vipps.no]",
    "https://xn--api.vipps.no",
    "https://ⓐⓟⓘ.vipps.no",
    "https://api.vıpps.no@api.vipps.no",
]
"""Ways to write a production host, or something that another parser than ours could take for one."""
WAYS = {
    "target": lambda url: resolve_target(url, environment=ENVIRONMENT),
    "base": base_address,
    "control": control_address,
    "control of a target": lambda url: resolve_target("http://127.0.0.1:1", control_url=url, environment=ENVIRONMENT),
    "openapi": document_address,
    "hook": hook_address,
    "proxy": lambda url: resolve_target("https://example.com", environment=ENVIRONMENT | {"HTTPS_PROXY": url}),
    "any proxy": lambda url: resolve_target("http://example.com", environment=ENVIRONMENT | {"all_proxy": url}),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("url", SPELLINGS)
def test_production_is_refused_in_every_spelling_by_every_way_in(way, url):
    with pytest.raises(TargetUsageError) as error:
        WAYS[way](url)
    assert "\n" not in str(error.value).strip()


@pytest.mark.parametrize("way", ["openapi", "hook", "control"])
def test_the_test_environment_is_for_targets_alone(way):
    with pytest.raises(TargetUsageError):
        WAYS[way]("https://apitest.vipps.no/openapi.json")


@pytest.mark.parametrize(
    "path",
    ["@api.vipps.no/", ".vipps.no/", ":80@api.vipps.no/x", "1/", "\\@api.vipps.no"],
)
def test_a_path_leads_nowhere_else(path):
    transport = OutgoingTransport("http://127.0.0.1:9", trusted=False, proxy=None)
    with pytest.raises((OtherHostError, httpx.InvalidURL)):
        transport.handle_request(http_request(Request("GET", path), "http://127.0.0.1:9"))


@pytest.mark.parametrize("headers", [(("Host", "api.vipps.no"),), (("host", "127.0.0.1:9"), ("Host", "api.vipps.no"))])
def test_a_header_names_no_other_host(headers):
    transport = OutgoingTransport("http://127.0.0.1:9", trusted=False, proxy=None)
    with pytest.raises(OtherHostError) as error:
        transport.handle_request(http_request(Request("GET", "/", headers), "http://127.0.0.1:9"))
    assert "to another host than the one that was named; it was not sent" in no_response(error.value, 1).cause


def test_a_request_that_would_go_elsewhere_is_not_sent_and_says_so():
    with server(http(200, {})) as url:
        answer = sent(url, Request("GET", "/", (("Host", "api.vipps.no"),)))
    assert isinstance(answer, NoResponse)
    assert "another host" in answer.cause


SOCKETS = {
    "conformance/targets/http/reachability.py": "looks at each layer of the way to an address, and sends nothing",
    "conformance/targets/http/outgoing.py": "is the way out",
    "conformance/targets/http/asgi_wsgi.py": "calls an application in this process",
    "conformance/merchant/provider_double/mounts.py": "stands in the way of the merchant's own requests",
    "conformance/merchant/webhooks/posting.py": "delivers to the shop, on this machine only",
    "conformance/merchant/integration/webhook_app.py": "calls an application in this process",
    "conformance/targets/network_watch.py": "sees what code under test does",
    "conformance/sandbox/server.py": "listens",
    "conformance/cli/commands/sandbox.py": "listens",
    "conformance/targets/http/remote.py": "ends connections",
}
"""The modules that may use a socket or a client, and why."""
CLIENTS = {"Client", "AsyncClient", "HTTPTransport", "AsyncHTTPTransport", "WSGITransport", "ASGITransport", "socket"}
CALLS = {"create_connection", "urlopen", "open_connection", "HTTPConnection", "HTTPSConnection", "urlretrieve"}


def opens(tree):
    """Iterate over what in a module may open a connection."""
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        if any(name.partition(".")[0] in ("requests", "urllib3", "aiohttp", "socket") for name in names):
            yield names
        if isinstance(node, ast.Attribute) and node.attr in CALLS | (CLIENTS - {"socket"}):
            yield node.attr
        if isinstance(node, ast.ImportFrom) and node.module in ("urllib.request", "http.client"):
            yield node.module


def test_nothing_else_of_the_suite_opens_a_connection():
    there = {module.place for module in modules() if any(opens(module.tree))}
    assert (
        there - SOCKETS.keys() - {place for place in there if "/examples/" in place or place.startswith("examples")}
        == set()
    )


# Time and size


def trickle(head, seconds=0.05):
    """Yield a response in parts that never end."""
    yield head
    for _ in range(400):
        time.sleep(seconds)
        yield b"X: y\r\n" if not head.endswith(b"\r\n\r\n") else b" "


HEADS = {
    "headers": b"HTTP/1.1 200 OK\r\n",
    "a body": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
    "a body without a length": b"HTTP/1.1 200 OK\r\n\r\n",
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_a_download_has_one_deadline(head):
    with server(lambda _: trickle(head)) as url:
        started = time.monotonic()
        with pytest.raises(FetchError, match=r"no answer within 0\.6 seconds"):
            fetch(document_address(f"{url}/openapi.json"), accept="*/*", seconds=0.6, environment={})
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_a_hook_call_has_one_deadline(head):
    with server(lambda _: trickle(head)) as url:
        hook = HookIntegration(url)
        hook.seconds = 0.6
        started = time.monotonic()
        assert hook.call("cancel", {}).ending == "hung"
        assert time.monotonic() - started < 5
        hook.close()


def test_a_document_is_fetched_without_following_anything():
    asked = []

    def answer(request):
        asked.append(request)
        return http(302, location="https://api.vipps.no/openapi.json")

    with server(answer) as url:
        document = document_address(f"{url}/openapi.json?key=secret#part")
        response = fetch(
            document, accept="application/json", seconds=5, environment={"http_proxy": "http://127.0.0.1:9"}
        )
    assert response.status == 302
    assert document.name == f"{url}/openapi.json"
    assert [request.splitlines()[0] for request in asked] == ["GET /openapi.json?key=secret HTTP/1.1"]
    assert "accept-encoding: identity" in asked[0].lower()


def deflated(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PACKED = {
    "gzip": (gzip.compress(b'{"a": 1}'), "gzip", b'{"a": 1}'),
    "deflate": (zlib.compress(b'{"a": 1}'), "deflate", b'{"a": 1}'),
    "deflate without its header": (deflated(b'{"a": 1}'), "Deflate", b'{"a": 1}'),
    "a name that is none": (b'{"a": 1}', "UTF-8", b'{"a": 1}'),
    "as it is": (b'{"a": 1}', "identity", b'{"a": 1}'),
    "cut off": (gzip.compress(b'{"a": 1}')[:-9], "gzip", "not encoded as its headers say"),
    "not packed": (b'{"a": 1}', "gzip", "not encoded as its headers say"),
    "br": (b"\x0b\x02\x80\x03", "br", "packed in a way that is not read"),
    "zstd": (b"(\xb5/\xfd", "zstd", "packed in a way that is not read"),
    "twice": (gzip.compress(gzip.compress(b"{}")), "gzip, gzip", "packed in a way that is not read"),
    "two ways": (gzip.compress(b"{}"), "br,gzip", "packed in a way that is not read"),
}


@pytest.mark.parametrize(("body", "name", "expected"), PACKED.values(), ids=PACKED)
def test_a_packed_body_is_read_as_far_as_it_is_safe(body, name, expected):
    with server(http(200, body, content_encoding=name)) as url:
        answer = sent(url, Request("GET", "/"))
    if isinstance(expected, bytes):
        assert isinstance(answer, Response)
        assert answer.body == expected
    else:
        assert isinstance(answer, NoResponse)
        assert expected in answer.cause


def test_a_bomb_does_not_go_off():
    bomb = gzip.compress(b"0" * 400_000_000, 9)
    with server(http(200, bomb, content_encoding="gzip")) as url:
        tracemalloc.start()
        answer = sent(url, Request("GET", "/"))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert isinstance(answer, NoResponse)
    assert "larger than 5 MB" in answer.cause
    assert peak < 40_000_000


# Signs of production


DEEP = [
    {"a": [{"b": {"environment": "production"}}]},
    [[{"x-vipps-env": "live"}]],
    {"a": json.dumps({"b": json.dumps([{"environment": "PROD"}])})},
    {"n": 1, "environment": "\u0070roduction"},
]
LINKS = [
    {"_links": [{"href": "https://api.vipps.no/x"}]},
    {"url": "https://user@API.vipps.no:443/x"},
    {"url": "//api.vipps.no/x"},
    {"url": "https://api。vipps。no/x"},
    {"url": "https:\\\\api.vipps.no\\x"},
    {"a": json.dumps({"url": "https://api.vippsmobilepay.com/x"})},
    {"tokens": [{"access_token": "a.eyJpc3MiOiJodHRwczovL2FwaS52aXBwcy5ubyJ9.b"}]},
]
PAGES = [
    b"<html><head><meta content='production' name='environment'></head>",
    b"\n<!doctype html><META NAME=env CONTENT=prod>",
]
LINKING_PAGES = [
    b"<html><a class=x href='https://api.vipps.no/x'>x</a>",
    b"<html><form action='&#104;ttps://api.vipps.no/x'>",
]


def as_response(body):
    return Response(200, (), body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize("body", DEEP + PAGES)
def test_an_environment_is_a_sign_at_any_depth(body):
    assert production_sign(as_response(body), loopback=True)


@pytest.mark.parametrize("body", LINKS + LINKING_PAGES)
def test_a_link_is_a_sign_at_any_depth_unless_on_this_machine(body):
    assert "api.vipps" in production_sign(as_response(body), loopback=False)
    assert not production_sign(as_response(body), loopback=True)


def test_a_long_number_hides_nothing():
    body = b'{"amount": ' + b"9" * 5_000 + b', "environment": "production"}'
    assert production_sign(as_response(body), loopback=True)


@pytest.mark.parametrize(
    "body",
    [
        {"environment": "mt", "description": "see https://api.vipps.no/x", "live": "prod"},
        {"links": [{"href": "https://developer.vippsmobilepay.com/docs/APIs"}]},
        b"<html><body>environment: production https://api.vipps.no/</body></html>",
        b"<![x[<!<" * 5_000,
        b"[" * 100_000,
        b"{" * 100_000,
        b"<a " * 100_000,
        b"<!--" * 100_000,
        {"a": ".".join(["e" * 1_000] * 3)},
    ],
)
def test_what_is_no_sign_is_none_and_takes_no_time(body):
    started = time.monotonic()
    assert not production_sign(as_response(body), loopback=False)
    assert time.monotonic() - started < 5


def test_the_places_of_this_table_exist():
    root = Path(__file__).parents[2]
    assert all((root / place).is_file() for place in SOCKETS)
