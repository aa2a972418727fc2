"""JSON and YAML texts of a bounded depth and number of values.

A text of a megabyte can stand for more values than a memory holds: through references (``&a`` and ``*a`` in YAML), or
because an empty list has two bytes in the text and sixty in memory. Both are counted before a value is made.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

import yaml

from conformance.inputs.files import SMALL, InputError, check_size

_STRINGS: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_BRACKETS: Final = re.compile(rb"[\[{\]}]")
_STANDARD_TAG: Final = "tag:yaml.org,2002:str"
SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Limits:
    """What an input may have: bytes, values (with those that references repeat), and levels of nesting."""

    size: int = SMALL
    values: int = 200_000
    depth: int = 100


DEFAULT: Final = Limits()


def parse_json(data: bytes, name: str, limits: Limits = DEFAULT) -> Any:
    """Return the value of a JSON text in UTF-8; ``name`` is what an error calls it.

    Raises:
        InputError: it is not JSON, or more than ``limits`` allow.

    """
    check_size(len(data), limits.size, name)
    _check_json(data, name, limits)
    try:
        return json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise InputError(f"{name} is not JSON: it is not UTF-8 text.") from None
    except (ValueError, RecursionError) as error:
        reason = "" if isinstance(error, json.JSONDecodeError | RecursionError) else ": a number in it is too long"
        raise InputError(f"{name} is not JSON{reason}.") from None


def _check_json(data: bytes, name: str, limits: Limits) -> None:
    """Count the values and the levels of a JSON text.

    Of a text that is not JSON anything may be counted: it is refused for that.
    """
    bare = _STRINGS.sub(b"", data)
    if sum(bare.count(sign) for sign in (b",", b"[", b"{")) > limits.values:
        raise _too_many(name, limits)
    depth = 0
    for match in _BRACKETS.finditer(bare):
        depth += 1 if match[0] in b"[{" else -1
        if depth > limits.depth:
            raise _too_deep(name, limits)


class _Loader(SafeLoader):  # type: ignore[misc]
    """Reads YAML 1.2, which OpenAPI uses.

    Dates are text, ``NO`` is Norway and not a boolean, and ``1:30`` is no number with the base 60.
    """


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, regex) for tag, regex in resolvers if tag.endswith((":null", ":merge"))]
    for letter, resolvers in SafeLoader.yaml_implicit_resolvers.items()
}
for _name, _pattern, _letters in (
    ("bool", r"^(?:true|false)$", "tf"),
    ("int", r"^[-+]?(?:0|[1-9][0-9]{0,999})$", "-+0123456789"),
    ("float", r"^[-+]?(?:0|[1-9][0-9]{0,999})(?:\.[0-9]{0,999})?(?:[eE][-+]?[0-9]{1,9})?$", "-+0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(_pattern), list(_letters))


def parse_yaml(text: str, name: str, limits: Limits = DEFAULT) -> Any:
    """Return the value of a YAML text; ``name`` is what an error calls it.

    Raises:
        InputError: it is not YAML, has a tag of its own, or is more than ``limits`` allow.

    """
    check_size(len(text), limits.size, name)
    try:
        _check_yaml(text, name, limits)
        return yaml.load(text, _Loader)  # nosec B506  # a safe loader of our own
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{name} is not YAML.") from None


def _check_yaml(text: str, name: str, limits: Limits) -> None:
    """Count the values and the levels of a YAML text, with those that its references repeat."""
    count = _Count(name, limits)
    for event in yaml.parse(text, _Loader):
        match event:
            case yaml.AliasEvent():
                count.repeat(str(event.anchor))
            case yaml.ScalarEvent() | yaml.CollectionStartEvent():
                if event.tag not in (None, "!", _STANDARD_TAG):
                    raise InputError(f"{name} has the YAML tag {event.tag!r}, which no document needs: remove it.")
                if isinstance(event, yaml.ScalarEvent):
                    count.scalar(event.anchor)
                else:
                    count.begin(event.anchor)
            case yaml.CollectionEndEvent():
                count.end()


class _Count:
    """The values of a document so far, and the levels below each of its nodes."""

    def __init__(self, name: str, limits: Limits) -> None:
        self._name = name
        self._limits = limits
        self._values = 0
        self._anchors: dict[str, tuple[int, int]] = {}
        """The values of each node that can be referred to, and its levels."""
        self._open: list[tuple[str | None, int, int]] = [(None, 0, 0)]
        """The anchor of each node that has begun, the values before it, and the levels below it so far."""

    def scalar(self, anchor: str | None) -> None:
        """Count a text, a number or another value without members."""
        if anchor:
            self._anchors[anchor] = 1, 0
        self._add(1, 0)

    def begin(self, anchor: str | None) -> None:
        """Count a node whose members follow."""
        self._open.append((anchor, self._values, 0))
        self._add(1, 0)

    def end(self) -> None:
        """Count the last node that has begun as a whole."""
        anchor, before, below = self._open.pop()
        if anchor:
            self._anchors[anchor] = self._values - before, below + 1
        self._add(0, below + 1)

    def repeat(self, anchor: str) -> None:
        """Count a node once more."""
        if anchor not in self._anchors:
            raise InputError(f"{self._name} is not YAML: *{anchor} refers to what is not complete.")
        self._add(*self._anchors[anchor])

    def _add(self, values: int, levels: int) -> None:
        self._values += values
        if self._values > self._limits.values:
            raise _too_many(self._name, self._limits)
        anchor, before, below = self._open[-1]
        self._open[-1] = anchor, before, max(below, levels)
        if len(self._open) + levels > self._limits.depth + 1:
            raise _too_deep(self._name, self._limits)


def _too_many(name: str, limits: Limits) -> InputError:
    return InputError(f"{name} has more than {limits.values:,} values, the most that are read of such an input.")


def _too_deep(name: str, limits: Limits) -> InputError:
    return InputError(f"{name} is nested more than {limits.depth} levels deep.")
