"""The report in a real browser: quiet, alone, accessible, and usable with a keyboard and on a telephone."""

from __future__ import annotations

import json

import pytest

from conformance.reports import write_reports
from conformance.reports.diff.compare import diff
from conformance.reports.diff.render import diff_html

from ..reports import journals
from .driving import done, node_folder

EVERY_LOOK = ("narrow", "wide", "dark")
PAGES = {
    "conformant": ("wide",),
    "violated": EVERY_LOOK,
    "incomplete": ("narrow",),
    "interrupted": ("wide",),
    "empty": ("wide",),
    "hostile": EVERY_LOOK,
}
"""How each page is looked at: it takes a browser seconds to do so."""
DIFFS = {"conformant and violated": ("conformant", "violated"), "violated and hostile": ("violated", "hostile")}
"""Pages about two runs: every look at each."""
LOOKS = {**PAGES, **dict.fromkeys(DIFFS, EVERY_LOOK)}


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A folder from which pages can be looked at, and the browser; the tests are skipped where there is none."""
    node, chromium, folder = node_folder(tmp_path_factory)
    return [node, "look.mjs", chromium], folder


@pytest.fixture(scope="module")
def looked(browser, tmp_path_factory):
    """What was seen of every page, by page and look."""
    command, folder = browser
    pages: dict[str, str] = {}
    results = {}
    for name in PAGES:
        directory = tmp_path_factory.mktemp(name)
        getattr(journals, name)(directory)
        results[name] = write_reports(directory)
        pages[str(directory / "report.html")] = name
    for name, (before, after) in DIFFS.items():
        page = tmp_path_factory.mktemp("diff") / "diff.html"
        found = diff(results[before], results[after])
        page.write_text(diff_html(found, [journals.HOSTILE]), encoding="utf-8")
        pages[str(page)] = name
    seen = [
        json.loads(line)
        for line in done(
            [*command, *(f"{look}:{page}" for page, name in pages.items() for look in LOOKS[name])], folder
        ).splitlines()
    ]
    return {(pages[one["page"]], one["look"]): one for one in seen}


@pytest.mark.parametrize(("page", "look"), [(page, look) for page, looks in LOOKS.items() for look in looks])
def test_a_page_is_quiet_alone_and_accessible(looked, page, look):
    seen = looked[page, look]
    assert seen["console"] == []
    assert seen["requests"] == []
    assert seen["violations"] == []
    assert seen["wide"] == 0, "the page is wider than the screen"


@pytest.mark.parametrize("page", ["violated", "interrupted", "hostile"])
def test_a_violation_is_one_key_away_from_its_exchange(looked, page):
    path = looked[page, "wide"]["path"]
    assert path["target"]
    assert path["visible"]
    assert path["text"].split()[:2] == ["REQUEST", "PUT"]


@pytest.mark.parametrize("page", ["conformant", "violated"])
def test_the_exchange_of_a_rule_that_passed_is_unfolded_by_the_link_to_it(looked, page):
    folded = looked[page, "wide"]["folded"]
    assert folded["target"]
    assert folded["visible"]
    assert folded["text"].startswith("REQUEST")


def test_where_nothing_is_violated_no_path_is_offered(looked):
    assert looked["conformant", "wide"]["path"] is None
