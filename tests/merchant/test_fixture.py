"""The pytest fixture in a merchant's own repository."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = """
from conformance.strategies.merchant import plan
from examples.merchants.epayment import Adapter
from tests.merchant.faulty.request_rules import NoKey

plan.SYSTEMATIC["quick"] = 48

def test_our_cancel(cancel_conformance):
    assert cancel_conformance(Adapter, histories=0).exit_code == 0


def test_theirs(cancel_conformance):
    cancel_conformance(NoKey, histories=0)

"""


def pytest_in(folder, *arguments):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment |= {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "200"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "conformance.plugin", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def test_a_test_fails_where_the_merchant_is_not_conformant(tmp_path):
    (tmp_path / "test_shop.py").write_text(TESTS)
    process = pytest_in(tmp_path)
    assert "1 failed, 1 passed" in process.stdout, process.stdout
    assert "M6 (recurring, violated)" in process.stdout
    assert "report.html" in process.stdout


def test_a_test_without_the_fixture_does_not_import_it(tmp_path):
    (tmp_path / "test_plain.py").write_text(
        "import sys\n\ndef test_plain():\n    assert 'conformance.merchant.fixture' not in sys.modules\n"
    )
    assert "1 passed" in pytest_in(tmp_path).stdout
