"""A bundle's context: rulebook, interpretations, configuration and statement.

The statement is an in-toto Statement (v1) with the test-result predicate (v0.1), for supply-chain tools. Its subjects
are the evidence, and what was tested where the user names it by a digest.
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
    """Return the context of the verdicts, by file name. It holds no secret."""
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
    """Return the text of the statement.

    ``digests`` are the SHA-256 of the bundle's files, by name; ``tested`` describes what was tested, each with its
    ``name`` and ``digest``.
    """
    evidence = [_descriptor(name, digests) for name in ("journal.jsonl", "manifest.json")]
    configuration = [_descriptor(name, digests) for name in (CONFIGURATION, READINGS, RULEBOOK)]
    tests: dict[str, list[str]] = {"passedTests": [], "warnedTests": [], "failedTests": []}
    for rule in result.rules:
        list_name = _list_of(result, rule)
        if list_name is not None:
            tests[list_name].append(f"{rule.profile.value}/{rule.rule.id}")
    verdict = "FAILED"
    if result.verdict is RunVerdict.CONFORMANT:
        verdict = "WARNED" if tests["warnedTests"] else "PASSED"
    return _text(
        {
            "_type": STATEMENT_TYPE,
            "subject": [*map(dict, tested), *evidence],
            "predicateType": PREDICATE_TYPE,
            "predicate": {"result": verdict, "configuration": configuration, **tests},
        }
    )


def _list_of(result: Result, rule: RuleResult) -> str | None:
    """Return the list that a rule belongs to; None where nothing is known."""
    if result.verdict is RunVerdict.HARNESS:
        return None
    if rule.verdict is RuleVerdict.PASSED:
        return "passedTests"
    if blocks_conformance(rule) or (rule.verdict is RuleVerdict.VIOLATED and rule.waiver is None):
        return "failedTests"
    warned = rule.verdict is RuleVerdict.WARNING or (rule.waiver is not None and rule.in_scope)
    return "warnedTests" if warned else None


def _descriptor(name: str, digests: Mapping[str, str]) -> dict[str, Any]:
    return {"name": name, "digest": {"sha256": digests[name]}}


def _text(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=True) + "\n"
