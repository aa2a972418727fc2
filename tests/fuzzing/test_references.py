"""Nothing that a description names is fetched, whatever it is called and wherever it stands."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager

import pytest

from conformance.fuzzing import openapi
from conformance.fuzzing.schemathesis_engine import SKIPPED, Drawing, GenerationError
from conformance.fuzzing.shut_network import ShutError, shut_network

CANCEL = "/epayment/v1/payments/{reference}/cancel"
ELSEWHERE = ("$ref", "$dynamicRef", "$recursiveRef", "operationRef", "externalValue")
NAMES = ("example", "examples", "default", "enum", "const", "value", "x-of-ours", "properties")


@contextmanager
def listening():
    """Listen on a port, and yield its URL and what came."""
    came = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        ended = threading.Event()

        def take():
            while not ended.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                came.append(connection.recv(300))
                connection.close()

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", came
        finally:
            ended.set()
            thread.join()


def description(body):
    """Return a description of a cancel with this schema of its body."""
    operation = {
        "operationId": "cancel",
        "requestBody": {"content": {"application/json": {"schema": body, "examples": body.get("x-examples", {})}}},
        "responses": {"200": {"description": "x", "links": body.get("x-links", {})}},
    }
    parameters = [{"name": "reference", "in": "path", "required": True, "schema": {"type": "string"}}]
    paths = {CANCEL: {"parameters": parameters, "post": operation}}
    return {"openapi": "3.0.3", "info": {"title": "x", "version": "1"}, "paths": paths}


def outside(url):
    """Return a schema that leads to a URL and to a file in every way that there is, below names of every kind."""
    places = (f"{url}/x", "file:///etc/hostname", "other.yaml", f"//{url.partition('://')[2]}/x", "")
    members = {
        f"{name}-{keyword}-{number}": {keyword: place}
        for name in ("a", *NAMES)
        for keyword in ELSEWHERE
        for number, place in enumerate(places)
    }
    members |= {name: {keyword: f"{url}/{name}"} for name in NAMES for keyword in ELSEWHERE}
    members["base"] = {"$schema": f"{url}/meta", "$id": f"{url}/id/", "$ref": "x.json"}
    return {
        "type": "object",
        "$id": f"{url}/base/",
        "$schema": f"{url}/schema",
        "properties": members,
        "default": {"$ref": f"{url}/default"},
        "x-examples": {"a": {"externalValue": f"{url}/external"}, "b": {"$ref": f"{url}/example"}},
        "x-links": {"a": {"operationRef": f"{url}/operation#/paths"}, "b": {"$ref": f"{url}/link"}},
    }


def leads(node):
    """Iterate over what leads out of a document."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name in (*ELSEWHERE, "$id", "$schema") and isinstance(value, str) and not value.startswith("#"):
                yield f"{name}: {value}"
            yield from leads(value)
    elif isinstance(node, list):
        for value in node:
            yield from leads(value)


def test_what_leads_out_of_a_description_is_removed_and_listed():
    document = description(outside("http://127.0.0.1:9"))
    assert len(list(leads(document))) > 200
    parsed = openapi.parse(json.dumps(document), "x")
    assert list(leads(parsed.data)) == []
    assert sum(defect.id == "reference-that-leads-nowhere" for defect in parsed.defects) > 200


def test_what_stays_within_it_is_kept():
    body = {"type": "object", "properties": {"$ref": {"type": "string"}, "id": {"$ref": "#/components/schemas/Id"}}}
    document = description(body) | {"components": {"schemas": {"Id": {"type": "string"}}}}
    document["paths"][CANCEL]["post"]["x-data"] = {"example": {"id": "http://127.0.0.1:9/7"}}
    parsed = openapi.parse(json.dumps(document), "x")
    assert parsed.data == document
    assert parsed.defects == ()


@pytest.mark.parametrize("is_cleaned", [True, False])
def test_nothing_is_fetched_while_requests_are_drawn(is_cleaned, monkeypatch):
    if not is_cleaned:
        monkeypatch.setattr(openapi, "_removed", lambda _: ())
    with listening() as (url, came):
        document = description({"type": "object"})
        content = document["paths"][CANCEL]["post"]["requestBody"]["content"]["application/json"]
        content["examples"] = {"a": {"externalValue": f"{url}/external"}}
        if is_cleaned:
            content["schema"] = outside(url)
        parsed = openapi.parse(json.dumps(document), "x")
        requests, errors = [], []

        def respond(request):
            requests.append(request)
            return SKIPPED

        for event in Drawing(parsed, parsed.operations, 1, respond, 1).events():
            errors += [event] if isinstance(event, GenerationError) else []
    assert came == []
    assert requests or errors


def test_the_lock_is_for_the_library_alone():
    library = {"__name__": "schemathesis.somewhere", "socket": socket, "urllib": __import__("urllib.request")}
    with listening() as (url, came), shut_network():
        port = int(url.rpartition(":")[2])
        for expression in (
            f"socket.create_connection(('127.0.0.1', {port}))",
            f"urllib.request.urlopen('{url}')",
            "urllib.request.urlopen('file:///etc/hostname')",
            "socket.getaddrinfo('localhost', 1)",
        ):
            with pytest.raises(ShutError, match="nothing that a description names is fetched"):
                eval(expression, library)
        assert came == []
        socket.create_connection(("127.0.0.1", port)).close()
    eval("socket.getaddrinfo('localhost', 1)", library)
