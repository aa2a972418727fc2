"""What ``init`` writes works as it is."""

import tomllib
from datetime import UTC, date, datetime, timedelta

import pytest

from conformance.cli.arguments import INIT_KINDS
from conformance.cli.scaffold import KINDS, Choices, texts_of, write_new
from conformance.domain.order import Profile
from conformance.errors import UsageError
from conformance.results.sandbox_waivers import DAYS
from conformance.sandbox import Provider
from conformance.sandbox.server import running_server
from conformance.targets.http.credentials import CREDENTIAL_NAMES
from tests.audit.stage import command

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
