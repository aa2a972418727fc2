"""The style sheet's colours: text can be read on what is behind it, in both modes."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

SHEET = files("conformance.reports").joinpath("templates/report.css").read_text(encoding="utf-8")
DARK = SHEET.index("prefers-color-scheme: dark")
READABLE = 4.5
"""WCAG 2, level AA."""


def colours(text: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", text))


LIGHT_MODE = colours(SHEET[:DARK])
DARK_MODE = {**LIGHT_MODE, **colours(SHEET[DARK : SHEET.index("\n}\n", DARK)])}


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("mode", [LIGHT_MODE, DARK_MODE], ids=["light", "dark"])
def test_text_and_badges_can_be_read(mode):
    badges = [(name, f"{name}-back") for name in mode if f"{name}-back" in mode]
    assert len(badges) >= 7
    backs = ("page", "card", "soft", *(back for _, back in badges))
    pairs = [*badges, *((text, back) for text in ("ink", "quiet", "link") for back in backs)]
    assert not [pair for pair in pairs if contrast(mode[pair[0]], mode[pair[1]]) < READABLE]


def test_both_modes_have_colours_of_their_own():
    assert DARK_MODE["page"] != LIGHT_MODE["page"]
    assert DARK_MODE["violated-back"] != LIGHT_MODE["violated-back"]
