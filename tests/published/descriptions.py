"""The published OpenAPI descriptions, repaired by named data and never edited, and what a message must be by them."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

import yaml
from jsonschema import Draft4Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from conformance.domain.messages import Request, Response

ROOT = Path(__file__).parents[2]
VENDOR = ROOT.parent / "shared" / "vendor"
REPAIRS = ROOT / "conformance" / "fuzzing" / "repairs.toml"
METHODS = ("get", "put", "post", "delete", "patch")
SCALARS = (list, str, int, float, bool, type(None))
URN = "urn:description"
# The one in C reads the same, ten times as fast.
SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class PlainLoader(SafeLoader):
    """Reads dates as the text they are, and ``NO`` as Norway: YAML 1.2, as OpenAPI has it, knows neither as a type."""


PlainLoader.yaml_implicit_resolvers = {
    letter: [(tag, regex) for tag, regex in resolvers if not tag.endswith((":timestamp", ":bool"))]
    for letter, resolvers in SafeLoader.yaml_implicit_resolvers.items()
}
PlainLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


class DescriptionError(Exception):
    """A description cannot be used as it is."""


# Repairs


@dataclass(frozen=True, slots=True)
class Repair:
    """One defect of a published description and what mends it, in the words of JSON Patch.

    A segment ``*`` of the pointer stands for every member under which the rest of the pointer leads somewhere.
    """

    id: str
    files: tuple[str, ...]
    op: str
    pointer: str
    reason: str
    value: Any = None


def load_repairs() -> tuple[Repair, ...]:
    rows = tomllib.loads(REPAIRS.read_text(encoding="utf-8"))["repair"]
    return tuple(Repair(**{**row, "files": tuple(row["files"])}) for row in rows)


def segments(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def holders(node: Any, path: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The objects that a path leads to."""
    if not path:
        if isinstance(node, dict):
            yield node
    elif isinstance(node, dict):
        for name in list(node) if path[0] == "*" else [path[0]]:
            if name in node:
                yield from holders(node[name], path[1:])


def mend(document: dict[str, Any], repair: Repair) -> None:
    """Apply a repair.

    Raises:
        DescriptionError: it leads nowhere, or changes nothing.

    """
    *path, name = segments(repair.pointer)
    changed = 0
    for holder in holders(document, path):
        if (repair.op == "add") == (name in holder):
            continue
        if repair.op == "remove":
            del holder[name]
        else:
            changed -= holder.get(name, document) == repair.value
            holder[name] = deepcopy(repair.value)
        changed += 1
    if changed < 1:
        raise DescriptionError(f"repair {repair.id}: {repair.op} {repair.pointer} changes nothing")


# Schemas


def nullable_made_plain(node: Any) -> Any:
    """OpenAPI 3.0 says ``nullable`` where JSON Schema has the type ``null``; the rest is draft 4 already."""
    if isinstance(node, list):
        return [nullable_made_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {name: nullable_made_plain(value) for name, value in node.items()}
    if made.get("nullable") is True and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
        if isinstance(made.get("enum"), list):
            made["enum"] = [*made["enum"], None]
    return made


FORMATS = FormatChecker(formats=())
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


@FORMATS.checks("date-time", raises=ValueError)
def is_moment(value: object) -> bool:
    if isinstance(value, str):
        datetime.fromisoformat(value.upper())
        return MOMENT.fullmatch(value) is not None
    return True


@FORMATS.checks("uuid", raises=ValueError)
def is_uuid(value: object) -> bool:
    return not isinstance(value, str) or str(UUID(value)) == value.lower()


@FORMATS.checks("uri", raises=ValueError)
def is_uri(value: object) -> bool:
    return not isinstance(value, str) or (bool(urlsplit(value).scheme) and not re.search(r"[\s<>\"{}|\\^`]", value))


@FORMATS.checks("int32")
def is_int32(value: object) -> bool:
    return not isinstance(value, int) or -(2**31) <= value < 2**31


@FORMATS.checks("int64")
def is_int64(value: object) -> bool:
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def same_media(left_type: str, other: str) -> bool:
    """Whether two content types are the same, their parameters apart."""
    first, second = (value.partition(";")[0].strip().lower() for value in (left_type, other))
    return first == second


def walk(node: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every reference of a document, with its place."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield place, node["$ref"]
        for name, value in node.items():
            yield from walk(value, f"{place}/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from walk(value, f"{place}/{index}")


# Descriptions


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. Its parts are the document's own, with the first reference of each followed."""

    method: str
    template: str
    regex: re.Pattern[str]
    pointer: str
    parameters: tuple[Mapping[str, Any], ...]
    body: Mapping[str, Any] | None
    body_pointer: str
    responses: Mapping[str, Any]
    keys: frozenset[str]

    @property
    def label(self) -> str:
        return f"{self.method} {self.template}"


class Description:
    """One published description with some repairs, and the messages that it allows.

    Raises:
        DescriptionError: it refers to something that is not in it, or a repair changes nothing.

    """

    def __init__(self, file: str, repairs: Sequence[Repair] = (), *, only: str = "") -> None:
        self.file = file
        document = deepcopy(read(file))
        for repair in repairs:
            if file in repair.files:
                mend(document, repair)
        self.document = document
        for place, reference in walk(document):
            self._need(place, reference)
        registry = Registry().with_resource(URN, Resource.from_contents(nullable_made_plain(document), DRAFT4))
        self._validators: dict[str, Draft4Validator] = {}
        self._registry = registry
        self.base = urlsplit(document["servers"][0]["url"]).path.rstrip("/")
        self.operations = [operation for operation in self._operations() if operation.template.startswith(only)]

    def _need(self, place: str, reference: str) -> None:
        try:
            self.at(reference)
        except LookupError:
            raise DescriptionError(f"{self.file}#{place} refers to {reference}, which is not there") from None

    def at(self, reference: str) -> Any:
        """The place a reference leads to."""
        if not reference.startswith("#/"):
            raise LookupError(reference)
        node: Any = self.document
        for part in segments(reference[1:]):
            node = node[int(part)] if isinstance(node, list) else node[part]
        return node

    def _followed(self, pointer: str, node: Any) -> tuple[str, Any]:
        while isinstance(node, dict) and isinstance(node.get("$ref"), str):
            pointer = node["$ref"]
            node = self.at(pointer)
        return pointer, node

    def _operations(self) -> Iterator[Operation]:
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    yield self._operation(path, method, item)

    def _operation(self, path: str, method: str, item: Mapping[str, Any]) -> Operation:
        described = item[method]
        pointer = f"#/paths/{path.replace('~', '~0').replace('/', '~1')}/{method}"
        parameters = [
            self._followed("", parameter)[1]
            for parameter in (*item.get("parameters", ()), *described.get("parameters", ()))
        ]
        body_pointer, body = self._followed(f"{pointer}/requestBody", described.get("requestBody"))
        template = self.base + path
        regex = re.escape(template).replace(r"\{", "{").replace(r"\}", "}")
        schemes = self.document["components"].get("securitySchemes", {})
        demanded = described.get("security", self.document.get("security", []))
        names = [schemes[name] for demand in demanded for name in demand]
        return Operation(
            method.upper(),
            template,
            re.compile(re.sub(r"{([^}]+)}", r"(?P<\1>[^/]*)", regex)),
            pointer,
            tuple(parameters),
            body,
            body_pointer,
            described["responses"],
            frozenset(name["name"] for name in names if name["type"] == "apiKey" and name["in"] == "header"),
        )

    def find(self, request: Request) -> Operation | None:
        """The operation of a request; one without variables goes first."""
        path = request.path.partition("?")[0]
        fitting = [
            operation
            for operation in self.operations
            if operation.method == request.method and operation.regex.fullmatch(path)
        ]
        return min(fitting, key=lambda candidate: candidate.template.count("{"), default=None)

    def _faults(self, pointer: str, value: Any, what: str) -> list[str]:
        if pointer not in self._validators:
            self._validators[pointer] = Draft4Validator(
                {"$ref": f"{URN}{pointer}"}, registry=self._registry, format_checker=FORMATS
            )
        errors = self._validators[pointer].iter_errors(value)
        return [f"{what}{error.json_path[1:]}: {error.message}" for error in errors]

    def _document_faults(self, pointer: str, content: Mapping[str, Any], kind: str, raw: bytes, what: str) -> list[str]:
        declared = next((media for media in content if same_media(media, kind)), None)
        if declared is None:
            return [f"{what}: {kind or 'no content type'} is not one of {', '.join(content)}"]
        try:
            value = json.loads(raw)
        except ValueError:
            return [f"{what}: is no JSON"]
        return self._faults(f"{pointer}/content/{declared.replace('/', '~1')}/schema", value, what)

    def request_faults(self, request: Request) -> list[str]:
        """What is wrong with a request by this description."""
        operation = self.find(request)
        if operation is None:
            return ["there is no such operation"]
        faults = []
        path, _, query = request.path.partition("?")
        matched = operation.regex.fullmatch(path)
        assert matched
        values = {("path", name): unquote(value) for name, value in matched.groupdict().items()}
        values |= {("header", name.lower()): value for name, value in request.headers}
        pairs = [pair.partition("=") for pair in query.split("&")]
        values |= {("query", name): unquote(value) for name, _, value in pairs}
        for parameter in operation.parameters:
            name = parameter["name"].lower() if parameter["in"] == "header" else parameter["name"]
            value = values.get((parameter["in"], name))
            if value is not None:
                faults += self._text_faults(parameter["schema"], value, parameter["name"])
            elif parameter.get("required"):
                faults.append(f"{parameter['name']}: is missing")
        faults += [f"{name}: is missing" for name in operation.keys if not values.get(("header", name.lower()))]
        if operation.body is None:
            return [*faults, "body: there should be none"] if request.body else faults
        if not request.body:
            return [*faults, "body: is missing"] if operation.body.get("required") else faults
        kind = request.header("content-type") or ""
        return faults + self._document_faults(
            operation.body_pointer, operation.body["content"], kind, request.body, "body"
        )

    def _text_faults(self, schema: Mapping[str, Any], value: str, what: str) -> list[str]:
        _, schema = self._followed("", schema)
        validator = Draft4Validator(nullable_made_plain(schema), format_checker=FORMATS)
        return [f"{what}: {error.message}" for error in validator.iter_errors(value)]

    def response_faults(self, request: Request, response: Response) -> list[str]:
        """What is wrong with the answer to a request by this description."""
        operation = self.find(request)
        if operation is None:
            return ["there is no such operation"]
        name = next((status for status in (str(response.status), "default") if status in operation.responses), None)
        if name is None:
            return [f"status {response.status} is not described"]
        pointer, described = self._followed(f"{operation.pointer}/responses/{name}", operation.responses[name])
        content = described.get("content")
        if response.status == 204 or (not content and response.status < 400):
            return ["body: there should be none"] if response.body else []
        if not content:
            return []
        kind = response.header("content-type") or ""
        return self._document_faults(pointer, content, kind, response.body, "body")

    def beyond(self, request: Request) -> set[str]:
        """The headers of a request that the description of its operation does not have."""
        operation = self.find(request)
        if operation is None:
            return set()
        known = {parameter["name"].lower() for parameter in operation.parameters} | {
            name.lower() for name in operation.keys
        }
        return {name for name, _ in request.headers if name.lower() not in known | {"content-type"}}


@cache
def read(file: str) -> dict[str, Any]:
    """A published description as it is."""
    document = yaml.load((VENDOR / file).read_text(encoding="utf-8"), PlainLoader)
    assert isinstance(document, dict)
    return document
