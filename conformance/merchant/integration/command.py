"""An integration that is a command: a process for every action, or one that runs on and is asked line by line."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.domain.order import Profile
from conformance.merchant.integration.base import (
    ACTION_SECONDS,
    ACTIONS_WITH_OUTPUT,
    LARGEST_OUTPUT,
    TOO_MUCH,
    ActionResult,
    MerchantCapabilities,
    as_json,
    call_twice,
    capabilities_from,
    setup_as_json,
    time_as_text,
)
from conformance.merchant.integration.child_process import BoundedOutput, ChildProcess
from conformance.merchant.integration.kept_process import POLL_SECONDS, SERVE, KeptProcess, ask_each
from conformance.merchant.integration.proxies import LOOPBACK
from conformance.merchant.integration.time_zone import UTC
from conformance.merchant.protocol import Setup
from conformance.obligations.history import CLOCK
from conformance.targets.transport import TargetError, TargetUsageError


class CommandIntegration:
    """A command of the merchant.

    It is started for every action, with the action's name as its last argument. A command that states ``"serve": true``
    when it is asked to ``start`` is started once with ``serve``, and then gets all actions through its standard input.
    """

    kind = "exec"
    virtual = False
    first: Profile | None = None

    def __init__(self, command: str) -> None:
        self.name = f"exec:{command}"
        try:
            self._command = shlex.split(command)
        except ValueError as error:
            raise TargetUsageError(f"exec:{command} cannot be read: {error}.") from None
        if not self._command:
            raise TargetUsageError("exec: names no command: write exec:COMMAND.")
        if shutil.which(self._command[0]) is None:
            raise TargetUsageError(f"there is no command {self._command[0]!r}.")
        self.seconds = ACTION_SECONDS
        self.vain_pauses = 0
        self._setup: Setup | None = None
        self._state: Path | None = None
        self._zone = UTC
        self._serves = False
        self._follows_clock = False
        self._process: KeptProcess | None = None

    def open(self, setup: Setup) -> MerchantCapabilities:
        """Run ``start``, and return what the command can do."""
        self.begin(setup)
        result = self._run("start", {})
        if result.ending != "returned" or not isinstance(result.value, dict):
            raise TargetError(
                f"{self.name} did not start: '{self.name[5:]} start' {result.message or 'printed no JSON object'}. "
                "docs/reference/merchant-protocol.md says what it must print.",
                result.crash,
            )
        statement = result.value
        serves = statement.get(SERVE) is True
        # A process that runs on gets another zone by a restart, which it has to be able to live through.
        capabilities = capabilities_from(self.name, statement, zone=True)
        if serves and "restart" not in capabilities.actions:
            capabilities = capabilities_from(self.name, statement, zone=False)
        self._serves, self._follows_clock = serves, CLOCK in capabilities.actions
        return capabilities

    def begin(self, setup: Setup) -> None:
        """Make a directory for the history, which the command gets as ``CANCEL_STATE``."""
        self._remove_state()
        self._setup, changed_zone, self._zone = setup, self._zone != UTC, UTC
        self._state = Path(tempfile.mkdtemp(prefix="cancel-merchant-"))
        if not self._serves:
            return
        if changed_zone:
            self._stop_process()
        result = self._running().ask("start", {**setup_as_json(setup), "state": str(self._state)}, self.seconds)
        if result.ending != "returned":
            raise TargetError(
                f"{self.name} did not start a history: '{self.name[5:]} {SERVE}' {result.message}.", result.crash
            )

    def enter_zone(self, zone: str) -> None:
        """Let the command run in another time zone; a process that runs on is started anew."""
        self._zone = zone
        if self._serves:
            self._restart()

    def call(self, action: str, arguments: Mapping[str, Any]) -> ActionResult:
        """Ask the command for an action, and return how it ended."""
        if not self._serves:
            return self._run(action, arguments)
        if action == "restart":
            self._restart()
            return ActionResult("returned")
        return self._running().ask(action, self._as_json(arguments), self.seconds)

    def _as_json(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        assert self._setup is not None
        return as_json(arguments, self._setup.now() if self._follows_clock else None)

    # One process for all actions

    def _running(self) -> KeptProcess:
        """Return the process that runs; where it has ended, a new one."""
        if self._process is not None and not self._process.is_running:
            self._stop_process()
        self._process = self._process or self._new_process()
        return self._process

    def _new_process(self) -> KeptProcess:
        return KeptProcess(self._command, self._environment(), self.name)

    def _restart(self) -> None:
        self._stop_process()
        self._process = self._new_process()

    def _stop_process(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._process = None

    # A process for every action

    def _run(self, action: str, arguments: Mapping[str, Any]) -> ActionResult:
        with tempfile.TemporaryFile() as content:
            content.write(json.dumps(self._as_json(arguments)).encode())
            content.seek(0)
            child = ChildProcess([*self._command, action], self._environment(), self.name, content)
        output = BoundedOutput(child.stdout, LARGEST_OUTPUT)
        try:
            interrupted = self._wait(child, output)
        finally:
            child.end()
            output.close()
        if interrupted is not None:
            return interrupted
        code = child.process.returncode
        return child.failure(code) if code else self._result(action, output.content())

    def _wait(self, child: ChildProcess, output: BoundedOutput) -> ActionResult | None:
        """Wait for the end of a command; return a result only where the command has to be stopped."""
        deadline = time.monotonic() + self.seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(POLL_SECONDS)
                return None
            if output.is_too_large or child.errors.is_too_large:
                return ActionResult("raised", None, f"printed {TOO_MUCH}")
        return ActionResult("hung", None, f"it did not end within {self.seconds:.0f} seconds")

    def _result(self, action: str, output: bytes) -> ActionResult:
        if action not in ACTIONS_WITH_OUTPUT or (action in ("create", "pay_again") and not output.strip()):
            return ActionResult("returned")
        try:
            return ActionResult("returned", json.loads(output))
        except (ValueError, RecursionError):
            shown = output[:80].decode("utf-8", "replace")
            raise TargetError(
                f"The adapter is at fault: '{self.name[5:]} {action}' printed {shown!r}, which is no JSON."
            ) from None

    def _environment(self) -> dict[str, str]:
        setup = self._setup
        assert setup is not None
        user = {name: value for name, value in os.environ.items() if name.upper() != "ALL_PROXY"}
        proxy = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), setup.base_url)
        return {
            **user,
            **proxy,
            "NO_PROXY": LOOPBACK,
            "no_proxy": LOOPBACK,
            "TZ": self._zone,
            "VIPPS_BASE_URL": setup.base_url,
            "VIPPS_CLIENT_ID": setup.client_id,
            "VIPPS_CLIENT_SECRET": setup.client_secret,
            "VIPPS_SUBSCRIPTION_KEY": setup.subscription_key,
            "VIPPS_MSN": setup.msn,
            "CANCEL_PROFILE": setup.profile,
            "CANCEL_STATE": str(self._state),
            "CANCEL_NOW": time_as_text(setup.now()),
        }

    def _remove_state(self) -> None:
        if self._state is not None:
            shutil.rmtree(self._state, ignore_errors=True)
            self._state = None

    def together(self, action: str, arguments: Mapping[str, Any]) -> list[ActionResult]:
        """Ask for an action twice at the same time, of two processes."""
        if not self._serves:
            return call_twice(self._run, action, arguments)
        processes, content = [self._running(), self._new_process()], self._as_json(arguments)
        try:
            return ask_each(processes, action, content, self.seconds)
        finally:
            processes[1].stop()

    def close(self) -> None:
        """End the process, and remove the directory of the history."""
        self._stop_process()
        self._remove_state()
