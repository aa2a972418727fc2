"""What ``init`` writes works as it is."""

import re
import subprocess
import sys
import tomllib
from datetime import UTC, date, datetime, timedelta

import pytest
import yaml

from conformance.cli.arguments import INIT_KINDS
from conformance.cli.scaffold import KINDS, Choices, texts_of, write_new
from conformance.domain.order import Profile
from conformance.errors import UsageError
from conformance.results.sandbox_waivers import DAYS
from conformance.sandbox import Provider
from conformance.sandbox.server import running_server
from conformance.strategies.merchant import plan
from conformance.strategies.merchant.grid import systematic_merchant_cases
from conformance.targets.http.credentials import CREDENTIAL_NAMES
from tests.audit.stage import command, use_small_plan

from .command import environment, read_until

TODAY = datetime.now(UTC).date()


def written(folder, kind="sandbox", profiles=tuple(Profile), day=TODAY, **choices):
    texts = texts_of(KINDS[kind], Choices(profiles=profiles, **{"operator": False, **choices}, day=day))
    return write_new(texts, folder, force=False)


@pytest.mark.parametrize("profile", Profile)
def test_a_correct_target_without_test_control_ends_green_with_the_sandbox_files(tmp_path, profile):
    written(tmp_path, profiles=(profile,))
    config, out = tmp_path / "cancel-conformance.toml", tmp_path / "out"
    with running_server(Provider()) as url:
        ended = command("run", "--config", config, "--target", url, "--histories", 0, "--out", out)
    assert ended.code == 0, ended.out + ended.errors


def test_the_sandbox_files_name_the_test_environment_and_end_in_90_days(tmp_path):
    written(tmp_path)
    options = tomllib.loads((tmp_path / "cancel-conformance.toml").read_text(encoding="utf-8"))["run"]
    assert options["target"] == "https://apitest.vipps.no"
    assert options["profile"] == [profile.value for profile in Profile]
    assert {waiver["until"] for waiver in options["waive"]} == {TODAY + timedelta(days=DAYS)}
    assert DAYS == 90


def test_waivers_that_have_ended_are_refused(tmp_path):
    written(tmp_path, profiles=(Profile.EPAYMENT,), day=TODAY - timedelta(days=DAYS + 1))
    ended = command("run", "--config", tmp_path / "cancel-conformance.toml", "--target", "http://127.0.0.1:9")
    assert ended.code == 2
    assert "ended on" in ended.errors


def test_a_person_at_the_terminal_needs_fewer_waivers(tmp_path):
    written(tmp_path, profiles=(Profile.EPAYMENT,), operator=True)
    options = tomllib.loads((tmp_path / "cancel-conformance.toml").read_text(encoding="utf-8"))["run"]
    assert "KB-05" not in {waiver["rule"] for waiver in options["waive"]}
    assert options["operator"] is True


def test_the_variables_are_those_that_a_run_reads(tmp_path):
    written(tmp_path)
    text = (tmp_path / "cancel-conformance.env.example").read_text(encoding="utf-8")
    required = set(CREDENTIAL_NAMES) - {"VIPPS_ACCESS_TOKEN"}
    assert {f"{name}=" for name in required} <= set(text.splitlines())


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "cancel-sandbox.md").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match=r"cancel-sandbox\.md is already there: nothing was written"):
        written(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["cancel-sandbox.md"]
    texts = texts_of(KINDS["sandbox"], Choices(tuple(Profile), operator=False, day=date(2026, 12, 1)))
    paths = write_new(texts, tmp_path, force=True)
    assert "28 February" not in (tmp_path / "cancel-sandbox.md").read_text(encoding="utf-8")
    assert len(paths) == 3


def test_a_link_is_not_followed(tmp_path):
    theirs = tmp_path / "theirs.toml"
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "cancel-conformance.toml").symlink_to(theirs)
    for more in ((), ("--force",)):
        ended = command("init", "sandbox", tmp_path / "new", *more)
        assert ended.code == 2
        assert "cancel-conformance.toml is a symbolic link: nothing was written." in ended.errors
    assert not theirs.exists()
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_the_command_says_what_it_wrote_and_what_to_type_next(tmp_path):
    ended = command("init", "sandbox", tmp_path / "new", "--profile", "recurring")
    assert ended.code == 0, ended.errors
    written_files = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert written_files == ["cancel-conformance.env.example", "cancel-conformance.toml", "cancel-sandbox.md"]
    assert all(f"Written: {tmp_path / 'new' / name}" in ended.out for name in written_files)
    assert "Next: cancel-conformance doctor --config cancel-conformance.toml" in ended.out
    again = command("init", "sandbox", tmp_path / "new")
    assert (again.code, len(again.errors.splitlines())) == (2, 1)
    assert command("init", "sandbox", tmp_path / "new", "--force").code == 0


def test_the_command_knows_every_kind():
    assert tuple(KINDS) == INIT_KINDS


@pytest.fixture
def few(monkeypatch, tmp_path):
    """Let runs in this process play a part of the plan only, and import what stands in an empty folder."""
    use_small_plan(monkeypatch)
    monkeypatch.setattr(plan, "systematic_merchant_cases", lambda profile: systematic_merchant_cases(profile)[:40])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    for name in ("cancel_adapter", "cancel_provider"):
        sys.modules.pop(name, None)


def typed_next(*words):
    """Write files, and run the command that is to be typed next, with a part of the plan."""
    ended = command("init", *words)
    assert ended.code == 0, ended.errors
    return command(*ended.out.splitlines()[-1].split("cancel-conformance ")[-1].split(), "--histories", 0)


@pytest.mark.parametrize("profile", Profile)
def test_a_merchants_adapter_runs_as_it_is(few, profile):
    ended = typed_next("merchant", "--profile", profile.value)
    assert ended.code == 0, ended.out + ended.errors


def test_a_providers_adapter_runs_as_it_is(few):
    ended = typed_next("adapter")
    assert ended.code == 0, ended.out + ended.errors
    assert command("init", "adapter", "new", "--profile", "ecom").code == 2


def test_a_hook_runs_as_it_is(few):
    assert command("init", "hook", "--profile", "epayment").code == 0
    words = [sys.executable, "cancel_hook.py", "0"]
    with subprocess.Popen(words, env=environment(), stdout=subprocess.PIPE, text=True) as service:
        try:
            url = re.search(r"http://\S+", read_until(service, "/hook"))[0]
            ended = command("merchant", "--integration", url, "--profile", "epayment", "--histories", 0)
        finally:
            service.terminate()
    assert ended.code == 0, ended.out + ended.errors


@pytest.mark.parametrize(
    ("kind", "name", "schema", "steps"),
    [
        ("github", ".github/workflows/cancel-conformance.yml", "vendor.github-workflows", ("jobs", "cancel", "steps")),
        ("gitlab", "cancel-conformance.gitlab-ci.yml", "vendor.gitlab-ci", ("cancel-conformance", "script")),
    ],
)
def test_a_job_runs_the_adapter_as_it_is(few, tmp_path, kind, name, schema, steps):
    assert command("init", kind).code == 0
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, name]
    checked = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    assert command("init", "merchant").code == 0
    listed = yaml.safe_load((tmp_path / name).read_text(encoding="utf-8"))
    for key in steps:
        listed = listed[key]
    lines = [step.get("run", "") if isinstance(step, dict) else step for step in listed]
    (line,) = [line for line in lines if line.startswith("cancel-conformance ")]
    ended = command(*line.split()[1:], "--histories", 0)
    assert ended.code == 0, ended.out + ended.errors
    assert (tmp_path / "conformance-report" / "junit.xml").exists()
    assert (tmp_path / "conformance-report" / "summary.md").exists()


@pytest.mark.parametrize("kind", ["merchant", "hook"])
def test_files_for_one_api_take_no_two(tmp_path, kind):
    ended = command("init", kind, tmp_path, "--profile", "ecom", "--profile", "epayment")
    assert (ended.code, list(tmp_path.iterdir())) == (2, [])


@pytest.mark.parametrize("kind", INIT_KINDS)
def test_files_with_a_sample_in_them_say_whose_verdict_it_is(tmp_path, kind):
    done = command("init", kind, tmp_path)
    has_sample = any("conformance.examples" in path.read_text(encoding="utf-8") for path in tmp_path.glob("*.py"))
    assert ("the verdict is about the sample" in done.out) is has_sample
