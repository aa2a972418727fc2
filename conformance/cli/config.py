"""The options that files choose: ``[tool.cancel-conformance]`` of ``pyproject.toml``, and the file of ``--config``.

A file has one table for each command, with the names of its options. The file of ``--config`` may also have the options
of the command at its top. The command line wins over ``--config``, which wins over ``pyproject.toml``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import rich_click as click
from msgspec import UNSET, Meta, Struct, UnsetType, defstruct

from conformance.cli.arguments import PROGRAM, cli
from conformance.cli.options import Whole
from conformance.domain.names import did_you_mean
from conformance.domain.toml import Count
from conformance.errors import UsageError
from conformance.inputs.files import read_bytes
from conformance.results.toml_file import read_table, struct_from
from conformance.results.waivers import Waiver

PROJECT_FILE: Final = "pyproject.toml"
TABLE: Final = f"tool.{PROGRAM}"

Value = Annotated[str, Meta(min_length=1, description="a non-empty text")]
"""What an option is given. As on the command line, a path may begin or end with a space."""
Waivers = Value | tuple[Value | Waiver, ...]
Processes = Annotated[Count | Value, Meta(description="a whole number or 'auto'")]

_TYPES: Final[Mapping[str, Any]] = {"waive": Waivers, "processes": Processes}
"""The types of the options that a file may write in more ways than the command line."""
_COMMAND_LINE_ONLY: Final = frozenset({"config", "resume", "yes"})


def configured(command: click.Command, path: str | None) -> dict[str, Any]:
    """Return the options that files choose for a command, by the names of its parameters, as click's ``default_map``.

    Raises:
        UsageError: a file cannot be read or is not TOML, or has a name or a value that no option has.

    """
    return options_of_project(command)[0] | options_of_file(command, path)


def options_of_project(command: click.Command) -> tuple[dict[str, Any], Path | None]:
    """Return what the nearest ``pyproject.toml`` chooses that has a table for this program, here or further up.

    The search ends at the root of a repository: what lies above it is somebody else's, and can name a command to run.
    The path is that of the file, if there is one.

    Raises:
        UsageError: a file cannot be read or is not TOML, or has a name or a value that no option has.

    """
    for folder in _folders_of_project():
        path = folder / PROJECT_FILE
        if _names_the_program(path):
            tool = read_table(path).get("tool")
            table = tool.get(PROGRAM) if isinstance(tool, dict) else None
            if table is not None:
                return _of_project_table(command, table, path), path
    return {}, None


def _folders_of_project() -> Iterator[Path]:
    here = Path.cwd()
    for folder in (here, *here.parents):
        yield folder
        if (folder / ".git").exists():
            return


def _names_the_program(path: Path) -> bool:
    """Tell whether a file has to be read: one that does not name the program may be as wrong as it likes."""
    try:
        return path.is_file() and PROGRAM.encode() in read_bytes(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None


def _of_project_table(command: click.Command, table: Any, path: Path) -> dict[str, Any]:
    place = f"{path}, [{TABLE}]"
    if not isinstance(table, dict):
        raise UsageError(f"{place} must be a table of tables, one for each command.")
    for name, value in table.items():
        if not isinstance(value, dict):
            raise UsageError(f"{place}: put {name!r} into the table of a command, such as [{TABLE}.run].")
        if name not in cli.commands:
            raise UsageError(f"{place}: there is no command {name!r}.{did_you_mean(name, cli.commands)}")
    return _options(command, table.get(command.name, {}), f"{path}, [{TABLE}.{command.name}]")


def options_of_file(command: click.Command, path: str | None) -> dict[str, Any]:
    """Return what the file of ``--config`` chooses, if there is one.

    It has options at its top, for whatever command it is given to, and in the table of the command.

    Raises:
        UsageError: it cannot be read or is not TOML, or has a name or a value that no option has.

    """
    if path is None:
        return {}
    table = read_table(Path(path))
    tables = {name: value for name, value in table.items() if name in cli.commands and isinstance(value, dict)}
    top = {name: value for name, value in table.items() if name not in tables}
    own = tables.get(str(command.name), {})
    return _options(command, top, path) | _options(command, own, f"{path}, [{command.name}]")


def _options(command: click.Command, table: dict[str, Any], place: str) -> dict[str, Any]:
    chosen = struct_from(table, table_type(command), place, quoted_dates=True)
    options: dict[str, Any] = {}
    for key, option in options_of(command):
        value = getattr(chosen, key.replace("-", "_"))
        if value is not UNSET:
            options[str(option.name)] = _texts(value) if option.multiple else value
    return options


def table_type(command: click.Command) -> type[Struct]:
    """Return the type of the table of a command: what each of its options may be given."""
    kinds = [(key.replace("-", "_"), _type(option) | UnsetType, UNSET) for key, option in options_of(command)]
    return defstruct(str(command.name), kinds, rename="kebab", forbid_unknown_fields=True, frozen=True, kw_only=True)


def options_of(command: click.Command) -> Iterator[tuple[str, click.Option]]:
    """Iterate over the options of a command that a file can choose, by their names there."""
    for option in command.params:
        if isinstance(option, click.Option) and option.name not in _COMMAND_LINE_ONLY:
            names = [name.removeprefix("--") for name in option.opts if name.startswith("--")]
            yield from ((name, option) for name in names or [str(option.name)])


def _type(option: click.Option) -> Any:
    """Return the type of what a file gives an option."""
    kind: Any = Value
    if option.name in _TYPES:
        return _TYPES[option.name]
    if option.is_flag:
        return bool
    if isinstance(option.type, click.Choice):
        kind = Literal[tuple(option.type.choices)]
    elif isinstance(option.type, Whole):
        kind = Annotated[int, Meta(ge=option.type.least, description=f"a whole number, {option.type.least} or more")]
    return kind | tuple[kind, ...] if option.multiple else kind


def _texts(value: str | tuple[str | Waiver, ...]) -> list[str]:
    entries = (value,) if isinstance(value, str) else value
    return [entry.as_text() if isinstance(entry, Waiver) else entry for entry in entries]
