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

from conformance.cli.main import main
from conformance.cli.operator import Terminal
from conformance.domain.order import Profile
from conformance.evidence.journal import read_journal
from conformance.evidence.records import CapabilitiesRecord
from conformance.judging.run_verdicts import blocks_conformance
from conformance.judging.verdicts import RuleVerdict
from conformance.reports import write_reports
from conformance.results.sandbox_waivers import sandbox_waivers
from conformance.results.waivers import today
from conformance.sandbox import EPayment, Provider
from conformance.sandbox.server import running_server
from conformance.sandbox.wire import Refusal, RefusedError
from conformance.targets.operator import DECLINED, DONE, LATE, Operator
from tests.museum.epayment.ends import CancelledIn3DSecure
from tests.stored import stored_records

from ..cli.command import environment

ASKED = re.compile(r"\[\d+\] Order (\S+) of [\d.]+ NOK: (.*?)\.\r?\n.*?: ", re.DOTALL)
SAW = re.compile(r"\[\d+\] Order (\S+) was cancelled now\..*?\(\d+ s\): ", re.DOTALL)
ACTIONS = {
    "approve": "approve",
    "reject": "reject",
    "pay with a card": "start_3ds",
    "finish": "finish_3ds",
    "give up": "fail_3ds",
}


def person(terminal, url, seen, answer, tired=1_000_000, *, acts=True):
    """Do what the terminal asks for, through the test control API that the suite was not told of; at last, refuse.

    One who does not act presses Enter all the same, and saw nothing.
    """
    text, done, answered = "", 0, 0
    while True:
        try:
            text += os.read(terminal, 4096).decode()
        except OSError:
            seen.append(text)
            return
        asked = ASKED.findall(text)
        for number, (order, what) in enumerate(asked[done:], done):
            said = "n" if number >= tired else answer
            action = next(action for words, action in ACTIONS.items() if words in what)
            if said == "" and acts:
                body = json.dumps({"action": action}).encode()
                call = Request(f"{url}/control/v1/epayment/payments/{order}/action", body, method="POST")
                urlopen(call).close()
            os.write(terminal, f"{said}\n".encode())
        done = len(asked)
        while answered < len(SAW.findall(text)):
            answered += 1
            os.write(terminal, b"yes\n" if acts else b"\n")


class NobodyForces(EPayment):
    """Nobody approves but the user, as in production."""

    def approve(self, call):
        raise RefusedError(Refusal(404, "404", "There is no such endpoint"))


def at_a_terminal(folder, answer, *words, tired=1_000_000, provider=EPayment, acts=True):
    """Run a command with a person at its terminal; return its exit code and what was shown there."""
    seen = []
    with running_server(Provider(epayment=provider)) as url:
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "conformance", *words, "--target", url]
        with subprocess.Popen(
            command, cwd=folder, env=environment(), stdin=theirs, stdout=theirs, stderr=theirs
        ) as run:
            os.close(theirs)
            thread = threading.Thread(target=person, args=(ours, url, seen, answer, tired), kwargs={"acts": acts})
            thread.start()
            code = run.wait(timeout=240)
            thread.join(timeout=10)
        os.close(ours)
    return code, seen[0]


def operated(folder, answer, *options, **people):
    words = ("run", "--target", "embedded", "--profile", "epayment", "--histories", "0", "--out", "out", *options)
    return *at_a_terminal(folder, answer, *words, **people), write_reports(folder / "out")


def found(result):
    return {one.rule.id: one for one in result.rules}


def test_what_a_person_did_is_judged_and_recorded(tmp_path):
    _, text, result = operated(tmp_path, "", "--operator")
    rules = found(result)
    for rule in ("KB-05", "EP-09", "EP-10"):
        assert rules[rule].verdict is RuleVerdict.PASSED, (rule, rules[rule].reason)
    hands = stored_records(read_journal(tmp_path / "out"), "hand")
    assert 0 < len(hands) <= 24
    assert {hand["said"] for hand in hands} == {"done"}
    assert {"reject", "start_3ds"} <= {hand["action"] for hand in hands}
    assert "4712345678" not in text
    assert "What a person did" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "a person at the terminal" in read_journal(tmp_path / "out").first(CapabilitiesRecord).source
    assert result.run.command.endswith("--operator")
    waived = {waiver.rule for waiver in sandbox_waivers([Profile.EPAYMENT], today(), operator=True)}
    assert {rule.rule.id for rule in result.rules if blocks_conformance(rule)} == waived


def test_who_cannot_do_it_is_not_asked_again(tmp_path):
    code, _, result = operated(tmp_path, "n", "--operator")
    hands = stored_records(read_journal(tmp_path / "out"), "hand")
    assert len(hands) == len({hand["action"] for hand in hands})
    assert code == 4
    assert not any(one.verdict is RuleVerdict.VIOLATED for one in result.rules)


def violated(result):
    return {one.rule.id for one in result.rules if one.verdict is RuleVerdict.VIOLATED}


def test_enter_without_having_acted_accuses_nobody(tmp_path):
    code, text, result = operated(tmp_path, "", "--operator", acts=False)
    assert code == 4
    assert violated(result) == set()
    assert "it reads back as before, so that this is not done yet: open the test app" in text
    said = {(hand["action"], hand["said"]) for hand in stored_records(read_journal(tmp_path / "out"), "hand")}
    assert said == {("reject", "done"), ("start_3ds", "done"), ("saw_3ds", "declined")}
    reasons = {one.rule.id: one.reason for one in result.rules}
    assert "the person did not see the 3-D Secure page" in reasons["KB-05"]
    assert main(["verify", str(tmp_path / "out")]) in (0, 4)


def test_what_a_person_saw_is_a_violation(tmp_path):
    code, _, result = operated(tmp_path, "", "--operator", provider=CancelledIn3DSecure)
    assert code == 1
    assert "KB-05" in violated(result)


PLANT = ("age", "plant", "--profile", "epayment", "--copies", "1", "--operator")


def in_the_ledger(folder):
    return [one["situation"] for one in json.loads((folder / "age-ledger.json").read_text(encoding="utf-8"))["orders"]]


def test_a_person_approves_what_is_planted(tmp_path):
    code, text = at_a_terminal(tmp_path, "", *PLANT, provider=NobodyForces)
    assert code == 0, text
    assert "a person is asked to approve 8 payments" in text
    assert len(ASKED.findall(text)) == len(in_the_ledger(tmp_path)) == 8


def test_a_person_who_approves_no_more_ends_the_planting_and_what_stands_is_kept(tmp_path):
    code, text = at_a_terminal(tmp_path, "", *PLANT, tired=3, provider=NobodyForces)
    assert code == 4, text
    assert "3 of 8 orders were planted; the others were not approved." in text
    assert len(ASKED.findall(text)) == 4
    assert in_the_ledger(tmp_path) == ["reserved, to be cancelled"] * 2 + ["reserved, to be captured"]


def test_a_person_is_asked_for_nothing_that_the_target_does_itself(tmp_path):
    recurring = ("age", "plant", "--profile", "recurring", "--copies", "1", "--operator")
    code, text = at_a_terminal(tmp_path, "", *recurring)
    assert (code, ASKED.findall(text)) == (0, [])


def test_a_harvest_asks_nobody(tmp_path, capsys):
    assert main(["age", "harvest", "--target", "http://127.0.0.1:9", "--operator"]) == 2
    assert "--operator is for age plant" in capsys.readouterr().err


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


@pytest.mark.parametrize(("typed", "said"), [(b"yes\n", DONE), (b"Y\n", DONE), (b"\n", DECLINED), (b"", LATE)])
def test_enter_alone_confirms_nothing(typed, said):
    reading, writing = os.pipe()
    os.write(writing, typed)
    with os.fdopen(reading) as stdin:
        assert asyncio.run(Terminal(0.3, stdin, io.StringIO()).confirm("Did you see it?")) == said
    os.close(writing)


def test_what_is_typed_before_a_question_is_no_answer_to_it():
    ours, theirs = pty.openpty()
    out = io.StringIO()
    with os.fdopen(theirs, "r") as stdin:
        terminal = Terminal(0.5, stdin, out)
        os.write(ours, b"\n\n\n")
        assert asyncio.run(terminal.ask("Do it.")) == LATE

        async def answered():
            asked = asyncio.create_task(terminal.ask("Do it."))
            await asyncio.sleep(0.1)
            os.write(ours, b"\n\n")
            first = await asked
            return first, await terminal.ask("Do the next.")

        assert asyncio.run(answered()) == (DONE, LATE)
    os.close(ours)


class Unchanged:
    """An order that reads back as before whatever is said of it; ``after`` so many reads it does not."""

    def __init__(self, after=1_000):
        self.reads, self.after = 0, after

    async def look(self, purpose, *, log):
        self.reads += 1
        return {"view.state": "CREATED" if self.reads <= self.after else "ABORTED"}

    async def pause(self, attempt):
        pass


class Willing:
    """Says that everything is done."""

    def __init__(self, reply=DONE):
        self.reply, self.asked = reply, []

    async def ask(self, text):
        self.asked.append(text)
        return self.reply


def acted(operator, reader, action="reject"):
    return asyncio.run(operator.act(action, "order", "10.00 NOK", reader))["answer.outcome"]


def test_what_a_person_says_proves_nothing():
    willing = Willing()
    operator = Operator(willing)
    assert [acted(operator, Unchanged()) for _ in range(3)] == ["lost"] * 3
    assert len(willing.asked) == 6
    assert "reads back as before" in willing.asked[1]
    # Somebody who said so of three orders is not asked for it any more, and for everything else they are.
    assert acted(operator, Unchanged()) == "lost"
    assert len(willing.asked) == 6
    assert acted(operator, Unchanged(after=1), "finish_3ds") == "accepted"


def test_an_order_is_read_again_until_it_shows_what_was_done():
    willing = Willing()
    assert acted(Operator(willing), Unchanged(after=3)) == "accepted"
    assert len(willing.asked) == 1


def test_nobody_is_asked_twice_for_what_was_too_late():
    slow = Willing(LATE)
    operator = Operator(slow)
    assert [acted(operator, Unchanged()) for _ in range(3)] == ["lost"] * 3
    assert len(slow.asked) == 1
