"""The schemas that ``schema`` prints; that of the options in files is made from the options themselves."""

import json
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from conformance.cli.arguments import SCHEMAS
from tests.audit.stage import command

from . import config_schema
from .command import ROOT

FILE = ROOT / "conformance" / "cli" / "config.schema.json"


def test_the_schema_of_the_options_is_current():
    assert FILE.read_text(encoding="utf-8") == config_schema.text(), config_schema.__doc__


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_printed(name):
    done = command("schema", name)
    schema = json.loads(done.out)
    Draft202012Validator.check_schema(schema)
    assert (done.code, schema["$id"]) == (0, f"urn:cancel-conformance:{name}:1")


VALIDATOR = Draft202012Validator(json.loads(FILE.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ('[run]\ntarget = "embedded"\nprofile = ["ecom"]\nseed = 3\nbundle = true\n', True),
        ('[run]\nprofile = "ecom"\nprocesses = 2\ninterpretation = "C8=reject"\n', True),
        ("[merchant]\nstrict = true\n[age]\ncopies = 1\n", True),
        ("[run]\nsead = 3\n", False),
        ("[run]\nseed = -1\n", False),
        ('[run]\nprofile = ["nope"]\n', False),
        ('[run]\nresume = "out"\n', False),
        ('[run]\nconfig = "x"\n', False),
        ("[rnu]\n", False),
        ('[[run.waive]]\nrule = "EP-05"\n', False),
    ],
)
def test_an_editor_is_told_what_the_command_line_says(text, valid):
    assert VALIDATOR.is_valid(tomllib.loads(text)) is valid


def test_the_documented_tables_are_valid():
    blocks = Path(ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8").split("```toml\n")[1:]
    texts = [block.partition("```")[0] for block in blocks]
    tables = [tomllib.loads(text)["tool"]["cancel-conformance"] for text in texts if "[tool." in text]
    assert tables
    for table in tables:
        # A date is TOML's own in the file, and a text in JSON.
        VALIDATOR.validate(json.loads(json.dumps(table, default=str)))


def test_no_secret_is_an_option():
    names = {name for table in VALIDATOR.schema["$defs"].values() for name in table["properties"]}
    assert not [
        name
        for name in names
        if any(word in name for word in ("secret", "token", "password", "client", "subscription"))
    ]
