"""What holds for every test of this project: how Hypothesis searches, and that nothing leaves this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from conformance.merchant.campaign import FIRST
from conformance.strategies.merchant.plan import SYSTEMATIC
from conformance.targets.network_watch import only_this_machine

pytest_plugins = ["pytester"]

THOROUGH = (
    "tests/audit",
    "tests/benchmarks",
    "tests/browser",
    "tests/cli/test_canaries.py",
    "tests/cli/test_requests.py",
    "tests/cli/test_resume.py",
    "tests/cli/test_shards.py",
    "tests/clients",
    "tests/evidence/test_forgeries.py",
    "tests/evidence/test_kinds.py",
    "tests/evidence/test_unquiet.py",
    "tests/faults",
    "tests/fuzzing/test_faults.py",
    "tests/fuzzing/test_fuzz_command.py",
    "tests/hostile/test_hostile.py",
    "tests/merchant/test_correct_merchants.py",
    "tests/merchant/test_faulty_merchants.py",
    "tests/merchant/test_matrix.py",
    "tests/merchant/test_processes.py",
    "tests/merchant/test_power.py",
    "tests/merchant/test_concurrent_actions.py",
    "tests/merchant/test_surroundings.py",
    "tests/museum/test_pipeline.py",
    "tests/races",
)
"""Folders and files whose tests play whole runs by the dozen."""

UNMEASURED = (
    "tests/ageing",
    "tests/cli",
    "tests/model/test_model_properties.py",
    "tests/rulebook/test_references.py",
    "tests/runner/test_example_exchange.py",
    "tests/merchant",
    "tests/museum",
    "tests/operator",
    "tests/plugin",
    "tests/reports/test_real_runs.py",
    "tests/sdk",
    "tests/strategies/test_histories.py",
    "tests/strategies/test_systematic.py",
)
"""Where measuring coverage would take long and show nothing new: the same lines thousands of times, or whole runs."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what takes minutes, and what is not worth measuring."""
    root = Path(__file__).parent
    marks = ((pytest.mark.thorough, THOROUGH), (pytest.mark.unmeasured, UNMEASURED))
    places = [(mark, tuple(str(root / name) for name in names)) for mark, names in marks]
    for item in items:
        for mark, names in places:
            if str(item.path).startswith(names):
                item.add_marker(mark)


# `ci` looks at the same examples every time, so that a red build is red for a reason in the change; `dev` looks at
# new ones and remembers what failed. Neither judges time: the machines are shared.
settings.register_profile("dev", deadline=None, print_blob=True)
settings.register_profile(
    "ci",
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))


@pytest.fixture(autouse=True)
def short_quick_run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a merchant's quick run have the beginning of the systematic set, of which every prefix has something of all.

    Tests that take minutes and measure what a run detects keep all of it.
    """
    if request.node.get_closest_marker("thorough") is None:
        monkeypatch.setitem(SYSTEMATIC, "quick", FIRST)


class NetworkRefusedError(RuntimeError):
    """A test tried to leave this machine. No ``OSError``: a client would take it for a connection that failed."""


class NetworkGuard:
    """Refuses what is not loopback, and remembers it: code that swallows the error does not hide the attempt."""

    def __init__(self) -> None:
        self.refused: list[str] = []

    def refuse(self, host: str, port: object) -> None:
        """Refuse a host that is not this machine."""
        self.refused.append(host)
        raise NetworkRefusedError(
            f"a test tried to reach {host}; tests talk to this machine only: "
            "use the embedded provider, an in-process app, or a server on 127.0.0.1"
        )


@pytest.fixture(scope="session", autouse=True)
def network_guard() -> Iterator[NetworkGuard]:
    """Watch connections, datagrams and name look-ups for the whole run.

    While a merchant's code runs, the suite watches them instead, and reports them as the merchant's.
    """
    guard = NetworkGuard()
    with only_this_machine(guard.refuse):
        yield guard


@pytest.fixture(autouse=True)
def _no_network(network_guard: NetworkGuard) -> Iterator[None]:
    """Fail the test that tried to leave this machine, even where its code caught the refusal."""
    network_guard.refused.clear()
    yield
    if network_guard.refused:
        pytest.fail(f"the test tried to reach {', '.join(dict.fromkeys(network_guard.refused))}", pytrace=False)
