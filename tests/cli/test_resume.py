"""Runs that were killed at any moment, and what becomes of them when they are resumed."""

import json
import os
import random
import re
import shutil
import signal
import time
from collections import Counter, defaultdict
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from conformance.evidence.consistency import RETRY_SUFFIXES, SEQUENTIAL_SUFFIXES, check_consistency
from conformance.evidence.journal import read_journal
from conformance.runner.resume import CAUSE
from tests.audit.stage import rewritten
from tests.reports.schemas import faults_of
from tests.stored import stored_records

from .command import ROOT, read_until, said, started

RUN = ("run", "--target", "embedded", "--profile", "recurring", "--histories", "5", "--out", "out")
MOMENTS = int(os.environ.get("CANCEL_KILLS", "2"))
"""How many moments are tried. The figure in docs/explanation/robustness.md is of 50."""
FEW = "tests.cli.few"
DESCRIPTION = ROOT / "conformance" / "sandbox" / "openapi.json"


def killed(folder, seconds, *words):
    """Start a run, and kill it so many seconds after its journal is there, if it still runs."""
    with started(folder, *words, module=FEW) as process:
        deadline = time.monotonic() + 20
        while not (folder / "out" / "journal.jsonl").exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    return folder / "out"


def counted_twice(evidence):
    """Return the steps that were judged twice: in the same attempt, or in two that both say how the history ended."""
    judged = defaultdict(list)
    for one in stored_records(evidence, "judgement"):
        judged[one["history"]].append(one)
    steps = Counter((name, one["step"]) for name, judgements in judged.items() for one in judgements)
    ended = Counter()
    for record in stored_records(evidence, "history"):
        judgements = judged[record["id"]]
        whole = len(judgements) == len(record["history"]["steps"]) and not any(
            "superseded" in one for one in judgements
        )
        if whole and record["id"][-1] not in SEQUENTIAL_SUFFIXES:
            ended[record["id"].rstrip(RETRY_SUFFIXES)] += 1
    return [name for name, times in (steps + ended).items() if times > 1]


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_a_run_that_is_killed_is_resumed_and_nothing_is_judged_twice(tmp_path, moment):
    directory = killed(tmp_path, random.Random(moment).uniform(0, 3.5), *RUN)
    before = read_journal(directory)
    check_consistency(before, complete=False)
    finished = stored_records(before)[-1]["kind"] == "finish"
    code, out, errors = said(tmp_path, "run", "--resume", "out", module=FEW)
    if finished:
        assert (code, "nothing to resume" in errors) == (2, True)
        return
    assert (code, errors) in ((0, ""), (4, "")), out
    assert "taken up again 1 time" in out
    after = read_journal(directory)
    assert stored_records(after)[: len(stored_records(before))] == stored_records(before)
    check_consistency(after, complete=True)
    assert counted_twice(after) == []
    planned = [name for record in stored_records(after, "plan") for name in record["histories"]]
    assert planned
    assert len(planned) == len(set(planned))
    assert set(planned) <= {one["id"] for one in stored_records(after, "history")}


@pytest.fixture(scope="module")
def resumed(tmp_path_factory):
    """Return the folder of a run that was killed while it played, had its last line cut off, and was resumed."""
    folder = tmp_path_factory.mktemp("resumed")
    directory = while_playing(folder)
    with (directory / "journal.jsonl").open("ab") as file:
        file.write(b'{"n":9999,"kind":"judg')
    code, out, errors = said(folder, "run", "--resume", "out", module=FEW)
    assert (code, errors) in ((0, ""), (4, "")), out
    return folder


def while_playing(folder, *words, number=signal.SIGKILL):
    with started(folder, *(words or RUN), module=FEW) as process:
        read_until(process, " of ")
        time.sleep(0.02)
        process.send_signal(number)
        process.communicate(timeout=30)
    return folder / "out"


def told(directory):
    report = json.loads((directory / "report.json").read_text(encoding="utf-8"))
    return {one["id"]: one["verdict"] for one in report["rules"]}


def test_a_resumed_run_says_what_an_undisturbed_one_says(resumed):
    said(resumed, *RUN[:-1], "whole", module=FEW)
    assert told(resumed / "out") == told(resumed / "whole")
    assert said(resumed, "report", "out")[0] == said(resumed, "report", "whole")[0]


def test_a_resumed_journal_is_as_the_schema_says(resumed):
    assert faults_of(stored_records(read_journal(resumed / "out"))) == []


def test_a_line_that_was_cut_off_is_taken_away_and_said_to_be(resumed):
    evidence = read_journal(resumed / "out")
    assert stored_records(evidence, "resumed")[0]["torn"] >= 22
    assert not evidence.truncated


def test_what_was_under_way_proved_nothing_and_is_played_again(resumed):
    evidence = read_journal(resumed / "out")
    closed = [one for one in stored_records(evidence, "judgement") if CAUSE in one.get("cause", "")]
    played = {one["id"] for one in stored_records(evidence, "history")}
    assert closed
    for one in closed:
        assert one["status"] == "inconclusive"
        assert one["superseded"]
        assert one["history"][-1] in SEQUENTIAL_SUFFIXES or one["history"].rstrip(RETRY_SUFFIXES) + "b" in played


def test_a_run_can_be_interrupted_again_and_again(tmp_path):
    directory = while_playing(tmp_path)
    while_playing(tmp_path, "run", "--resume", "out")
    while_playing(tmp_path, "run", "--resume", "out", number=signal.SIGINT)
    code, out, _ = said(tmp_path, "run", "--resume", "out", module=FEW)
    assert code in (0, 4), out
    evidence = read_journal(directory)
    nonces = [one["nonce"] for one in (stored_records(evidence)[0], *stored_records(evidence, "resumed"))]
    assert len(nonces) == len(set(nonces)) == 4
    assert counted_twice(evidence) == []
    code, _, errors = said(tmp_path, "run", "--resume", "out")
    assert (code, "nothing to resume" in errors) == (2, True)


def test_a_run_of_several_processes_is_resumed_in_one(tmp_path):
    parts = tmp_path / "out" / "parts"
    with started(tmp_path, *RUN[:5], "--histories", "700", "--out", "out", "-n", "2") as process:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and len(list(parts.glob("000[1-9]*"))) < 2:
            time.sleep(0.02)
        process.kill()
        for number in everybody(str(tmp_path / "out")):
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        process.communicate()
    assert parts.exists()
    code, out, errors = said(tmp_path, "run", "--resume", "out")
    assert (code, errors) == (0, ""), out
    assert not parts.exists()
    evidence = read_journal(tmp_path / "out")
    assert counted_twice(evidence) == []
    assert any("superseded" in one for one in stored_records(evidence, "judgement"))


FUZZED = (
    "run",
    "--target",
    "embedded",
    "--profile",
    "epayment",
    "--histories",
    "0",
    "--openapi",
    str(DESCRIPTION),
    "--max-time",
    "25",
)


def in_the_fuzz_phase(folder, *words, number, seconds):
    """Start a run, and send it a signal so many seconds after it began to fuzz."""
    with started(folder, *words, module=FEW) as process:
        read_until(process, "Fuzzing from", seconds=60)
        time.sleep(seconds)
        process.send_signal(number)
        process.communicate(timeout=60)
    evidence = read_journal(folder / "out")
    assert any(stored_records(evidence, "fuzzed"))
    return evidence


def test_fuzzing_that_was_killed_begins_anew_and_says_what_an_undisturbed_run_says(tmp_path):
    killed_once = in_the_fuzz_phase(tmp_path, *FUZZED, "--out", "out", number=signal.SIGKILL, seconds=1.5)
    assert stored_records(killed_once)[-1]["kind"] != "finish"
    stopped = in_the_fuzz_phase(tmp_path, "run", "--resume", "out", number=signal.SIGINT, seconds=1.5)
    assert stored_records(stopped, "fuzz-profile")[-1]["ended"] == "cut off before its end"
    code, out, errors = said(tmp_path, "run", "--resume", "out", module=FEW)
    whole, told_whole, _ = said(tmp_path, *FUZZED, "--out", "whole", module=FEW)
    assert (code, errors) == (whole, ""), out + told_whole
    assert told(tmp_path / "out") == told(tmp_path / "whole")
    evidence = read_journal(tmp_path / "out")
    assert stored_records(evidence)[: len(stored_records(killed_once))] == stored_records(killed_once)
    ended = [one["ended"] for one in stored_records(evidence, "fuzz-profile")]
    assert ended[:2] == ["cut off before its end"] * 2
    assert len(ended) == 3
    assert ended[2] != ended[0]
    names = [one["id"] for one in stored_records(evidence, "fuzzed")]
    assert names == list(range(1, len(names) + 1))
    assert faults_of(stored_records(evidence)) == []
    assert {said(tmp_path, "verify", name, module=FEW)[0] for name in ("out", "whole")} == {4}


def test_a_run_that_was_killed_before_it_fuzzed_fuzzes_when_it_is_resumed(tmp_path):
    shutil.copyfile(DESCRIPTION, tmp_path / "api.json")
    words = (*FUZZED[:7], "--openapi", "api.json", "--max-time", "5", "--out", "out")
    while_playing(tmp_path, *words)
    (tmp_path / "api.json").rename(tmp_path / "moved.json")
    assert said(tmp_path, "run", "--resume", "out")[0] == 2
    (tmp_path / "other.json").write_bytes(DESCRIPTION.read_bytes() + b"\n")
    code, _, errors = said(tmp_path, "run", "--resume", "out", "--openapi", "other.json")
    assert (code, "is not the description" in errors) == (2, True)
    code, out, errors = said(tmp_path, "run", "--resume", "out", "--openapi", "moved.json", module=FEW)
    assert (code, errors) in ((0, ""), (4, "")), out
    evidence = read_journal(tmp_path / "out")
    assert any(stored_records(evidence, "fuzzed"))
    assert [one["ended"] for one in stored_records(evidence, "fuzz-profile")] != ["cut off before its end"]


@contextmanager
def sandbox(folder, port=0):
    """Serve the embedded provider in a process of its own; yield its port, and the process."""
    with started(folder, "sandbox", "--port", str(port)) as process:
        try:
            line = read_until(process, "http://127.0.0.1:")
            yield int(re.search(r"127\.0\.0\.1:(\d+)", line).group(1)), process
        finally:
            process.kill()


def test_fuzzing_whose_target_went_away_says_so_and_goes_on_when_it_is_back(tmp_path):
    words = ["run", "--profile", "ecom", "--profile", "epayment", "--histories", "0", "--max-time", "60"]
    with sandbox(tmp_path) as (port, server):
        url = f"http://127.0.0.1:{port}"
        words += ["--target", url, "--control-url", f"{url}/control", "--openapi", str(DESCRIPTION), "--out", "out"]
        with started(tmp_path, *words, module=FEW) as process:
            read_until(process, "Fuzzing from", seconds=120)
            time.sleep(1.5)
            server.kill()
            _, errors = process.communicate(timeout=120)
    assert process.returncode == 3, errors
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "judged; cut off before its end." in page
    assert "nothing was sent; the run ended before." in page
    with sandbox(tmp_path, port):
        code, out, errors = said(tmp_path, "run", "--resume", "out", module=FEW)
    assert (code, errors) in ((0, ""), (4, "")), out
    evidence = read_journal(tmp_path / "out")
    ended = [
        (one["profile"], one["ended"] == "cut off before its end") for one in stored_records(evidence, "fuzz-profile")
    ]
    assert ended == [("ecom", True), ("ecom", False), ("epayment", False)]
    assert faults_of(stored_records(evidence)) == []
    assert not any(one["verdict"] == "VIOLATED" for one in reported(tmp_path / "out")["rules"])


def reported(directory):
    return json.loads((directory / "report.json").read_text(encoding="utf-8"))


def everybody(directory):
    """Return the processes that play into a directory: pytest, and the workers that it started."""
    words, parents = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words[int(folder.name)] = (folder / "cmdline").read_text(encoding="utf-8", errors="replace")
            parents[int(folder.name)] = int((folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    main = [number for number, line in words.items() if f"--cancel-out={directory}" in line]
    # pytest itself first: it would bring the run to an end when it misses a worker.
    return [*main, *(number for number, parent in parents.items() if parent in main)]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--resume", "nowhere"), "nowhere"),
        (("--resume", "out", "--seed", "4"), "leave --seed out"),
        (("--resume", "out", "-n", "2"), "leave -n out"),
        (("--resume", "out", "--max-time", "9"), "leave --max-time out"),
        (("--resume", "out", "--config", "x.toml"), "leave --config out"),
    ],
)
def test_what_cannot_be_resumed_is_one_sentence(tmp_path, words, part):
    code, _, errors = said(tmp_path, "run", *words)
    assert (code, len(errors.splitlines())) == (2, 1)
    assert part in errors


def test_what_the_run_was_not_asked_for_is_not_added(tmp_path):
    killed(tmp_path, 0.5, *RUN)
    for words, part in (
        (("--openapi", str(DESCRIPTION)), "leave --openapi out"),
        (("--operator",), "asked nobody: leave --operator out"),
        (("--operator-timeout", "5"), "add --operator"),
    ):
        code, _, errors = said(tmp_path, "run", "--resume", "out", *words)
        assert (code, len(errors.splitlines())) == (2, 1)
        assert part in errors


def test_a_run_of_another_command_is_not_resumed(tmp_path):
    merchant = ("merchant", "--integration", "python:examples.merchants.epayment:Adapter", "--histories", "0")
    for name, words, part in (
        ("fuzzed", ("fuzz", "--target", "embedded", "--profile", "ecom", "--max-requests", "20"), "the command fuzz"),
        ("shop", merchant, "A merchant's run is not resumed"),
    ):
        said(tmp_path, *words, "--out", name)
        evidence = stored_records(read_journal(tmp_path / name))
        (tmp_path / name / "journal.jsonl").unlink()
        rewritten(evidence[:-1], tmp_path / name)
        code, _, errors = said(tmp_path, "run", "--resume", name)
        assert (code, len(errors.splitlines())) == (2, 1)
        assert part in errors


def test_a_journal_of_another_version_is_not_gone_on_with(tmp_path):
    directory = killed(tmp_path, 0.5, *RUN)
    records = stored_records(read_journal(directory))
    records[0]["rulebook"] = "0" * 64
    (directory / "journal.jsonl").unlink()
    rewritten(records, directory)
    code, _, errors = said(tmp_path, "run", "--resume", "out")
    assert code == 2
    assert "resume it with that" in errors
