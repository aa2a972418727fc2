"""`docs/development/oracle.md`: its excerpts stand in the sources, and its examples give what they show."""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "development" / "oracle.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXCERPTS = re.findall(r"^```\w+ title=\"(\S+)\"\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
LEFT_OUT = "…"


def stripped(text):
    """Return the lines of a text without what its place in a file gives them: indentation, and a comma at the end."""
    return [line.strip().removesuffix(",") for line in text.splitlines()]


def parts(excerpt):
    """Return an excerpt's parts, between the lines that are left out, as lines without their indentation."""
    found = [[]]
    for line in stripped(excerpt):
        if line == LEFT_OUT:
            found.append([])
        else:
            found[-1].append(line)
    return found


def position(part, lines, start):
    """Return where a part stands in the lines of a file from a line on."""
    places = range(start, len(lines) - len(part) + 1)
    return next((place for place in places if lines[place : place + len(part)] == part), None)


@pytest.mark.parametrize(("file", "excerpt"), EXCERPTS)
def test_an_excerpt_stands_in_its_file_line_by_line(file, excerpt):
    lines, place = stripped((ROOT / file).read_text(encoding="utf-8")), 0
    for part in parts(excerpt):
        place = position(part, lines, place)
        assert place is not None, "\n".join(part)


def test_the_page_walks_through_rulebook_model_and_wire():
    folders = {Path(file).parts[1] for file, _ in EXCERPTS}
    assert folders == {"rulebook", "model", "wire"}
    assert len(EXCERPTS) >= 8


def test_the_examples_give_what_they_show():
    result = doctest.testfile(str(PAGE), module_relative=False)
    assert result.attempted > 10
    assert result.failed == 0


def test_the_page_can_be_read_in_ten_minutes():
    assert len(TEXT.split()) < 1500


def test_an_excerpt_that_is_in_no_file_is_noticed():
    assert position(["a", "b"], ["x", "a", "b"], 0) == 1
    assert position(["a", "b"], ["a", "x", "b"], 0) is None
    assert position(["a"], ["a", "b"], 1) is None
    assert parts("a\n…\n  b\n") == [["a"], ["b"]]
