"""Imports the object that ``module:name`` stands for."""

from __future__ import annotations

import importlib
import sys
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from conformance.targets.crash import crash_text, located, place_of
from conformance.targets.transport import TargetUsageError

MOST_NAMED: Final = 5
"""The most names of a module that are listed where the one that was asked for is missing."""


def import_object(kind: str, place: str) -> Any:
    """Import a module, also from the current folder, and return one of its attributes.

    Args:
        kind: the target's kind, for the message.
        place: ``module:attribute``, both with dots where needed.

    Raises:
        TargetUsageError: there is no such object, or the import failed.

    """
    module, colon, attribute = place.partition(":")
    if not colon or not all(part.isidentifier() for part in (*module.split("."), *attribute.split("."))):
        raise TargetUsageError(f"'{kind}:{place}' does not name an object: write {kind}:module:name.")
    if module.endswith(".py"):
        suggestion = f"{kind}:{module.removesuffix('.py')}:{attribute}"
        raise TargetUsageError(f"{module!r} is the name of a file: write the name of the module, {suggestion}.")
    value: Any = _import_module(module)
    for name in attribute.split("."):
        try:
            value = getattr(value, name)
        except AttributeError:
            raise TargetUsageError(f"the module {module!r} has no {attribute!r}: {_advice(value, name)}") from None
    return value


def _advice(parent: object, name: str) -> str:
    """Return what to do about a name that is not there: the nearest one, or what there is."""
    own = getattr(parent, "__name__", "")
    names = [
        key
        for key, value in vars(parent).items()
        if not key.startswith("_") and not isinstance(value, ModuleType) and getattr(value, "__module__", own) == own
    ]
    near = get_close_matches(name, names, 1, cutoff=0.75)
    if near:
        return f"did you mean {near[0]!r}?"
    there = f" (it has {', '.join(sorted(names)[:MOST_NAMED])})" if names else ""
    return f"check the name after the colon{there}."


def _import_module(module: str) -> ModuleType:
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and error.name:
            if f"{module}.".startswith(f"{error.name}."):
                raise TargetUsageError(
                    f"there is no module {module!r}: start in the folder that it is in, or install it."
                ) from None
            raise TargetUsageError(
                f"the module {module!r} cannot be imported: there is no module {error.name!r}, which "
                f"{place_of(error)} imports: install it where cancel-conformance is installed ({sys.prefix})."
            ) from error
        raise TargetUsageError(
            f"the module {module!r} cannot be imported: {located(error)}: correct it there.", crash_text(error)
        ) from error
