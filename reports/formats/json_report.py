"""`report.json`: a run's result for programs. Its form is fixed by `report.schema.json`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Final

from conformance.evidence.journal import record_as_json
from conformance.evidence.record_parts import part_as_json
from conformance.evidence.records import CounterexampleRecord
from conformance.judging.verdicts import RuleResult
from conformance.reports.detection_power import DetectionTable, detection_of
from conformance.reports.fuzzing import fuzz_as_json
from conformance.reports.wording.headline import ending, ending_note, profiles, replay_line
from conformance.results.result import Result

REPORT_VERSION: Final = 1


def report_as_json(result: Result) -> dict[str, Any]:
    """Return the report as JSON."""
    run = result.run
    finish = ending(result)
    detection = detection_of(result)
    return {
        "version": REPORT_VERSION,
        "verdict": result.verdict.value,
        "reason": result.reason,
        "exit_code": result.exit_code,
        "note": ending_note(result),
        "tool": run.tool,
        "rulebook": run.rulebook,
        "journal": {"records": len(result.evidence.records), "digest": result.evidence.digest},
        "target": part_as_json(run.target),
        "profiles": [profile.value for profile in profiles(result)],
        "market": run.market,
        "seed": run.seed,
        "budget": run.budget,
        "started": run.started,
        "seconds": finish.seconds if finish else None,
        "histories": {profile.value: result.histories.get(profile, 0) for profile in profiles(result)},
        "exchanges": result.exchanges,
        "readings": [
            {"profile": profile.value, "switch": switch, "observed": dict(seen)}
            for (profile, switch), seen in sorted(result.readings.items())
        ],
        "noticed": [
            {"profile": profile.value, "switch": switch, "seen": dict(seen)}
            for (profile, switch), seen in sorted(result.noticed.items())
        ],
        "waivers": part_as_json(run.waivers),
        "power": detection.as_json(),
        "rules": [_rule(one, detection) for one in result.rules],
        **({"fuzz": fuzz} if (fuzz := fuzz_as_json(result.evidence)) is not None else {}),
        "counterexamples": [
            {
                **{key: value for key, value in record_as_json(record).items() if key != "kind"},
                "replay": replay_line(result, record.file),
            }
            for record in result.evidence.of(CounterexampleRecord)
        ],
    }


def _rule(one: RuleResult, detection: DetectionTable) -> dict[str, Any]:
    power = detection.of(one)
    return {
        "id": one.rule.id,
        "profile": one.profile.value,
        "level": one.rule.level.value,
        "verdict": one.verdict.value,
        "reason": one.reason,
        "examples": one.examples,
        "counterexample": one.counterexample,
        "title": one.rule.title,
        "statement": one.rule.statement,
        "sources": [{"source": citation.source, "place": citation.place} for citation in one.rule.sources],
        "sides": dict(one.sides),
        "violations": one.violations,
        "records": dict(one.records),
        "in_scope": one.in_scope,
        "waiver": one.waiver,
        "power": asdict(power) if power else None,
    }


def json_text(result: Result) -> str:
    """Return the text of `report.json`."""
    return json.dumps(report_as_json(result), indent=2, ensure_ascii=True) + "\n"
