"""The file of options: what it may choose, and what is wrong with one that chooses something else."""

import argparse
import re

import pytest

from conformance.cli.config import MerchantOptions, ProviderOptions, merged_options, names_of
from conformance.errors import UsageError


def chosen(path, kind=ProviderOptions, **arguments):
    names = (name.replace("-", "_") for name in names_of(kind))
    return merged_options(argparse.Namespace(**{**dict.fromkeys(names), "config": str(path), **arguments}), kind)


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
        "control-url": "http://127.0.0.1",
        "histories": 3,
        "profile": ["ecom"],
        "reading": ["C8=any", "C1=reservation"],
        "processes": "auto",
        "waive": ["EP-01=text", "EP-05@2027-01-31=table"],
    }


def test_the_command_line_wins(file):
    assert chosen(file("seed = 1\nhistories = 2"), seed=7) == {"seed": 7, "histories": 2}


def test_a_merchant_has_options_of_its_own(file):
    path = file('integration = "exec:shop"\nport = 0\nstrict = false\n')
    assert chosen(path, MerchantOptions) == {"integration": "exec:shop", "port": 0, "strict": False}
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
            "item 2 of profile must be a non-empty text, not 3.",
        ),
        ("profile = [", "options.toml is not TOML: "),
        ("processes = 1.5", "processes must be a whole number or 'auto', not 1.5."),
        ("waive = 3", " or a list of texts or tables, not 3."),
        ("[waive]\nrule = 'EP-05'", " or a list of texts or tables, not a table."),
        ("profil = 'ecom'", "there is no key 'profil': the ones to choose from are profile, market, budget,"),
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
