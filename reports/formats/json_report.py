"""`report.json`: a run's result for programs, in the form of `report.schema.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from conformance.domain.order import Profile
from conformance.evidence.journal import is_merchant_run, record_as_json
from conformance.evidence.record_parts import part_as_json
from conformance.evidence.records import CounterexampleRecord
from conformance.judging.verdicts import RuleResult
from conformance.reports.detection_power import DetectionTable, detection_of
from conformance.reports.fuzzing import fuzz_as_json
from conformance.reports.model_coverage import model_coverage_as_json
from conformance.reports.wording.headline import ending, ending_note, profiles, replay_line
from conformance.results.defects import Defect
from conformance.results.result import Result

REPORT_VERSION: Final = 1


def report_as_json(result: Result) -> dict[str, Any]:
    """Return the content of `report.json`."""
    detection = detection_of(result)
    fuzz = fuzz_as_json(result.evidence)
    coverage = model_coverage_as_json(result)
    return {
        "version": REPORT_VERSION,
        "verdict": result.verdict.value,
        "reason": result.reason,
        "exit_code": result.exit_code,
        "note": ending_note(result),
        **_run(result),
        "readings": _readings(result.readings, "observed"),
        "noticed": _readings(result.noticed, "seen"),
        "unexpected": [each.as_json() for each in result.unexpected],
        "waivers": part_as_json(result.run.waivers),
        "power": detection.as_json(),
        "rules": [_rule(rule, detection) for rule in result.rules],
        **({"defects": list(map(_defect, result.defects))} if is_merchant_run(result.run) else {}),
        **({} if fuzz is None else {"fuzz": fuzz}),
        **({"model_coverage": coverage} if coverage else {}),
        "counterexamples": [
            {
                **{key: value for key, value in record_as_json(record).items() if key != "kind"},
                "replay": replay_line(result, record.file),
            }
            for record in result.evidence.of(CounterexampleRecord)
        ],
    }


def _run(result: Result) -> dict[str, Any]:
    run = result.run
    finish = ending(result)
    return {
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
        **({"busy": asdict(result.busy)} if result.busy.responses else {}),
    }


def _readings(counts_of: Mapping[tuple[Profile, str], Mapping[str, int]], name: str) -> list[dict[str, Any]]:
    return [
        {"profile": profile.value, "switch": switch, name: dict(counts)}
        for (profile, switch), counts in sorted(counts_of.items())
    ]


def _rule(rule: RuleResult, detection: DetectionTable) -> dict[str, Any]:
    power = detection.of(rule)
    return {
        "id": rule.rule.id,
        "profile": rule.profile.value,
        "level": rule.rule.level.value,
        "verdict": rule.verdict.value,
        "reason": rule.reason,
        "examples": rule.examples,
        "counterexample": rule.counterexample,
        "title": rule.rule.title,
        "statement": rule.rule.statement,
        "sources": [{"source": citation.source, "place": citation.place} for citation in rule.rule.sources],
        "sides": dict(rule.sides),
        "violations": rule.violations,
        "records": dict(rule.records),
        "in_scope": rule.in_scope,
        "waiver": rule.waiver,
        "power": asdict(power) if power else None,
    }


def _defect(defect: Defect) -> dict[str, Any]:
    rule, loss = defect.result, defect.loss
    return {
        "rule": rule.rule.id,
        "profile": rule.profile.value,
        "verdict": rule.verdict.value,
        "reason": rule.reason,
        "histories": defect.histories,
        "without_fault": defect.without_fault,
        "money": None
        if loss is None
        else {"amount": loss.amount, "currency": loss.currency, "sentence": loss.sentence},
        "rules": [{"rule": each.result.rule.id, "histories": each.histories} for each in defect.following],
        "counterexample": rule.counterexample,
    }


def json_text(result: Result) -> str:
    """Return the text of `report.json`."""
    return json.dumps(report_as_json(result), indent=2, ensure_ascii=True) + "\n"
