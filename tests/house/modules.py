"""The product's modules, as text and as syntax trees: what the tests of the house look at."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("conformance", "reports", "strategies", "examples")


@dataclass(frozen=True)
class Module:
    """One file of the product. ``name`` is how it is imported."""

    path: Path
    tree: ast.Module

    @property
    def name(self) -> str:
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        prefix = () if parts[0] == "conformance" else ("conformance",)
        return ".".join((*prefix, *parts)).removesuffix(".__init__")

    @property
    def place(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def summary(self) -> str:
        """The first line of the module's docstring."""
        return (ast.get_docstring(self.tree) or "").partition("\n")[0]


@cache
def modules() -> tuple[Module, ...]:
    """Return every module of the product, by name. The links in ``conformance/`` are not followed."""
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    found = [Module(path, ast.parse(path.read_text(encoding="utf-8"))) for path in paths if not _is_below_link(path)]
    return tuple(sorted(found, key=lambda module: module.name))


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Iterate over a module's functions and methods, nested ones included."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _is_below_link(path: Path) -> bool:
    return any(parent.is_symlink() for parent in path.parents)
