"""A command that runs on from action to action: the protocol, what breaks it, and how much it saves."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conformance.merchant import Setup
from conformance.merchant.harness import CountingSink
from conformance.merchant.integration.command import CommandIntegration
from conformance.obligations.history import CLOCK, ZONE, Fault
from conformance.targets.transport import TargetError
from tests.merchant.helpers import harness_of, history

SHOP = f"exec:{sys.executable} -m tests.merchant.plugged.line_shop"
SETUP = Setup(
    "epayment", "http://127.0.0.1:1", "id", "secret", "key", "123456", lambda: datetime.now(UTC), lambda _: None
)
SCRIPT = """
import json, os, sys, time
ACTIONS = ["create", "cancel", "local_view", "restart"]
if sys.argv[-1] == "start":
    print(json.dumps({"profiles": ["epayment"], "actions": ACTIONS, "serve": True, "concurrent": True, "clock": True}))
    sys.exit()
for line in sys.stdin:
    sent = json.loads(line)
    answer = {"ok": True, "value": {"pid": os.getpid(), "zone": time.strftime("%Z"), **sent}}
    if sent["action"] == "cancel":
        BODY
    print(json.dumps(answer), flush=True)
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Callable[[str], CommandIntegration]]:
    made: list[CommandIntegration] = []

    def make(body: str = "pass") -> CommandIntegration:
        script = tmp_path / "shop.py"
        script.write_text(SCRIPT.replace("BODY", body))
        integration = CommandIntegration(f"{sys.executable} {script}")
        made.append(integration)
        integration.open(SETUP)
        integration.begin(SETUP)
        return integration

    yield make
    for integration in made:
        integration.close()


def view(integration: CommandIntegration) -> dict[str, object]:
    result = integration.call("local_view", {"order_id": "o-1"})
    assert result.ending == "returned", result
    return dict(result.value)


def has_ended(process: object) -> bool:
    """Return whether a process has ended, at most a few seconds from now: a signal takes a moment."""
    deadline = time.monotonic() + 5
    while is_alive(process) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_alive(process)


def is_alive(process: object) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_one_process_takes_all_actions_of_all_histories(shop):
    integration = shop()
    first = view(integration)
    integration.begin(SETUP)
    second = view(integration)
    assert first["pid"] == second["pid"]
    assert (first["action"], first["order_id"]) == ("local_view", "o-1")
    assert str(first["now"]).endswith("Z")
    integration.close()
    assert has_ended(first["pid"])


def test_a_restart_and_a_time_zone_begin_a_new_process(shop):
    integration = shop()
    first = view(integration)
    assert first["zone"] == "UTC"
    integration.call("restart", {})
    second = view(integration)
    assert first["pid"] != second["pid"]
    assert has_ended(first["pid"])
    integration.enter_zone("Europe/Oslo")
    assert view(integration)["zone"] in ("CET", "CEST")
    integration.begin(SETUP)
    assert view(integration)["zone"] == "UTC"


def test_two_actions_at_the_same_time_go_to_two_processes(shop):
    results = shop().together("local_view", {"order_id": "o-1"})
    assert len({result.value["pid"] for result in results}) == 2


@pytest.mark.parametrize(
    ("body", "message", "crash"),
    [
        ("raise KeyError('dsn')", "exited with 1: KeyError: 'dsn'", "in <module>"),
        ("os._exit(0)", "exited with 0", ""),
        ("answer = {'ok': False, 'error': 'no goods'}", "failed: no goods", "no goods"),
        ("answer = {'ok': False}", "failed", ""),
        ("answer = {'ok': True, 'value': 'x' * 2_000_000}", "printed more than anybody can read", ""),
        ("os.write(2, b'x' * 25_000_000); time.sleep(60)", "printed more than anybody can read", ""),
    ],
    ids=["raises", "ends", "fails", "fails silently", "endless line", "endless errors"],
)
def test_an_action_that_fails_is_one_result_and_the_next_one_is_answered(shop, body, message, crash):
    integration = shop(body)
    result = integration.call("cancel", {"order_id": "o-1"})
    assert (result.ending, result.message) == ("raised", message)
    assert crash in result.crash
    assert view(integration)["action"] == "local_view"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("print('cancelling')", "printed 'cancelling' as the answer to cancel"),
        ("answer = [1]", "as the answer to cancel"),
        ("answer = {'ok': 'yes'}", "as the answer to cancel"),
        ("os.write(1, b'\\xff' * 9 + b'\\n')", "as the answer to cancel"),
        ("print('[' * 200_000)", "as the answer to cancel"),
    ],
    ids=["a log", "a list", "no boolean", "no text", "too deep"],
)
def test_something_else_on_the_standard_output_is_the_adapters_fault(shop, body, message):
    integration = shop(body)
    with pytest.raises(TargetError, match="The adapter is at fault") as caught:
        integration.call("cancel", {"order_id": "o-1"})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_line_that_nobody_asked_for_is_noticed(shop):
    integration = shop("print(json.dumps(answer), flush=True)")
    integration.call("cancel", {"order_id": "o-1"})
    time.sleep(0.2)
    with pytest.raises(TargetError, match="without being asked"):
        view(integration)


def test_a_process_that_hangs_is_killed_with_what_it_started(shop, tmp_path):
    child = tmp_path / "child"
    started = f"import subprocess; c = subprocess.Popen(['sleep', '60']); open({str(child)!r}, 'w').write(str(c.pid))"
    integration = shop(f"{started}; c.wait()")
    integration.seconds = 1.0
    began = time.monotonic()
    assert integration.call("cancel", {"order_id": "o-1"}).ending == "hung"
    assert time.monotonic() - began < 6
    assert has_ended(child.read_text())
    assert view(integration)["action"] == "local_view"


def test_a_process_that_ignores_the_end_of_its_input_is_killed(shop):
    integration = shop("import threading; threading.Thread(target=time.sleep, args=(60,)).start()")
    integration.call("cancel", {"order_id": "o-1"})
    process = view(integration)["pid"]
    integration.close()
    assert has_ended(process)


def test_a_command_that_cannot_be_started_again_cannot_change_its_zone(tmp_path):
    script = tmp_path / "shop.py"
    script.write_text(SCRIPT.replace("BODY", "pass").replace(', "restart"', ""))
    kept = CommandIntegration(f"{sys.executable} {script}")
    assert ZONE not in kept.open(SETUP).actions
    script.write_text(script.read_text().replace('"serve": True', '"clock": True'))
    every_time = CommandIntegration(f"{sys.executable} {script}")
    assert {ZONE, CLOCK} <= every_time.open(SETUP).actions
    kept.close()
    every_time.close()


def test_a_kept_shop_is_the_same_shop_and_takes_less_time():
    told = history("create approve deliver capture:400 restart cancel", Fault("cancel", "lost-after"))
    broken, seconds = {}, {}
    for command in (SHOP, f"{SHOP} once"):
        with harness_of(command) as harness:
            harness.open()
            began = time.monotonic()
            broken[command] = harness.run(told, "kept-1", CountingSink()).broken
            seconds[command] = time.monotonic() - began
    assert set(map(len, broken.values())) == {0}
    assert seconds[SHOP] * 2 < seconds[f"{SHOP} once"]


def test_the_environment_of_an_action_has_the_time(tmp_path):
    script = tmp_path / "shop.sh"
    script.write_text('echo "{\\"reference\\": \\"$CANCEL_NOW $TZ ${ALL_PROXY:-none}\\"}"\n')
    integration = CommandIntegration(f"sh {script}")
    os.environ["ALL_PROXY"] = "socks5://127.0.0.1:9"
    try:
        integration.begin(SETUP)
        integration.enter_zone("Pacific/Kiritimati")
        reference = integration.call("create", {}).value["reference"]
    finally:
        del os.environ["ALL_PROXY"]
        integration.close()
    now, zone, proxy = reference.split()
    assert datetime.fromisoformat(now).tzinfo == UTC
    assert (zone, proxy) == ("Pacific/Kiritimati", "none")
