"""Records as the JSON that stands in a journal, and back: for tests of what is stored, and for made-up runs."""

import json
from typing import Any

import msgspec

from conformance.evidence.journal import Evidence, read_journal
from conformance.evidence.record_parts import part_as_json
from conformance.evidence.records import JournalRecord

Stored = dict[str, Any]
"""A record as it stands in a journal."""

_REQUEST = {"method": "GET", "path": "/", "headers": [], "body": ""}
_RESPONSE = {"status": 200, "headers": [], "body": ""}
_TARGET = {"kind": "url", "name": "http://127.0.0.1:9", "wire": True, "control": None}
_DOCUMENT = {"name": "d", "title": "t", "version": "1", "digest": "0" * 64, "operations": [], "defects": []}
_ASKED = {"command": "", "seed": 0, "budget": "quick", "histories": None, "profiles": ["ecom"], "market": "no"}
_REST = {
    "run": {
        "format": 1, "tool": "0.1.0", "started": "2026-11-23T03:00:00Z", **_ASKED, "readings": {}, "rulebook": "",
        "nonce": "", "target": _TARGET, "waivers": [], "python": "3.11.7",
    },
    "capabilities": {"source": "told", "lapses_after": None},
    "history": {"label": "", "cell": {}, "goals": []},
    "judgement": {"seen": "", "observed": {}},
    "counterexample": {"field": "f", "steps": 1, "tried": 0},
    "exchange": {"history": "", "step": 0, "purpose": "act", "request": _REQUEST, "response": _RESPONSE, "ms": 0},
    "finish": {"ended": "complete", "message": "", "seconds": 0},
    "fuzz": {"document": _DOCUMENT, "seconds": 60, "requests": 100},
    "fuzzed": {
        "id": 1, "source": "probe", "label": "", "request": _REQUEST, "response": _RESPONSE, "ms": 0, "facts": {},
    },
    "aside": {"purpose": "read", "request": _REQUEST, "response": _RESPONSE},
    "fuzz-profile": {"ended": "drawn to the end", "drawn": {}, "objections": [], "undrawn": []},
}  # fmt: skip
"""What a record has where a test does not say otherwise."""


def record_of(kind, /, **content):
    """Return a record from the fields that are stored of it; what is left out is made up."""
    return typed({"kind": kind, **content})


def typed(stored):
    """Return a record from its stored form; what is left out is made up."""
    return msgspec.convert(_REST.get(stored["kind"], {}) | stored, JournalRecord)


def evidence_of(records):
    """Return evidence from records in their stored form."""
    return Evidence(tuple(map(typed, records)))


def stored(record):
    """Return a record as it stands in a journal: its number, kind and chain first."""
    content = part_as_json(record)
    place = {name: content.pop(name) for name in ("n", "kind", "prev") if name in content}
    return {**place, **content}


def journal_text(directory):
    """Return a journal as text with every line whole: in the file, a text may be spread over several lines."""
    return "\n".join(json.dumps(record, ensure_ascii=False) for record in stored_records(read_journal(directory)))


def stored_records(evidence, kind=None):
    """Return the records of evidence, or those of one kind, as they stand in a journal."""
    records = map(stored, evidence.records)
    return [record for record in records if kind is None or record["kind"] == kind]
