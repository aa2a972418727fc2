"""Integrations in a process of their own: a test hook over HTTP, and a command for every action."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from conformance.domain.order import Profile
from conformance.merchant.integration.base import (
    ACTION_SECONDS,
    LONGEST_CRASH,
    ActionResult,
    MerchantCapabilities,
    as_json,
    capabilities_from,
    setup_as_json,
)
from conformance.merchant.integration.time_zone import UTC
from conformance.merchant.protocol import Setup
from conformance.targets.crash import cut_between_words
from conformance.targets.http.httpx_exchange import no_response
from conformance.targets.transport import TargetError, TargetUsageError

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_ACTIONS_WITH_OUTPUT: Final = ("start", "create", "local_view")
"""Actions whose response is read."""
LARGEST_OUTPUT: Final = 1_000_000
"""Bytes that are read of a response or of what a command prints."""
LARGEST_PRINTED: Final = 20 * LARGEST_OUTPUT
"""Bytes after which a command is stopped."""
MOST_ERROR_LINES: Final = 20
"""Of what a failing command prints to its standard error, the last so many lines are kept."""
_TOO_MUCH: Final = "more than anybody can read"
_POLL_SECONDS: Final = 0.05
"""Seconds between two looks at how much a command has printed."""


class HookIntegration:
    """A service of the merchant that answers ``POST BASE/ACTION``."""

    kind = "url"
    virtual = False
    first: Profile | None = None

    def __init__(self, base: str) -> None:
        self.name = base
        split = urlsplit(base)
        if split.hostname not in _LOOPBACK:
            raise TargetUsageError(
                f"{base} is not on this machine: a test hook is reached at http://127.0.0.1:PORT only."
            )
        if split.scheme != "http":
            raise TargetUsageError(f"{base} is not http: on this machine nothing is encrypted.")
        self._base = base.rstrip("/")
        self.seconds = ACTION_SECONDS
        self._client = httpx.Client(timeout=ACTION_SECONDS, verify=False, trust_env=False)

    def open(self, setup: Setup) -> MerchantCapabilities:
        """Start the first history, and return what the service can do."""
        statement = self._start(setup)
        return capabilities_from(
            self.name, statement.get("profiles"), statement.get("actions"), statement.get("concurrent")
        )

    def begin(self, setup: Setup) -> None:
        """Start a history: POST ``start``."""
        self._start(setup)

    def enter_zone(self, zone: str) -> None:
        """Do nothing: a service that runs already keeps its time zone, so no history with others is run with it."""

    def _start(self, setup: Setup) -> dict[str, Any]:
        result = self.call("start", setup_as_json(setup))
        if result.ending != "returned" or not isinstance(result.value, dict):
            raise TargetError(
                f"{self.name} did not start: POST {self._base}/start: {result.message or 'it gave no JSON object'}. "
                "docs/reference/merchant-protocol.md says what it must answer.",
                result.crash,
            )
        return result.value

    def call(self, action: str, arguments: Mapping[str, Any]) -> ActionResult:
        """Post an action, and return how it ended."""
        hung = ActionResult("hung", None, f"it did not answer within {self.seconds:.0f} seconds")
        deadline = time.monotonic() + self.seconds
        body = bytearray()
        try:
            with self._client.stream(
                "POST", f"{self._base}/{action}", json=as_json(arguments), timeout=self.seconds
            ) as response:
                for chunk in response.iter_bytes():
                    body += chunk
                    # A response may trickle so that no single read times out.
                    if time.monotonic() > deadline:
                        return hung
                    if len(body) > LARGEST_OUTPUT:
                        return ActionResult("raised", None, f"answered with {_TOO_MUCH}")
        except httpx.TimeoutException:
            return hung
        except httpx.TransportError as error:
            reason = no_response(error, self.seconds).cause
            raise TargetError(f"{self.name} cannot be reached: {reason}. Is the merchant's service running?") from None
        except httpx.DecodingError as error:
            raise TargetError(f"The test hook is at fault: POST {self._base}/{action}: {error}.") from None
        text = body.decode("utf-8", "replace")
        if not response.is_success:
            return ActionResult(
                "raised",
                None,
                f"answered {response.status_code}: {cut_between_words(text, 200)}",
                cut_between_words(text, LONGEST_CRASH).strip(),
            )
        if action not in _ACTIONS_WITH_OUTPUT:
            return ActionResult("returned")
        try:
            return ActionResult("returned", json.loads(text))
        except (ValueError, RecursionError):
            raise TargetError(
                f"The test hook is at fault: POST {self._base}/{action} answered {text[:80]!r}, which is no JSON."
            ) from None

    def together(self, action: str, arguments: Mapping[str, Any]) -> list[ActionResult]:
        """Post an action twice at the same time."""
        return _call_twice(self.call, action, arguments)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


class CommandIntegration:
    """A command that runs once for every action."""

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
        self._setup: Setup | None = None
        self._state: Path | None = None
        self._zone = UTC

    def open(self, setup: Setup) -> MerchantCapabilities:
        """Run ``start``, and return what the command can do."""
        self.begin(setup)
        result = self.call("start", {})
        if result.ending != "returned" or not isinstance(result.value, dict):
            raise TargetError(
                f"{self.name} did not start: '{self.name[5:]} start' {result.message or 'printed no JSON object'}. "
                "docs/reference/merchant-protocol.md says what it must print.",
                result.crash,
            )
        statement = result.value
        return capabilities_from(
            self.name, statement.get("profiles"), statement.get("actions"), statement.get("concurrent")
        )

    def begin(self, setup: Setup) -> None:
        """Make a directory for the history, which the command gets as ``CANCEL_STATE``."""
        self._zone = UTC
        self._remove_state()
        self._setup = setup
        self._state = Path(tempfile.mkdtemp(prefix="cancel-merchant-"))

    def enter_zone(self, zone: str) -> None:
        """Run the command in a time zone from now on."""
        self._zone = zone

    def call(self, action: str, arguments: Mapping[str, Any]) -> ActionResult:
        """Run the command with an action, and return how it ended."""
        with (
            tempfile.TemporaryFile() as input_file,
            tempfile.TemporaryFile() as output,
            tempfile.TemporaryFile() as errors,
        ):
            input_file.write(json.dumps(as_json(arguments)).encode())
            input_file.seek(0)
            try:
                process = subprocess.Popen(
                    [*self._command, action],
                    stdin=input_file,
                    stdout=output,
                    stderr=errors,
                    env=self._environment(),
                    start_new_session=True,
                )
            except OSError as error:
                raise TargetError(f"{self.name} cannot be started: {error.strerror}.") from None
            try:
                interrupted = self._wait(process, output, errors)
            finally:
                _kill_group(process)
            return interrupted or self._result(action, process.returncode, _read(output), _read(errors))

    def _wait(self, process: subprocess.Popen[bytes], *outputs: Any) -> ActionResult | None:
        """Wait for the end of a command; return a result only where the command has to be stopped."""
        deadline = time.monotonic() + self.seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_POLL_SECONDS)
                return None
            # A command can fill a disk within ten seconds.
            if any(os.fstat(file.fileno()).st_size > LARGEST_PRINTED for file in outputs):
                return ActionResult("raised", None, f"printed {_TOO_MUCH}")
        return ActionResult("hung", None, f"it did not end within {self.seconds:.0f} seconds")

    def _result(self, action: str, code: int, output: bytes, errors: bytes) -> ActionResult:
        if code:
            printed = errors.decode("utf-8", "replace").strip()
            lines = printed.splitlines()[-MOST_ERROR_LINES:]
            last = f": {cut_between_words(lines[-1], 200)}" if lines else ""
            crash = "\n".join(cut_between_words(line, LONGEST_CRASH) for line in lines)
            return ActionResult("raised", None, f"exited with {code}{last}", crash)
        if action not in _ACTIONS_WITH_OUTPUT or (action == "create" and not output.strip()):
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
        proxy = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), setup.base_url)
        loopback = "127.0.0.1,localhost"
        return {
            **os.environ,
            **proxy,
            "NO_PROXY": loopback,
            "no_proxy": loopback,
            "VIPPS_BASE_URL": setup.base_url,
            "VIPPS_CLIENT_ID": setup.client_id,
            "VIPPS_CLIENT_SECRET": setup.client_secret,
            "VIPPS_SUBSCRIPTION_KEY": setup.subscription_key,
            "VIPPS_MSN": setup.msn,
            "TZ": self._zone,
            "CANCEL_PROFILE": setup.profile,
            "CANCEL_STATE": str(self._state),
        }

    def _remove_state(self) -> None:
        if self._state is not None:
            shutil.rmtree(self._state, ignore_errors=True)
            self._state = None

    def together(self, action: str, arguments: Mapping[str, Any]) -> list[ActionResult]:
        """Run the command twice at the same time."""
        return _call_twice(self.call, action, arguments)

    def close(self) -> None:
        """Remove the directory of the history."""
        self._remove_state()


def _call_twice(
    call: Callable[[str, Mapping[str, Any]], ActionResult], action: str, arguments: Mapping[str, Any]
) -> list[ActionResult]:
    """Return the results of an action that two threads ask for at the same time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(call, (action, action), (arguments, arguments)))


def _read(file: Any) -> bytes:
    file.seek(0)
    return bytes(file.read(LARGEST_OUTPUT))


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and everything that it started in its session."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
