"""Runs of the suite against small shops on published clients, and what stands in their journals."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conformance.judging.verdicts import RuleVerdict
from conformance.merchant import coming_to_rest as desk
from conformance.merchant import failures
from conformance.merchant.api import run_merchant
from conformance.merchant.harness import CountingSink, MerchantHarness
from conformance.obligations.history import MerchantHistory, merchant_history_from_json
from conformance.results.result import Result
from tests.stored import Stored, stored_records

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / "examples" / "clients"
INSTALL_SECONDS = 120


@contextmanager
def service(folder: Path, shop: str) -> Iterator[str]:
    """Run a shop's test hook; give its address."""
    command = ["node", "hook.mjs", shop]
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address, f"{shop} did not start"
            yield address
        finally:
            process.kill()


def install_vipps(folder: Path) -> Path:
    """Install the client of PyPI; skip the tests where that cannot be done."""
    pytest.importorskip("requests", reason="requests is needed to run the published client")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--disable-pip-version-check", "--target", str(folder), "-r", str(CLIENTS / "vipps.txt")]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("pip could not install the published client in time")
    if done.returncode:
        pytest.skip(f"pip could not install the published client: {done.stderr.strip().splitlines()[-1]}")
    return folder


@dataclass
class Run:
    """One run. ``broken`` has, by obligation, the histories that broke it, each with the reason."""

    result: Result
    broken: dict[str, list[tuple[str, str]]]

    @property
    def verdicts(self) -> dict[str, RuleVerdict]:
        return {rule.rule.id: rule.verdict for rule in self.result.rules}

    def first(self, rule: str) -> str:
        """The first history that breaks an obligation."""
        return self.broken[rule][0][0]

    def records(self, kind: str, name: str) -> list[Stored]:
        return [record for record in stored_records(self.result.evidence, kind) if record["history"] == name]

    def history(self, name: str) -> MerchantHistory:
        return next(
            merchant_history_from_json(record["history"])
            for record in stored_records(self.result.evidence, "history")
            if record["id"] == name
        )

    def cancels(self, name: str) -> list[Stored]:
        return [record for record in self.records("exchange", name) if record["wire"]["operation"] == "cancel"]


def run_against(integration: Any, folder: Path, **more: Any) -> Run:
    """Run the suite as a user would, but make no failure smaller, and do not wait for a shop that never works alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(failures, "SHRINKING_SECONDS", -1.0)
        patch.setattr(desk, "REAL_PAUSE", 0.0)
        result = run_merchant(integration, out=folder, **more)
    broken: dict[str, list[tuple[str, str]]] = {}
    for record in stored_records(result.evidence, "judgement"):
        for finding in record.get("findings", ()):
            broken.setdefault(finding["rule"], []).append((record["history"], finding["reason"]))
    return Run(result, broken)


def played(integration: Any, histories: list[MerchantHistory]) -> list[dict[str, str]]:
    """Play histories; return what each of them breaks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desk, "REAL_PAUSE", 0.0)
        stand = MerchantHarness(integration)
        try:
            return [
                stand.run(history, f"again-{number}", CountingSink()).broken for number, history in enumerate(histories)
            ]
        finally:
            stand.close()


def body(record: Stored) -> bytes:
    return record["request"]["body"].encode()


def header(record: Stored, name: str) -> str | None:
    return next((value for key, value in record["request"]["headers"] if key.lower() == name.lower()), None)
