"""What ``doctor`` finds, what it advises, and what it never does."""

import json
import os
import socket
from datetime import UTC, datetime
from email.utils import format_datetime
from importlib import metadata

import pytest

from conformance.cli.doctor.check import (
    Standing,
    attention,
    ending_of,
    exit_code_of,
    misconfigured,
    passed,
    render_text,
    unfit,
)
from conformance.cli.doctor.installation import installation_checks
from conformance.cli.doctor.surroundings import credential_checks, out_check, proxy_check
from conformance.cli.doctor.target import Exchanges, clock_checks, read_check
from conformance.domain.messages import Call, NoResponse, Request, Response
from conformance.domain.order import Profile
from conformance.sandbox import Options, Provider
from conformance.sandbox.server import running_server
from conformance.targets.production_guard import base_address
from tests.audit.stage import command

SECRETS = {
    "VIPPS_CLIENT_ID": "canary-client-id",
    "VIPPS_CLIENT_SECRET": "canary-client-secret",
    "VIPPS_SUBSCRIPTION_KEY": "canary-subscription-key",
    "VIPPS_MSN": "123456",
}
ELSEWHERE = "https://cctest.invalid"


@pytest.fixture(autouse=True)
def empty(tmp_path, monkeypatch):
    """Stand in an empty folder, with nothing in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("VIPPS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def target():
    with running_server(Provider(Options(client_id="canary-client-id"))) as url:
        yield url


def doctor(*words):
    """Return the exit code, and the checks by their names."""
    ended = command("doctor", "--format", "json", *words)
    report = json.loads(ended.out)
    assert report["exit_code"] == ended.code, ended.errors
    assert not any(secret in ended.out for name, secret in SECRETS.items() if name != "VIPPS_MSN")
    return ended.code, {check["name"]: check for check in report["checks"]}


def test_a_target_on_this_machine_is_fit(monkeypatch):
    with running_server(Provider()) as url:
        code, checks = doctor("--target", url, "--control-url", f"{url}/control")
    assert code == 0
    for name in ("Python", "dependencies", "TCP", "token", "test control", "eCom v2 read", "clock", "results"):
        assert checks[name]["standing"] == "ok", checks[name]
    assert "none are set" in checks["credentials"]["finding"]


def test_nothing_is_created_there():
    provider = Provider()
    with running_server(provider) as url:
        requests = []
        handle = provider.handle
        provider.handle = lambda request: requests.append((request.method, request.path)) or handle(request)
        assert doctor("--target", url)[0] == 0
    assert {method for method, path in requests if path != "/accesstoken/get"} == {"GET"}


def test_without_a_target_nothing_is_reached():
    code, checks = doctor()
    assert code == 0
    assert checks["target"]["standing"] == "attention"
    assert "--target" in checks["target"]["advice"]


@pytest.mark.parametrize("url", ["https://api.vipps.no", "https://API.vipps.no.", "https://api.vippsmobilepay.com"])
def test_production_is_refused(url):
    code, checks = doctor("--target", url)
    assert code == 2
    assert "never tested" in checks["target"]["finding"]
    assert "DNS" not in checks


def test_credentials_that_are_refused(monkeypatch, target):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    code, checks = doctor("--target", target)
    assert code == 3
    assert "refused the credentials" in checks["target"]["finding"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_adapter_that_quotes_a_secret_does_not_show_it(monkeypatch, form):
    monkeypatch.setenv("VIPPS_CLIENT_SECRET", SECRETS["VIPPS_CLIENT_SECRET"])
    ended = command("doctor", "--target", "python:tests.targets.crashing:NotMadeWithSecret", "--format", form)
    assert ended.code == 2
    assert "[removed]" in ended.out
    assert SECRETS["VIPPS_CLIENT_SECRET"] not in ended.out + ended.errors


def test_a_token_that_is_refused(monkeypatch, target):
    for name, value in {**SECRETS, "VIPPS_ACCESS_TOKEN": "canary-token"}.items():
        monkeypatch.setenv(name, value)
    code, checks = doctor("--target", target, "--profile", "epayment")
    assert code == 3
    assert checks["ePayment v1 read"]["finding"].endswith("was answered 401")
    assert "VIPPS_MSN" in checks["ePayment v1 read"]["advice"]


def test_what_is_missing_is_named(monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    code, checks = doctor("--target", ELSEWHERE)
    assert code == 2
    assert checks["credentials"]["finding"].startswith("VIPPS_SUBSCRIPTION_KEY, VIPPS_MSN, VIPPS_CLIENT_ID")
    assert checks["test user"]["standing"] == "attention"
    assert checks["DNS"]["standing"] == "failed"
    assert "token" not in checks


def test_nobody_listens():
    code, checks = doctor("--target", "http://127.0.0.1:9")
    assert code == 3
    assert checks["TCP"]["standing"] == "failed"


def test_a_server_without_tls(monkeypatch, target):
    code, checks = doctor("--target", target.replace("http:", "https:"))
    assert code == 3
    assert checks["TLS"]["standing"] == "failed"


def test_a_proxy_is_named_without_its_password(monkeypatch):
    address = base_address(ELSEWHERE)
    environment = {"HTTPS_PROXY": "http://user:canary-password@127.0.0.1:9"}
    finding = proxy_check(environment, address).finding
    assert finding == "https_proxy set; cctest.invalid is reached through 127.0.0.1"
    assert "reached directly" in proxy_check({**environment, "no_proxy": ".invalid"}, address).finding
    assert "reached directly" in proxy_check(environment, base_address("http://127.0.0.1:9")).finding


def test_the_configuration_names_what_is_looked_at(tmp_path):
    with running_server(Provider()) as url:
        text = f'[run]\ntarget = "{url}"\nprofile = ["recurring"]\nout = "elsewhere"\n'
        (tmp_path / "options.toml").write_text(text, encoding="utf-8")
        code, checks = doctor("--config", "options.toml")
    assert code == 0
    assert checks["configuration"]["finding"] == "options.toml: 3 options of run"
    assert checks["results"]["finding"].startswith("elsewhere")
    assert {name for name in checks if name.endswith(" read")} == {"Recurring v3 read"}


def test_a_configuration_that_is_wrong(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.cancel-conformance.merchant]\nbudgt = "quick"\n', encoding="utf-8")
    code, checks = doctor("--target", "embedded")
    assert code == 2
    assert "budgt" in checks["configuration"]["finding"]


def test_the_sandbox_files_are_fit_as_soon_as_credentials_are_set(tmp_path):
    assert command("init", "sandbox", "--profile", "epayment").code == 0
    with running_server(Provider()) as url:
        code, checks = doctor("--config", "cancel-conformance.toml", "--target", url)
    assert code == 0
    assert "options of run" in checks["configuration"]["finding"]


def test_an_integration_is_looked_at():
    code, checks = doctor("--integration", "python:examples.merchants.epayment:Adapter", "--profile", "epayment")
    assert code == 0
    assert checks["integration"]["standing"] == "ok"
    code, checks = doctor("--integration", "python:no_such_module:Adapter")
    assert (code, checks["integration"]["standing"]) == (2, "failed")


@pytest.mark.parametrize(
    ("changed", "name", "standing"),
    [
        ({"VIPPS_MSN": "12345x"}, "sales unit", "failed"),
        ({"VIPPS_MSN": "1234567890"}, "sales unit", "attention"),
        ({"VIPPS_CLIENT_SECRET": '"quoted"'}, "credentials", "attention"),
        ({"VIPPS_TEST_PHONE": "+47 123"}, "test user", "failed"),
        ({"VIPPS_TEST_PHONE": "4791234567"}, "test user", "ok"),
    ],
)
def test_the_form_of_a_variable(changed, name, standing):
    checks = list(credential_checks({**SECRETS, **changed}, loopback=False, profiles=Profile))
    assert [check.standing for check in checks if check.name == name][-1] == standing
    assert not any(value in check.finding for check in checks for value in (*SECRETS.values(), *changed.values()))


def test_where_the_results_go(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "journal.jsonl").write_text("", encoding="utf-8")
    assert out_check("file/inside").code == 2
    assert out_check("deep/below").standing is Standing.OK
    assert "holds a run" in out_check("used").finding


@pytest.mark.parametrize(
    ("answer", "standing"),
    [
        (Response(404), "ok"),
        (Response(400), "ok"),
        (Response(200), "attention"),
        (Response(403), "failed"),
        (Response(429), "failed"),
        (Response(503), "failed"),
        (NoResponse("timed out"), "failed"),
    ],
)
def test_what_a_read_shows(answer, standing):
    assert read_check("read", answer).standing == standing


@pytest.mark.parametrize(("year", "standing"), [(0, "ok"), (1, "attention")])
def test_a_clock_that_differs(year, standing):
    moment = datetime.now(UTC).replace(year=datetime.now(UTC).year + year, day=1) if year else datetime.now(UTC)
    exchanges = Exchanges()
    for date in (format_datetime(moment, usegmt=True) if year else format_datetime(moment), "no date"):
        exchanges.record(Call(Request("GET", "/"), "read"), Response(200, (("Date", date),)))
    assert [check.standing for check in clock_checks(exchanges)] == [standing]


def test_a_dependency_of_another_version(monkeypatch):
    version = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "0.0.1" if name == "httpx" else version(name))
    checks = {check.name: check for check in installation_checks()}
    assert checks["dependencies"].code == 3
    assert checks["dependencies"].finding.startswith("httpx is 0.0.1, and ")


def test_run_from_sources(monkeypatch):
    def nowhere(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", nowhere)
    assert [check.standing for check in installation_checks()] == ["attention"]


def test_what_is_wrong_with_the_configuration_comes_before_the_environment():
    checks = [passed("a", "fine"), unfit("b", "down", "Wait."), misconfigured("c", "wrong", "Correct it.")]
    assert exit_code_of(checks) == 2
    assert exit_code_of(checks[:2]) == 3
    assert exit_code_of(checks[:1]) == 0


@pytest.mark.parametrize("width", [40, 80, 160])
def test_the_text_fits(width):
    checks = [attention("proxy", "a sentence of many words " * 5, "Do a lot of small things. " * 5)]
    lines = render_text(checks, width).splitlines()
    assert max(map(len, lines)) <= width
    assert lines[0].startswith("attention ")
    assert ending_of(checks) == "A run can begin. Checks that need attention: 1 of 1."
