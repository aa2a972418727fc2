"""``pytest -p tests.docs.blocks README.md docs``: every code block of the pages is run, or says why it is not.

Each page has a copy of the clone as its folder, and its blocks run in their order. An HTML comment directly before a
block says what is special about it:

- ``<!-- exit: 1 -->``: the block ends with this code, and not with 0;
- ``<!-- file: NAME -->``: the block is the content of a file, which later blocks use;
- ``<!-- same as: FILE -->``: the block shows a file of the clone, and has to be the same;
- ``<!-- needs: PROGRAM -->``: the block is not run where this program is not installed;
- ``<!-- serves: PORT -->``: the block starts a server, which later blocks use;
- ``<!-- skip: REASON -->``: the block is not run. The reasons are counted and printed.

A console block whose commands begin with ``$`` shows what they print as well: ``...`` stands for any text.
"""

from __future__ import annotations

import doctest
import json
import re
import shutil
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from unittest import SkipTest

import pytest
import yaml
from sybil import Document, Example, Region, Sybil
from sybil.parsers.markdown.lexers import RawFencedCodeBlockLexer

from .folder import ROOT, Folder

COMMENTS = re.compile(r"(?:^[ \t]*<!--.*?-->\s*)+\Z", re.MULTILINE)
COMMENT = re.compile(r"<!--\s*(exit|file|needs|same as|serves|skip):\s*(.*?)\s*-->")
SHELL = ("console", "sh", "bash", "shell")
SHOWN = re.compile(r'text\b|\w+ title="conformance/')
"""Blocks that show what a program prints, and excerpts of files, which tests/model/test_oracle_page.py compares."""


def blocks(document: Document) -> Iterator[Region]:
    """Find the fenced blocks of a page, each with its language and with what the comments before it say."""
    for region in RawFencedCodeBlockLexer(re.compile(r"(?P<info>[^\n]*)\n"))(document):
        info = str(region.lexemes["info"]).strip()
        before = COMMENTS.search(document.text[: region.start])
        remarks = dict(COMMENT.findall(before[0])) if before else {}
        if not SHOWN.match(info):
            language, source = info.partition(" ")[0], str(region.lexemes["source"])
            yield Region(region.start, region.end, (language, source, remarks), evaluate)


def evaluate(example: Example) -> None:
    """Run a block.

    Raises:
        SkipTest: the page says why it is not run.
        AssertionError: it does something else than the page says.

    """
    language, source, remarks = example.parsed
    if "skip" in remarks:
        raise SkipTest(remarks["skip"])
    if "needs" in remarks and shutil.which(remarks["needs"]) is None:
        raise SkipTest(f"{remarks['needs']} is not installed here")
    folder: Folder = example.namespace["_folder"]
    if "same as" in remarks:
        assert source == (folder.path / remarks["same as"]).read_text(encoding="utf-8"), "the file is not the same"
    if "file" in remarks:
        folder.write(remarks["file"], source)
    if language in SHELL:
        if "serves" in remarks:
            folder.serve(source, int(remarks["serves"]))
        elif source.startswith("$ "):
            transcript(folder, source, int(remarks.get("exit", 0)))
        else:
            folder.run(source, int(remarks.get("exit", 0)))
        return
    if language not in READERS:
        raise AssertionError(f"nothing runs a block of {language or 'no language'}: say in a comment why it is not run")
    READERS[language](source, example.namespace)


def transcript(folder: Folder, source: str, code: int) -> None:
    """Run the commands that are shown after ``$``, and compare what they print with what is shown."""
    parts = re.split(r"^\$ ", source, flags=re.MULTILINE)[1:]
    for number, part in enumerate(parts, 1):
        command, shown = split_command(part)
        printed = folder.run(command, code if number == len(parts) else 0)
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        assert doctest.OutputChecker().check_output(shown, printed, flags), (
            f"{command}\nprints\n{printed}\nnot\n{shown}"
        )


def run_python(source: str, namespace: dict[str, Any]) -> None:
    """Execute Python, or the examples of an interactive session, in the names of the page."""
    if not source.lstrip().startswith(">>>"):
        exec(compile(source, "block", "exec"), namespace)
        return
    session = doctest.DocTestParser().get_doctest(source, namespace, "block", None, 0)
    failures: list[str] = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
    runner.run(session, out=failures.append, clear_globs=False)
    namespace.update(session.globs)
    assert not failures, "".join(failures)


READERS: dict[str, Callable[[str, dict[str, Any]], object]] = {
    "python": run_python,
    "toml": lambda source, _: tomllib.loads(source),
    "json": lambda source, _: json.loads(source),
    "yaml": lambda source, _: list(yaml.safe_load_all(source)),
}


def split_command(part: str) -> tuple[str, str]:
    """Return a command, which may go on over several lines, and what is shown after it."""
    lines = part.splitlines(keepends=True)
    end = next(number for number, line in enumerate(lines, 1) if not line.rstrip().endswith("\\"))
    return "".join(lines[:end]), "".join(lines[end:])


def begin(namespace: dict[str, Any]) -> None:
    """Give a page its folder."""
    namespace["_folder"] = Folder()


def end(namespace: dict[str, Any]) -> None:
    """Stop what the page started, and remove its folder."""
    namespace["_folder"].close()


pytest_collect_file = Sybil(
    parsers=[blocks], patterns=("*.md", "**/*.md"), path=str(ROOT), setup=begin, teardown=end
).pytest()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many blocks ran, and which did not, with their reasons."""
    ran = [report for report in terminalreporter.getreports("passed") if ".md::line" in report.nodeid]
    skipped = [report for report in terminalreporter.getreports("skipped") if ".md::line" in report.nodeid]
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped)  # type: ignore[index]
    terminalreporter.section("code blocks of the pages")
    terminalreporter.line(f"{len(ran)} ran, {len(skipped)} did not:")
    for reason, number in reasons.most_common():
        terminalreporter.line(f"{number:3}  {reason}")
