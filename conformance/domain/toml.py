"""TOML texts as frozen values, and what is wrong with one in a sentence."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import inspect

from conformance.domain.names import nearest

T = TypeVar("T", bound=msgspec.Struct)

Text = Annotated[
    str, msgspec.Meta(pattern=r"\A\S(?s:.*\S)?\Z", description="a non-empty text without spaces around it")
]
Texts = tuple[Text, ...]
Count = Annotated[int, msgspec.Meta(ge=0, description="a whole number, 0 or more")]

_DATES: Final = (date, datetime, time)
_IDENTITIES: Final = ("id", "key", "rule", "name")
"""The keys that name a table in a list of tables, the first that it has."""
_FAILURE: Final = re.compile(r"(?P<problem>.*?)(?: - at `\$(?P<path>[^`]*)`)?", re.DOTALL)
_MOST_PARTS: Final = 1_000
_LONGEST: Final = 64
"""Bits of a number that is shown. Python refuses to write one of more than 4,300 digits."""
_MISSING: Final = re.compile(r"Object missing required field `(.*)`")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`")
_SEGMENT: Final = re.compile(r"\.(?P<key>[^.\[]+)|\[(?P<index>\d+)\]")
_ANY_KEY: Final = "[...]"
"""How msgspec writes a key of a table that has no fixed keys."""


class TomlError(ValueError):
    """A text that is not TOML, or does not describe what it should. The message is one sentence that says where."""


def parse_toml(text: str, kind: type[T], name: str, *, quoted_dates: bool = False) -> T:
    """Return a TOML text as a value of ``kind``.

    ``name`` is what the text is called in an error. With ``quoted_dates`` a date may also be a text.

    Raises:
        TomlError: it is not TOML, or a key is missing, unknown, or has a value of another type. For example:
            ``ecom.toml, rule EC-01: title is missing.``

    """
    return as_struct(load_table(text, name), kind, name, quoted_dates=quoted_dates)


def load_table(text: str, name: str) -> dict[str, Any]:
    """Return a TOML text as a table.

    Raises:
        TomlError: it is not TOML.

    """
    # Python's parser takes the square of the time for a key in parts.
    if any(line.count(".") > _MOST_PARTS for line in text.splitlines()):
        raise TomlError(f"{name} is not TOML that can be read: a key in it has more than {_MOST_PARTS:,} parts.")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TomlError(f"{name} is not TOML: {error}.") from None
    except ValueError:
        raise TomlError(f"{name} is not TOML: a number in it is too long.") from None
    except RecursionError:
        raise TomlError(f"{name} is not TOML that can be read: it is nested too deep.") from None


def as_struct(data: dict[str, Any], kind: type[T], name: str, *, quoted_dates: bool = False) -> T:
    """Return a table as a value of ``kind``; see ``parse_toml``.

    Raises:
        TomlError: a key is missing, unknown, or has a value of another type.

    """
    try:
        return msgspec.convert(data, kind, builtin_types=() if quoted_dates else _DATES, dec_hook=_member)
    except msgspec.ValidationError as error:
        sentence = f"{name}{_sentence(str(error), data, kind)}"
        raise TomlError(sentence if sentence.endswith("?") else f"{sentence}.") from None


def _member(kind: type[Any], value: object) -> Any:
    """Return a member of an open enumeration such as `Profile`, which msgspec takes for a type of its own."""
    return kind(value)


def _sentence(failure: str, data: Any, kind: type[msgspec.Struct]) -> str:
    """Return what msgspec found: the entry, the key, and what was expected there."""
    match = _FAILURE.fullmatch(failure)
    problem, path = (match["problem"], match["path"] or "") if match else (failure, "")
    if _ANY_KEY in path:
        return f": {failure}"
    value, expected = data, inspect.type_info(kind)
    places: list[str] = []
    for segment in _SEGMENT.finditer(path):
        step = segment["key"] or int(segment["index"])
        value, expected = value[step], _inside(expected, step)
        if isinstance(step, str):
            places.append(step)
        elif isinstance(value, dict):
            places[-1] += f" {_identity(value) or step + 1}"
        else:
            places[-1] = f"item {step + 1} of {places[-1]}"
    if missing := _MISSING.fullmatch(problem):
        return f"{_joined(places)}: {missing[1]} is missing"
    if unknown := _UNKNOWN.fullmatch(problem):
        return f"{_joined(places)}: there is no key {unknown[1]!r}{_suggestion(unknown[1], _keys(expected))}"
    if not places:
        return f": {failure}"
    return f"{_joined(places[:-1])}: {places[-1]} must be {_described(expected)}, not {_shown(value)}"


def _identity(table: dict[str, Any]) -> str:
    name = next((table[key] for key in _IDENTITIES if key in table), "")
    return name if isinstance(name, str) else ""


def _joined(places: list[str]) -> str:
    return "".join(f", {place}" for place in places)


def _alternatives(kind: inspect.Type) -> Iterator[inspect.Type]:
    """Yield the types that a value may have, without what describes them."""
    match kind:
        case inspect.Metadata():
            yield from _alternatives(kind.type)
        case inspect.UnionType():
            for each in kind.types:
                yield from _alternatives(each)
        case _:
            yield kind


def _inside(kind: inspect.Type, step: str | int) -> inspect.Type:
    """Return the type of what a key or an index leads to."""
    for alternative in _alternatives(kind):
        match alternative:
            case inspect.StructType() if isinstance(step, str):
                return next(field.type for field in alternative.fields if field.encode_name == step)
            case inspect.VarTupleType() if isinstance(step, int):
                return alternative.item_type
    return inspect.AnyType()


def _keys(kind: inspect.Type) -> list[str]:
    structs = (each for each in _alternatives(kind) if isinstance(each, inspect.StructType))
    return [field.encode_name for struct in structs for field in struct.fields]


def _suggestion(name: str, keys: list[str]) -> str:
    """Return the key that was probably meant, or else those that there are."""
    key = nearest(name, keys)
    return f": {_choice(keys)}" if key is None else f", did you mean {key!r}?"


def _choice(keys: list[str]) -> str:
    return f"the only one is {keys[0]!r}" if len(keys) == 1 else f"the ones to choose from are {', '.join(keys)}"


def _described(kind: inspect.Type) -> str:
    """Return what a value of a type is called, with its article."""
    match kind:
        case inspect.Metadata(extra_json_schema={"description": str(description)}):
            return description
        case inspect.UnionType():
            return " or ".join(_described(each) for each in kind.types if not isinstance(each, inspect.NoneType))
        case inspect.EnumType():
            return f"one of {', '.join(str(member.value) for member in kind.cls)}"
        case inspect.CustomType():
            members: Any = kind.cls
            return f"one of {', '.join(str(member) for member in members)}"
        case inspect.LiteralType():
            return " or ".join(repr(value) for value in kind.values)
        case inspect.VarTupleType():
            tables = (isinstance(each, inspect.StructType) for each in _alternatives(kind.item_type))
            return (
                f"a list of {' or '.join(sorted({'tables' if table else 'texts' for table in tables}, reverse=True))}"
            )
    return _NAMES.get(type(kind), "of another type")


_NAMES: Final[dict[type[inspect.Type], str]] = {
    inspect.StrType: "a text",
    inspect.BoolType: "true or false",
    inspect.DateType: "a day such as 2027-01-31, without quotation marks",
    inspect.StructType: "a table",
}


def _shown(value: object) -> str:
    """Return a value as it stands in the text, or what it is where it is long."""
    match value:
        case dict():
            return "a table"
        case list():
            return "a list"
        case bool():
            return str(value).lower()
        case str():
            return repr(value)
        case int() if value.bit_length() > _LONGEST:
            return "a number as long as that"
    return str(value)
