"""`verify` on runs that nobody touched: everything follows, or it is said what cannot be told and why."""

from __future__ import annotations

import json
import shutil

import pytest

from conformance.domain.order import Market, Profile
from conformance.evidence.journal import read_journal
from conformance.rulebook import Readings
from conformance.targets.resolve import resolve_target
from tests.stored import stored_records

from ..audit import stage
from . import forging
from .runs import embedded, forged, played, verified


@pytest.mark.parametrize("name", ["right", "wrong"])
def test_an_unchanged_run_is_verified(name, request):
    directory = request.getfixturevalue(name)
    verification = verified(directory)
    assert verification.code == 0, verification
    assert verification.out.startswith("Consistent with its evidence; who responded, and when, is attested by: nobody.")
    assert read_journal(directory).digest in verification.out


@pytest.mark.parametrize(
    ("profile", "market", "reading"),
    [(Profile.ECOM, Market.DK, "C8=any"), (Profile.RECURRING, Market.FI, "C20=any"), (Profile.EPAYMENT, Market.NO, "")],
)
def test_every_api_market_and_reading_is_verified(profile, market, reading, tmp_path):
    readings = Readings.choose([reading] if reading else [])
    directory = played(tmp_path / "run", embedded(), profile, market=market, readings=readings)
    verification = verified(directory, "--format", "json")
    report = json.loads(verification.out)
    assert (verification.code, report["verified"], report["faults"], report["unverified"]) == (0, "yes", [], [])
    assert report["judgements"] > 0
    assert report["verdict"] == json.loads((directory / "report.json").read_text(encoding="utf-8"))["verdict"]


def test_what_is_without_exchanges_is_named(tmp_path):
    target = resolve_target("python:tests.targets.sample:InMemoryEpayment")
    verification = verified(played(tmp_path / "run", target, Profile.EPAYMENT))
    assert verification.code == 4
    assert "without HTTP" in verification.out


def test_a_run_that_was_killed_anywhere_is_no_forgery(wrong, tmp_path):
    data = (wrong / "journal.jsonl").read_bytes()
    first = len(data.splitlines()[0]) + 1
    for number in range(8):
        directory = tmp_path / str(number)
        directory.mkdir()
        length = first + (len(data) - first - 1) * number // 8
        (directory / "journal.jsonl").write_bytes(data[:length])
        verification = verified(directory)
        assert verification.code == 4, verification
        assert "INTERRUPTED" in verification.out
        assert "wrong:" not in verification.out
        assert "the run was stopped before its end" in verification.out


def test_the_expected_digest_is_compared(right):
    assert verified(right, "--digest", read_journal(right).digest).code == 0
    verification = verified(right, "--digest", "0" * 64)
    assert verification.code == 1
    assert "has to be 0000" in verification.out


def test_a_folder_without_a_run_is_one_sentence(tmp_path):
    (tmp_path / "text").write_text("nothing", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "journal.jsonl").write_text('{"n":0,"kind":"run","prev":"' + "0" * 64 + '","format":9}\n')
    for name in ("text", "empty", "other", "missing"):
        verification = verified(tmp_path / name)
        assert (verification.code, verification.out) == (2, ""), name
        assert verification.errors.count("\n") == 1


def test_the_same_version_is_asked_of_the_rulebook(right, tmp_path):
    def other(records):
        records[0]["rulebook"] = "0" * 64
        return records

    directory = tmp_path / "run"
    stage.rewritten(other(stored_records(read_journal(right))), directory)
    verification = verified(directory)
    assert verification.code == 2
    assert "another version of the rulebook" in verification.errors


def test_a_target_named_anew_is_attested_by_nobody(right, tmp_path):
    """A sample of what `test_forgeries` does by the dozen."""
    directory = forged(right, tmp_path / "run", forging.target_renamed)
    assert "attested by: nobody." in verified(directory).out
    assert verified(directory, "--require-attestation", "--format", "json").code == 4


def test_reports_are_not_needed(right, tmp_path):
    (tmp_path / "run").mkdir()
    shutil.copy(right / "journal.jsonl", tmp_path / "run")
    assert verified(tmp_path / "run").code == 0
