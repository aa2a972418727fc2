"""`badge.svg`: the verdict in one small picture, for a page that links to the report."""

from __future__ import annotations

from typing import Final

from markupsafe import escape

from conformance.judging.verdicts import RuleVerdict, RunVerdict
from conformance.reports.wording.headline import verdict_name
from conformance.results.result import Result

_LABEL: Final = "cancel conformance"
_COLOURS: Final = {
    RunVerdict.CONFORMANT: "#1a6b35",
    RunVerdict.NOT_CONFORMANT: "#a3161f",
    RunVerdict.INCOMPLETE: "#8a5200",
}
_OTHER: Final = "#55585f"
_WIDE: Final = 6.6
"""Units that a letter is wide, on the average: the text is fitted to it."""


def badge_text(result: Result) -> str:
    """Return the text of `badge.svg`: the verdict, and how many rules it rests on."""
    passed = sum(one.verdict is RuleVerdict.PASSED for one in result.rules)
    said = verdict_name(result).lower()
    if result.verdict in _COLOURS:
        said += f" ({passed} passed)"
    left, right = (round(len(text) * _WIDE) for text in (_LABEL, said))
    at = left + 12
    width = at + right + 12
    whole = escape(f"{_LABEL}: {said}, {result.run.started[:10]}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{whole}">\n'
        f"<title>{whole}</title>\n"
        f'<path fill="#33363c" d="M0 0h{at}v20H0z"/>\n'
        f'<path fill="{_COLOURS.get(result.verdict, _OTHER)}" d="M{at} 0h{width - at}v20H{at}z"/>\n'
        '<g fill="#fff" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11">\n'
        f'<text x="6" y="14" textLength="{left}">{_LABEL}</text>\n'
        f'<text x="{at + 6}" y="14" textLength="{right}">{escape(said)}</text>\n'
        "</g>\n</svg>\n"
    )
