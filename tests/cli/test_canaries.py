"""No secret reaches anything that is written, whatever form it takes: proven by canaries."""

import base64

import pytest

from conformance.cli.main import main
from conformance.evidence.redaction import Redactor, redaction_scope
from conformance.sandbox import running_server
from conformance.targets.http.target import HttpTarget
from tests.audit.stage import use_small_plan
from tests.stored import journal_text

from .canaries import CANARIES, FORMS, PART, SECRETS, TOKEN, Indiscreet, leaks
from .command import said

ENVIRONMENT = {**CANARIES, "VIPPS_MSN": "123456"}
ALL = (*SECRETS, CANARIES["VIPPS_TEST_PHONE"][-8:])


def as_bytes(text):
    return text.encode("utf-8", "surrogatepass")


def placed(form):
    """A form of a secret alone, in a sentence, and in JSON that is not quite JSON any more."""
    return form, f"Access denied for {form} here", f'{{"n":1,"text":"{form}"}}'


def artifacts(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def counterexample(folder):
    """Return the name of the first counterexample of a run."""
    return min(path.name for path in (folder / "out" / "counterexamples").glob("*.json"))


def leaking(folder, *streams):
    """Return what leaks where."""
    contents = artifacts(folder) | {f"stream {number}": text.encode() for number, text in enumerate(streams)}
    journals = [name for name in contents if str(name).endswith("journal.jsonl")]
    assert journals
    contents |= {f"{name}, whole lines": journal_text(name.parent).encode() for name in journals}
    return {str(name): found for name, content in contents.items() if (found := leaks(content, ALL, deepest=3))}


@pytest.mark.parametrize("secret", ALL)
def test_no_form_of_a_secret_gets_through(secret):
    redactor = Redactor(ALL)
    hidden = set()
    for name, form in FORMS.items():
        for text in placed(form(secret)):
            assert not leaks(as_bytes(redactor.clean(text)), [secret]), (name, text)
            if not leaks(as_bytes(text), [secret]):
                hidden.add(name)
    # What the search cannot see either is no proof; of a short secret there are no parts, and little base64.
    assert not hidden or len(secret) < PART, hidden
    assert len(FORMS) - len(hidden) >= 60


@pytest.mark.parametrize("violating", [False, True], ids=["right", "violating"])
def test_a_run_at_an_indiscreet_target_leaks_nothing(tmp_path, violating):
    with running_server(Indiscreet(ALL, violating=violating)) as url:
        words = ("--target", url, "--control-url", f"{url}/control", "--profile", "epayment", "--histories", "0")
        code, out, errors = said(
            tmp_path, "run", *words, "--max-requests", "700" if violating else "300", "--out", "out", **ENVIRONMENT
        )
        code_again, again, errors_again = (
            said(tmp_path, "replay", "out", counterexample(tmp_path), **ENVIRONMENT) if violating else (1, "", "")
        )
    assert code == (1 if violating else 4), out + errors
    assert code_again == 1, again + errors_again
    assert bool(list((tmp_path / "out" / "counterexamples").glob("*"))) is violating
    assert "[removed]" in (tmp_path / "out" / "journal.jsonl").read_text(encoding="utf-8")
    assert leaking(tmp_path, out, errors, again, errors_again) == {}


def test_a_target_that_refuses_everything_leaks_nothing(tmp_path):
    told = [secret for secret in ALL if secret != TOKEN]
    provider = Indiscreet(told)
    provider.tokens.keys_fit = lambda _: False
    with running_server(provider) as url:
        code, out, errors = said(tmp_path, "run", "--target", url, "--out", "out", **ENVIRONMENT)
    assert code == 3, out + errors
    assert leaking(tmp_path, out, errors) == {}


@pytest.mark.parametrize("words", [(), ("--debug",)], ids=["a sentence", "a traceback"])
def test_an_exception_of_the_suite_itself_leaks_nothing(tmp_path, monkeypatch, capsys, words):
    use_small_plan(monkeypatch)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)

    def explode(self):
        raise RuntimeError(f"{CANARIES['VIPPS_CLIENT_SECRET']} {base64.b64encode(TOKEN.encode()).decode()} {ALL}")

    monkeypatch.setattr(HttpTarget, "worker", explode)
    with running_server(Indiscreet(ALL)) as url:
        code = main(["run", "--target", url, "--profile", "ecom", "--out", str(tmp_path / "out"), *words])
    told = capsys.readouterr()
    assert code == 5
    assert ("Traceback" in told.err) is bool(words)
    assert leaking(tmp_path, told.out, told.err) == {}


def test_a_scope_knows_what_its_redactors_learn_and_forgets_it_at_its_end():
    with redaction_scope() as redactor:
        Redactor(["canary-of-one-run"])
        assert redactor.clean("a canary-of-one-run here") == "a [removed] here"
    with redaction_scope() as redactor:
        assert redactor.clean("a canary-of-one-run here") == "a canary-of-one-run here"
