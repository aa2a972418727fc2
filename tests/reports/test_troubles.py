"""What a user sees of a run that went wrong: the first traceback, how often, and the request that was refused."""

import json
from xml.etree import ElementTree

import pytest

import conformance
from conformance.cli.main import main
from conformance.evidence.journal import read_journal
from conformance.judging.verdicts import RunVerdict
from conformance.reports.wording.troubles import MOST_LINES, _lines, troubles
from conformance.verification.verify import verify
from tests.reports.schemas import faults_of
from tests.stored import stored_records
from tests.targets import crashing
from tests.targets.loopback import first_the_token, http, play_few, server

HERE = "tests.targets.crashing"
CREDENTIALS = {
    "VIPPS_CLIENT_ID": "my-client-id",
    "VIPPS_CLIENT_SECRET": "my-client-secret",
    "VIPPS_SUBSCRIPTION_KEY": "my-subscription-key",
    "VIPPS_MSN": "123456",
}


@pytest.fixture
def few(monkeypatch):
    play_few(monkeypatch)


def run(target, out, profiles=("epayment",)):
    return conformance.run(target, profiles=profiles, budget="quick", histories=0, out=out)


def everywhere(out):
    """Return what each report says, by name, as text."""
    junit = "".join(ElementTree.parse(out / "junit.xml").getroot().itertext())
    return {
        "junit.xml": junit,
        "summary.md": (out / "summary.md").read_text(encoding="utf-8"),
        "report.html": (out / "report.html").read_text(encoding="utf-8"),
    }


def line_of(function):
    return function.__code__.co_firstlineno


@pytest.mark.usefixtures("few")
def test_an_adapter_that_raises_now_and_then_is_shown_with_its_first_traceback(tmp_path, capsys):
    words = ["run", "--target", f"python:{HERE}:CancelRaisesAfterCapture", "--budget", "quick", "--histories", "0"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 4
    result = conformance.reports.write_reports(tmp_path / "out")
    (trouble,) = troubles(result)
    raised = [record for record in stored_records(result.evidence, "judgement") if "answer.crash" in record["observed"]]
    histories = {record["history"].rstrip("bc") for record in raised}
    assert trouble.title.startswith(f"The adapter raised KeyError {len(raised)} times in {len(histories)} histories")
    assert f"step {raised[0]['step']} (cancel) of history {raised[0]['history']}" in trouble.title
    place = f"tests/targets/crashing.py:{line_of(crashing.CancelRaisesAfterCapture.cancel) + 3}, in cancel"
    assert trouble.lines[1].startswith(f"  {place}: raise KeyError(order_id)")
    shown = {"terminal": capsys.readouterr().out, **everywhere(tmp_path / "out")}
    assert [name for name, text in shown.items() if place not in text] == []
    assert "VIOLATED" not in {rule.verdict.name for rule in result.rules}
    assert faults_of(stored_records(result.evidence)) == []
    assert not verify(tmp_path / "out").faults


def test_an_adapter_that_raises_in_its_first_order_ends_the_run_with_its_traceback(tmp_path, capsys):
    assert main(["run", "--target", f"python:{HERE}:CancelRaises", "--out", str(tmp_path / "out")]) == 3
    said = capsys.readouterr()
    assert "cancel() raised KeyError" in said.err.strip().splitlines()[-1]
    assert f"crashing.py:{line_of(crashing.CancelRaises.cancel) + 1}, in cancel: return {{}}[order_id]" in said.out
    assert "0 histories" not in said.out
    assert all("in cancel: return {}[order_id]" in text for text in everywhere(tmp_path / "out").values())


def test_a_constructor_that_raises_is_a_usage_error_with_file_and_line(capsys):
    assert main(["run", "--target", f"python:{HERE}:NotMade"]) == 2
    line = line_of(crashing.NotMade.__init__) + 1
    assert f"it raised KeyError: 'dsn' (at tests/targets/crashing.py:{line})" in capsys.readouterr().err


def test_an_adapter_that_refuses_the_first_order_is_quoted(tmp_path, capsys):
    assert main(["run", "--target", f"python:{HERE}:RefusesOrders", "--out", str(tmp_path / "out")]) == 3
    assert "refused the first order (status 400, code 71, no such sales unit)" in capsys.readouterr().err


def test_no_credential_of_the_environment_is_in_a_traceback(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("VIPPS_CLIENT_SECRET", "hunter2-hunter2")
    assert main(["run", "--target", f"python:{HERE}:QuotesSecret", "--out", str(tmp_path / "out")]) == 3
    written = [path.read_text(encoding="utf-8") for path in (tmp_path / "out").iterdir()]
    assert not any("hunter2" in text for text in [*capsys.readouterr(), *written])
    assert "cannot connect with [removed]" in everywhere(tmp_path / "out")["summary.md"]


@pytest.mark.usefixtures("few")
def test_an_application_that_raises_is_shown_and_not_its_request_twice(tmp_path):
    result = run(f"asgi:{HERE}:cancel_raises", tmp_path / "out")
    (trouble,) = troubles(result)
    assert trouble.title.startswith("The application raised KeyError in ")
    assert "first POST /epayment/v1/payments/" in trouble.title
    assert trouble.lines[0] == "KeyError: 'order'"
    assert not verify(tmp_path / "out").faults


def test_a_factory_is_no_application(capsys):
    assert main(["run", "--target", f"asgi:{HERE}:application"]) == 2
    assert "if it makes the application, name what it returns" in capsys.readouterr().err


def test_a_target_that_refuses_every_order_later_on_gets_no_verdict(tmp_path, monkeypatch):
    monkeypatch.setattr(crashing, "later", crashing.RefusesLater(), raising=False)
    monkeypatch.setattr("conformance.runner.executor.UNHEALTHY", 5)
    result = run(f"asgi:{HERE}:later", tmp_path / "out")
    assert result.verdict is RunVerdict.ENVIRONMENT
    assert "no order could be made any more" in read_journal(tmp_path / "out").finish.message
    assert {rule.verdict.name for rule in result.rules}.isdisjoint({"VIOLATED", "PASSED"})
    (trouble,) = troubles(result)
    assert trouble.lines[0] == "POST /epayment/v1/payments"
    assert "was answered 400" in trouble.lines


REFUSED = http(400, {"title": "Bad Request", "extraDetails": [{"name": "MerchantSerialNumber", "reason": "unknown"}]})


def test_the_first_400_shows_request_and_response_and_names_the_variable(tmp_path, capsys, monkeypatch):
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with server(first_the_token(REFUSED)) as url:
        code = main(["run", "--target", url, "--profile", "epayment", "--out", str(tmp_path / "out")])
    said = capsys.readouterr()
    assert code == 3
    assert said.err.count("\n") == 1
    assert "answered 400 (Bad Request; MerchantSerialNumber: unknown): check VIPPS_MSN" in said.err
    for name, text in {"terminal": said.out, **everywhere(tmp_path / "out")}.items():
        assert f"POST {url}/epayment/v1/payments" in text, name
        assert "Merchant-Serial-Number: 123456" in text, name
        assert "Authorization: [removed]" in text, name
        assert "was answered 400" in text, name
    assert not any(secret in said.out + said.err for secret in ("my-client-secret", "my-subscription-key"))
    result = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert (result["verdict"], result["rules"]) == ("ENVIRONMENT ERROR", [])


def test_a_large_or_hostile_response_is_cut_and_made_visible(tmp_path):
    body = {"title": "no\u202e" + "x" * 100_000, "\x1b[2J": "gone"}
    with server(first_the_token(http(400, body))) as url:
        result = run(url, tmp_path / "out")
    (trouble,) = troubles(result)
    assert len(trouble.lines) < MOST_LINES
    assert max(map(len, trouble.lines)) < 400
    assert "are not shown" in trouble.lines[-1]
    assert not any("\u202e" in line or "\x1b" in line for line in trouble.lines)


def test_a_response_that_is_none_of_the_api_s_is_shown_although_it_is_no_refusal(tmp_path):
    with server(first_the_token(http(201))) as url:
        result = run(url, tmp_path / "out")
    (trouble,) = troubles(result)
    assert trouble.lines[0].startswith(f"GET {url}/epayment/v1/payments/")
    assert "was answered 201" in trouble.lines


def test_many_lines_are_cut():
    shown = _lines("\n".join("abc"[: n % 4] for n in range(100)))
    assert len(shown) == MOST_LINES + 1
    assert shown[-1] == f"… {100 - MOST_LINES} more lines"
