"""`results.sarif`: what was found, for the pages on which a forge shows the findings of code scanners (SARIF 2.1.0).

A result points at the counterexample's file. A required rule that was not put to the test is a finding, too: it is
open, and never a pass. A warning is shown, as a note: it does not decide.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from conformance.judging.run_verdicts import blocks_conformance
from conformance.judging.verdicts import RuleResult, RuleVerdict, RunVerdict
from conformance.reports.wording.headline import ending_note, headline, replay_line
from conformance.reports.wording.sanitize import shortened
from conformance.results.result import Result, book_of
from conformance.rulebook import Level, Rule, Rulebook, load_http_rules

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT: Final = "RUN"
_JOURNAL: Final = "journal.jsonl"
_KINDS: Final = {
    RuleVerdict.VIOLATED: ("fail", "error"),
    RuleVerdict.WARNING: ("fail", "note"),
    RuleVerdict.PASSED: ("pass", "none"),
    RuleVerdict.RECORDED: ("informational", "none"),
    RuleVerdict.EXCLUDED: ("notApplicable", "none"),
}
_LEVELS: Final = {Level.REQUIRED: "error", Level.MAY: "warning", Level.SHOULD: "warning", Level.SILENT: "note"}


def sarif_text(result: Result) -> str:
    """Return the text of `results.sarif`."""
    return json.dumps(sarif(result), indent=2, ensure_ascii=True) + "\n"


def sarif(result: Result) -> dict[str, Any]:
    """Return the log: one run, with one result for each rule of each profile."""
    books = (book_of(result.evidence), load_http_rules())
    rules = list({one.rule.id: one.rule for one in result.rules}.values())
    places = {rule.id: index for index, rule in enumerate(rules)}
    run = result.run
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "cancel-conformance",
                        "version": run.tool,
                        "rules": [_rule(rule, _book_with(rule, books)) for rule in rules],
                    }
                },
                "invocations": [_invocation(result)],
                "automationDetails": {"id": f"cancel-conformance/{run.market}/{'+'.join(run.profiles)}"},
                "originalUriBaseIds": {ROOT: {"description": {"text": "The --out directory of the run."}}},
                "columnKind": "unicodeCodePoints",
                "results": [_result(result, one, places[one.rule.id]) for one in result.rules],
                "properties": {
                    "verdict": result.verdict.value,
                    "rulebook": run.rulebook,
                    "journal": result.evidence.digest,
                    "target": shortened(run.target.name),
                },
            }
        ],
    }


def _invocation(result: Result) -> dict[str, Any]:
    orderly = result.verdict in (RunVerdict.CONFORMANT, RunVerdict.NOT_CONFORMANT, RunVerdict.INCOMPLETE)
    out: dict[str, Any] = {
        "executionSuccessful": orderly,
        "exitCode": result.exit_code,
        "exitCodeDescription": shortened(headline(result)),
        "startTimeUtc": result.run.started,
    }
    if not orderly:
        said = shortened(ending_note(result) or result.reason)
        out["toolExecutionNotifications"] = [{"level": "error", "message": {"text": said}}]
    return out


def _book_with(rule: Rule, books: tuple[Rulebook, ...]) -> Rulebook:
    return next(book for book in books if any(one.id == rule.id for one in book.rules))


def _rule(rule: Rule, book: Rulebook) -> dict[str, Any]:
    cited = "; ".join(f"{book.source(one.source).title}, {one.place}" for one in rule.sources)
    where = f"Documented in: {cited}." if cited else "It follows from the documentation as a whole."
    return {
        "id": rule.id,
        "name": rule.title,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.statement},
        "help": {"text": f"{rule.statement}\n\n{where}"},
        "defaultConfiguration": {"level": _LEVELS[rule.level]},
        "properties": {"level": rule.level.value, "tags": ["cancel", *(one.value for one in rule.profiles)]},
    }


def _result(result: Result, one: RuleResult, place: int) -> dict[str, Any]:
    kind, level = _kind(result, one)
    file = one.counterexample if one.counterexample and kind == "fail" else _JOURNAL
    said = f"{one.profile.value}: {one.verdict.value}: {shortened(one.reason)}"
    if one.counterexample:
        said += f"\nTo see it again: {shortened(replay_line(result, one.counterexample))}"
    identity = hashlib.sha256(f"{one.profile.value}/{one.rule.id}".encode()).hexdigest()
    out: dict[str, Any] = {
        "ruleId": one.rule.id,
        "ruleIndex": place,
        "kind": kind,
        "level": level,
        "message": {"text": said},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": file, "uriBaseId": ROOT},
                    "region": {"startLine": 1},
                },
                "logicalLocations": [{"fullyQualifiedName": f"{one.profile.value}/{one.rule.id}", "kind": "rule"}],
            }
        ],
        "partialFingerprints": {"rule/v1": identity},
        "properties": {"profile": one.profile.value, "verdict": one.verdict.value, "examples": one.examples},
    }
    if one.waiver is not None and one.verdict not in (RuleVerdict.PASSED, RuleVerdict.EXCLUDED):
        waived = {"kind": "external", "status": "accepted", "justification": shortened(one.waiver)}
        out["suppressions"] = [waived]
    return out


def _kind(result: Result, one: RuleResult) -> tuple[str, str]:
    """Return what SARIF calls a rule's verdict. Of a run in which the suite failed nothing is claimed."""
    if result.verdict is RunVerdict.HARNESS:
        return "open", "none"
    if one.verdict in _KINDS:
        return _KINDS[one.verdict]
    # Forges show what fails and nothing else: what holds the verdict back must not be hidden there.
    return ("fail", "warning") if blocks_conformance(one) else ("open" if one.in_scope else "notApplicable", "none")
