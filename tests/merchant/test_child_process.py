"""What a merchant's command starts and prints: it ends with the action, wherever it went, and its output is bounded."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conformance.merchant import Setup
from conformance.merchant.integration.child_process import LARGEST_PRINTED, BoundedOutput
from conformance.merchant.integration.command import CommandIntegration
from tests.merchant.test_kept_process import has_ended, is_alive

SETUP = Setup(
    "epayment", "http://127.0.0.1:1", "id", "secret", "key", "123456", lambda: datetime.now(UTC), lambda _: None
)
SCRIPT = """
import json, os, signal, subprocess, sys, time
def cancel():
    BODY
if sys.argv[-1] == "start":
    print(json.dumps({"profiles": ["epayment"], "actions": ["create", "cancel", "local_view"], "serve": SERVES}))
elif sys.argv[-1] == "cancel":
    cancel()
else:
    for line in sys.stdin:
        if json.loads(line)["action"] == "cancel":
            cancel()
        print(json.dumps({"ok": True}), flush=True)
"""
LEAVE = """
if not os.fork():
    WAY
    open(PID, "w").write(str(os.getpid()))
    time.sleep(900)
while not os.path.exists(PID) or not open(PID).read():
    time.sleep(0.01)
"""
WAYS = {
    "fork": "pass",
    "session": "os.setsid()",
    "twice": "os.setsid(); os.fork() and os._exit(0)",
    "deaf": "signal.signal(signal.SIGTERM, signal.SIG_IGN); os.setsid()",
    "closed": "os.setsid(); os.fork() and os._exit(0); os.closerange(0, 3)",
    "program": "os.setsid(); subprocess.Popen(['sleep', '900'], start_new_session=True)",
}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Callable[..., CommandIntegration]]:
    made: list[CommandIntegration] = []

    def make(body: str, *, serves: bool) -> CommandIntegration:
        script = tmp_path / "shop.py"
        indented = "\n    ".join(body.strip().replace("PID", repr(str(tmp_path / "pid"))).splitlines())
        script.write_text(SCRIPT.replace("BODY", indented).replace("SERVES", str(serves)))
        integration = CommandIntegration(f"{sys.executable} {script}")
        made.append(integration)
        integration.open(SETUP)
        integration.begin(SETUP)
        return integration

    yield make
    for integration in made:
        integration.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the environment of a process is seen on Linux only")
@pytest.mark.parametrize("serves", [False, True])
@pytest.mark.parametrize("way", list(WAYS))
def test_what_an_action_leaves_running_ends_with_its_process(shop, tmp_path, way, serves):
    integration = shop(LEAVE.replace("WAY", WAYS[way]), serves=serves)
    assert integration.call("cancel", {"order_id": "o-1"}).ending == "returned"
    process = (tmp_path / "pid").read_text()
    assert is_alive(process) is serves, "one that runs on may go on using it"
    integration.close()
    assert has_ended(process)


def test_a_stop_of_the_command_ends_what_its_integration_left(tmp_path):
    body = f"{LEAVE.replace('WAY', WAYS['twice'])}\ntime.sleep(900)".replace("PID", repr(str(tmp_path / "pid")))
    script = SCRIPT.replace("BODY", "\n    ".join(body.strip().splitlines())).replace("SERVES", "True")
    # The first action of every history.
    (tmp_path / "shop.py").write_text(script.replace('["action"] == "cancel"', '["action"] == "create"'))
    words = ["merchant", "--integration", f"exec:{sys.executable} shop.py", "--budget", "quick"]
    with subprocess.Popen(
        [sys.executable, "-m", "conformance", *words], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        deadline = time.monotonic() + 30
        while not (tmp_path / "pid").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.terminate()
        process.communicate(timeout=60)
    assert has_ended((tmp_path / "pid").read_text())


@pytest.mark.parametrize("stream", [1, 2])
def test_a_flood_is_bounded_in_memory_and_one_message(shop, stream):
    integration = shop(f"while True: os.write({stream}, b'x' * 100_000)", serves=False)
    result = integration.call("cancel", {"order_id": "o-1"})
    assert (result.ending, result.message) == ("raised", "printed more than anybody can read")


@pytest.mark.parametrize(("last", "shown"), [(False, b"first"), (True, b"last\n")])
def test_of_what_is_printed_one_end_is_kept_and_all_of_it_is_read(last, shown):
    program = f"printf first; head -c {LARGEST_PRINTED * 3} /dev/zero; echo last"
    with subprocess.Popen(["sh", "-c", program], stdout=subprocess.PIPE) as process:
        output = BoundedOutput(process.stdout, 1000, last=last)
        assert process.wait(60) == 0
        output.close()
    assert output.is_too_large
    assert len(output.content()) == 1000
    assert (output.content().endswith if last else output.content().startswith)(shown)


@pytest.mark.parametrize(
    ("body", "ending", "message"),
    [
        ("sys.stdin.close(); time.sleep(900)", "hung", "it did not answer within 0 seconds"),
        ("os.close(1); time.sleep(900)", "raised", "closed its standard output"),
        ("os.close(1); os.close(0); sys.exit(4)", "raised", "exited with 4"),
    ],
)
def test_a_process_that_closes_its_streams_or_never_reads_them_is_stopped(shop, body, ending, message):
    integration = shop(body, serves=True)
    integration.seconds = 0.4
    result = integration.call("cancel", {"order_id": "o-1"})
    assert (result.ending, result.message.partition(":")[0]) == (ending, message)


def test_a_command_that_never_reads_its_input_is_stopped(shop):
    integration = shop("time.sleep(900)", serves=False)
    integration.seconds = 0.4
    assert integration.call("cancel", {"order_id": json.dumps("x" * 200_000)}).ending == "hung"
