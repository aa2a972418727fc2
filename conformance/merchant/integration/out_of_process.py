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
    SECONDS,
    MerchantCallError,
    MerchantCapabilities,
    as_json,
    capabilities_from,
    setup_as_json,
)
from conformance.merchant.protocol import Setup
from conformance.targets.transport import TargetError, TargetUsageError

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_ANSWERING: Final = ("start", "create", "local_view")
"""Actions whose answer is read."""
MOST_OUTPUT: Final = 1_000_000
"""Bytes of an answer, and of what a command prints."""
MOST_WRITTEN: Final = 20 * MOST_OUTPUT
"""A command that has printed so much is ended."""
_MUCH: Final = "more than anybody can read"
_LOOK: Final = 0.05
"""Seconds after which it is looked how much was printed."""


class HookIntegration:
    """A service of the merchant's that answers ``POST BASE/ACTION``."""

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
        self.seconds = SECONDS
        self._client = httpx.Client(timeout=SECONDS, verify=False, trust_env=False)

    def open(self, setup: Setup) -> MerchantCapabilities:
        """Ask what it has."""
        said = self._start(setup)
        return capabilities_from(self.name, said.get("profiles"), said.get("actions"), said.get("concurrent"))

    def begin(self, setup: Setup) -> None:
        """Tell that a history begins."""
        self._start(setup)

    def _start(self, setup: Setup) -> dict[str, Any]:
        ended = self.call("start", setup_as_json(setup))
        if ended.how != "returned" or not isinstance(ended.value, dict):
            raise TargetError(
                f"{self.name} did not start: POST {self._base}/start: {ended.told or 'it gave no JSON object'}. "
                "docs/merchant.md says what it must answer."
            )
        return ended.value

    def call(self, action: str, given: Mapping[str, Any]) -> MerchantCallError:
        """Post an action."""
        late = MerchantCallError("hung", None, f"it did not answer within {self.seconds:.0f} seconds")
        until = time.monotonic() + self.seconds
        body = bytearray()
        try:
            with self._client.stream(
                "POST", f"{self._base}/{action}", json=as_json(given), timeout=self.seconds
            ) as answer:
                for part in answer.iter_bytes():
                    body += part
                    # An answer may trickle, each byte of it in good time.
                    if time.monotonic() > until:
                        return late
                    if len(body) > MOST_OUTPUT:
                        return MerchantCallError("raised", None, f"answered with {_MUCH}")
        except httpx.TimeoutException:
            return late
        except httpx.TransportError as error:
            said = str(error).rstrip(".") or type(error).__name__
            raise TargetError(f"{self.name} cannot be reached: {said}. Is the merchant's service running?") from None
        except httpx.DecodingError as error:
            raise TargetError(f"The test hook is at fault: POST {self._base}/{action}: {error}.") from None
        text = body.decode("utf-8", "replace")
        if not answer.is_success:
            return MerchantCallError("raised", None, f"answered {answer.status_code}: {text[:200]}")
        if action not in _ANSWERING:
            return MerchantCallError("returned")
        try:
            return MerchantCallError("returned", json.loads(text))
        except (ValueError, RecursionError):
            raise TargetError(
                f"The test hook is at fault: POST {self._base}/{action} answered {text[:80]!r}, which is no JSON."
            ) from None

    def together(self, action: str, given: Mapping[str, Any]) -> list[MerchantCallError]:
        """Post an action twice at the same time."""
        return _twice(self.call, action, given)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


class CommandIntegration:
    """A command that is started for every action."""

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
        self.seconds = SECONDS
        self._setup: Setup | None = None
        self._state: Path | None = None

    def open(self, setup: Setup) -> MerchantCapabilities:
        """Ask what it has."""
        self.begin(setup)
        ended = self.call("start", {})
        if ended.how != "returned" or not isinstance(ended.value, dict):
            raise TargetError(f"{self.name} start {ended.told or 'printed no JSON object'}.")
        said = ended.value
        return capabilities_from(self.name, said.get("profiles"), said.get("actions"), said.get("concurrent"))

    def begin(self, setup: Setup) -> None:
        """Give the history a directory of its own."""
        self._forget()
        self._setup = setup
        self._state = Path(tempfile.mkdtemp(prefix="cancel-merchant-"))

    def call(self, action: str, given: Mapping[str, Any]) -> MerchantCallError:
        """Start the command and wait for its end."""
        with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            asked.write(json.dumps(as_json(given)).encode())
            asked.seek(0)
            try:
                process = subprocess.Popen(
                    [*self._command, action],
                    stdin=asked,
                    stdout=out,
                    stderr=errors,
                    env=self._environment(),
                    start_new_session=True,
                )
            except OSError as error:
                raise TargetError(f"{self.name} cannot be started: {error.strerror}.") from None
            try:
                stopped = self._watched(process, out, errors)
            finally:
                _kill_group(process)
            return stopped or self._ended(action, process.returncode, _read(out), _read(errors))

    def _watched(self, process: subprocess.Popen[bytes], *written: Any) -> MerchantCallError | None:
        """Wait for a command's end; say why it was not waited for any longer, where it was not."""
        until = time.monotonic() + self.seconds
        while time.monotonic() < until:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK)
                return None
            # Within ten seconds a disk can be filled.
            if any(os.fstat(file.fileno()).st_size > MOST_WRITTEN for file in written):
                return MerchantCallError("raised", None, f"printed {_MUCH}")
        return MerchantCallError("hung", None, f"it did not end within {self.seconds:.0f} seconds")

    def _ended(self, action: str, code: int, out: bytes, errors: bytes) -> MerchantCallError:
        if code:
            said = errors.decode("utf-8", "replace").strip().splitlines()
            return MerchantCallError("raised", None, f"exited with {code}" + (f": {said[-1][:200]}" if said else ""))
        if action not in _ANSWERING or (action == "create" and not out.strip()):
            return MerchantCallError("returned")
        try:
            return MerchantCallError("returned", json.loads(out))
        except (ValueError, RecursionError):
            shown = out[:80].decode("utf-8", "replace")
            raise TargetError(
                f"The adapter is at fault: '{self.name[5:]} {action}' printed {shown!r}, which is no JSON."
            ) from None

    def _environment(self) -> dict[str, str]:
        setup = self._setup
        assert setup is not None
        proxy = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), setup.base_url)
        near = "127.0.0.1,localhost"
        return {
            **os.environ,
            **proxy,
            "NO_PROXY": near,
            "no_proxy": near,
            "VIPPS_BASE_URL": setup.base_url,
            "VIPPS_CLIENT_ID": setup.client_id,
            "VIPPS_CLIENT_SECRET": setup.client_secret,
            "VIPPS_SUBSCRIPTION_KEY": setup.subscription_key,
            "VIPPS_MSN": setup.msn,
            "CANCEL_PROFILE": setup.profile,
            "CANCEL_STATE": str(self._state),
        }

    def _forget(self) -> None:
        if self._state is not None:
            shutil.rmtree(self._state, ignore_errors=True)
            self._state = None

    def together(self, action: str, given: Mapping[str, Any]) -> list[MerchantCallError]:
        """Start the command twice at the same time."""
        return _twice(self.call, action, given)

    def close(self) -> None:
        """Remove the directory."""
        self._forget()


def _twice(
    call: Callable[[str, Mapping[str, Any]], MerchantCallError], action: str, given: Mapping[str, Any]
) -> list[MerchantCallError]:
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(call, (action, action), (given, given)))


def _read(file: Any) -> bytes:
    file.seek(0)
    return bytes(file.read(MOST_OUTPUT))


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and whatever it started in its session."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
