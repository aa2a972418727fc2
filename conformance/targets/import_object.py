"""Imports the object that ``module:name`` stands for."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from conformance.targets.event_loop_thread import describe_failure
from conformance.targets.transport import TargetUsageError


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
    value: Any = _import_module(module)
    for name in attribute.split("."):
        try:
            value = getattr(value, name)
        except AttributeError:
            raise TargetUsageError(
                f"the module {module!r} has no {attribute!r}: check the name after the colon."
            ) from None
    return value


def _import_module(module: str) -> ModuleType:
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and error.name and f"{module}.".startswith(f"{error.name}."):
            raise TargetUsageError(
                f"there is no module {module!r}: start in the folder that it is in, or install it."
            ) from None
        raise TargetUsageError(f"the module {module!r} cannot be imported: {describe_failure(error)}.") from error
