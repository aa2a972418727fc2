"""Errors as sentences: whatever a target said in them does nothing at a terminal."""

from conformance.cli.commands.doctor import main as doctor
from conformance.cli.exit_codes import sentence
from conformance.targets.transport import TargetError
from tests.audit.stage import command

HOSTILE = "answered 400 (\x1b[2J\x1b]8;;http://127.0.0.1\x07here\u202e\r\n)"


def test_a_sentence_shows_what_cannot_be_seen():
    text = sentence(TargetError(HOSTILE))
    assert text == "answered 400 (‹U+001B›[2J‹U+001B›]8;;http://127.0.0.1‹U+0007›here‹U+202E› )."


def test_so_does_a_finding_of_doctor(monkeypatch):
    def refuse(*_, **__):
        raise TargetError(HOSTILE)

    monkeypatch.setitem(doctor.__globals__, "resolve_target", lambda *_, **__: None)
    monkeypatch.setitem(doctor.__globals__, "MerchantRunOptions", refuse)
    done = command("doctor", "--integration", "python:shop:Adapter")
    assert done.code == 3
    assert "U+001B" in done.out
    assert "\x1b]" not in done.out
