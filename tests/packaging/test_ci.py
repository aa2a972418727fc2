"""What is handed to other people's CI: its syntax, and the action's steps as a runner would run them."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from .installed import ROOT, Environment, environment_in, wheel_of

PAGES = {"ci-github": "github-workflows", "ci-gitlab": "gitlab-ci", "ci-azure": "azure-pipelines"}
REGEX = ("--regex-variant", "python")
"""That schema has patterns that the default one of check-jsonschema does not take."""
FENCE = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
EXPRESSION = re.compile(r"\$\{\{ (?P<name>[\w.-]+) \}\}")
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
TEMPLATE = (ROOT / "templates" / "cancel-conformance.yml").read_text(encoding="utf-8")
MERCHANT = "python:conformance.examples.merchants.epayment:Adapter"
BROKEN = """
from conformance.examples.merchants.epayment import Adapter as Correct


class Adapter(Correct):
    def cancel(self, order_id):
        self.books[order_id].status = "cancelled"
"""


def blocks(page, *languages):
    text = (ROOT / "docs" / "how-to" / f"{page}.md").read_text(encoding="utf-8")
    return [match["text"] for match in FENCE.finditer(text) if match["language"] in languages]


def conforms_to(schema, folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(path)]
    words += ["--data-transform", "azure-pipelines", *REGEX] if schema == "azure-pipelines" else []
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"


def is_shell(text, shell="bash"):
    done = subprocess.run([shell, "-n"], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{text}\n{done.stderr}"


def test_the_action_and_the_workflow_have_the_form_of_their_schemas(tmp_path):
    conforms_to("github-actions", tmp_path, "action.yml", (ROOT / "action.yml").read_text(encoding="utf-8"))
    workflow = ROOT / ".github" / "workflows" / "ci.yml"
    conforms_to("github-workflows", tmp_path, "ci.yml", workflow.read_text(encoding="utf-8"))


def test_the_template_has_the_form_of_its_schema(tmp_path):
    header, jobs = yaml.safe_load_all(TEMPLATE)
    conforms_to("gitlab-ci", tmp_path, "jobs.yml", yaml.safe_dump(jobs))
    inputs = set(re.findall(r"\$\[\[ inputs\.(\w+) \]\]", TEMPLATE))
    assert inputs == set(header["spec"]["inputs"])
    for script in jobs["cancel-conformance"]["script"]:
        is_shell(script, "sh")


@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_page_have_the_form_of_their_schema(tmp_path, page):
    found = blocks(page, "yaml")
    assert found
    for number, text in enumerate(found):
        conforms_to(PAGES[page], tmp_path, f"{number}.yml", text)


def test_the_blocks_of_a_page_use_what_the_action_and_the_template_have():
    steps = [
        step
        for text in blocks("ci-github", "yaml")
        for job in yaml.safe_load(text)["jobs"].values()
        for step in job["steps"]
        if "cancel-conformance" in step.get("uses", "")
    ]
    assert len(steps) == 3
    assert {name for step in steps for name in step["with"]} <= set(ACTION["inputs"])
    header, _ = yaml.safe_load_all(TEMPLATE)
    includes = [yaml.safe_load(text).get("include", []) for text in blocks("ci-gitlab", "yaml")]
    used = {name for include in includes for component in include for name in component["inputs"]}
    assert used <= set(header["spec"]["inputs"])
    assert sum(map(len, includes)) == 2


@pytest.mark.parametrize("page", ["ci-plain", "ci-azure"])
def test_the_shell_blocks_of_a_page_can_be_parsed(page):
    found = blocks(page, "sh")
    assert found
    for text in found:
        is_shell(text, "sh")


def test_the_hook_names_a_command_of_ours_and_needs_no_file():
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert hook["entry"].split()[:2] == ["cancel-conformance", "merchant"]
    assert hook["language"] == "python"
    assert hook["pass_filenames"] is False


@pytest.mark.skipif(shutil.which("hadolint", path=Path(sys.executable).parent) is None, reason="no hadolint here")
def test_the_dockerfile_has_no_finding():
    command = [str(Path(sys.executable).with_name("hadolint")), str(ROOT / "Dockerfile")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_build_in_the_container_has_what_it_copies():
    """Everything that the wheel and its installation need is let through, and no more folders than those."""
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert allowed == {
        "LICENSE",
        "README.md",
        "conformance",
        "constraints-extras.txt",
        "examples",
        "pyproject.toml",
        "reports",
        "strategies",
    }


class Runner:
    """A runner of GitHub's, as far as the steps of the action notice."""

    def __init__(self, folder: Path) -> None:
        self.work = folder / "work"
        self.work.mkdir()
        self.temp = folder / "temp"
        self.outputs: dict[str, str] = {}
        self.summary = folder / "summary.md"
        self.summary.touch()
        self._output = folder / "output"

    def step(self, name, **inputs):
        """Run one step of the action; return its exit code and what it printed."""
        (step,) = (step for step in ACTION["runs"]["steps"] if step.get("id") == name)
        values = {f"inputs.{key}": entry.get("default", "") for key, entry in ACTION["inputs"].items()}
        values |= {f"inputs.{key.replace('_', '-')}": value for key, value in inputs.items()}
        values |= {f"steps.test.outputs.{key}": value for key, value in self.outputs.items()}
        self._output.write_text("")
        environment = {
            key: EXPRESSION.sub(lambda match: values[match["name"]], text) for key, text in step["env"].items()
        }
        assert "${{" not in step["run"]
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=self.work,
            env={
                **{name: text for name, text in os.environ.items() if not name.startswith(("PYTEST", "PYTHON"))},
                **environment,
                "RUNNER_TEMP": str(self.temp),
                "GITHUB_OUTPUT": str(self._output),
                "GITHUB_STEP_SUMMARY": str(self.summary),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.outputs |= dict(line.split("=", 1) for line in self._output.read_text().splitlines())
        return done.returncode, done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Environment:
    """What the action's second step makes, without a registry."""
    made = environment_in(tmp_path_factory.mktemp("temp"), name="cancel-conformance")
    made.install(wheel_of(tmp_path_factory.mktemp("wheel")))
    return made


@pytest.fixture
def runner(installed, tmp_path):
    made = Runner(tmp_path)
    made.temp = installed.home.parent
    return made


def test_a_conformant_run_has_its_outputs_and_its_summary(runner):
    inputs = {"integration": MERCHANT, "budget": "quick", "seed": "3", "args": "--histories\n0\n"}
    code, printed = runner.step("test", **inputs)
    assert code == 0, printed
    report = Path(runner.outputs.pop("report"))
    assert runner.outputs == {"exit-code": "0", "verdict": "CONFORMANT"}
    assert json.loads((report / "report.json").read_text())["verdict"] == "CONFORMANT"
    assert "--seed 3" in (report / "journal.jsonl").read_text()
    assert runner.summary.read_text() == (report / "summary.md").read_text()
    assert (report / "results.sarif").exists()
    assert runner.step("verdict") == (0, "::notice title=Cancel conformance::Conformant.\n")


@pytest.mark.thorough
def test_a_violation_fails_the_last_step_after_everything_is_written(runner):
    (runner.work / "shop.py").write_text(BROKEN)
    code, printed = runner.step("test", integration="python:shop:Adapter", budget="quick", args="--histories\n0")
    assert code == 0, printed
    assert (runner.outputs["exit-code"], runner.outputs["verdict"]) == ("1", "NOT CONFORMANT")
    assert runner.summary.read_text()
    code, printed = runner.step("verdict")
    assert code == 1
    assert printed.startswith("::error title=Cancel conformance::Not conformant")


@pytest.mark.thorough
def test_an_incomplete_run_is_an_error_or_a_warning_as_is_asked_for(runner):
    words = "--histories\n0\n--shard\n1/9"
    runner.step("test", command="run", target="embedded", profile="epayment", args=words)
    assert (runner.outputs["exit-code"], runner.outputs["verdict"]) == ("4", "INCOMPLETE")
    assert runner.step("verdict")[0] == 4
    code, printed = runner.step("verdict", fail_on_incomplete="false")
    assert code == 0
    assert printed.startswith("::warning ")


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ({"command": "run", "target": "nonsense"}, 2),
        ({"command": "run", "target": "http://127.0.0.1:9", "profile": "ecom epayment"}, 3),
        ({"args": "--no-such-option"}, 2),
    ],
)
def test_what_could_not_be_tested_has_its_own_exit_code(runner, inputs, code):
    assert runner.step("test", **inputs)[0] == 0
    verdicts = {2: "", 3: "ENVIRONMENT ERROR"}
    assert (runner.outputs["exit-code"], runner.outputs["verdict"]) == (str(code), verdicts[code])
    exit_code, printed = runner.step("verdict")
    assert exit_code == code
    assert printed.startswith("::error ")


def test_an_input_is_never_shell(runner):
    words = f"$(touch {runner.work}/done)"
    runner.step("test", command="run", target=words, profile="*", args=words)
    assert not (runner.work / "done").exists()


@pytest.mark.parametrize("name", ["install", "test", "verdict"])
def test_the_steps_can_be_parsed_and_take_inputs_from_their_environment_only(name):
    (step,) = (step for step in ACTION["runs"]["steps"] if step.get("id") == name)
    is_shell(step["run"])
    assert "${{" not in step["run"]


@pytest.mark.thorough
@pytest.mark.parametrize(("allowed", "code"), [("false", 4), ("true", 104)])
def test_the_job_of_the_template_fails_with_the_commands_exit_code(installed, tmp_path, allowed, code):
    (tmp_path / ".cancel-conformance").symlink_to(installed.home)
    job = list(yaml.safe_load_all(TEMPLATE))[1]["cancel-conformance"]
    assert job["allow_failure"]["exit_codes"] == 104
    inputs = {
        "COMMAND": "run",
        "SUBJECT": "embedded",
        "PROFILE": "epayment",
        "BUDGET": "quick",
        "PACKAGE": "",
        "INSTALL": "",
    }
    inputs |= {"ARGS": "--histories 0 --shard 1/9", "ALLOW_INCOMPLETE": allowed}
    assert {f"SUITE_{name}" for name in inputs} == set(job["variables"])
    done = subprocess.run(
        ["sh", "-e", "-c", job["script"][0]],
        cwd=tmp_path,
        env={**os.environ, **{f"SUITE_{name}": text for name, text in inputs.items()}},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert (tmp_path / job["artifacts"]["reports"]["junit"]).exists()
