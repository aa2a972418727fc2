"""What the page about verification claims: each claim holds, and a run that is forged against it is found.

Every kind of forgery is in `test_forgeries`; here is one for each claim, and the page itself.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from conformance.domain.order import Profile
from conformance.evidence.journal import read_journal
from conformance.verification.attestation import END_NAME
from conformance.verification.signing import Signer

from . import forging
from .runs import belonging, embedded, forged, of_kind, played, verified
from .test_bundle import keys

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "verification.md"


def request_edited(records):
    record = next(record for record in of_kind(records, "exchange") if record["request"]["path"].endswith("/capture"))
    record["request"]["body"] = record["request"]["body"].replace('"value":', '"value":9')
    return records


def response_edited(records):
    judgement = next(record for record in of_kind(records, "judgement") if record["do"] == "cancel")
    next(
        record for record in belonging(records, judgement["history"], judgement["step"]) if record["purpose"] == "act"
    )["response"]["status"] = 418
    return records


def judgement_edited(records):
    judgement = next(record for record in of_kind(records, "judgement") if record["do"] == "cancel")
    judgement["branches"] = ["another"]
    return records


def verdict_edited(directory):
    path = directory / "report.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"NOT CONFORMANT"', '"CONFORMANT"'), encoding="utf-8")


def line_edited(directory):
    path = directory / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[5] = lines[5].replace(b'"ms":', b'"ms":1')
    path.write_bytes(b"".join(lines))


def counterexample_edited(directory):
    path = sorted((directory / "counterexamples").iterdir())[0]
    path.write_text(path.read_text(encoding="utf-8").replace('"seed": 0', '"seed": 1'), encoding="utf-8")


CLAIMS = {
    "chain": ("SHA-256 of the journal: ", line_edited, "does not follow the one before it"),
    "one-run": ("Consistent with its evidence; ", forging.first_history_dropped_from_the_plan, "not planned"),
    "plan": ("compared with the plan: ", forging.violations_left_out, "histories of the plan were left out"),
    "capabilities": ("Consistent with its evidence; ", forging.capability_removed, "is not what it showed"),
    "requests": (" exchanges, ", request_edited, "has to be"),
    "references": ("Consistent with its evidence; ", forging.nonce_changed, "has to be"),
    "observations": (" exchanges, ", response_edited, "has to be"),
    "judgements": (" judgements; ", judgement_edited, "branches[0] is 'another', and has to be"),
    "reports": ("report.html, report.json, junit.xml, summary.md", verdict_edited, "report.json does not say"),
    "counterexamples": ("counterexamples/epayment-", counterexample_edited, "is not the counterexample"),
    "nobody": ("is attested by: nobody.", forging.target_renamed, "Attested by nobody: the target https://api.shop."),
}
"""By its name on the page: what `verify` prints where a claim holds, a forgery, and what it prints of that."""
ELSEWHERE = {
    "attestation": "test_a_signature_is_of_this_run_and_no_other",
    "interrupted": "test_an_interrupted_run_is_incomplete_and_never_wrong",
    "versions": "test_the_plan_of_another_version_is_not_made_again",
}
"""Claims that have a test of their own."""


@pytest.fixture(scope="module")
def honest(wrong):
    verification = verified(wrong)
    assert verification.code == 0, verification
    return verification.out


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_holds(claim, honest):
    assert CLAIMS[claim][0] in honest


@pytest.mark.parametrize("claim", CLAIMS)
def test_what_is_forged_against_a_claim_is_found(claim, right, wrong, tmp_path):
    _, forgery, sentence = CLAIMS[claim]
    original = right if claim == "nobody" else wrong
    directory = tmp_path / "run"
    if forgery in (line_edited, verdict_edited, counterexample_edited):
        shutil.copytree(original, directory)
        forgery(directory)
    else:
        forged(original, directory, forgery)
    verification = verified(directory, "--require-attestation")
    assert (verification.code, sentence in verification.out) == (4 if claim == "nobody" else 1, True), verification


def test_a_signature_is_of_this_run_and_no_other(tmp_path):
    private, public = keys(tmp_path)
    signer = Signer(private)
    directory = played(tmp_path / "run", embedded(), Profile.EPAYMENT, signer=signer, histories=0)
    verification = verified(directory, "--public-key", public, "--require-attestation")
    assert (verification.code, f"attested by: key {signer.fingerprint[:16]}." in verification.out) == (0, True)
    changed = forged(directory, tmp_path / "forged", forging.target_renamed)
    verification = verified(changed, "--public-key", public, "--require-attestation")
    assert (verification.code, f"{END_NAME} does not hold" in verification.out) == (1, True), verification


def test_an_interrupted_run_is_incomplete_and_never_wrong(right, tmp_path):
    (tmp_path / "run").mkdir()
    lines = (right / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "run" / "journal.jsonl").write_bytes(b"".join(lines[: len(lines) // 2]))
    verification = verified(tmp_path / "run")
    assert (verification.code, "the run was stopped before its end" in verification.out) == (4, True), verification
    ended = forged(right, tmp_path / "forged", forging.cut_off_and_ended)
    assert "histories of the plan were left out" in verified(ended).out


def test_the_plan_of_another_version_is_not_made_again(right, tmp_path):
    directory = forged(right, tmp_path / "run", forging.version_changed_everywhere)
    verification = verified(directory)
    assert verification.code == 4, verification
    assert verification.out.splitlines()[0].endswith("; the plan was not made again: version 0.0.9.")


def test_the_page_claims_what_is_tested_and_nothing_else():
    claims = re.findall(r"^\| \*\*([a-z-]+)\*\* \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(claims) == sorted([*CLAIMS, *ELSEWHERE])
    assert all(callable(globals()[name]) for name in ELSEWHERE.values())


def test_the_report_says_what_its_own_digest_does_not_show(wrong):
    page = (wrong / "report.html").read_text(encoding="utf-8")
    digest = read_journal(wrong).digest
    own = [page[place.start() : place.start() + 250] for place in re.finditer(digest[:10], page)]
    assert own
    warnings = ("not a check of this page", "can change this value too")
    assert all(any(warning in text for warning in warnings) for text in own)
    assert f"--digest {digest}" not in page


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes in folders")
def test_a_pipe_in_a_run_s_folder_is_not_waited_for(right, tmp_path):
    shutil.copytree(right, tmp_path / "run")
    os.mkfifo(tmp_path / "run" / "manifest.json")
    verification = verified(tmp_path / "run")
    assert verification.code == 1
    assert "manifest.json is not a manifest" in verification.out
