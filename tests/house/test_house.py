"""What a reader of the product may rely on: names, sizes, and where a thing is said."""

import ast
import doctest
import importlib
import re
import tomllib

import pytest

from .modules import ROOT, functions, modules
from .rooms import PAGE, page

LOOSE = {"__init__", "__main__", "adapter", "errors"}
"""The modules that may lie in ``conformance/`` beside its packages."""
MOST_LINES = 40
NO_NAMES = {"one", "said", "told", "found", "given", "left", "seen", "kept"}
"""Words that no reader can search for."""
TERMS = {"conformance.model": {"given"}, "conformance.evidence.records": {"said", "seen", "told", "left", "kept"}}
"""Where such a word is a term: a column of the model's truth tables, and keys that journals have stored."""


def test_only_few_modules_lie_beside_the_packages():
    assert {path.stem for path in (ROOT / "conformance").glob("*.py")} == LOOSE


def test_every_package_has_its_floor():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(contract for contract in contracts["contracts"] if contract["type"] == "layers")
    named = {name.strip() for layer in layers["layers"] for name in layer.split("|")}
    assert layers["exhaustive"]
    assert named == {module.name.split(".")[1] for module in modules() if "." in module.name}


def test_the_page_of_modules_is_current():
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "write it again: python -m tests.house.rooms > docs/development/rooms.md"
    )


def test_every_package_is_in_the_table_of_rooms():
    text = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
    packages = {".".join(module.name.split(".")[:2]) for module in modules() if "." in module.name}
    assert [name for name in sorted(packages - {"conformance.__main__"}) if f"`{name}`" not in text] == []


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_names_can_be_searched_for(module):
    terms = set().union(*(words for place, words in TERMS.items() if module.name.startswith(place)))
    bound = [
        f"{module.place}:{node.lineno}: {name}"
        for node in ast.walk(module.tree)
        for name in _bound_names(node)
        if name in NO_NAMES - terms
    ]
    assert bound == []


def _bound_names(node):
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name.strip("_")


@pytest.mark.parametrize(
    "name", [module.name for module in modules() if ">>> " in module.path.read_text(encoding="utf-8")]
)
def test_the_examples_in_docstrings_give_what_they_show(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted
    assert result.failed == 0


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_functions_fit_on_a_screen(module):
    long = [
        f"{module.place}:{function.lineno}: {function.name} has {_lines(function)} lines"
        for function in functions(module)
        if _lines(function) > MOST_LINES
    ]
    assert long == []


def _lines(function):
    """Count a function's lines without its docstring."""
    first = function.body[0]
    has_docstring = isinstance(first, ast.Expr) and isinstance(getattr(first, "value", None), ast.Constant)
    docstring = first.end_lineno - first.lineno + 1 if has_docstring else 0
    return function.end_lineno - function.lineno + 1 - docstring


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_a_module_says_in_one_line_what_it_is(module):
    assert module.summary, f"{module.place} has no docstring"
    assert module.summary[-1] in ".:!?"
    assert not re.search(r"see docs/", module.summary, re.IGNORECASE)
