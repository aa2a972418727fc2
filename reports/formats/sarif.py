"""`results.sarif`: the verdicts for code-scanning pages, as SARIF 2.1.0.

A result points at the counterexample's file. A required rule that was not tested is a finding, too: it is open, never a
pass. A warning is shown as a note, because it does not decide.
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
    """Return the log: one run, with a result for each rule of each API."""
    books = (book_of(result.evidence), load_http_rules())
    rules = list({rule.rule.id: rule.rule for rule in result.rules}.values())
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
                "results": [_result(result, rule, places[rule.rule.id]) for rule in result.rules],
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
    completed = result.verdict in (RunVerdict.CONFORMANT, RunVerdict.NOT_CONFORMANT, RunVerdict.INCOMPLETE)
    invocation: dict[str, Any] = {
        "executionSuccessful": completed,
        "exitCode": result.exit_code,
        "exitCodeDescription": shortened(headline(result)),
        "startTimeUtc": result.run.started,
    }
    if not completed:
        message = shortened(ending_note(result) or result.reason)
        invocation["toolExecutionNotifications"] = [{"level": "error", "message": {"text": message}}]
    return invocation


def _book_with(rule: Rule, books: tuple[Rulebook, ...]) -> Rulebook:
    return next(book for book in books if any(candidate.id == rule.id for candidate in book.rules))


def _rule(rule: Rule, book: Rulebook) -> dict[str, Any]:
    cited = "; ".join(f"{book.source(citation.source).title}, {citation.place}" for citation in rule.sources)
    documented = f"Documented in: {cited}." if cited else "It follows from the documentation as a whole."
    return {
        "id": rule.id,
        "name": rule.title,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.statement},
        "help": {"text": f"{rule.statement}\n\n{documented}"},
        "defaultConfiguration": {"level": _LEVELS[rule.level]},
        "properties": {"level": rule.level.value, "tags": ["cancel", *(profile.value for profile in rule.profiles)]},
    }


def _result(result: Result, rule: RuleResult, place: int) -> dict[str, Any]:
    kind, level = _kind(result, rule)
    file = rule.counterexample if rule.counterexample and kind == "fail" else _JOURNAL
    message = f"{rule.profile.value}: {rule.verdict.value}: {shortened(rule.reason)}"
    if rule.counterexample:
        message += f"\nTo see it again: {shortened(replay_line(result, rule.counterexample))}"
    identity = hashlib.sha256(f"{rule.profile.value}/{rule.rule.id}".encode()).hexdigest()
    entry: dict[str, Any] = {
        "ruleId": rule.rule.id,
        "ruleIndex": place,
        "kind": kind,
        "level": level,
        "message": {"text": message},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": file, "uriBaseId": ROOT},
                    "region": {"startLine": 1},
                },
                "logicalLocations": [{"fullyQualifiedName": f"{rule.profile.value}/{rule.rule.id}", "kind": "rule"}],
            }
        ],
        "partialFingerprints": {"rule/v1": identity},
        "properties": {"profile": rule.profile.value, "verdict": rule.verdict.value, "examples": rule.examples},
    }
    if rule.waiver is not None and rule.verdict not in (RuleVerdict.PASSED, RuleVerdict.EXCLUDED):
        suppression = {"kind": "external", "status": "accepted", "justification": shortened(rule.waiver)}
        entry["suppressions"] = [suppression]
    return entry


def _kind(result: Result, rule: RuleResult) -> tuple[str, str]:
    """Return the SARIF kind and level of a rule's verdict.

    Of a run in which the suite itself failed, every rule is open.
    """
    if result.verdict is RunVerdict.HARNESS:
        return "open", "none"
    if rule.verdict in _KINDS:
        return _KINDS[rule.verdict]
    # Code-scanning pages show only what fails: a blocking rule must not be hidden there.
    return ("fail", "warning") if blocks_conformance(rule) else ("open" if rule.in_scope else "notApplicable", "none")
