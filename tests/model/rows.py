"""``python -m tests.model.rows RULE…``: where the model encodes a rule, with the file, the line and the row.

A rule's id is looked for in the source, so that a row can be found by its id whatever builds it. An id that stands in
no row stands in what rows share: the answer to a cancel, what is read back, or what two requests at once must leave.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import conformance.model
from conformance.domain.steps import Cancel
from conformance.model.table import ApiModel, Permit, Row, Table

HERE = Path(conformance.model.__file__).parent
SHOWN = 100
"""The most characters of a row's premise that are shown."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the id of a rule stands in the source of the model, and the premise of the row that it stands in."""

    file: str
    line: int
    row: str

    def __str__(self):
        return f"conformance/model/{self.file}:{self.line}  {self.row}"


@cache
def places() -> dict[str, tuple[Place, ...]]:
    """Return where every rule's id stands in the source, without sides, by the id."""
    found: dict[str, list[Place]] = {}
    for path in sorted(HERE.glob("*.py")):
        for node, row in _strings(ast.parse(path.read_text(encoding="utf-8")), ""):
            rule = node.value.partition("/")[0]
            found.setdefault(rule, []).append(Place(path.name, node.lineno, row))
    return {rule: tuple(dict.fromkeys(where)) for rule, where in found.items()}


def _strings(node: ast.AST, row: str) -> Iterator[tuple[ast.Constant, str]]:
    match node:
        case ast.Call(func=ast.Name(id="Row" | "Silence"), keywords=keywords):
            premise = {word.arg: ast.unparse(word.value) for word in keywords if word.arg in ("given", "request")}
            row = ", ".join(f"{name} {text}" for name, text in premise.items())[:SHOWN]
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.Assign(targets=[ast.Name(id=name)]):
            row = name
        case ast.AnnAssign(target=ast.Name(id=name)):
            row = name
        case ast.Constant(value=str()):
            yield node, row
    for child in ast.iter_child_nodes(node):
        yield from _strings(child, row)


def outcomes(row: object) -> Iterator[Permit]:
    """Yield the outcomes that a row permits itself, within whatever qualifies them, and not those of other tables."""
    if isinstance(row, Permit):
        yield row
    elif not isinstance(row, Table):
        for field in fields(row):
            value = getattr(row, field.name)
            for part in value if isinstance(value, tuple) else (value,):
                if hasattr(part, "branches"):
                    yield from outcomes(part)


def own_table(model: ApiModel) -> Table:
    """Return the table in which an API says what the order decides about its cancel."""
    return next(part for row in model.tables[Cancel].rows for part in row.permits if isinstance(part, Table))


def all_rows(model: ApiModel) -> dict[str, tuple[Row, ...]]:
    """Return the rows of all tables of an API, by the kind of step."""
    rows = {kind.__name__: table.rows for kind, table in model.tables.items()}
    return {**rows, "Cancel, by the order": own_table(model).rows}


def named_by(outcome: Permit) -> set[str]:
    """Return the rules that an outcome names: those it is an example of, and those to blame."""
    named = {*outcome.rules}
    for field in fields(outcome.blame):
        named.update(getattr(outcome.blame, field.name))
    for claims in (outcome.response, outcome.also):
        if isinstance(claims, tuple):
            named.update(rule for claim in claims for rule in claim.rules)
    return {rule.partition("/")[0] for rule in named}


if __name__ == "__main__":
    for rule in sys.argv[1:]:
        print(rule, *places().get(rule, ("stands nowhere in the model",)), sep="\n  ")
