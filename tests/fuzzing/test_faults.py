"""Every fault of the HTTP layer is found, by its rule and in seconds; a correct provider is never blamed."""

import asyncio
import json
import time
from itertools import cycle

import pytest

from conformance.api import RunOptions
from conformance.fuzzing.campaign import FuzzCampaign
from conformance.fuzzing.fuzzer import Limits
from conformance.fuzzing.openapi import embedded
from conformance.judging.verdicts import RuleVerdict, RunVerdict
from conformance.reports import write_reports
from conformance.sandbox import Provider
from conformance.targets.http.credentials import credentials_from
from conformance.targets.http.embedded import EmbeddedTransport
from conformance.targets.http.target import HttpTarget
from tests.stored import stored_records

from .faulty import CORRECT, FAULTS

PROFILES = ("ecom", "epayment", "recurring")
FEW = Limits(seconds=60.0, requests=450, examples=1)
SOME = Limits(seconds=60.0, requests=900, examples=2)


def fuzzed(directory, provider, *profiles, limits=FEW, seed=0):
    _, settings = RunOptions(profiles=list(profiles), seed=seed).prepare()
    target = HttpTarget(EmbeddedTransport(provider), credentials_from(embedded=True))
    asyncio.run(FuzzCampaign(target, settings, directory, embedded(), limits).run())
    return write_reports(directory)


def violated(result):
    return {rule.rule.id for rule in result.rules if rule.verdict is RuleVerdict.VIOLATED}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_by_its_rule(name, tmp_path):
    made, rule, profile = FAULTS[name]
    began = time.monotonic()
    result = fuzzed(tmp_path / "out", made(), profile)
    assert rule in violated(result), result.reason
    assert result.verdict is RunVerdict.NOT_CONFORMANT
    assert time.monotonic() - began < 60
    finding = next(
        record
        for record in stored_records(result.evidence, "fuzzed")
        if any(finding["rule"] == rule for finding in record.get("findings", ()))
    )
    assert finding["curl"].startswith("curl -i -X ")
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert {"rule": rule, "curl": finding["curl"]}.items() <= next(
        finding for finding in report["fuzz"]["findings"] if finding["rule"] == rule
    ).items()


@pytest.mark.parametrize(("name", "profile"), list(zip(CORRECT, cycle(PROFILES), strict=False)))
def test_a_correct_provider_of_another_kind_is_not_blamed(name, profile, tmp_path):
    result = fuzzed(tmp_path / "out", CORRECT[name](), profile, limits=SOME)
    assert violated(result) == set(), result.reason


@pytest.mark.parametrize("seed", [1, 2])
def test_the_embedded_provider_has_no_fault(seed, tmp_path):
    result = fuzzed(tmp_path / "out", Provider(), "epayment", limits=SOME, seed=seed)
    assert result.verdict is RunVerdict.CONFORMANT, result.reason
    assert {rule.verdict for rule in result.rules} == {RuleVerdict.PASSED}
