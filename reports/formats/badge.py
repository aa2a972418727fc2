"""`badge.svg`: the verdict as a small picture, for a page that links to a report."""

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
_LETTER_WIDTH: Final = 6.6
"""The average width of a letter, in units of the picture. The text is fitted to it."""


def badge_text(result: Result) -> str:
    """Return the text of `badge.svg`: the verdict and the number of passed rules."""
    passed = sum(rule.verdict is RuleVerdict.PASSED for rule in result.rules)
    verdict = verdict_name(result).lower()
    if result.verdict in _COLOURS:
        verdict += f" ({passed} passed)"
    label_width, verdict_width = (round(len(text) * _LETTER_WIDTH) for text in (_LABEL, verdict))
    edge = label_width + 12
    width = edge + verdict_width + 12
    description = escape(f"{_LABEL}: {verdict}, {result.run.started[:10]}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{description}">\n'
        f"<title>{description}</title>\n"
        f'<path fill="#33363c" d="M0 0h{edge}v20H0z"/>\n'
        f'<path fill="{_COLOURS.get(result.verdict, _OTHER)}" d="M{edge} 0h{width - edge}v20H{edge}z"/>\n'
        '<g fill="#fff" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11">\n'
        f'<text x="6" y="14" textLength="{label_width}">{_LABEL}</text>\n'
        f'<text x="{edge + 6}" y="14" textLength="{verdict_width}">{escape(verdict)}</text>\n'
        "</g>\n</svg>\n"
    )
