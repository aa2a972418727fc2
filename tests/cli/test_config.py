"""The files of options: what they may choose, and what is wrong with one that chooses something else."""

import re

import pytest

from conformance.cli.config import configured
from conformance.cli.main import cli
from conformance.errors import UsageError
from tests.audit.stage import command


def chosen(path, command="run"):
    return configured(cli.commands[command], str(path))


def arguments(command, *words):
    """Return what click makes of a command line and the files."""
    return cli.commands[command].make_context(command, list(words)).params


@pytest.fixture
def file(tmp_path):
    def write(text):
        (tmp_path / "options.toml").write_text(text, encoding="utf-8")
        return tmp_path / "options.toml"

    return write


def test_a_file_chooses_every_kind_of_option(file):
    path = file(
        'target = "embedded"\ncontrol-url = "http://127.0.0.1"\nhistories = 3\nprofile = "ecom"\n'
        'reading = ["C8=any", "C1=reservation"]\nprocesses = "auto"\n'
        'waive = ["EP-01=text", { rule = "EP-05", reason = "table", until = 2027-01-31 }]\n'
    )
    assert chosen(path) == {
        "target": "embedded",
        "control_url": "http://127.0.0.1",
        "histories": 3,
        "profile": ["ecom"],
        "reading": ["C8=any", "C1=reservation"],
        "processes": "auto",
        "waive": ["EP-01=text", "EP-05@2027-01-31=table"],
    }


def test_the_command_line_wins(file):
    params = arguments("run", "--config", str(file("seed = 1\nhistories = 2\nbudget = 'quick'")), "--seed", "7")
    assert (params["seed"], params["histories"], params["budget"], params["market"]) == (7, 2, "quick", "no")


def test_a_merchant_has_options_of_its_own(file):
    path = file('integration = "exec:shop"\nport = 0\nstrict = false\n')
    assert chosen(path, "merchant") == {"integration": "exec:shop", "port": 0, "strict": False}
    with pytest.raises(UsageError, match="there is no key 'integration'"):
        chosen(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = 'x'", "seed must be a whole number, 0 or more, not 'x'."),
        ("seed = -1", "seed must be a whole number, 0 or more, not -1."),
        ("seed = 1.5", "seed must be a whole number, 0 or more, not 1.5."),
        ("histories = true", "histories must be a whole number, 0 or more, not true."),
        ("target = 3", "target must be a non-empty text, not 3."),
        ("target = ''", "target must be a non-empty text, not ''."),
        ("target = 'a'\ntarget = 'b'", "options.toml is not TOML: Cannot overwrite a value ("),
        ("profile = 3", " or a list of texts, not 3."),
        (
            "profile = ['ecom', 3]",
            "item 2 of profile must be 'ecom' or 'epayment' or 'recurring', not 3.",
        ),
        ("profile = [", "options.toml is not TOML: "),
        ("processes = 1.5", "processes must be a whole number or 'auto', not 1.5."),
        ("waive = 3", " or a list of texts or tables, not 3."),
        ("[waive]\nrule = 'EP-05'", " or a list of texts or tables, not a table."),
        ("profil = 'ecom'", "there is no key 'profil', did you mean 'profile'?"),
        ("zzz = 'ecom'", "there is no key 'zzz': the ones to choose from are target, control-url,"),
        ("market = 'se'", "market must be 'dk' or 'fi' or 'no', not 'se'."),
    ],
)
def test_what_is_no_option_is_one_sentence_with_file_and_key(file, text, message):
    with pytest.raises(UsageError, match=re.escape(message)) as error:
        chosen(file(text))
    assert "options.toml" in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_file_that_cannot_be_read_or_is_not_text(tmp_path):
    with pytest.raises(UsageError, match=r"missing\.toml cannot be read: No such file"):
        chosen(tmp_path / "missing.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"bytes\.toml is not TOML: it is not UTF-8 text\."):
        chosen(tmp_path / "bytes.toml")


PROJECT = """
[project]
name = "shop"

[tool.cancel-conformance.run]
target = "http://127.0.0.1:9701"
profile = ["ecom"]
seed = 3

[tool.cancel-conformance.merchant]
integration = "exec:shop"
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder inside a project, which has a file of its own that says nothing about this program."""
    inner = tmp_path / "packages" / "shop"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (inner / "pyproject.toml").write_text("not even TOML", encoding="utf-8")
    monkeypatch.chdir(inner)
    return tmp_path


def test_a_project_chooses_options_for_each_command(project):
    params = arguments("run")
    assert (params["target"], params["profile"], params["seed"]) == ("http://127.0.0.1:9701", ("ecom",), 3)
    assert (arguments("merchant")["integration"], arguments("merchant")["seed"]) == ("exec:shop", 0)
    assert arguments("report", "out")["directory"] == "out"


def test_the_command_line_wins_over_the_named_file_which_wins_over_the_project(project, file):
    path = str(file("seed = 4\nmarket = 'dk'"))
    params = arguments("run", "--config", path)
    assert (params["seed"], params["market"], params["profile"]) == (4, "dk", ("ecom",))
    assert arguments("run", "--config", path, "--seed", "5")["seed"] == 5


def test_a_named_file_may_have_tables_and_options_at_its_top(file):
    path = file("market = 'dk'\nseed = 1\n[run]\nseed = 2\nbundle = true\n[merchant]\nstrict = true\n")
    assert chosen(path) == {"market": "dk", "seed": 2, "bundle": True}
    assert chosen(path, "merchant") == {"market": "dk", "seed": 1, "strict": True}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("run.sead = 3", "pyproject.toml, [tool.cancel-conformance.run]: there is no key 'sead', did you mean 'seed'?"),
        ("run.seed = 'x'", "[tool.cancel-conformance.run]: seed must be a whole number, 0 or more, not 'x'."),
        ("rnu = { seed = 3 }", "[tool.cancel-conformance]: there is no command 'rnu'. Did you mean 'run'?"),
        ("target = 'x'", "put 'target' into the table of a command, such as [tool.cancel-conformance.run]."),
    ],
)
def test_what_is_wrong_in_a_project_is_one_sentence(project, table, message):
    (project / "pyproject.toml").write_text(f"[tool.cancel-conformance]\n{table}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=re.escape(message)):
        arguments("run")


def test_both_names_of_an_interpretation_are_one_option(file):
    words = ("--reading", "C8=reject", "--interpretation", "C1=reservation")
    assert arguments("run", *words)["reading"] == ("C8=reject", "C1=reservation")
    assert chosen(file("interpretation = ['C8=reject']")) == {"reading": ["C8=reject"]}


def test_the_file_of_the_project_is_named_with_what_it_chose(project, file):
    path = project / "pyproject.toml"
    wrong = ("--waive", "NOPE=x")
    assert f"{path} chooses profile, seed, target.\n" in command("run", *wrong).errors
    few = ("--target", "embedded", "--config", str(file("seed = 4")))
    assert f"{path} chooses profile.\n" in command("run", *few, *wrong).errors
    for words in (("run", "--quiet", *wrong), ("run", *few, "--profile", "ecom", *wrong), ("rules",)):
        assert "chooses" not in command(*words).errors


@pytest.mark.parametrize(
    "tool", ["tool = 3", "[tool]\ncancel-conformance-plugin = 3", "[[tool.cancel]]\nconformance = 1"]
)
def test_a_file_that_has_no_table_of_ours_is_of_no_concern(project, tool):
    (project / "packages" / "pyproject.toml").write_text(f"# cancel-conformance\n{tool}\n", encoding="utf-8")
    assert arguments("run")["seed"] == 3


@pytest.mark.parametrize("repository", [".", "packages"])
def test_what_lies_above_the_repository_chooses_nothing(project, repository):
    (project / repository / ".git").mkdir()
    assert arguments("run")["seed"] == (3 if repository == "." else 0)


def test_a_project_that_cannot_be_read_is_one_sentence(project, monkeypatch):
    def refuse(path, flags):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("conformance.inputs.files.os.open", refuse)
    with pytest.raises(UsageError, match=r"pyproject\.toml cannot be read: Permission denied\."):
        arguments("run")


def test_a_run_that_is_resumed_takes_nothing_from_the_project(project):
    assert arguments("run", "--resume", "out")["seed"] == 0
