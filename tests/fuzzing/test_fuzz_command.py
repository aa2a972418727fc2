"""`fuzz` as a user starts it: targets of every kind, descriptions good and bad, bounds, secrets, exit codes."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from conformance.evidence.journal import read_journal
from conformance.fuzzing import openapi as documents
from conformance.judging.verdicts import RuleVerdict
from conformance.reports import write_reports
from conformance.results.audit import recompute_judgements
from conformance.sandbox import Options, Provider
from conformance.sandbox.server import running_server
from tests.stored import evidence_of, stored_records

from ..cli.command import read_until, said, started
from ..reports.schemas import faults_of, report_schema

ROOT = Path(__file__).parents[2]
VENDOR = ROOT.parent / "shared" / "vendor"
DESCRIPTION = Path(documents.__file__).parents[1] / "sandbox" / "openapi.json"
SHORT = ("--max-requests", "700", "--profile", "epayment")


def reported(folder):
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def test_the_embedded_provider_needs_no_description(tmp_path):
    code, out, errors = said(tmp_path, "fuzz", "--target", "embedded", *SHORT, "--seed", "5", "--out", "out")
    assert (code, errors) == (0, ""), out
    assert "10 rules passed" in out
    evidence = read_journal(tmp_path / "out")
    assert faults_of(stored_records(evidence)) == []
    assert not list(Draft202012Validator(report_schema()).iter_errors(reported(tmp_path / "out")))
    assert {record["source"] for record in stored_records(evidence, "fuzzed")} >= {"probe", "coverage"}
    sent = sum(record["kind"] in ("fuzzed", "aside") for record in stored_records(evidence))
    assert 600 < sent <= 700
    assert stored_records(evidence, "fuzz-profile")[0]["ended"] == "the requests are used up"
    recompute_judgements(evidence)


def test_the_same_seed_sends_the_same(tmp_path):
    runs = []
    for name in ("one", "two"):
        assert said(tmp_path, "fuzz", "--target", "embedded", *SHORT, "--seed", "9", "--out", name)[0] == 0
        records = stored_records(read_journal(tmp_path / name), "fuzzed")
        runs.append([(r["request"]["method"], r["request"]["path"], r["request"]["body"]) for r in records])
    assert runs[0] == runs[1]


def test_a_run_has_fuzzing_as_its_last_phase(tmp_path):
    words = (
        "run",
        "--target",
        "embedded",
        "--profile",
        "ecom",
        "--histories",
        "0",
        "--openapi",
        str(DESCRIPTION),
        "--max-time",
        "4",
    )
    code, out, _ = said(tmp_path, *words, "--out", "out")
    rules = {rule["id"]: rule["verdict"] for rule in reported(tmp_path / "out")["rules"]}
    assert rules["WIRE-02"] == rules["EC-03"] == "PASSED"
    assert code in (0, 4)
    assert "Fuzzing from openapi.json" in out
    evidence = read_journal(tmp_path / "out")
    kinds = [record["kind"] for record in stored_records(evidence)]
    assert kinds.index("fuzz") > max(i for i, kind in enumerate(kinds) if kind == "judgement")
    assert stored_records(evidence)[0]["command"].endswith(f"--openapi {DESCRIPTION} --max-time 4")


def test_a_server_and_its_own_description(tmp_path):
    with running_server(Provider()) as url:
        words = ("fuzz", "--target", url, "--openapi", f"{url}/openapi.json", *SHORT, "--out", "out")
        code, out, errors = said(tmp_path, *words)
    assert (code, errors) == (0, ""), out


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_an_application(tmp_path, kind):
    (tmp_path / "shop.py").write_text(
        "from conformance.domain.messages import Request\n"
        "from conformance.sandbox import Provider, create_app\n"
        "provider = Provider()\n"
        "asgi = create_app(provider)\n"
        "def wsgi(environ, start):\n"
        "    names = {'CONTENT_TYPE': 'Content-Type', 'HTTP_CLIENT_ID': 'client_id'}\n"
        "    names['HTTP_CLIENT_SECRET'] = 'client_secret'\n"
        "    headers = [(names.get(k) or k[5:].replace('_', '-'), v) for k, v in environ.items()\n"
        "               if k.startswith('HTTP_') or (k in names and v)]\n"
        "    length = int(environ.get('CONTENT_LENGTH') or 0)\n"
        "    path = environ.get('SCRIPT_NAME', '') + environ['PATH_INFO']\n"
        "    body = environ['wsgi.input'].read(length) if length else b''\n"
        "    answer = provider.handle(Request(environ['REQUEST_METHOD'], path, tuple(headers), body))\n"
        "    start(f'{answer.status} X', list(answer.headers))\n"
        "    return [answer.body]\n",
        encoding="utf-8",
    )
    words = ("fuzz", "--target", f"{kind}:shop:{kind}", "--openapi", str(DESCRIPTION), *SHORT, "--out", "out")
    code, out, errors = said(tmp_path, *words)
    assert (code, errors) == (0, ""), out


@pytest.mark.skipif(not VENDOR.exists(), reason="the published descriptions are not at shared/vendor")
@pytest.mark.parametrize(
    ("file", "defects"),
    [
        ("ecom-2.0.3.yml", {"ecom-imported-callbacks", "ecom-errors-by-default"}),
        ("epayment-1.4.1.yml", {"epayment-adjusted-is-no-problem", "epayment-event-without-action"}),
        ("epayment-1.8.1.yml", {"epayment-adjusted-is-no-problem", "epayment-state-example"}),
        ("recurring-2.6.17.yml", {"recurring-transaction-id-of-ten-digits", "recurring-long-charge-id"}),
        ("recurring-3.1.2.yml", {"recurring-long-charge-id", "recurring-unauthorized"}),
    ],
)
def test_a_published_description_and_its_own_defects(tmp_path, file, defects):
    words = ("fuzz", "--target", "embedded", "--openapi", str(VENDOR / file), "--max-requests", "800", "--out", "out")
    code, out, errors = said(tmp_path, *words)
    assert (code, errors) == (0, ""), out
    assert "defects of its own" in out
    report = reported(tmp_path / "out")["fuzz"]
    assert defects <= {defect["id"] for defect in report["document"]["defects"]}
    assert report["findings"] == []
    assert all(not profile["undrawn"] for profile in report["profiles"])
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "What is wrong in the description" in page
    assert all(defect in page for defect in defects)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("openapi: [", "is not YAML"),
        ("just a text", "no OpenAPI 3 document"),
        ("swagger: '2.0'\npaths: {}", "no OpenAPI 3 document"),
        ("openapi: 3.0.0\npaths: {/pets: {get: {responses: {}}}}", "no cancel"),
        (None, "cannot be read"),
    ],
)
def test_what_is_no_description_is_refused(tmp_path, text, words):
    if text is not None:
        (tmp_path / "api.yml").write_text(text, encoding="utf-8")
    code, _, errors = said(tmp_path, "fuzz", "--target", "embedded", "--openapi", "api.yml", "--out", "out")
    assert code == 2
    assert words in errors
    assert len(errors.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("--target", "http://127.0.0.1:9"), 2, "--openapi is missing"),
        (("--target", "python:shop:Adapter", "--openapi", "x"), 2, "nothing to fuzz"),
        (("--target", "https://api.vipps.no", "--openapi", str(DESCRIPTION)), 2, "production"),
        (("--target", "embedded", "--openapi", "https://api.vipps.no/openapi.json"), 2, "save the description"),
        (("--target", "embedded", "--openapi", "http://127.0.0.1:9/openapi.json"), 3, "does not answer"),
        (("--target", "http://127.0.0.1:9", "--openapi", str(DESCRIPTION)), 3, "does not answer"),
        (("--max-time", "0"), 2, "less than 1"),
    ],
)
def test_a_target_that_cannot_be_fuzzed_is_refused_with_the_reason(tmp_path, words, code, text):
    got, _, errors = said(tmp_path, "fuzz", *words, "--out", "out")
    assert got == code
    assert text in errors
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize("words", [("fuzz",), ("run", "--openapi", str(DESCRIPTION))])
def test_without_the_extra_fuzzing_is_refused_with_what_to_install(tmp_path, words):
    (tmp_path / "schemathesis.py").write_text("raise ImportError")
    code, out, errors = said(
        tmp_path, *words, "--target", "embedded", "--out", "out", PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}"
    )
    assert (code, out) == (2, "")
    assert errors == (
        "The package schemathesis is not installed, and fuzzing needs it: "
        'pip install "cancel-conformance[fuzz]" (in a clone: pip install -r constraints-extras.txt).\n'
    )
    assert not (tmp_path / "out").exists()


def test_an_interrupted_run_keeps_what_it_saw(tmp_path):
    with started(tmp_path, "fuzz", "--target", "embedded", "--out", "out") as process:
        read_until(process, "coverage")
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    evidence = read_journal(tmp_path / "out")
    assert stored_records(evidence)[-1]["ended"] == "interrupted"
    assert any(stored_records(evidence, "fuzzed"))
    assert write_reports(tmp_path / "out").exit_code == 130


def test_no_secret_is_written_down(tmp_path):
    secrets = {
        "VIPPS_CLIENT_ID": "canary-client-0001",
        "VIPPS_CLIENT_SECRET": "canary-secret-0002",
        "VIPPS_SUBSCRIPTION_KEY": "canary-key-0003",
        "VIPPS_MSN": "123456",
    }
    options = Options(
        client_id=secrets["VIPPS_CLIENT_ID"],
        client_secret=secrets["VIPPS_CLIENT_SECRET"],
        subscription_key=secrets["VIPPS_SUBSCRIPTION_KEY"],
    )
    provider = Tells(options)
    with running_server(provider) as url:
        words = ("fuzz", "--target", url, "--openapi", str(DESCRIPTION), *SHORT, "--out", "out")
        code, out, errors = said(tmp_path, *words, **secrets)
    assert code == 1, out + errors
    texts = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "out").iterdir()}
    for name, text in {**texts, "output": out, "errors": errors}.items():
        for secret in (*list(secrets.values())[:3], provider.token):
            assert secret not in text, f"{secret} is in {name}"
    assert "$VIPPS_ACCESS_TOKEN" in texts["report.json"]


class Tells(Provider):
    """Crashes on broken JSON, and says with what it was asked."""

    token = "none"

    def handle(self, request):
        self.token = (request.header("authorization") or "").removeprefix("Bearer ") or self.token
        answer = super().handle(request)
        if request.method == "POST" and request.body.startswith(b'{"half'):
            return type(answer)(500, (("X-Trace", str(request.headers)),), str(request.headers).encode())
        return answer


def test_evidence_that_was_changed_is_not_believed(tmp_path):
    assert said(tmp_path, "fuzz", "--target", "embedded", *SHORT, "--out", "out")[0] == 0
    records = stored_records(read_journal(tmp_path / "out"))
    recompute_judgements(evidence_of(records))
    refused = (record for record in records if record["kind"] == "fuzzed")
    next(record for record in refused if record["facts"].get("answer.status") == 400)["facts"]["answer.status"] = 418
    with pytest.raises(Exception, match="not judged by its rules"):
        recompute_judgements(evidence_of(records))


def test_a_rule_of_the_wire_that_is_waived_without_need_leaves_the_run_incomplete(tmp_path):
    words = ("fuzz", "--target", "embedded", *SHORT, "--waive", "WIRE-03=the gateway is not ours", "--out", "out")
    code, out, _ = said(tmp_path, *words)
    assert code == 4, "a waiver without need would hide the next violation"
    assert "WIRE-03 is waived and needs no waiver" in out
    assert next(rule for rule in write_reports(tmp_path / "out").rules).verdict is RuleVerdict.PASSED
