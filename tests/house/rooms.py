"""``python -m tests.house.rooms > docs/development/rooms.md``: every module, from the docstrings."""

from __future__ import annotations

from itertools import groupby

from .modules import ROOT, Module, modules

PAGE = ROOT / "docs" / "development" / "rooms.md"
HEAD = """\
# Every module

Written by `python -m tests.house.rooms` from the modules' own first lines. The page about the
[architecture](../explanation/architecture.md) says how the packages stand on each other.
"""


def page() -> str:
    """Return the page: a section for each package, a row for each module."""
    sections = [HEAD]
    for package, members in groupby(modules(), key=package_of):
        rows = [f"| `{module.place}` | {module.summary} |" for module in members]
        sections.append("\n".join([f"## {package}\n", "| module | what it is |", "| --- | --- |", *rows]) + "\n")
    return "\n".join(sections)


def package_of(module: Module) -> str:
    """Return the package that a module is listed under: the first two names of its path."""
    parts = module.name.split(".")
    is_package = module.path.name == "__init__.py" or len(parts) > 2
    return ".".join(parts[:2]) if is_package else "conformance"


if __name__ == "__main__":
    print(page(), end="")
