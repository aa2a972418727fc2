"""What runs the pages' blocks notices a page that is wrong."""

from unittest import SkipTest

import pytest
from sybil import Document

from .blocks import begin, blocks, end


@pytest.fixture
def run():
    """Run the blocks of a page one after the other, in a folder of their own."""
    namespace = {}
    begin(namespace)

    def page(text):
        document = Document(text, "page.md")
        document.namespace = namespace
        for region in blocks(document):
            document.add(region)
        for example in document.examples():
            example.evaluate()

    yield page
    end(namespace)


def test_variables_files_and_the_folder_last_from_block_to_block(run):
    run(
        "```console\nexport WORD=hello\nmkdir deep && cd deep\n```\n\n<!-- file: note.toml -->\n\n```toml\na = 1\n```\n"
    )
    run("```console\n$ echo $WORD from $(basename $PWD)\nhello from deep\n$ cat ../note.toml\na = 1\n```\n")
    run("```python\nnumber = 2\n```\n\ntext\n\n```python\n>>> number + 1\n3\n\n```\n")


def test_a_copy_of_the_clone_is_there_without_what_git_ignores(run):
    run("```console\ntest -f pyproject.toml\ntest -L conformance/reports\ntest ! -e .git\n```\n")


def test_a_server_runs_until_the_page_ends(run):
    run("<!-- serves: 18765 -->\n\n```console\npython -m http.server -b 127.0.0.1 18765\n```\n")
    run("```console\npython -c 'import socket; socket.create_connection((\"127.0.0.1\", 18765))'\n```\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("```console\nfalse\n```\n", "ends with 1, and not 0"),
        ("<!-- exit: 3 -->\n\n```console\ntrue\n```\n", "ends with 0, and not 3"),
        ("```console\n$ echo one\ntwo\n```\n", r"prints\s+one"),
        ("```toml\nno table\n```\n", "Expected ."),
        ("```python\n>>> 1 + 1\n3\n\n```\n", "Expected"),
        ("```cobol\nSTOP RUN.\n```\n", "nothing runs a block of cobol"),
        ("```\nwhat is this\n```\n", "no language"),
        ("<!-- same as: pyproject.toml -->\n\n```toml\na = 1\n```\n", "not the same"),
    ],
)
def test_a_block_that_does_not_do_what_the_page_says_fails(run, text, reason):
    with pytest.raises(Exception, match=reason):
        run(text)


def test_a_block_is_skipped_for_a_reason_only(run):
    with pytest.raises(SkipTest, match="needs a person"):
        run("<!-- skip: needs a person -->\n\n```console\nfalse\n```\n")


def test_a_block_that_needs_what_is_not_installed_is_skipped(run):
    with pytest.raises(SkipTest, match="no-such-program is not installed here"):
        run("<!-- needs: no-such-program -->\n\n```console\nno-such-program\n```\n")


def test_what_goes_to_the_test_environment_goes_to_this_machine(run):
    run("```console\nexport VIPPS_MSN=... VIPPS_CLIENT_ID=...\necho https://apitest.vipps.no > where\n```\n")
    run("```console\ngrep -q '^http://127.0.0.1:' where\ntest -z \"$VIPPS_MSN\"\n```\n")


def test_what_a_program_prints_is_no_block(run):
    run('```text\nPress Enter\n```\n\n```toml title="conformance/rulebook/ecom.toml"\n[[rule]]\n…\n```\n')
