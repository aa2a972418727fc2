"""The pytest plugin. It is loaded with every pytest of its environment, and does nothing there until it is used.

``--cancel-target`` makes the session a run (`session`), ``--cancel-report`` reports what a user's own tests play
(`user_tests`), and ``cancel_conformance`` is a fixture for merchants.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from conformance.plugin.options import NAME, add_options

if TYPE_CHECKING:
    from conformance.merchant.fixture import CancelConformance

_SUMMARY: Final = "hypothesispytest"
"""The name of the pytest plugin of Hypothesis."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Come to life if something is asked for."""
    if "schemathesis" in sys.modules:
        from conformance.plugin.hypothesis_printer import HypothesisPrinter  # noqa: PLC0415

        config.pluginmanager.register(HypothesisPrinter(), f"{NAME}-printer")
    if config.getoption("--cancel-target") is not None:
        from conformance.plugin.session import ConformanceSession  # noqa: PLC0415

        config.pluginmanager.register(ConformanceSession(config), f"{NAME}-session")
    if config.getoption("--cancel-report") is not None:
        from conformance.plugin.user_tests import UserTestsReport  # noqa: PLC0415

        config.pluginmanager.register(UserTestsReport(config), f"{NAME}-report")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Spare a session in which nothing used Hypothesis the time that its plugin's summary takes to import it.

    Hypothesis is in the environment because of us. The controller of pytest-xdist is left alone: the reports of its
    workers have what Hypothesis says of their tests.
    """
    plugins = session.config.pluginmanager
    idle = "hypothesis" not in sys.modules and session.config.getoption("dist", "no") == "no"
    if idle and plugins.has_plugin(_SUMMARY):
        plugins.unregister(name=_SUMMARY)


@pytest.fixture
def cancel_conformance(request: pytest.FixtureRequest, tmp_path: Path) -> CancelConformance:
    """Return a check of a merchant's integration.

    ``cancel_conformance(Adapter)`` fails the test if the integration is not conformant. Evidence and reports go into
    the directory of ``--cancel-report``, and into one of the test's own without that option.
    """
    from conformance.merchant.fixture import CancelConformance  # noqa: PLC0415

    report = request.config.pluginmanager.get_plugin(f"{NAME}-report")
    return CancelConformance(tmp_path if report is None else report.directory_of(request.node.nodeid))
