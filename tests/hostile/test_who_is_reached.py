"""Whom every command talks to, and what it writes: the addresses and the folder that the user named."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from conformance.fuzzing import openapi
from conformance.sandbox import Provider, options, running_server
from tests.audit.stage import command

from ..fuzzing.test_references import description, outside
from .watched import watched

STORED = Path(__file__).parents[1] / "evidence" / "journals" / "format-2"
DESCRIPTION = Path(openapi.__file__).parents[1] / "sandbox" / "openapi.json"
SMALL = ("--profile", "epayment", "--histories", "2", "--max-requests", "150")
TARGET = ("--target", "{url}", "--control-url", "{url}/control")
SHOP = "python:conformance.examples.merchants.epayment:Adapter"
CREDENTIALS = {
    f"VIPPS_{name}": getattr(options, name) for name in ("CLIENT_ID", "CLIENT_SECRET", "SUBSCRIPTION_KEY", "MSN")
}
NOWHERE = dict.fromkeys(("http_proxy", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
"""Proxies that nobody asked for: what is on this machine is reached without one."""

COMMANDS = {
    "run at an address": ("run", *TARGET, *SMALL, "--out", "out"),
    "run in this process": ("run", "--target", "embedded", *SMALL, "--out", "out"),
    "run with fuzzing": ("run", *TARGET, *SMALL, "--openapi", str(DESCRIPTION), "--out", "out"),
    "fuzz at an address": ("fuzz", *TARGET, "--openapi", "outside.json", "--max-requests", "60", "--out", "out"),
    "fuzz in this process": (
        "fuzz",
        "--target",
        "embedded",
        "--max-requests",
        "60",
        "--profile",
        "ecom",
        "--out",
        "out",
    ),
    "merchant": ("merchant", "--integration", SHOP, "--budget", "quick", "--histories", "1", "--out", "out"),
    "age plant": ("age", "plant", *TARGET, "--profile", "ecom", "--copies", "1"),
    "age calendar": ("age", "calendar"),
    "doctor": ("doctor", *TARGET, "--profile", "ecom"),
    "report": ("report", "made"),
    "verify": ("verify", "made"),
    "bundle": ("bundle", "made"),
    "diff": ("diff", "made", "made"),
    "replay": ("replay", "stored", "epayment-EP-05-1.json"),
    "rules": ("rules",),
    "rules and a page": ("rules", "--docs", "page.md"),
    "explain": ("explain", "EP-05"),
    "schema": ("schema", "journal"),
    "completion": ("completion", "bash"),
    "init": ("init", "sandbox", "project"),
}
ENDS = {"rules and a page": (2,)}
"""How a command ends that is given what it has to refuse."""
RUN = ("--target", "embedded", "--profile", "ecom", "--histories", "0", "--max-requests", "200")
DEVICES = (os.devnull, "/dev/tty")
SAMPLE = ("report",)
ELSEWHERE = {"merchant"}
"""What starts a server of its own, on a port that nobody knows before."""


def checked(name, tmp_path):
    """Run a command, and assert that it reached and wrote nothing else than it was asked to."""
    made = command("run", *RUN, "--out", tmp_path / "made")
    assert made.code == 4, made
    shutil.copytree(STORED, tmp_path / "stored")
    (tmp_path / "page.md").write_text("![x](https://api.vipps.no/x.png) Cancel a payment.", encoding="utf-8")
    with running_server(Provider()) as url:
        document = description(outside("https://api.vipps.no"))
        (tmp_path / "outside.json").write_text(json.dumps(document), encoding="utf-8")
        words = [word.format(url=url) for word in COMMANDS[name]]
        done = watched(tmp_path, *words, **CREDENTIALS, **NOWHERE)
    assert done.code in ENDS.get(name, (0, 1, 4)), done.output
    assert "Traceback" not in done.output
    port = url.rpartition(":")[2]
    for host, place in done.reached:
        assert host in ("127.0.0.1", "localhost", "::1"), (host, place)
        assert place == port or name in ELSEWHERE, (host, place)
    if "{url}" in COMMANDS[name]:
        assert ("127.0.0.1", port) in done.reached
    outside_folder = {path for path in done.wrote if not path.is_relative_to(tmp_path) and str(path) not in DEVICES}
    assert outside_folder == set()
    assert {Path(program).name for program in done.started} <= {Path(sys.executable).name, "bash"}
    return done


@pytest.mark.parametrize("name", SAMPLE)
def test_a_command_reaches_and_writes_what_it_was_asked_to(name, tmp_path):
    checked(name, tmp_path)


@pytest.mark.thorough
@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in SAMPLE])
def test_every_command_reaches_and_writes_what_it_was_asked_to(name, tmp_path):
    checked(name, tmp_path)


def test_the_watch_sees_what_it_is_for(tmp_path):
    here, leak = tmp_path / "here", tmp_path / "leak"
    here.mkdir()
    (here / "shop.py").write_text(
        "import socket\n"
        "def app(environ, start):\n    raise SystemExit\n"
        f"open({str(leak)!r}, 'w').close()\n"
        "try:\n    socket.create_connection(('192.0.2.1', 9), 0.01)\nexcept OSError:\n    pass\n",
        encoding="utf-8",
    )
    done = watched(here, "run", "--target", "wsgi:shop:app", "--histories", "1", "--out", "out")
    assert ("192.0.2.1", "9") in done.reached
    assert leak in done.wrote
