"""``nox -s pictures``: the pictures of the site and the README, taken of three real reports."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from ..audit import stage
from ..museum.exhibits import FAULTS
from ..sdk.npm import install
from .driving import HERE, done

IMAGES = Path(__file__).parents[2] / "docs" / "images"
FAULT = "epayment-AnswerCancelsNothing"
SHOP = "python:conformance.examples.tutorial.shop:Adapter"
WIDTH = 960
PICTURES = (
    ("wrong", "body", 700, "report"),
    ("right", "#rule-ecom-EC-13", 0, "rule"),
    ("wrong", ".violation .history", 640, "timeline"),
    ("right", "svg.life", 0, "lifecycle"),
    ("right", "#ledger", 560, "ledger"),
    ("tutorial", ".violation .history", 820, "tutorial"),
)
"""Of which report, from which element on, how many pixels of it (0: all of it), and the picture's name."""


def main() -> int:
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("Chromium is needed to take pictures of reports")
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        try:
            install(HERE, folder, "what drives the browser")
        except pytest.skip.Exception as why:
            sys.exit(str(why))
        patch.chdir(folder)
        stage.command("run", "--target", "embedded", "--profile", "ecom", "--budget", "quick", "--out", "right")
        stage.command("merchant", "--integration", SHOP, "--budget", "quick", "--out", "tutorial")
        fault = next(one for one in FAULTS if one.id == FAULT)
        stage.use_provider(patch, type(fault.provider().apis["epayment"]))
        stage.command("run", "--target", "embedded", "--profile", "epayment", "--budget", "quick", "--out", "wrong")
        jobs = [
            f"{folder / run / 'report.html'}:{selector}:{WIDTH}:{height}:{IMAGES / picture}.png"
            for run, selector, height, picture in PICTURES
        ]
        done(["node", "pictures.mjs", chromium, *jobs], folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
