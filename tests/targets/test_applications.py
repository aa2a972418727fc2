"""ASGI and WSGI applications, called in this process."""

import asyncio
import time

import pytest

from conformance.domain.order import Profile
from conformance.runner.campaign import Campaign, Settings
from conformance.runner.settings import nonce_for
from conformance.targets.resolve import resolve_target
from conformance.targets.transport import TargetError, TargetUsageError
from tests.stored import stored_records

from . import sample
from .loopback import play_few, probed

HERE = "tests.targets.sample"
PLAYING_USERS = {"approve", "reject", "expire", "start_3ds", "finish_3ds", "fail_3ds", "age"}


def probe_is_asgi(name):
    return name.lower().startswith("asgi:")


@pytest.mark.parametrize("name", ["asgi:{}:good", "asgi:{}:without_lifespan", "wsgi:{}:wsgi", "ASGI:{}:good"])
def test_an_application_is_tested_without_a_port(name):
    probe = probed(name.format(HERE))
    # Of WSGI applications one alone can be called at a time.
    assert probe.offered == {"approve"} | ({"concurrent"} if probe_is_asgi(name) else set())
    assert probe.note.startswith("one order initiated, read, cancelled (accepted)")


@pytest.mark.parametrize("profile", Profile)
def test_a_success_without_a_body_has_any_content_type(profile, tmp_path, monkeypatch):
    play_few(monkeypatch)
    target = resolve_target(f"asgi:{HERE}:empty_as_html", environment={}, control_url="/control")
    settings = Settings((profile,), budget="quick", histories=5, nonce=nonce_for(target, 0))
    result = asyncio.run(Campaign(target, settings, tmp_path).run())
    statuses = {record["status"] for record in stored_records(result.evidence, "judgement")}
    assert result.evidence.ended == "complete"
    assert {"conforms"} <= statuses <= {"conforms", "recorded"}


@pytest.mark.parametrize("control", ["/control", "/control/", "http://127.0.0.1:9701/control"])
@pytest.mark.parametrize("name", [f"asgi:{HERE}:good", f"wsgi:{HERE}:wsgi"])
def test_its_test_control_api_is_found_at_a_path(name, control):
    assert probed(name, control_url=control).offered - {"concurrent"} == PLAYING_USERS


def test_an_application_is_one_seat_on_its_own():
    target = resolve_target(f"asgi:{HERE}:good", environment={}, control_url="/control")
    assert (target.kind, target.over_http, target.private, target.concurrency, target.control) == (
        "asgi",
        True,
        False,
        1,
        "/control",
    )


def test_an_application_is_started_and_stopped_and_keeps_its_state():
    sample.happened.clear()
    probed(f"asgi:{HERE}:with_state", Profile.ECOM)
    assert (sample.happened[0], sample.happened[1], sample.happened[-1]) == ("started", "open", "stopped")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("asgi:{}:not_starting", "did not start (the database is away)"),
        ("asgi:{}:never_starting", "did not start (no answer within 0.3 seconds)"),
        ("asgi:{}:raising", "the application raised RuntimeError: no such table: payments"),
        ("asgi:{}:leaving", "the application raised SystemExit: 3"),
        ("asgi:{}:cancelling", "the application raised CancelledError"),
        ("asgi:{}:silent", "the application returned without an answer"),
        ("asgi:{}:hanging", "no answer within 0.3 seconds"),
        ("asgi:{}:blocking", "no answer within 0.3 seconds"),
        ("wsgi:{}:wsgi_raising", "the application raised RuntimeError: no such table: payments"),
        ("wsgi:{}:wsgi_silent", "the application returned without an answer"),
    ],
)
def test_an_application_that_cannot_be_tested(name, words):
    before = time.monotonic()
    with pytest.raises(TargetError) as error:
        probed(name.format(HERE), timeout=0.3)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert time.monotonic() - before < 3


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("asgi:{}:not_callable", {}, "is no application, since it cannot be called"),
        ("asgi:{}:missing", {}, "has no 'missing': check the name after the colon (it has "),
        ("asgi:{}:without_lifespn", {}, "has no 'without_lifespn': did you mean 'without_lifespan'?"),
        ("wsgi:{}:good", {}, "looks like one of the other kind: write asgi:tests.targets.sample:good."),
        ("asgi:{}:wsgi", {}, "looks like one of the other kind: write wsgi:tests.targets.sample:wsgi."),
        ("asgi:{}:good_factory", {}, "if it makes the application, name what it returns"),
        ("asgi:{}", {}, "write asgi:module:name"),
        ("wsgi:", {}, "write wsgi:module:name"),
        ("asgi:no such:module", {}, "write asgi:module:name"),
        ("asgi:no_such_module:app", {}, "there is no module 'no_such_module': start in the folder"),
        ("asgi:tests.no_such_module:app", {}, "there is no module 'tests.no_such_module'"),
        ("asgi:{}:good", {"concurrency": 4}, "leave --concurrency out"),
        ("asgi:{}:good", {"control_url": "https://apitest.vipps.no/control"}, "must not be at apitest.vipps.no"),
        ("asgi:{}:good", {"control_url": "control"}, "must be an http:// or https:// URL"),
        ("asgi:{}:good", {"environment": {"VIPPS_MSN": "1"}}, "VIPPS_SUBSCRIPTION_KEY"),
    ],
)
def test_an_application_that_is_none(name, options, words):
    with pytest.raises(TargetUsageError) as error:
        resolve_target(name.format(HERE), **{"environment": {}, **options})
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("import no_such_dependency", "there is no module 'no_such_dependency', which failing_"),
        ("def app(:", "cannot be imported: SyntaxError"),
        ("raise SystemExit('set DATABASE_URL')", "cannot be imported: SystemExit: set DATABASE_URL"),
        ("app = None", "is no application"),
    ],
)
def test_a_module_of_the_current_folder_that_fails(content, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    name = f"failing_{abs(hash(content))}"
    (tmp_path / f"{name}.py").write_text(content)
    with pytest.raises(TargetUsageError) as error:
        resolve_target(f"wsgi:{name}:app", environment={})
    assert words in str(error.value)


def test_a_module_of_the_current_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["/nowhere", *__import__("sys").path])
    (tmp_path / "found_in_the_folder.py").write_text("class api:\n    def app(*_): ...\n")
    assert resolve_target("wsgi:found_in_the_folder:api.app", environment={}).name == "wsgi:found_in_the_folder:api.app"


def test_an_application_that_never_starts_is_not_waited_for_when_it_is_stopped():
    before = time.monotonic()
    with pytest.raises(TargetError, match="did not start"):
        probed(f"asgi:{HERE}:never_starting", timeout=1.0)
    assert time.monotonic() - before < 1.9
