"""What goes into a bundle beside evidence and reports: rulebook, readings, configuration, and the statement.

The statement is an in-toto Statement (v1) with the test-result predicate (v0.1), for tools that keep supply chains. Its
subjects are what was tested, where the user says so by a digest, and the evidence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from conformance.evidence.journal import record_as_json
from conformance.judging.run_verdicts import blocks_conformance
from conformance.judging.verdicts import RuleResult, RuleVerdict, RunVerdict
from conformance.results.result import Result
from conformance.rulebook import Rulebook
from conformance.rulebook.render import render_json

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "https://in-toto.io/attestation/test-result/v0.1"
RULEBOOK, READINGS, CONFIGURATION = "rulebook.json", "readings.json", "configuration.json"
_CONFIGURED: Final = (
    "command", "target", "profiles", "market", "budget", "histories", "seed", "waivers", "nonce", "started", "tool",
    "python", "rulebook",
)  # fmt: skip


def context_texts(result: Result, book: Rulebook) -> dict[str, str]:
    """Return what the verdicts rest on besides the evidence, by the names of their files. No secret is among it."""
    run = record_as_json(result.run)
    readings = [
        {"switch": switch.id, "question": switch.question, "accepted": result.run.readings.get(switch.id, ())}
        for switch in book.switches
    ]
    return {
        RULEBOOK: render_json(book),
        READINGS: _text(readings),
        CONFIGURATION: _text({name: run[name] for name in _CONFIGURED}),
    }


def statement_text(result: Result, digests: Mapping[str, str], tested: Sequence[Mapping[str, Any]] = ()) -> str:
    """Return the statement.

    ``digests`` are the SHA-256 of the bundle's files, by name; ``tested`` describes what was tested, each with its
    ``name`` and ``digest``.
    """
    evidence = [_described(name, digests) for name in ("journal.jsonl", "manifest.json")]
    configuration = [_described(name, digests) for name in (CONFIGURATION, READINGS, RULEBOOK)]
    told: dict[str, list[str]] = {"passedTests": [], "warnedTests": [], "failedTests": []}
    for one in result.rules:
        where = _list_of(result, one)
        if where is not None:
            told[where].append(f"{one.profile.value}/{one.rule.id}")
    verdict = "FAILED"
    if result.verdict is RunVerdict.CONFORMANT:
        verdict = "WARNED" if told["warnedTests"] else "PASSED"
    return _text(
        {
            "_type": STATEMENT_TYPE,
            "subject": [*map(dict, tested), *evidence],
            "predicateType": PREDICATE_TYPE,
            "predicate": {"result": verdict, "configuration": configuration, **told},
        }
    )


def _list_of(result: Result, one: RuleResult) -> str | None:
    """Return which list a rule belongs to. What says nothing about the target is in none."""
    if result.verdict is RunVerdict.HARNESS:
        return None
    if one.verdict is RuleVerdict.PASSED:
        return "passedTests"
    if blocks_conformance(one) or (one.verdict is RuleVerdict.VIOLATED and one.waiver is None):
        return "failedTests"
    warned = one.verdict is RuleVerdict.WARNING or (one.waiver is not None and one.in_scope)
    return "warnedTests" if warned else None


def _described(name: str, digests: Mapping[str, str]) -> dict[str, Any]:
    return {"name": name, "digest": {"sha256": digests[name]}}


def _text(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=True) + "\n"
