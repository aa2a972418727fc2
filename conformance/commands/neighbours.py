"""Whether the packages ``reports`` and ``strategies`` that Python finds are ours: both names are common ones."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final

HOME: Final = Path(__file__).resolve().parents[2]
OURS: Final = ("reports", "strategies")


class ShadowedError(ImportError):
    """Another package hides one of ours. The message says which, and where it is."""


def check() -> None:
    """Make sure that our own packages are the ones that are found.

    Raises:
        ShadowedError: one of them is hidden by another package, or missing.

    """
    for name in OURS:
        found = _place(name)
        if found is None:
            raise ShadowedError(f"The package {name!r} of cancel-conformance is not installed beside it in {HOME}.")
        if found != HOME / name:
            raise ShadowedError(
                f"Another {name!r} at {found} hides the one of cancel-conformance: "
                f"start it in another folder, or take that one out of PYTHONPATH."
            )


def _place(name: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).resolve()
    return Path(spec.origin or name).resolve()
