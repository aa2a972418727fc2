"""Wrong usage: exit code 2 and one sentence, whatever was wrong."""

import contextlib
import io

import pytest

from conformance.cli.main import main

from .command import said, started

TOML = {
    "not.toml": "profile = [",
    "key.toml": "profil = 'ecom'",
    "type.toml": "seed = 'one'",
    "bool.toml": "histories = true",
    "list.toml": "profile = [1]",
    "profile.toml": "profile = ['ecom', 'nope']",
    "negative.toml": "seed = -1",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name, text in TOML.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "journal.jsonl").write_text("", encoding="utf-8")
    (tmp_path / "file").write_text("", encoding="utf-8")
    (tmp_path / "page.html").write_text("<!doctype html><p>A page.", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def spoken(*words):
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        code = main(words)
    return code, out.getvalue(), errors.getvalue()


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("rnu", "rnu"),
        ("run --targe embedded", "--targe"),
        ("run --profile nope", "nope"),
        ("run --market se", "se"),
        ("run --budget huge", "huge"),
        ("run --target embedded --reading C8", "C8"),
        ("run --target embedded --reading C99=reject", "C99"),
        ("run --target embedded --reading C8=nope", "nope"),
        ("run --histories -1", "-1"),
        ("run --histories many", "many"),
        ("run --seed x", "x"),
        ("run --target embedded --concurrency 0", "0"),
        ("run --target embedded --waive EP-01", "EP-01"),
        ("run --target embedded --waive EP-01=", "no reason"),
        ("run --target embedded --waive NOPE-1=because", "NOPE-1"),
        ("run --target embedded --waive EP-01=a --waive EP-01=b", "twice"),
        ("run --target ftp://example.test", "ftp"),
        ("run --target nothing", "nothing"),
        ("run --target asgi:no_such_module:app", "no_such_module"),
        ("run --target https://api.vipps.no", "api.vipps.no"),
        ("run --target embedded --out file", "file is a file"),
        ("run --target embedded -n none", "none"),
        ("run --target embedded -n 0", "0"),
        ("run --config missing.toml", "missing.toml"),
        *((f"run --config {name}", "") for name in TOML),
        ("report missing", "missing"),
        ("replay used EP-01", "the run in used has none"),
        ("replay used", "A rule or a file is missing: the run in used has none."),
        ("replay missing EP-01", "missing is not the --out directory of a run"),
        ("replay missing", "missing is not the --out directory of a run"),
        ("rules --docs missing.md", "missing.md"),
        ("rules --docs page.html", "HTML"),
        ("rules --format yaml", "yaml"),
        ("rules --profile nope", "nope"),
        ("sandbox --port x", "x"),
        ("sandbox --option colour=red", "second_cancel"),
        ("sandbox --option second_cancel", "NAME=VALUE"),
        ("sandbox --option second_cancel=maybe", "repeat"),
        ("sandbox --option token_seconds=long", "token_seconds"),
        ("sandbox --option client_secret=x", "VIPPS_CLIENT_SECRET"),
    ],
)
def test_wrong_usage_is_one_sentence(folder, line, word):
    before = sorted(path.name for path in folder.iterdir())
    code, _, errors = spoken(*line.split())
    assert code == 2, errors
    assert len(errors.splitlines()) == 1
    assert "Traceback" not in errors
    assert errors.endswith((".\n", "!\n", "?\n"))
    assert word in errors
    assert sorted(path.name for path in folder.iterdir()) == before


def test_no_arguments_at_all_are_answered_by_a_short_guide(folder):
    code, out, errors = spoken()
    assert (code, out) == (2, "")
    for command in ("run --target embedded", "run --target http", "merchant --integration python:"):
        assert f"cancel-conformance {command}" in errors
    assert max(map(len, errors.splitlines())) < 100


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    with started(tmp_path, "rules", "--format", "markdown") as process:
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
    assert (process.returncode, errors) == (0, "")


def test_a_fault_of_ours_is_one_line_and_debug_shows_where(folder, monkeypatch):
    def broken(_path):
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr("conformance.cli.commands.rules.read_page", broken)
    code, _, errors = spoken("rules", "--docs", "page.html")
    assert (code, len(errors.splitlines())) == (5, 1)
    assert "ZeroDivisionError: by nothing" in errors
    assert "Traceback" in spoken("rules", "--docs", "page.html", "--debug")[2]


def test_a_fault_during_a_run_names_the_journal(folder, monkeypatch):
    def broken(_self):
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr("conformance.runner.schedule.Schedule.all", broken)
    code, out, errors = spoken(
        "run", "--target", "embedded", "--histories", "0", "--profile", "epayment", "--out", "out"
    )
    assert (code, len(errors.splitlines())) == (5, 1)
    assert "journal.jsonl" in errors
    assert "Harness fault" in out
    assert spoken("report", "out")[0] == 5


@pytest.mark.parametrize("name", ["reports", "strategies"])
def test_a_package_of_the_same_name_where_we_are_started_disturbs_nothing(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("raise RuntimeError('not ours')", encoding="utf-8")
    code, out, errors = said(tmp_path, "run", "--target", "embedded", "--profile", "ecom", "--histories", "0")
    assert (code, errors) == (4, "") or code == 0, errors
    assert "report.html" in out


def test_nobody_at_a_port_is_an_environment_error(folder, free_port):
    target = f"http://127.0.0.1:{free_port}"
    code, out, errors = spoken("run", "--target", target, "--profile", "epayment", "--out", "out")
    assert (code, len(errors.splitlines())) == (3, 1)
    assert target in errors
    assert "Environment error" in out
    assert (folder / "out" / "report.html").exists()
