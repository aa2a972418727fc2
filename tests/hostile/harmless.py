"""What must hold after a run, whatever its target said."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

from conformance.evidence.journal import read_journal
from conformance.reports.wording.sanitize import visible
from tests.stored import stored_records

from ..audit.stage import Said
from ..reports.reading import UNSEEN, Page, check
from .answers import MARK

ENDS = (0, 1, 3, 4)
"""The exit codes that say something about a target; 5 is a fault of the suite."""
_SPACE = re.compile(r"\s+")
_BEGINNING = 80
"""Letters of a body that are looked for on the page, white space apart: more may be cut, or laid out."""


def harmless(directory: Path, completed: Said | None = None) -> Page:
    """Assert that a run ended as documented, and that nothing which its target said does more than stand there."""
    assert (directory / "report.json").is_file(), completed
    report = json.loads((directory / "report.json").read_text(encoding="utf-8"))
    if completed is not None:
        assert completed.code in ENDS, completed
        assert report["exit_code"] == completed.code
        assert "Traceback" not in completed.errors
        for text in (completed.out, completed.errors):
            assert not UNSEEN.search(text.replace("\n", ""))
            assert max(map(len, text.splitlines()), default=0) < 2000
    page = check((directory / "report.html").read_text(encoding="utf-8"))
    ElementTree.parse(directory / "junit.xml")
    json.loads((directory / "results.sarif").read_text(encoding="utf-8"))
    summary = (directory / "summary.md").read_text(encoding="utf-8")
    assert not UNSEEN.search(summary.replace("\n", ""))
    assert len(summary) < 12_000
    return page


def shown(directory: Path, page: Page) -> int:
    """Assert that every hostile body on the page stands there as text; return how many there are."""
    count = 0
    for record in stored_records(read_journal(directory), "exchange"):
        anchor = f"exchange-{record['n']}"
        body = (record.get("response") or {}).get("body")
        if f'id="{anchor}"' not in page.text or not isinstance(body, str) or MARK not in body:
            continue
        count += 1
        text = _SPACE.sub("", "".join(page.part(anchor).said))
        assert _SPACE.sub("", visible(body))[:_BEGINNING] in text, record["n"]
    return count
