"""What was probably meant, wherever a name is wrong, and where the help is."""

import pytest

from tests.audit.stage import command


@pytest.mark.parametrize(
    ("line", "suggestion"),
    [
        ("rnu", "No such command 'rnu'. Did you mean 'run'? See cancel-conformance --help."),
        ("sandbx", "Did you mean 'sandbox'?"),
        (
            "run --taget x",
            "No such option '--taget'. (Did you mean one of: '--budget', '--market', '--target'?) See cancel-conf",
        ),
        ("run --histories=5 --bdget quick", "No such option '--bdget'. (Did you mean one of: '--budget', "),
        ("run --profile epaymnt", "'epaymnt' is not one of 'ecom', 'epayment', 'recurring'. Did you mean 'epayment'?"),
        ("run --budget through", "Did you mean 'thorough'?"),
        ("run --target embedded --waive EP-5=x", "There is no rule 'EP-5' to waive. Did you mean 'EP-05'?"),
        ("run --target embedded --waive ep-05=x", "There is no rule 'ep-05' to waive. Did you mean 'EP-05'?"),
        ("sandbox --option second_cancl=x", "There is no option 'second_cancl'. Did you mean 'second_cancel'?"),
        ("merchant --target python:a:B", "No such option '--target'. Did you mean '--integration'? See cancel-con"),
        ("run --integration python:a:B", "The command 'merchant' tests an integration. See cancel-conformance run"),
        ("run embedded", "Got unexpected extra argument (embedded): name what to test with --target. See cancel-conf"),
        ("verify a b", "Got unexpected extra argument (b). See cancel-conformance verify --help."),
        (
            "age",
            "Missing argument 'plant|harvest|calendar'. Choose from: plant, harvest, calendar. "
            "See cancel-conformance age --help.",
        ),
        ("age plnt", "Did you mean 'plant'?"),
        ("completion zhs", "Did you mean 'zsh'?"),
    ],
)
def test_the_nearest_name_is_suggested(line, suggestion):
    done = command(*line.split())
    assert (done.code, done.out, len(done.errors.splitlines())) == (2, "", 1)
    assert suggestion in done.errors


@pytest.mark.parametrize("line", ["run --profile xyz", "qqqqq", "run --target embedded --waive ZZZZZZ=x"])
def test_nothing_is_suggested_where_nothing_is_near(line):
    done = command(*line.split())
    assert done.code == 2
    assert "Did you mean" not in done.errors


@pytest.mark.parametrize("option", ["--targ", "--prof", "--bud", "--max-req"])
def test_no_abbreviation_is_accepted(option):
    done = command("run", option, "1")
    assert done.code == 2
    assert f"No such option '{option}'" in done.errors
