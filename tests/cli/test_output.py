"""What is written: one JSON document, the verdict alone, or everything."""

import asyncio
import json
import os
import re
import subprocess
import sys
from io import StringIO

import pytest
from rich.console import Console

from conformance.ageing.planted_orders import new_or_old
from conformance.cli.arguments import Arguments
from conformance.cli.operator import Terminal
from conformance.cli.output import LastingStream, Output
from conformance.cli.progress import LiveDisplay
from conformance.evidence.redaction import Redactor
from tests.audit.stage import Forgetful, command, use_provider, use_small_plan

from .command import environment, said, started

RUN = ("run", "--target", "embedded", "--profile", "epayment")
SHOP = ("merchant", "--integration", "python:examples.merchants.epayment:Adapter", "--histories", "0")

FORGETFUL_SHOP = "python:tests.merchant.faulty.outcome_rules:EveryErrorIsACancel"
EVERY = Arguments(typed=frozenset(), config=None, quiet=False, verbose=False, format="text", debug=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a run that conforms, and one of a provider that forgets its cancels."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        use_small_plan(patch)
        assert command(*RUN, "--out", folder / "right").code == 0
        use_provider(patch, Forgetful)
        assert command(*RUN, "--out", folder / "wrong").code == 1
    return folder


@pytest.fixture
def small(monkeypatch):
    use_small_plan(monkeypatch)


def document(done):
    """Return the only thing that a command wrote on its standard output."""
    return json.loads(done.out)


def test_the_document_of_a_run_is_made_of_its_report(tmp_path, small, monkeypatch):
    use_provider(monkeypatch, Forgetful)
    done = command(*RUN, "--out", tmp_path / "out", "--format", "json")
    got = document(done)
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    rules = report.pop("rules")
    assert done.code == got["exit_code"] == 1
    assert {key: got[key] for key in report} == report
    assert got["violated"] == [rule for rule in rules if rule["verdict"] == "VIOLATED"]
    assert got["violated"]
    assert all(rule["reason"] for rule in got["violated"])
    assert {rule["verdict"] for rule in got["not_tested"]} <= {"THIN", "NOT EXERCISED", "INCONCLUSIVE"}
    assert got["directory"] == str(tmp_path / "out")
    assert set(got["files"]) == {path.name for path in (tmp_path / "out").iterdir() if path.is_file()}
    assert set(got) == {*report, "violated", "not_tested", "directory", "files"}
    assert "Playing" in done.errors
    assert "Report: " in done.errors


@pytest.mark.parametrize("words", [("report",), ("merge",)])
def test_the_other_commands_with_a_run_have_the_same_document(folder, tmp_path, small, words):
    place = folder / "right"
    if words == ("merge",):
        command(*RUN, "--shard", "1/1", "--out", tmp_path / "1")
        words, place = ("merge", "--out", tmp_path / "out"), tmp_path / "1"
    done = command(*words, place, "--format=json")
    got = document(done)
    assert (got["verdict"], got["exit_code"], done.code) == ("CONFORMANT", 0, 0)
    assert got["files"]["journal.jsonl"].endswith("journal.jsonl")


@pytest.mark.parametrize("words", [SHOP, ("fuzz", "--target", "embedded", "--profile", "ecom", "--max-requests", "20")])
def test_so_do_merchants_and_fuzzing(tmp_path, words):
    done = command(*words, "--out", tmp_path / "out", "--format", "json")
    got = document(done)
    assert got["exit_code"] == done.code
    assert got["directory"] == str(tmp_path / "out")
    assert {"verdict", "violated", "not_tested", "files"} <= set(got)


def test_a_run_through_pytest_writes_one_document(tmp_path):
    words = (*RUN, "--histories", "0", "-k", "nothing", "--out", "out", "--format", "json")
    code, out, errors = said(tmp_path, *words)
    assert json.loads(out)["exit_code"] == code, errors
    assert "test session starts" in errors


def test_a_run_that_cannot_go_on_has_its_error_in_the_document(tmp_path, free_port):
    done = command("run", "--target", f"http://127.0.0.1:{free_port}", "--out", tmp_path / "out", "--format", "json")
    got = document(done)
    assert done.code == got["exit_code"] == 3
    assert got["error"] in done.errors
    assert str(free_port) in got["error"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("run --format json", 2),
        ("run --format=json --sed 3", 2),
        ("rnu --format json", 2),
        ("run --format json --seed x", 2),
        ("report missing --format json", 2),
        ("replay missing EP-05 --format json", 2),
        ("sandbox --port 99999 --format json", 3),
    ],
)
def test_an_error_is_a_document(line, code):
    done = command(*line.split())
    assert document(done) == {"error": done.errors.strip(), "exit_code": code}
    assert done.code == code


def test_a_fault_of_the_suite_is_a_document_too(monkeypatch):
    monkeypatch.setattr("conformance.cli.commands.rules.load", lambda: 1 / 0)
    done = command("rules", "--format", "json", "--debug")
    assert document(done)["exit_code"] == done.code == 5
    assert "ZeroDivisionError" in document(done)["error"]
    assert "Traceback" in done.errors


@pytest.mark.parametrize(
    ("line", "keys"),
    [
        ("verify right", {"verified", "exit_code", "faults"}),
        ("rules", {"rules"}),
        ("diff right wrong", {"rules", "exit_code"}),
        ("bundle right --to {tmp}/bundle.zip", {"bundle", "sha256", "journal", "exit_code"}),
        ("replay wrong EP-05 --target embedded", {"rule", "counterexample", "violated", "exit_code"}),
        ("completion zsh", {"shell", "script"}),
        ("schema report", {"$schema", "$id", "properties"}),
    ],
)
def test_every_command_has_a_document(folder, tmp_path, monkeypatch, line, keys):
    monkeypatch.chdir(folder)
    done = command(*line.format(tmp=tmp_path).split(), "--format", "json")
    assert keys <= set(document(done))
    assert document(done).get("exit_code", 0) == done.code


def test_the_sandbox_says_where_it_is_in_a_document(tmp_path):
    with started(tmp_path, "sandbox", "--port", "0", "--format", "json", VIPPS_MSN="777777") as process:
        got = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")
        process.terminate()
        process.communicate(timeout=20)
    assert got["control"] == got["url"] + "/control"
    assert set(got["environment"]) == {"VIPPS_CLIENT_ID", "VIPPS_CLIENT_SECRET", "VIPPS_SUBSCRIPTION_KEY"}


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        ("report right", "Conformant: "),
        ("report wrong", "Not conformant: "),
        ("verify right", "Consistent with its evidence; "),
        ("replay wrong EP-05 --target embedded", "Conforms: "),
        ("run --target embedded --profile ecom --histories 0 --max-requests 20 --out {tmp}/out", "Incomplete: "),
    ],
)
def test_quiet_is_the_verdict_and_nothing_else(folder, tmp_path, monkeypatch, line, verdict):
    monkeypatch.chdir(folder)
    if line.startswith("verify"):
        use_small_plan(monkeypatch)
    done = command(*line.format(tmp=tmp_path).split(), "-q")
    assert done.out.startswith(verdict)
    assert (len(done.out.splitlines()), done.errors) == (1, "")


def test_verbose_lists_what_is_otherwise_left_to_the_report(folder):
    brief, whole = command("report", folder / "wrong"), command("report", folder / "wrong", "--verbose")
    violated = [line for line in whole.out.splitlines() if " is violated: " in line]
    report = json.loads((folder / "wrong" / "report.json").read_text(encoding="utf-8"))
    assert len(violated) == sum(rule["verdict"] == "VIOLATED" for rule in report["rules"]) > 5
    assert sum(" is violated: " in line for line in brief.out.splitlines()) == 5
    assert "more violated rules, in the report and with --verbose" in brief.out
    assert "--verbose" not in whole.out


def test_quiet_and_verbose_contradict_each_other():
    done = command("rules", "-q", "-v")
    assert (done.code, done.out) == (2, "")
    assert "contradict each other" in done.errors


def test_the_last_lines_are_the_verdict_and_the_report(folder):
    *_, empty, verdict, report = command("report", folder / "right").out.splitlines()
    assert empty == ""
    assert verdict.startswith("Conformant: ")
    assert report == f"Report: {folder / 'right' / 'report.html'}"


@pytest.mark.parametrize(("target", "code"), [("embedded", 0), ("asgi:conformance.examples.providers.faulty:app", 1)])
def test_a_run_whose_output_nobody_reads_goes_on_and_keeps_its_exit_code(tmp_path, target, code):
    control = () if target == "embedded" else ("--control-url", "/control")
    words = ("run", "--target", target, *control, "--profile", "epayment", "--budget", "quick", "--histories", "0")
    with started(tmp_path, *words) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=120) == code, process.stderr.read()
        assert process.stderr.read() == ""
    report = json.loads((tmp_path / "conformance-report" / "report.json").read_text(encoding="utf-8"))
    assert report["exit_code"] == code


@pytest.mark.parametrize("words", [("--help",), ("run", "--help"), ("rules",), ("explain", "EP-05"), ("--version",)])
def test_what_is_printed_and_not_read_is_no_error(tmp_path, words):
    with started(tmp_path, *words) as process:
        process.stdout.close()
        assert process.wait(timeout=60) == 0
        assert process.stderr.read() == ""


WAYS = {
    "full": ">/dev/full",
    "closed": ">&-",
    "errors full": "2>/dev/full",
    "errors closed": "2>&-",
    "all closed": "<&- >&- 2>&-",
    "no reader": "| head -c 1 >/dev/null",
    "ASCII": ("ascii", ">/dev/null"),
    "Latin-1": ("latin-1:strict", ">/dev/null"),
    "a DOS terminal": ("cp437", ">/dev/null"),
}
"""What a shell does with the streams of a command, and how they are encoded."""


def left_by(folder, way, *words):
    """Return how a command ends whose output goes somewhere."""
    encoding, redirection = WAYS[way] if isinstance(WAYS[way], tuple) else ("utf-8", WAYS[way])
    line = f'set -o pipefail; "$@" {redirection}'
    command_line = ["bash", "-c", line, "bash", sys.executable, "-m", "conformance", *map(str, words)]
    return subprocess.run(
        command_line, cwd=folder, env=environment(PYTHONIOENCODING=encoding), timeout=300, check=False
    ).returncode


@pytest.mark.parametrize("way", WAYS)
def test_the_exit_code_is_the_verdict_s_wherever_the_output_goes(folder, way):
    assert left_by(folder, way, "report", "wrong") == 1


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("report right", 0),
        ("report wrong --format json", 1),
        ("report wrong --quiet", 1),
        ("verify right", 0),
        ("diff right wrong", 1),
        ("replay wrong EP-05 --target embedded", 0),
        ("bundle right --to {tmp}/bundle.zip", 0),
        ("run --target embedded --profile ecom --histories 0 --max-requests 20 --out {tmp}/out", 4),
        ("run --target embedded --profile ecom --histories 0 -k nothing --out {tmp}/out", 4),
        ("run --target embedded --sed 3", 2),
        ("run --target http://127.0.0.1:9 --out {tmp}/out", 3),
        ("fuzz --target embedded --profile ecom --max-requests 20 --out {tmp}/out", 4),
        ("rules --format json", 0),
        ("nonsense", 2),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_so_it_is_of_every_command(folder, tmp_path, way, line, code):
    assert left_by(folder, way, *line.format(tmp=tmp_path).split()) == code


@pytest.mark.parametrize("error", [SystemExit(0), SystemExit("bye"), GeneratorExit()])
def test_only_a_verdict_is_a_0(monkeypatch, error):
    def end():
        raise error

    monkeypatch.setattr("conformance.cli.commands.rules.load", end)
    done = command("rules")
    assert (done.code, done.out) == (5, "")
    assert type(error).__name__ in done.errors


def test_what_a_target_writes_at_exit_changes_no_exit_code(tmp_path):
    (tmp_path / "late.py").write_text(
        "import atexit, sys\natexit.register(lambda: sys.stdout.write('late' * 9999))\n"
        "from conformance.examples.providers.correct import app\n",
        encoding="utf-8",
    )
    words = ("--target", "asgi:late:app", "--profile", "ecom", "--histories", "0", "--max-requests", "20")
    assert left_by(tmp_path, "full", "run", *words) == 4


def test_nothing_that_is_printed_does_anything_at_a_terminal(capsys, monkeypatch):
    evil = "a\x1b[2J\x9b31m\u202eb\u2066c\x07\r\x00\ud800"
    with Output() as out:
        assert out.printable("\x1b[1m") == "\x1b[1m", "before a command begins only click writes"
        out.begin(EVERY)
        out.say(evil)
        out.warn(evil)
        out.note(evil)
        out.conclude(evil, "bad")
        out.answer(evil)
        out.trace(evil)
        out.fail(evil, 1)
        print(evil)
        print(evil, file=sys.stderr)
    printed = capsys.readouterr()
    written = printed.out + printed.err
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", written), written
    assert written.count("a‹U+001B›[2J‹U+009B›31m‹U+202E›b‹U+2066›c‹U+0007›‹U+000D›‹U+0000›‹U+D800›") == 9


def test_neither_does_what_is_shown_while_a_run_goes_on(monkeypatch):
    written = StringIO()
    with Output() as out:
        out.begin(EVERY)
        monkeypatch.setattr("conformance.cli.progress.output", lambda: out)
        Redactor(["hunter2-hunter2"])
        live = LiveDisplay(Console(file=written, force_terminal=True))
        live.note("a\x1b]0;title\x07 \u202eb hunter2-hunter2")
        live.close()
        terminal = Terminal(0.0, StringIO(), LastingStream(written, out.printable))
        asyncio.run(terminal.ask("approve \x1b[2J hunter2-hunter2"))
    assert "a‹U+001B›]0;title‹U+0007› ‹U+202E›b [removed]" in written.getvalue()
    assert "approve ‹U+001B›[2J [removed]" in written.getvalue()


def test_what_is_printed_has_no_secret_of_the_run(capsys):
    with Output() as out:
        out.begin(EVERY)
        Redactor(["hunter2-hunter2"])
        out.say("key hunter2-hunter2")
        out.warn("key aHVudGVyMi1odW50ZXIy")
        out.trace("key %68unter2-hunter2")
        print("http://admin:admin@shop.example hunter2-hunter2", file=sys.stderr)
    printed = capsys.readouterr()
    assert printed.out == "key [removed]\n"
    assert printed.err == "key [removed]\nkey [removed]http://[removed]@shop.example [removed]\n"


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
def test_what_is_written_is_the_user_s_own(tmp_path):
    before = os.umask(0o000)
    try:
        words = ("--profile", "epayment", "--histories", "0", "--max-requests", "600", "--bundle", "--examples")
        faulty = ("--target", "asgi:conformance.examples.providers.faulty:app", "--control-url", "/control")
        command("run", *faulty, *words, tmp_path / "db", "--out", tmp_path / "new" / "out")
        command("merchant", "--integration", FORGETFUL_SHOP, "--histories", "0", "--out", tmp_path / "shop")
        command("diff", tmp_path / "new" / "out", tmp_path / "new" / "out", "--to", tmp_path / "diff.txt")
        (tmp_path / "ledger.json").unlink(missing_ok=True)
        new_or_old(tmp_path / "ledgers" / "ledger.json", {})
    finally:
        os.umask(before)
    paths = [path for path in tmp_path.rglob("*") if path != tmp_path / "new" and tmp_path / "db" not in path.parents]
    assert {f"{path.relative_to(tmp_path)} {path.stat().st_mode & 0o777:o}" for path in paths if path.is_dir()} == {
        f"{name} 700"
        for name in ("new/out", "new/out/counterexamples", "shop", "shop/counterexamples", "db", "ledgers")
    }
    files = {path: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()}
    assert set(files.values()) == {0o600}, files
    assert {"journal.jsonl", "report.html", "bundle.zip", "diff.txt", "ledger.json.key"} <= {
        path.name for path in files
    }


@pytest.mark.skipif(os.name != "posix", reason="Windows has no core files")
def test_no_core_file_is_written():
    script = (
        "import resource, conformance.cli.main as main; main.main = lambda: print(*resource.getrlimit(4)); main.entry()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.stdout.split()[0] == "0", done.stderr
