"""Reads and repairs OpenAPI descriptions, and lists what is wrong in them.

The defects of a description are findings about the description, never about a target.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from msgspec import Struct

from conformance.domain.api_table import SPECS, operation_at
from conformance.domain.operations import Operation
from conformance.domain.order import Profile
from conformance.domain.toml import Text, Texts, parse_toml
from conformance.evidence.record_parts import DefectRecord, DescriptionRecord
from conformance.inputs.documents import Limits, parse_json, parse_yaml
from conformance.inputs.files import InputError, UnreadableError, read_text
from conformance.targets.transport import TargetUsageError

EMBEDDED: Final = "the embedded provider's own"
LARGEST: Final = Limits(size=10_000_000)
_LONGEST_PATTERN: Final = 10_000
"""Letters of a regular expression. No field of these APIs needs as many."""
_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef", "operationRef")
_FETCHED: Final = ("externalValue",)
_BASES: Final = ("$id", "id", "$schema", "$self", "jsonSchemaDialect")
"""What makes a reference within the document one to somewhere else."""
_DATA: Final = ("example", "examples", "default", "enum", "const", "value")
"""Below these is data, in which a field may have any name."""
_REPAIRS: Final = "repairs.toml"
METHODS: Final = ("get", "put", "post", "delete", "patch")


@dataclass(frozen=True, slots=True)
class DescriptionDefect:
    """Something wrong in a description.

    Attributes:
        id: names the defect.
        pointer: where it is, as a JSON pointer; a segment ``*`` stands for every member that has the rest.
        reason: what is wrong, in a sentence.
        repair: how it was repaired before the description was used; empty if it was not.

    """

    id: str
    pointer: str
    reason: str
    repair: str = ""

    def as_record(self) -> DefectRecord:
        """Return the defect for the journal."""
        return DefectRecord(id=self.id, pointer=self.pointer, reason=self.reason, repair=self.repair)


@dataclass(frozen=True)
class Description:
    """A usable OpenAPI description.

    Attributes:
        name: where it came from.
        title: its own title.
        version: its version.
        digest: SHA-256 of the text, in hex.
        data: the repaired document.
        defects: what is wrong in it.
        operations: the operations around Cancel that it describes, each with its path in the document and its
            documented statuses, where ``default`` permits any.

    """

    name: str
    title: str
    version: str
    digest: str
    data: dict[str, Any] = field(repr=False)
    defects: tuple[DescriptionDefect, ...]
    operations: Mapping[Operation, tuple[str, frozenset[str]]]

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """The APIs whose cancel it describes."""
        described = {operation.profile for operation in self.operations if operation.kind == "cancel"}
        return tuple(profile for profile in Profile if profile in described)

    def as_record(self) -> DescriptionRecord:
        """Return what the journal keeps of the description."""
        return DescriptionRecord(
            name=self.name,
            title=self.title,
            version=self.version,
            digest=self.digest,
            operations=tuple(sorted(operation.label for operation in self.operations)),
            defects=tuple(defect.as_record() for defect in self.defects),
        )


def embedded() -> Description:
    """Return the description of the embedded provider."""
    text = resources.files("conformance.sandbox").joinpath("openapi.json").read_text(encoding="utf-8")
    return parse(text, EMBEDDED)


def from_file(path: str) -> Description:
    """Return the description in a file.

    Raises:
        TargetUsageError: the file cannot be read, or is not a usable description.

    """
    try:
        text = read_text(Path(path), "an OpenAPI description", LARGEST.size)
    except UnreadableError as error:
        raise TargetUsageError(f"--openapi: {error} It takes a file or a URL.") from None
    except InputError as error:
        raise TargetUsageError(f"--openapi: {error}") from None
    return parse(text, Path(path).name)


def parse(text: str, name: str) -> Description:
    """Return the description in a text, JSON or YAML.

    ``name`` is where the text came from.

    Raises:
        TargetUsageError: it is not an OpenAPI 3 document, or describes no cancel.

    """
    where = f"the OpenAPI description {name}"
    is_json = text.lstrip("\ufeff \t\r\n").startswith("{")
    try:
        data = (
            parse_json(text.encode("utf-8", "surrogatepass"), where, LARGEST)
            if is_json
            else parse_yaml(text, where, LARGEST)
        )
    except InputError as error:
        raise TargetUsageError(str(error)) from None
    if not isinstance(data, dict) or not isinstance(data.get("paths"), dict) or not _is_openapi_3(data):
        raise TargetUsageError(f"{where} is no OpenAPI 3 document with paths: name one.")
    data = json.loads(json.dumps(data))
    info = data["info"] if isinstance(data.get("info"), dict) else {}
    title, version = str(info.get("title", "")), str(info.get("version", ""))
    defects = [*_repaired(data, title, version), *_removed(data)]
    operations = dict(_operations(data))
    if not any(operation.kind == "cancel" for operation in operations):
        raise TargetUsageError(
            f"{where} has no cancel of eCom v2, ePayment v1 or Recurring v3: name one that describes it."
        )
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return Description(name, title, version, digest, data, tuple(defects), operations)


def _is_openapi_3(data: Mapping[str, Any]) -> bool:
    return str(data.get("openapi", "")).startswith("3.")


# Repairs by name


class _Identity(Struct, frozen=True, forbid_unknown_fields=True):
    """What a description says of itself, by which it is recognised."""

    title: Text
    version: Text


class _Remark(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A known defect that needs no repair, and the files that have it."""

    id: Text
    files: Texts
    pointer: Text
    reason: Text


class _Repair(_Remark, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A known defect and its repair, as a JSON Patch operation. ``value`` is any JSON."""

    op: Literal["add", "remove", "replace"]
    value: Any = None


class _Catalogue(Struct, frozen=True, forbid_unknown_fields=True):
    repair: tuple[_Repair, ...]
    remark: tuple[_Remark, ...]
    description: dict[str, _Identity]


@cache
def _catalogue() -> _Catalogue:
    text = resources.files("conformance.fuzzing").joinpath(_REPAIRS).read_text(encoding="utf-8")
    return parse_toml(text, _Catalogue, _REPAIRS)


def _repaired(data: dict[str, Any], title: str, version: str) -> Iterator[DescriptionDefect]:
    """Repair the known defects of the description with this title and version.

    Yield them, and those that remain.
    """
    catalogue = _catalogue()
    files = {
        file
        for file, identity in catalogue.description.items()
        if (identity.title, identity.version) == (title, version)
    }
    for repair in catalogue.repair:
        # A later copy with the same version may not have the defect.
        if files.intersection(repair.files) and _apply(data, repair):
            yield DescriptionDefect(repair.id, repair.pointer, repair.reason, repair.op)
    for remark in catalogue.remark:
        if files.intersection(remark.files) and _exists(data, _segments(remark.pointer)):
            yield DescriptionDefect(remark.id, remark.pointer, remark.reason)


def _apply(data: dict[str, Any], repair: _Repair) -> bool:
    *path, name = _segments(repair.pointer)
    changed = False
    for holder in _holders(data, path):
        if (repair.op == "add") == (name in holder):
            continue
        if repair.op == "remove":
            del holder[name]
        elif holder.get(name) == repair.value:
            continue
        else:
            holder[name] = deepcopy(repair.value)
        changed = True
    return changed


def _segments(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _holders(node: Any, path: Sequence[str]) -> Iterator[dict[str, Any]]:
    if not path:
        if isinstance(node, dict):
            yield node
    elif isinstance(node, dict):
        for name in list(node) if path[0] == "*" else [path[0]]:
            if name in node:
                yield from _holders(node[name], path[1:])


def _exists(data: dict[str, Any], path: Sequence[str]) -> bool:
    *before, last = path
    return any(last in holder for holder in _holders(data, before))


# Defects that any description may have


def _removed(data: dict[str, Any]) -> Iterator[DescriptionDefect]:
    """Remove what leads out of the document or to nothing, and invalid patterns, so that the rest can be used.

    Nothing that a description names is fetched: data that looks like a reference goes as well, since what draws from
    the description may take it for one. Yield the defects.
    """
    for pointer, node, is_data in list(_objects(data, "", is_data=False)):
        for name in _BASES:
            if isinstance(node.get(name), str) and not is_data:
                del node[name]
        references = [node[name] for name in _REFERENCES if isinstance(node.get(name), str)]
        references = [reference for reference in references if not _resolves(data, reference)]
        references += [str(node[name]) for name in _FETCHED if name in node]
        if references:
            node.clear()
            yield DescriptionDefect(
                "reference-that-leads-nowhere", pointer, f"It refers to {references[0]}, which is not in it.", "remove"
            )
        pattern = node.get("pattern")
        if isinstance(pattern, str) and not is_data and not _is_pattern(pattern):
            del node["pattern"]
            yield DescriptionDefect(
                "pattern-that-is-none", f"{pointer}/pattern", f"{pattern!r} is no regular expression.", "remove"
            )


def _objects(node: Any, pointer: str, *, is_data: bool) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Iterate over the objects of a document, each with its pointer, and whether it is data.

    What is below the name of a property is a schema, whatever the name is.
    """
    if isinstance(node, dict):
        yield pointer, node, is_data
        named = pointer.endswith("/properties")
        for name, value in node.items():
            place = f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"
            yield from _objects(value, place, is_data=is_data or (name in _DATA and not named))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _objects(value, f"{pointer}/{index}", is_data=is_data)


def _resolves(data: Any, reference: str) -> bool:
    if not reference.startswith("#"):
        return False
    node = data
    for part in _segments(reference[1:]):
        if isinstance(node, list) and len(part) < 10 and part.isdecimal() and int(part) < len(node):
            node = node[int(part)]
        elif isinstance(node, dict) and part in node:
            node = node[part]
        else:
            return False
    return True


def _is_pattern(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    return len(pattern) <= _LONGEST_PATTERN


# Operations


def _operations(data: dict[str, Any]) -> Iterator[tuple[Operation, tuple[str, frozenset[str]]]]:
    bases = _bases(data)
    for path, item in data["paths"].items():
        for method in METHODS:
            described = item.get(method) if isinstance(item, dict) else None
            if not isinstance(described, dict):
                continue
            operation = next(
                (candidate for base in bases if (candidate := operation_at(method, base + path)) is not None), None
            )
            if operation is not None:
                responses = described.get("responses")
                yield operation, (path, frozenset(map(str, responses if isinstance(responses, dict) else ())))


def _bases(data: dict[str, Any]) -> list[str]:
    """Return the paths that may precede a description's own.

    These are the empty path, those of its servers, and those of the APIs.
    """
    servers = data.get("servers")
    listed = (
        [server.get("url", "") for server in servers if isinstance(server, dict)] if isinstance(servers, list) else []
    )
    paths = [_path_of(str(url)) for url in listed]
    roots = [path for spec in SPECS.values() for path in (spec.root, spec.root.rpartition("/")[0])]
    return list(dict.fromkeys(["", *paths, *roots]))


def _path_of(url: str) -> str:
    """Return the path of a server's URL, which may be relative; empty where the text is none."""
    try:
        return urlsplit(url).path.rstrip("/")
    except ValueError:
        return ""
