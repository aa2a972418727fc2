"""Records cross packages as frozen classes: outside `evidence` nobody reads one by the names of its JSON."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("conformance", "reports", "strategies")
BORDERS = {
    "conformance/evidence/": "where records are parsed and written",
    "conformance/wire/": "HTTP bodies of the three APIs",
    "conformance/sandbox/": "HTTP bodies of the provider that is played, and ASGI's scopes",
    "conformance/targets/": "HTTP bodies, tokens, WSGI environments, and what an adapter answers",
    "conformance/domain/toml.py": "groups of a regular expression",
    "conformance/domain/steps.py": "the stored form of a history",
    "conformance/domain/history_text.py": "the stored form of a history",
    "conformance/domain/expectation.py": "an example in a docstring or the stored form of permitted values",
    "conformance/obligations/apis/": "HTTP bodies of a merchant's requests",
    "conformance/obligations/history.py": "the stored form of a merchant's history",
    "conformance/obligations/response_reader.py": "HTTP bodies of the provider's responses",
    "conformance/merchant/provider_double/": "HTTP bodies, and options of an HTTP client",
    "conformance/merchant/integration/time_zone.py": "the environment of this process",
    "conformance/merchant/integration/kept_process.py": "what a merchant's command answers",
    "conformance/obligations/cause_rules.py": "a table of the actions that are a cause for a request",
    "conformance/obligations/observation.py": "HTTP bodies of the provider's responses",
    "conformance/results/merchant_counterexamples.py": "the stored form of a merchant's counterexample",
    "conformance/rulebook/": "TOML tables",
    "conformance/fuzzing/": "OpenAPI documents and HTTP bodies",
    "conformance/ageing/": "the file of planted orders",
    "conformance/api/explanation.py": "a table of words",
    "conformance/runner/example_database.py": "the stored form of shared examples",
    "conformance/cli/commands/bundle.py": "groups of a regular expression",
    "conformance/cli/commands/doctor.py": "tables of a configuration file",
    "conformance/cli/doctor/installation.py": "the metadata of an installed package",
    "conformance/cli/run_document.py": "report.json, from which the document is made",
    "conformance/cli/commands/sandbox.py": "options of the command line",
    "conformance/plugin/": "what pytest-xdist hands over",
    "conformance/verification/attestation.py": "in-toto statements, and variables of the environment",
    "conformance/verification/bundle.py": "the manifest of a bundle",
    "conformance/verification/signing.py": "a DSSE envelope",
    "conformance/verification/verify.py": "an in-toto statement, and groups of a regular expression",
    "reports/agreement.py": "reports, read back from their files",
    "reports/detection_power.py": "the file of measured detection power",
    "reports/explanation/facts.py": "the cell of the grid that a case comes from",
    "reports/formats/sarif.py": "the SARIF log that is being written",
    "reports/formats/statement.py": "the in-toto statement that is being written",
    "reports/html/story.py": "a table of words",
    "reports/wording/": "groups of a regular expression, and a merchant's own view of its books",
}
"""Where a text in brackets is something else than a record's field, and what it is."""


def subscripts(path):
    """Yield the line and the key of every subscript with a text in brackets."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        key = node.slice if isinstance(node, ast.Subscript) else None
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield node.lineno, key.value


@cache
def found():
    """Return the subscripts of every file of the product, by the file's path from the root."""
    files = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    plain = (path for path in files if not any(parent.is_symlink() for parent in path.parents))
    return {path.relative_to(ROOT).as_posix(): list(subscripts(path)) for path in plain}


def test_no_record_is_read_by_the_names_of_its_json():
    others = {path: places for path, places in found().items() if places and not path.startswith(tuple(BORDERS))}
    assert others == {}, "use a record's attributes; where it is no record, name the border in BORDERS with a reason"


@pytest.mark.parametrize("border", BORDERS)
def test_every_border_that_is_named_is_one(border):
    assert any(places for path, places in found().items() if path.startswith(border))
