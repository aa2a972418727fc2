"""Two hundred hostile targets: every run ends as documented, and its report does nothing in a browser but be read."""

from __future__ import annotations

import json

import pytest

from ..browser.driving import done, node_folder
from .harmless import harmless, shown
from .playing import played

TARGETS = 200


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """All the runs. Each journal with megabytes in it is dropped once it was looked at."""
    folder = tmp_path_factory.mktemp("hostile")
    return folder, {}


@pytest.mark.parametrize("seed", range(TARGETS))
def test_a_run_ends_as_documented_and_its_report_is_harmless(runs, seed):
    folder, completed = runs
    run = played(seed, folder / str(seed))
    page = harmless(run.directory, run.completed)
    completed[seed] = run.completed.code, shown(run.directory, page)
    (run.directory / "journal.jsonl").unlink()


def test_enough_was_shown(runs):
    """Otherwise the two hundred would say nothing: the targets were given up before they said anything."""
    _, completed = runs
    codes = [code for code, _ in completed.values()]
    assert len(codes) == TARGETS
    assert {1, 3, 4} <= set(codes)
    assert sum(code != 3 for code in codes) > TARGETS / 2
    assert sum(number > 0 for _, number in completed.values()) > TARGETS / 5


def test_no_report_does_anything_in_a_browser(runs, tmp_path_factory):
    folder, completed = runs
    node, chromium, place = node_folder(tmp_path_factory)
    pages = [str(folder / str(seed) / "report.html") for seed in sorted(completed)]
    assert len(pages) == TARGETS
    lines = done([node, "quiet.mjs", chromium, *pages], place).splitlines()
    assert len(lines) == TARGETS
    for line in lines:
        problems = json.loads(line)
        assert problems.pop("title").split(":")[0].upper() in (
            "CONFORMANT", "NOT CONFORMANT", "INCOMPLETE", "ENVIRONMENT ERROR",
        ), problems  # fmt: skip
        assert problems.pop("page") in pages
        assert problems == {"console": [], "requests": [], "dialogs": 0, "pages": 1, "scripts": 0, "unseen": 0}
