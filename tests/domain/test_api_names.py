"""Outside an API's own modules nothing names an API: what differs is read from its row, or from what it registers."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.domain.order import Profile

ROOT = Path(__file__).parents[2]
NAMES = {profile.value for profile in Profile}
OWN = (
    "conformance/domain/order.py",
    "conformance/domain/api_table.py",
    "conformance/sandbox/*_answers.py",
    "strategies/provider/grid_recurring.py",
    *(f"**/{name}.py" for name in sorted(NAMES)),
)
"""The table of APIs, and what belongs to one API."""
REGISTRATIONS = (
    "conformance/wire/__init__.py",
    "conformance/model/__init__.py",
    "conformance/sandbox/__init__.py",
    "conformance/sandbox/apis.py",
    "conformance/judging/incidental/__init__.py",
    "conformance/obligations/apis/__init__.py",
    "conformance/fuzzing/requests/__init__.py",
    "conformance/merchant/provider_double/apis/__init__.py",
    "strategies/provider/__init__.py",
)
"""Where the modules of an API are imported, to be registered."""
FILES = [
    path
    for folder in ("conformance", "reports", "strategies")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if not any(parent.is_symlink() for parent in path.parents)
]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def is_one_of(path: Path, patterns: tuple[str, ...]) -> bool:
    return any(path.relative_to(ROOT).match(pattern) for pattern in patterns)


def names_of_apis(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Constant(value=str(text)) if text in NAMES:
                yield f"{node.lineno}: {text!r}"
            case ast.Attribute(value=ast.Name(id="Profile"), attr=attribute) if attribute.lower() in NAMES:
                yield f"{node.lineno}: Profile.{attribute}"
            case ast.ImportFrom(module=str(module)) if not is_one_of(path, REGISTRATIONS):
                if module.rpartition(".")[2] in NAMES:
                    yield f"{node.lineno}: import from {module}"


def test_a_module_that_is_not_one_apis_own_names_no_api():
    named = {relative(path): list(names_of_apis(path)) for path in FILES if not is_one_of(path, OWN)}
    assert {path: names for path, names in named.items() if names} == {}


@pytest.mark.parametrize("pattern", [*OWN, *REGISTRATIONS])
def test_every_exception_is_still_needed(pattern):
    assert any(is_one_of(path, (pattern,)) for path in FILES)


def test_a_module_that_names_an_api_is_noticed():
    assert len(list(names_of_apis(ROOT / "conformance/domain/api_table.py"))) > 20
