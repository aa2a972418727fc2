"""Every kind of run is verified as far as it can be, what cannot be told is named, and what was edited is found."""

from __future__ import annotations

import shutil

import pytest

from conformance.cli.main import main
from conformance.domain.order import Profile
from conformance.evidence.journal import read_journal
from conformance.reports import write_reports
from conformance.results.shard_merge import merge, read_shards
from conformance.runner.resume import is_interruption
from conformance.runner.settings import Shard
from conformance.sandbox import Options, Provider
from conformance.sandbox.server import running_server
from conformance.targets.resolve import resolve_target
from tests.stored import stored_records, typed

from ..ageing.conftest import home, time  # noqa: F401 - fixtures
from ..faults.disturbed import Few, play
from ..faults.proxy import Plan
from ..operator.test_operator import operated
from .runs import cut_and_resumed, embedded, forged, of_kind, played, verified

WHOLE, IN_PART, WRONG = 0, 4, 1


def test_a_resumed_run_is_verified(resumed):
    assert any(map(is_interruption, read_journal(resumed).records))
    verification = verified(resumed)
    assert verification.code == WHOLE, verification


def test_a_run_that_was_cut_off_in_the_middle_of_looking_is_verified(right, tmp_path):
    directory = cut_and_resumed(right, tmp_path / "run", 6)
    verification = verified(directory)
    assert verification.code == WHOLE, verification


def was_interrupted(record):
    """Return whether a stored record is the judgement that closes an interrupted attempt."""
    return is_interruption(typed(record))


def test_a_closing_judgement_that_says_something_else_is_found(resumed, tmp_path):
    def change(records):
        next(filter(was_interrupted, records))["examples"] = ["EP-01"]
        return records

    verification = verified(forged(resumed, tmp_path / "run", change))
    assert verification.code == WRONG, verification
    assert "which was interrupted" in verification.out


def test_a_step_is_not_called_interrupted_where_nothing_was(resumed, tmp_path):
    def change(records):
        closing = next(filter(was_interrupted, records))
        last = [record for record in of_kind(records, "judgement") if record["n"] < closing["n"]][-1]
        for name in ("status", "cause", "observed", "seen"):
            last[name] = closing[name]
        return records

    verification = verified(forged(resumed, tmp_path / "run", change, reports=False))
    assert verification.code == WRONG, verification


@pytest.fixture(scope="module")
def merged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    shards = [played(folder / f"s{number}", embedded(), Profile.ECOM, shard=Shard(number, 2)) for number in (1, 2)]
    merge(read_shards(shards), folder / "run")
    write_reports(folder / "run")
    return folder


@pytest.mark.parametrize("name", ["s1", "s2", "run"])
def test_shards_and_what_they_were_merged_into_are_verified(merged, name):
    verification = verified(merged / name)
    assert verification.code == WHOLE, verification


def edit_an_observation(records):
    """Say that an order was captured for more than it was."""
    judged = [record for record in of_kind(records, "judgement") if record["observed"].get("view.captured") == 0]
    judged[len(judged) // 2]["observed"]["view.captured"] = 1
    return records


def test_an_edited_observation_of_merged_shards_is_found(merged, tmp_path):
    verification = verified(forged(merged / "run", tmp_path / "run", edit_an_observation, reports=False))
    assert verification.code == WRONG, verification


@pytest.mark.parametrize("requests", [12, 150])
def test_a_run_with_a_budget_of_requests_is_verified(requests, tmp_path):
    directory = played(tmp_path / "run", embedded(), Profile.EPAYMENT, most_requests=requests)
    verification = verified(directory)
    assert verification.code == WHOLE, verification
    if requests > 100:
        verification = verified(forged(directory, tmp_path / "other", edit_an_observation, reports=False))
        assert verification.code == WRONG, verification


@pytest.fixture(scope="module")
def correct():
    with running_server(Provider(Options(rate_limit=False))) as url:
        yield url


@pytest.mark.parametrize("seed", range(3))
def test_a_run_behind_a_bad_network_is_verified(correct, seed, tmp_path, monkeypatch):
    # These runs have a few histories of the whole plan.
    monkeypatch.setattr("conformance.verification.plans.Schedule", Few)
    play(tmp_path / "run", Plan(seed, share=0.4), list(Profile)[seed], correct)
    evidence = read_journal(tmp_path / "run")
    verification = verified(tmp_path / "run", small=False)
    assert verification.code == WHOLE, verification
    if stored_records(evidence)[-1]["ended"] != "complete":
        return

    def change(records):
        resent = next(record for record in of_kind(records, "exchange") if record.get("resent") and record["history"])
        del resent["resent"]
        return records

    if any(record.get("resent") and record["history"] for record in stored_records(evidence, "exchange")):
        verification = verified(forged(tmp_path / "run", tmp_path / "other", change, reports=False), small=False)
        assert verification.code == WRONG, verification


def test_tokens_that_end_meanwhile_are_verified(tmp_path):
    with running_server(Provider(Options(rate_limit=False, token_seconds=2))) as url:
        target = resolve_target(url, control_url=f"{url}/control", environment={})
        directory = played(tmp_path / "run", target, Profile.EPAYMENT)
    asked = [
        record
        for record in stored_records(read_journal(directory), "exchange")
        if record["request"]["path"] == "/accesstoken/get"
    ]
    assert len(asked) > 1
    verification = verified(directory)
    assert verification.code == WHOLE, verification


# What is fuzzed


def test_fuzzed_requests_are_judged_again_and_counted(fuzzed):
    number = sum(1 for _ in stored_records(read_journal(fuzzed), "fuzzed"))
    verification = verified(fuzzed)
    assert verification.code == IN_PART, verification
    assert f"{number} fuzzed requests; " in verification.out
    assert "not verified: what was fuzzed" in verification.out
    assert "wrong:" not in verification.out


def _an_answer(records):
    return next(
        record for record in of_kind(records, "fuzzed") if record["response"] and record["response"]["status"] == 400
    )


def _other_judgement(records):
    next(record for record in of_kind(records, "fuzzed") if record["status"] == "conforms")["examples"] = ["WIRE-01"]


def _other_facts(records):
    _an_answer(records)["facts"]["answer.status"] = 404


def _other_answer(records):
    _an_answer(records)["response"]["status"] = 500


def _other_deed(records):
    _an_answer(records)["facts"]["sent.method"] = "other"


@pytest.mark.parametrize("edit", [_other_judgement, _other_facts, _other_answer, _other_deed])
def test_an_edited_fuzzed_request_is_found(fuzzed, edit, tmp_path):
    def change(records):
        edit(records)
        return records

    verification = verified(forged(fuzzed, tmp_path / "run", change, reports=False))
    assert verification.code == WRONG, verification
    assert "of the fuzzer" in verification.out


# Merchants


def test_a_merchants_run_is_judged_again(merchant):
    verification = verified(merchant)
    assert verification.code == IN_PART, verification
    assert "not verified: a merchant was tested" in verification.out
    assert "wrong:" not in verification.out
    assert "counterexamples/epayment-M7-1.json" in verification.out


def _forgiven(records):
    for record in of_kind(records, "judgement"):
        if record["status"] == "violates":
            record["status"] = "conforms"
            record["examples"] = [finding["rule"] for finding in record.pop("findings")]
    return [record for record in records if record["kind"] != "counterexample"]


def _key_kept(records):
    """Let a cancel that was sent again have had the key that the first one had."""
    keys = {}
    for record in of_kind(records, "exchange"):
        if record["wire"]["operation"] == "cancel":
            for header in record["request"]["headers"]:
                if header[0].lower() == "idempotency-key":
                    header[1] = keys.setdefault((record["history"], record["wire"]["payment"]), header[1])
    return records


@pytest.mark.parametrize("change", [_forgiven, _key_kept])
def test_an_edited_merchants_run_is_found(merchant, change, tmp_path):
    verification = verified(forged(merchant, tmp_path / "run", change, reports=False))
    assert verification.code == WRONG, verification


def test_an_edited_counterexample_of_a_merchants_is_found(merchant, tmp_path):
    shutil.copytree(merchant, tmp_path / "run")
    file = tmp_path / "run" / "counterexamples" / "epayment-M7-1.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"seed": 0', '"seed": 1'), encoding="utf-8")
    verification = verified(tmp_path / "run")
    assert verification.code == WRONG, verification


# Planted orders


def test_judged_planted_orders_are_verified_in_part(home, time, tmp_path):  # noqa: F811
    with running_server(Provider(now=time)) as url:
        assert main(["age", "plant", "--target", url, "--profile", "epayment", "--copies", "1"]) == 0
        time.pass_by(days=400)
        main(["age", "harvest", "--target", url, "--out", "old"])
    verification = verified(home / "old")
    assert verification.code == IN_PART, verification
    assert "not verified: the orders were planted by earlier runs" in verification.out
    assert "wrong:" not in verification.out

    def change(records):
        judged = [
            record for record in of_kind(records, "judgement") if record["observed"].get("answer.outcome") == "refused"
        ]
        judged[-1]["observed"] |= {"answer.outcome": "accepted", "answer.status": 200}
        return records

    verification = verified(forged(home / "old", tmp_path / "other", change, reports=False))
    assert verification.code == WRONG, verification


@pytest.mark.parametrize("answer", ["", "n"], ids=["done", "declined"])
def test_a_run_with_a_person_at_the_terminal_is_verified(answer, tmp_path):
    operated(tmp_path, answer, "--operator")
    verification = verified(tmp_path / "out", small=False)
    assert verification.code == WHOLE, verification

    def change(records):
        hand = of_kind(records, "hand")[0]
        hand["said"] = "declined" if hand["said"] == "done" else "done"
        return records

    verification = verified(forged(tmp_path / "out", tmp_path / "other", change, reports=False), small=False)
    assert verification.code == WRONG, verification
