"""The command in a child that is watched: however the child ends, only a verdict decides the exit code."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from .command import ROOT, environment, read_until, said, started
from .terminal import LAUNCHER

BEGIN = """
import atexit, ctypes, os, signal, subprocess, sys, threading, time
from conformance.cli import supervision
supervision.CLOSING_SECONDS = 0.3
supervision.TICK_SECONDS = 0.1
def body():
    BODY
code = supervision.run_watched(body)
AFTER
sys.exit(code)
"""
ADAPTER = """
import ctypes, os, signal, threading, time
from conformance.examples.adapter_example import InMemoryEpayment
from conformance.examples.merchants import epayment

class Adapter(InMemoryEpayment):
    calls = 0
    def cancel(self, *arguments, **named):
        Adapter.calls += 1
        if Adapter.calls == 20:
            ACTION
        return super().cancel(*arguments, **named)

class Shop(epayment.Adapter):
    calls = 0
    def cancel(self, order_id):
        Shop.calls += 1
        if Shop.calls == 3:
            ACTION
        super().cancel(order_id)
"""
RUN = ("run", "--target", "python:exits:Adapter", "--profile", "epayment", "--budget", "quick", "--histories", "0")
MERCHANT = ("merchant", "--integration", "python:exits:Shop", "--budget", "quick", "--histories", "0")


def script(body: str, after: str = "pass") -> list[str]:
    text = BEGIN.replace("BODY", "\n    ".join(body.splitlines())).replace("AFTER", after)
    return [sys.executable, "-c", text]


def process_of(body: str, after: str = "pass", **more) -> subprocess.Popen[str]:
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(script(body, after), env=environment(), **{**streams, **more})


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def ends_soon(process: int) -> bool:
    deadline = time.monotonic() + 10
    while is_running(process) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_running(process)


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("os._exit(0)", "ended with code 0, as by os._exit"),
        ("sys.exit(0)", "ended with code 0"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "was killed by SIGKILL"),
        ("ctypes.string_at(0)", "was killed by SIGSEGV"),
        ("os.abort()", "was killed by SIGABRT"),
        ("threading.Thread(target=os._exit, args=(0,)).start(); time.sleep(9)", "ended with code 0"),
        ("os.execv('/bin/true', ['true'])", "ended with code 0"),
        ("os.closerange(3, 256); os._exit(0)", "ended with code 0"),
    ],
)
def test_a_child_that_ends_without_a_verdict_is_an_environment_error_in_one_sentence(body, shown):
    with process_of(body) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 3
    assert shown in errors
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize(
    ("body", "after"),
    [
        ("return 1", "os._exit(0)"),
        ("atexit.register(os._exit, 0); return 1", "pass"),
        ("atexit.register(time.sleep, 900); return 1", "pass"),
        ("threading.Thread(target=time.sleep, args=(900,)).start(); return 1", "pass"),
        ("return 1", "os.kill(os.getpid(), signal.SIGKILL)"),
        ("os.closerange(3, 256); return 1", "os._exit(0)"),
        ("sys.exit = os._exit = lambda code: None; time.time = lambda: 0; return 1", "pass"),
    ],
)
def test_nothing_that_happens_after_the_verdict_changes_it(body, after):
    with process_of(body, after if after == "pass" else f"if os.getpgrp() == os.getpid(): {after}") as process:
        process.communicate(timeout=60)
    assert process.returncode == 1


@pytest.mark.parametrize("whole_group", [False, True])
def test_a_signal_reaches_the_child_once_and_its_code_is_the_commands(whole_group):
    body = (
        "got = []\nsignal.signal(signal.SIGTERM, lambda *_: got.append(1))\n"
        "print('ready', flush=True)\ntime.sleep(1.5)\nreturn 40 + len(got)"
    )
    with process_of(body, start_new_session=True) as process:
        read_until(process, "ready")
        (os.killpg if whole_group else os.kill)(process.pid, signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 41


def test_a_child_that_ignores_signals_is_killed_with_the_third_one():
    body = "signal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('ready', flush=True)\ntime.sleep(900)"
    with process_of(body) as process:
        read_until(process, "ready")
        began = time.monotonic()
        while process.poll() is None and time.monotonic() < began + 10:
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)
        assert (process.wait(), process.stderr.read()) == (130, "Interrupted.\n")


def test_a_run_that_outlives_its_terminal_goes_on():
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = process_of("print('ready', flush=True)\ntime.sleep(7)\nreturn 41")
    finally:
        signal.signal(signal.SIGHUP, former)
    with process:
        read_until(process, "ready")
        for _ in range(3):
            process.send_signal(signal.SIGHUP)
        assert process.wait(60) == 41


def test_whoever_kills_the_command_kills_its_child():
    with process_of("print(os.getpid(), flush=True)\ntime.sleep(900)") as process:
        child = int(process.stdout.readline())
        process.kill()
        assert ends_soon(child)


@pytest.mark.parametrize("ending", ["return 0", "os._exit(0)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_what_the_child_started_and_left_is_killed_also_in_a_session_of_its_own(ending):
    orphan = (
        "import os, signal, sys, time; os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0); "
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); os.write(1, b'%d ' % os.getpid()); os.closerange(0, 3); "
        "time.sleep(900)"
    )
    body = f"subprocess.run(['env', '-i', sys.executable, '-c', {orphan!r}])\ntime.sleep(0.5)\n{ending}"
    with process_of(body) as process:
        out, _ = process.communicate(timeout=60)
    assert ends_soon(int(out.split()[0]))


def at_terminal(body: str) -> tuple[subprocess.Popen[bytes], int]:
    mine, its = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, *script(body)],
        env=environment(), stdin=its, stdout=its, stderr=its, start_new_session=True,
    )  # fmt: skip
    os.close(its)
    return process, mine


def output_of(terminal: int, until: bytes = b"never printed") -> bytes:
    written = b""
    with suppress(OSError):
        while until not in written and (piece := os.read(terminal, 4096)):
            written += piece
    return written


def test_the_child_can_read_from_the_terminal_and_ctrl_c_still_reaches_it_once():
    body = (
        "got = []\nsignal.signal(signal.SIGINT, lambda *_: got.append(1))\n"
        "print('name:', flush=True)\nname = sys.stdin.readline().strip()\n"
        "print('hello', name, flush=True)\ntime.sleep(1.5)\nreturn 40 + len(got)"
    )
    process, terminal = at_terminal(body)
    output_of(terminal, b"name:")
    os.write(terminal, b"Kari\n")
    output_of(terminal, b"hello Kari")
    os.write(terminal, b"\x03")
    output_of(terminal)
    assert process.wait(timeout=30) == 41
    os.close(terminal)


def test_ctrl_z_stops_both_and_both_go_on():
    process, terminal = at_terminal("print(os.getpid(), flush=True)\ntime.sleep(1)\nreturn 7")
    child = int(output_of(terminal, b"\n"))
    os.write(terminal, b"\x1a")
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    assert Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    os.kill(process.pid, signal.SIGCONT)
    output_of(terminal)
    assert process.wait(timeout=30) == 7
    os.close(terminal)


def test_a_run_whose_target_ends_the_process_is_interrupted_in_its_journal(tmp_path):
    (tmp_path / "exits.py").write_text(ADAPTER.replace("ACTION", "os._exit(0)"))
    code, _, errors = said(tmp_path, *RUN, "--out", "out")
    assert (code, len(errors.splitlines())) == (3, 1)
    assert "There is no verdict" in errors
    assert said(tmp_path, "report", "out")[0] == 130


def test_so_is_one_that_pytest_plays(tmp_path):
    (tmp_path / "exits.py").write_text(ADAPTER.replace("ACTION", "os._exit(0)"))
    code, _, errors = said(tmp_path, *RUN, "-k", "test_histories")
    assert code == 3
    assert "There is no verdict" in errors


def test_a_shop_that_ends_the_process_has_no_verdict(tmp_path):
    (tmp_path / "exits.py").write_text(ADAPTER.replace("ACTION", "ctypes.string_at(0)"))
    code, _, errors = said(tmp_path, *MERCHANT)
    assert (code, len(errors.splitlines())) == (3, 1)
    assert "was killed by SIGSEGV" in errors


@pytest.mark.parametrize("words", [RUN, MERCHANT], ids=["run", "merchant"])
def test_a_target_that_leaves_the_folder_takes_no_file_of_the_run_along(tmp_path, words):
    (tmp_path / "exits.py").write_text(ADAPTER.replace("ACTION", "os.chdir('/')"))
    code, out, errors = said(tmp_path, *words, "--out", "out")
    assert code == 0, errors
    assert out.endswith("Report: out/report.html\n")
    assert (tmp_path / "out" / "report.html").is_file()


@pytest.mark.parametrize(
    "words",
    [
        "run --target asgi:exits:app",
        "run --target wsgi:exits:app",
        "merchant --integration python:exits:app",
        f"fuzz --target asgi:exits:app --openapi {ROOT}/conformance/sandbox/openapi.json",
        f"replay {ROOT}/tests/evidence/journals/format-2 EP-03 --target python:exits:app",
        "doctor --target python:exits:app",
        "run --config config.toml",
    ],
)
def test_every_command_that_loads_somebodys_code_is_watched(tmp_path, words):
    (tmp_path / "exits.py").write_text("import os\nos._exit(0)\n")
    (tmp_path / "config.toml").write_text('target = "python:exits:app"\n')
    code, _, errors = said(tmp_path, *words.split())
    assert (code, "There is no verdict" in errors) == (3, True)


def test_the_error_is_the_document_where_one_is_asked_for(tmp_path):
    (tmp_path / "exits.py").write_text("import os\nos._exit(0)\n")
    code, out, _ = said(tmp_path, *RUN, "--format", "json")
    assert code == 3
    assert '"exit_code": 3' in out


def test_a_stop_of_a_run_is_passed_on(tmp_path):
    words = ("run", "--target", "embedded", "--profile", "epayment", "--budget", "standard", "--out", "out")
    with started(tmp_path, *words) as process:
        read_until(process, "Playing histories")
        process.terminate()
        process.communicate(timeout=60)
    assert process.returncode == 130
