"""Help: complete at every width, in groups, with examples that the command line accepts, quick, in any locale."""

import re
import shlex
import subprocess
import sys

import pytest
import rich_click as click

from conformance.cli.main import cli, main

from .command import environment, said

COMMANDS = list(cli.commands)
WIDTHS = (40, 80, 160)


@pytest.fixture
def page(monkeypatch, capsys):
    def show(name, width):
        monkeypatch.setenv("COLUMNS", str(width))
        assert main([*name.split(), "--help"]) == 0
        return capsys.readouterr().out

    return show


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_nothing_is_cut_at_any_width(page, name, width):
    text = page(name, width)
    squeezed = re.sub(r"\s", "", text)
    assert "…" not in text
    assert "..." not in text.replace("DIR...", "").replace("[ARGS]...", "")
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    command = cli.commands[name] if name else cli
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert all(option in text for option in parameter.opts), parameter.opts
        assert getattr(parameter, "panel", None) is None or f"{parameter.panel}:" in text
    for paragraph in command.epilog.split("\n\n"):
        assert re.sub(r"\s", "", paragraph) in squeezed
    assert re.sub(r"\s", "", command.help.split("\n\n")[0]) in squeezed


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_explains_itself_in_the_same_words_everywhere(name):
    shared = {}
    for command in cli.commands.values():
        for parameter in command.params:
            shared.setdefault(parameter.name, set()).add(parameter.help)
    own = {"port", "to", "format", "directory", "force", "kind", "rule", "folder"}
    for parameter in cli.commands[name].params:
        assert parameter.help
        assert parameter.name in own or len(shared[parameter.name]) == 1, shared[parameter.name]


def examples():
    for name, command in cli.commands.items():
        lines = [line.removeprefix("$ ") for line in command.epilog.split("\n\n") if line.startswith("$ ")]
        yield from (pytest.param(name, line, id=f"{name} {number}") for number, line in enumerate(lines))
        assert lines, name


@pytest.mark.parametrize(("name", "line"), list(examples()))
def test_the_examples_are_lines_that_click_accepts(tmp_path, monkeypatch, name, line):
    (tmp_path / "cancel-conformance.toml").touch()
    monkeypatch.chdir(tmp_path)
    program, given, *words = shlex.split(line.partition(" > ")[0])
    assert (program, given) == ("cancel-conformance", name)
    cli.commands[name].make_context(name, words)


def test_the_commands_are_in_groups(page):
    text = page("", 80)
    titles = ("Test:", "Read and re-check evidence:", "Learn:", "Serve and set up:")
    places = [text.index(title) for title in titles]
    assert places == sorted(places)
    assert all(f"\n  {name} " in text for name in COMMANDS)
    assert "Exit codes: 0 conformant" in text


QUICK = """
import sys
from conformance.cli.main import main
try:
    main(sys.argv[1:])
finally:
    house = sorted(name for name in sys.modules if name.startswith("conformance"))
    print(*house, file=sys.stderr)
"""


@pytest.mark.parametrize("words", [("--help",), ("run", "--help"), ("--version",), ("rnu",), ("run", "--sed", "1"), ()])
def test_help_and_wrong_lines_import_none_of_the_house(tmp_path, words):
    done = subprocess.run(
        [sys.executable, "-c", QUICK, *words],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = done.stderr.splitlines()[-1].split()
    heavy = ("httpx", "pytest", "hypothesis", "schemathesis", "uvicorn", "jinja2")
    assert not [name for name in loaded if name.startswith(("conformance.runner", "conformance.model", *heavy))]
    if words and "help" in words[-1]:
        assert all(
            name.startswith(("conformance.cli", "conformance.domain", "conformance.errors")) for name in loaded[1:]
        )


@pytest.mark.parametrize("locale", [{"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "cp1252"}])
@pytest.mark.parametrize(
    "words", [("--help",), ("run", "--help"), ("rules",), ("rules", "--format", "markdown"), ("rnu",)]
)
def test_no_locale_breaks_or_loses_anything(tmp_path, locale, words):
    code, out, errors = said(tmp_path, *words, **locale)
    utf8, full, complaints = said(tmp_path, *words)
    assert (code, "Traceback" in errors) == (utf8, False)
    assert len(out.splitlines()) == len(full.splitlines())
    letters = re.compile(r"[A-Za-z0-9]+")
    # A letter that is not there becomes its number: no word is lost.
    assert [word for word in letters.findall(full) if word not in out] == []
    assert errors == complaints


def test_a_name_from_elsewhere_is_written_with_what_the_encoding_has(tmp_path):
    code, _, errors = said(
        tmp_path, "report", "bestilling-æ “x”…", LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="1"
    )
    assert code == 2
    assert r"bestilling-\xe6 \"x\"..." in errors or r'bestilling-\xe6 "x"...' in errors
