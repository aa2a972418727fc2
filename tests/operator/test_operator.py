"""A person at the terminal, played by a thread that reads what is asked, does it to the provider, and presses Enter."""

import asyncio
import io
import json
import os
import pty
import re
import subprocess
import sys
import threading
from urllib.request import Request, urlopen

import pytest

from conformance.journal import read_journal
from conformance.operating import DECLINED, DONE, LATE, Operator, Terminal
from conformance.sandbox import Provider
from conformance.sandbox.server import running_server
from conformance.verdict import RuleVerdict
from reports import write_reports

from ..cli.command import environment

ASKED = re.compile(r"\[\d+\] Order (\S+) of [\d.]+ NOK: (.*?)\.\r?\n.*?: ", re.DOTALL)
ACTIONS = {
    "approve": "approve",
    "reject": "reject",
    "pay with a card": "start_3ds",
    "finish": "finish_3ds",
    "give up": "fail_3ds",
}


def person(terminal, url, seen, answer):
    """Do what the terminal asks for, through the test control API that the suite was not told of."""
    text, done = "", 0
    while True:
        try:
            text += os.read(terminal, 4096).decode()
        except OSError:
            seen.append(text)
            return
        asked = ASKED.findall(text)
        for order, what in asked[done:]:
            action = next(action for words, action in ACTIONS.items() if words in what)
            if answer == "":
                body = json.dumps({"action": action}).encode()
                call = Request(f"{url}/control/v1/epayment/payments/{order}/action", body, method="POST")
                urlopen(call).close()
            os.write(terminal, f"{answer}\n".encode())
        done = len(asked)


def operated(folder, answer, *options):
    seen = []
    with running_server(Provider()) as url:
        ours, theirs = pty.openpty()
        words = ["run", "--target", url, "--profile", "epayment", "--histories", "0", "--out", "out", *options]
        command = [sys.executable, "-m", "conformance", *words]
        with subprocess.Popen(
            command, cwd=folder, env=environment(), stdin=theirs, stdout=theirs, stderr=theirs
        ) as run:
            os.close(theirs)
            thread = threading.Thread(target=person, args=(ours, url, seen, answer))
            thread.start()
            code = run.wait(timeout=240)
            thread.join(timeout=10)
        os.close(ours)
    return code, seen[0], write_reports(folder / "out")


def found(result):
    return {one.rule.id: one for one in result.rules}


def test_what_a_person_did_is_judged_and_recorded(tmp_path):
    _, text, result = operated(tmp_path, "", "--operator")
    rules = found(result)
    for rule in ("KB-05", "EP-09", "EP-10"):
        assert rules[rule].verdict is RuleVerdict.PASSED, (rule, rules[rule].reason)
    hands = list(read_journal(tmp_path / "out").of_kind("hand"))
    assert 0 < len(hands) <= 24
    assert {hand["said"] for hand in hands} == {"done"}
    assert {"reject", "start_3ds"} <= {hand["action"] for hand in hands}
    assert "4712345678" not in text
    assert "What a person did" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "a person at the terminal" in next(read_journal(tmp_path / "out").of_kind("capabilities"))["source"]
    assert result.run["command"].endswith("--operator")


def test_who_cannot_do_it_is_not_asked_again(tmp_path):
    code, _, result = operated(tmp_path, "n", "--operator")
    hands = list(read_journal(tmp_path / "out").of_kind("hand"))
    assert len(hands) == len({hand["action"] for hand in hands})
    assert code == 4
    assert not any(one.verdict is RuleVerdict.VIOLATED for one in result.rules)


def test_without_a_terminal_nobody_is_asked(tmp_path):
    words = ["run", "--target", "http://127.0.0.1:9", "--operator"]
    done = subprocess.run(
        [sys.executable, "-m", "conformance", *words],
        cwd=tmp_path, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "terminal" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(("typed", "said"), [(b"\n", DONE), (b"n\n", DECLINED), (b"No\n", DECLINED), (b"", LATE)])
def test_a_terminal_takes_an_answer_or_gives_up(typed, said):
    reading, writing = os.pipe()
    os.write(writing, typed)
    with os.fdopen(reading) as stdin:
        out = io.StringIO()
        assert asyncio.run(Terminal(0.3, stdin, out).ask("Do it.")) == said
    os.close(writing)
    assert out.getvalue().startswith("\nDo it.\nPress Enter")


def test_a_closed_terminal_is_a_refusal():
    reading, writing = os.pipe()
    os.close(writing)
    with os.fdopen(reading) as stdin:
        assert asyncio.run(Terminal(5, stdin, io.StringIO()).ask("Do it.")) == DECLINED


def test_nobody_is_asked_twice_for_what_was_too_late():
    class Slow:
        asked = 0

        async def ask(self, text):
            self.asked += 1
            return LATE

    slow = Slow()
    operator = Operator(slow)
    seen = [asyncio.run(operator.act("reject", "order", "10.00 NOK")) for _ in range(3)]
    assert slow.asked == 1
    assert {one["answer.outcome"] for one in seen} == {"lost"}
