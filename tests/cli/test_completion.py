"""A shell's questions: commands, options, names, rules; and the scripts that let it ask."""

import subprocess

import pytest

from conformance.rulebook import load

from .command import said


def completed(folder, line):
    words = line.split(" ")
    _, out, _ = said(
        folder, _CANCEL_CONFORMANCE_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=str(len(words) - 1)
    )
    return {part.partition(",")[2] for part in out.splitlines()}


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("cancel-conformance me", {"merchant", "merge"}),
        ("cancel-conformance run --max", {"--max-requests", "--max-time"}),
        ("cancel-conformance run --profile e", {"ecom", "epayment"}),
        ("cancel-conformance run --budget ", {"quick", "standard", "thorough"}),
        ("cancel-conformance completion ", {"bash", "zsh", "fish"}),
    ],
)
def test_names_are_completed(tmp_path, line, names):
    assert completed(tmp_path, line) == names


def test_rules_are_completed(tmp_path):
    rules = completed(tmp_path, "cancel-conformance run --waive ep-0")
    assert rules == {rule.id for rule in load().rules if rule.id.startswith("EP-0")}
    assert len(rules) > 3


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_scripts_name_the_program_and_its_variable(tmp_path, shell):
    code, out, errors = said(tmp_path, "completion", shell)
    assert (code, errors) == (0, "")
    assert "_CANCEL_CONFORMANCE_COMPLETE" in out
    assert "cancel-conformance" in out
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=out, text=True, check=True)
