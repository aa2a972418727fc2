"""Tests that a user writes with pytest and Hypothesis: beside other plugins, and with ``--cancel-report``."""

import ast
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import conformance
from conformance.evidence.journal import read_journal
from conformance.evidence.records import HistoryRecord
from conformance.judging.verdicts import RunVerdict
from conformance.results.result import result_of
from conformance.verification.verify import verify

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "pytest-and-hypothesis.md"
NEIGHBOURS = {
    "anyio": ("anyio.pytest_plugin",),
    "asyncio": ("pytest_asyncio.plugin",),
    "cov": ("pytest_cov.plugin", "--cov", "examples"),
    "randomly": ("pytest_randomly",),
    "respx": ("respx.plugin",),
    "xdist": ("xdist.plugin", "-n", "2"),
}
"""Each with its plugin and what it is used with."""

TESTS = """
import asyncio

import httpx
import pytest
from hypothesis import HealthCheck, given, settings

from conformance import ViolationError, assert_conforms, assert_conforms_async, histories, history
from examples.pytest_provider.shop import CONTROL, app, faulty_app

FEW = settings(max_examples=5, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])


@FEW
@given(histories("epayment"))
def test_drawn(history):
    assert_conforms(history, app, control_url=CONTROL)


def test_faulty():
    with pytest.raises(ViolationError):
        assert_conforms(history("epayment", "approve", "capture 300", "cancel"), faulty_app, control_url=CONTROL)
"""
MORE = {
    "asyncio": """
@pytest.mark.asyncio
@FEW
@given(histories("epayment"))
async def test_in_asyncio(history):
    await assert_conforms_async(history, app, control_url=CONTROL)
    assert_conforms(history, app, control_url=CONTROL)
""",
    "anyio": """
@pytest.mark.anyio
async def test_in_anyio():
    assert_conforms(history("epayment", "cancel"), app, control_url=CONTROL)
    await assert_conforms_async(history("epayment", "cancel"), app, control_url=CONTROL)


@pytest.fixture
def anyio_backend():
    return "asyncio"
""",
    "respx": """
def test_in_respx(respx_mock):
    respx_mock.get("https://shop.example/").respond(204)
    assert_conforms(history("epayment", "cancel"), app, control_url=CONTROL)
    assert httpx.get("https://shop.example/").status_code == 204
""",
}


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("php", "__pycache__"))
    return tmp_path


@pytest.fixture
def few_examples(folder):
    """Draw ten examples where a test does not say how many: what is shown is that they run, not what they find."""
    (folder / "conftest.py").write_text(
        "from hypothesis import settings\n"
        "settings.register_profile('few', max_examples=10, database=None)\nsettings.load_profile('few')\n"
    )


def run_pytest(folder, *arguments, plugins=(), autoload=False):
    words = [] if autoload else [word for name in ("conformance.plugin", *plugins) for word in ("-p", name)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "VIPPS"))}
    environment |= {"PYTHONPATH": os.pathsep.join((str(folder), str(ROOT))), "COLUMNS": "200"}
    if not autoload:
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.thorough
@pytest.mark.parametrize("neighbour", NEIGHBOURS)
def test_beside_one_other_plugin(folder, neighbour):
    (folder / "test_mine.py").write_text(TESTS + MORE.get(neighbour, ""))
    plugin, *options = NEIGHBOURS[neighbour]
    played = run_pytest(folder, "test_mine.py", "-q", *options, plugins=(plugin,))
    assert played.returncode == 0, played.stdout + played.stderr
    assert "cancel-conformance" not in played.stdout


def test_beside_all_of_them(folder):
    (folder / "test_mine.py").write_text(TESTS + "".join(MORE.values()))
    options = ("-n", "2", "--cov", "examples", "--cancel-report", "report")
    played = run_pytest(folder, "test_mine.py", "-q", *options, autoload=True)
    assert played.returncode == 0, played.stdout + played.stderr
    assert len(list((folder / "report").glob("*/report.html"))) == 2


def test_the_examples_pass_and_are_reported(folder, few_examples):
    examples = ("examples/pytest_provider", "examples/pytest_merchant")
    played = run_pytest(folder, *examples, "-q", "--cancel-report", "report", plugins=("anyio.pytest_plugin",))
    assert played.returncode == 0, played.stdout + played.stderr
    assert "Incomplete: no rule was seen violated" in played.stdout
    assert list((folder / "report" / "merchant").rglob("report.html"))


def report_of(folder, name="report"):
    (journal,) = [path for path in (folder / name).rglob("journal.jsonl") if "faulty" not in str(path)]
    return journal.parent


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_report_is_a_run_that_can_be_verified(folder, workers):
    (folder / "test_mine.py").write_text(TESTS.replace("def test_drawn", "def test_drawn_again") + TESTS)
    played = run_pytest(folder, "test_mine.py", *workers, "--cancel-report", "report", plugins=("xdist.plugin",))
    assert played.returncode == 0, played.stdout + played.stderr
    place = report_of(folder)
    result = result_of(read_journal(place))
    assert result.verdict is RunVerdict.INCOMPLETE
    assert result.evidence.ended == "complete"
    assert {record.label for record in result.evidence.of(HistoryRecord)} == {
        "drawn in test_mine.py::test_drawn",
        "drawn in test_mine.py::test_drawn_again",
    }
    assert not (folder / "report" / "parts").exists()
    assert {path.name for path in place.iterdir()} >= {"report.html", "report.json", "junit.xml", "summary.md"}
    (faulty,) = [path.parent for path in (folder / "report").rglob("journal.jsonl") if "faulty" in str(path)]
    assert json.loads((faulty / "report.json").read_text())["verdict"] == "NOT CONFORMANT"
    for directory in (place, faulty):
        verified = subprocess.run(
            [sys.executable, "-m", "conformance", "verify", str(directory)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        # What the tests drew is no plan that could be made again.
        assert verified.returncode == 4, verified.stdout + verified.stderr
        assert verified.stdout.count("not verified:") == 1


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_each_api_of_a_target_is_a_run_of_its_own(folder, workers):
    (folder / "test_mine.py").write_text(
        "from conformance import assert_conforms, cancel_machine, history\n"
        "from hypothesis import settings\n"
        "def test_one():\n    assert_conforms(history('epayment', 'approve', 'cancel'), 'embedded')\n"
        "def test_other():\n    assert_conforms(history('ecom', 'approve', 'cancel'), 'embedded')\n"
        "def test_again():\n    assert_conforms(history('epayment', 'cancel'), 'embedded')\n"
        "TestMachine = cancel_machine('recurring', 'embedded').TestCase\n"
        "TestMachine.settings = settings(max_examples=3, stateful_step_count=5, deadline=None)\n"
    )
    played = run_pytest(folder, "test_mine.py", *workers, "--cancel-report", "report", plugins=("xdist.plugin",))
    assert played.returncode == 0, played.stdout + played.stderr
    assert {path.name for path in (folder / "report").iterdir()} == {
        "embedded-ecom",
        "embedded-epayment",
        "embedded-recurring",
    }
    assert "embedded recurring: Incomplete: no rule was seen violated" in played.stdout
    for place in (folder / "report").iterdir():
        verification = verify(place)
        why = "the plan was not made again: its histories are what the user’s own tests drew"
        assert (verification.faults, verification.unverified) == ([], [why]), verification
        assert result_of(read_journal(place)).verdict is RunVerdict.INCOMPLETE


def test_a_file_is_not_taken_for_the_folder_of_reports(folder):
    (folder / "test_mine.py").write_text(TESTS)
    (folder / "report").write_text("mine")
    played = run_pytest(folder, "test_mine.py", "-k", "drawn", "--cancel-report", "report")
    assert played.returncode == 0, played.stdout
    assert report_of(folder, "report-2")


def test_evidence_is_never_overwritten(folder):
    (folder / "test_mine.py").write_text(
        "from conformance import assert_conforms, history\n"
        "def test_it():\n    assert_conforms(history('ecom', 'cancel'), 'embedded')\n"
    )
    for _ in range(2):
        played = run_pytest(folder, "test_mine.py", "--cancel-report", "report")
        assert played.returncode == 0, played.stdout
    assert report_of(folder) != report_of(folder, "report-2")


def test_a_target_that_is_not_there_is_reported_as_such(folder):
    (folder / "test_mine.py").write_text(
        "from conformance import assert_conforms, history\n"
        "def test_it():\n    assert_conforms(history('ecom', 'cancel'), 'http://127.0.0.1:9')\n"
    )
    played = run_pytest(folder, "test_mine.py", "--cancel-report", "report")
    assert played.returncode == 1
    assert "does not answer" in played.stdout
    assert result_of(read_journal(report_of(folder))).verdict is RunVerdict.ENVIRONMENT


def test_nothing_played_is_nothing_to_report(folder):
    (folder / "test_mine.py").write_text("def test_it():\n    pass\n")
    played = run_pytest(folder, "test_mine.py", "--cancel-report", "report")
    assert played.returncode == 0
    assert "No test played a history: there is nothing to report." in played.stdout
    assert not (folder / "report").exists()


def test_statistics_show_situations_and_responses(folder):
    (folder / "test_mine.py").write_text(TESTS)
    played = run_pytest(
        folder,
        "test_mine.py",
        "-k",
        "drawn",
        "--hypothesis-show-statistics",
        plugins=("_hypothesis_pytestplugin",),
    )
    assert re.search(r"%, situation: (initiated|reserved)", played.stdout)
    assert re.search(r"%, cancel (accepted|refused) \d", played.stdout)


def test_the_plugin_loads_nothing_until_it_is_used(folder):
    (folder / "test_mine.py").write_text(
        "import sys\ndef test_it():\n"
        "    loaded = [name for name in sys.modules if name.startswith('conformance.')]\n"
        "    assert set(loaded) == {'conformance.plugin', 'conformance.plugin.options'}\n"
        "    assert 'hypothesis' not in sys.modules\n"
    )
    assert run_pytest(folder, "test_mine.py").returncode == 0


def test_every_block_of_the_page_runs(folder):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (folder / "test_page.py").write_text(re.sub(r"max_examples=\d+", "max_examples=3", "\n".join(blocks)))
    played = run_pytest(folder, "test_page.py", "-q")
    assert played.returncode == 0, played.stdout + played.stderr
    assert len(PAGE.read_text(encoding="utf-8").split()) <= 1200


def test_the_types_of_the_public_names_are_those_of_the_names():
    stub = ast.parse((ROOT / "conformance" / "__init__.pyi").read_text(encoding="utf-8"))
    imported = {
        alias.name: node.module for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert imported == conformance._FACE
    assert set(conformance.__all__) == {*imported, "__version__"}
    for name, module in imported.items():
        assert getattr(conformance, name) is getattr(importlib.import_module(module), name)


def test_a_users_tests_can_be_checked_strictly(folder):
    (folder / "test_typed.py").write_text(
        "from hypothesis import given\n"
        "from hypothesis.stateful import invariant, rule\n"
        "from conformance import CancelMachine, History, MerchantHistory, OpenTarget, assert_conforms, assert_handles\n"
        "from conformance import CancelConformance, cancel_machine, histories, history, merchant_histories\n"
        "from conformance import open_target, run\n"
        "@given(histories('epayment', capabilities={'approve'}))\n"
        "def test_it(history: History) -> None:\n    assert_conforms(history, 'embedded')\n"
        "@given(merchant_histories('ecom'))\n"
        "def test_shop(history: MerchantHistory) -> None:\n    assert_handles(history, 'exec:shop')\n"
        "def test_whole(cancel_conformance: CancelConformance) -> None:\n"
        "    reveal_type(cancel_conformance('exec:shop', budget='quick'))\n"
        "class Machine(CancelMachine):\n    profile = 'ecom'\n    target = 'embedded'\n"
        "TestIt = cancel_machine('epayment', 'embedded').TestCase\n"
        "with open_target('embedded') as target:\n    reveal_type(target)\n"
        "reveal_type(history('ecom', 'cancel'))\n"
    )
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(folder / "cache"), "test_typed.py"],
        cwd=folder,
        env=os.environ | {"MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
    assert 'Revealed type is "conformance.api.open_targets.OpenTarget"' in checked.stdout
    assert 'Revealed type is "conformance.domain.steps.History"' in checked.stdout
    assert 'Revealed type is "conformance.results.result.Result"' in checked.stdout
