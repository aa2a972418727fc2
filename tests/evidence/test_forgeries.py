"""Forgeries by somebody who knows everything: the chain is made again, and the reports say what the forgery says.

Each changes what was recorded and draws every consequence that it can. That the exchanges say something else stays.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from conformance.domain.order import Profile
from conformance.evidence.journal import read_journal
from conformance.results.audit import recompute_judgements
from conformance.sandbox import EPayment
from conformance.targets.http.credentials import credentials_from
from conformance.targets.http.target import HttpTarget
from conformance.verification.attestation import ATTESTATIONS, END_NAME, START_NAME, attest_end, attest_start
from conformance.verification.signing import Signer
from tests.stored import stored_records

from . import forging
from .forging import planned_again
from .runs import Unrefusing, belonging, embedded, forged, of_kind, played, verified
from .test_bundle import keys
from .test_unquiet import Unquiet


def shown(verification):
    assert verification.code == 1, verification
    assert verification.out.startswith("Not consistent with its evidence: "), verification
    return verification.out


def violating(records):
    counted = {record["id"] for record in of_kind(records, "history") if record["source"] != "shrinking"}
    return next(
        record
        for record in of_kind(records, "judgement")
        if record["status"] == "violates" and record["history"] in counted
    )


def refused_otherwise(records):
    """Let a cancel have been refused with another status: as it was observed, and as it is said in words."""
    record = next(record for record in of_kind(records, "judgement") if record["observed"].get("answer.status") == 409)
    record["observed"]["answer.status"] = 400
    record["seen"] = record["seen"].replace("409", "400")
    return records


def test_an_observation_that_is_edited_with_its_judgement_is_found(wrong, tmp_path):
    """Judging again from observations cannot see it: observation and judgement agree with each other."""
    directory = forged(wrong, tmp_path / "forged", refused_otherwise)
    recompute_judgements(read_journal(directory))
    assert "answer.status is 400, and has to be 409" in shown(verified(directory))


def one_answer(records):
    """Let the provider have refused what it accepted."""
    judgement = violating(records)
    for record in belonging(records, judgement["history"], judgement["step"]):
        if record["purpose"] == "act":
            record["response"]["status"] = 409
    return records


def one_amount_read(records):
    """Let the order be read back with another amount."""
    judgement = next(record for record in of_kind(records, "judgement") if record["do"] == "cancel")
    for record in belonging(records, judgement["history"], judgement["step"]):
        if record["purpose"] in ("read", "poll") and isinstance(record["response"]["body"], str):
            record["response"]["body"] = record["response"]["body"].replace('"value":', '"value":1')
    return records


def one_request(records):
    """Let something else have been asked."""
    record = next(record for record in of_kind(records, "exchange") if record["request"]["path"].endswith("/capture"))
    record["request"]["body"] = record["request"]["body"].replace('"value":', '"value":9')
    return records


def one_key(records):
    """Let a cancel have had another idempotency key."""
    record = next(record for record in of_kind(records, "exchange") if record["request"]["path"].endswith("/cancel"))
    for header in record["request"]["headers"]:
        if header[0] == "Idempotency-Key":
            header[1] += "0"
    return records


def exchange_dropped(records):
    """Let a read have never been made."""
    at = next(number for number, record in enumerate(records) if record.get("purpose") == "read" and record["history"])
    return records[:at] + records[at + 1 :]


def exchange_added(records):
    """Let the order have been read once more."""
    at = next(number for number, record in enumerate(records) if record.get("purpose") == "read" and record["history"])
    return [*records[: at + 1], dict(records[at]), *records[at + 1 :]]


def exchanges_swapped(records):
    """Let two answers have come in another order."""
    own = [record for record in of_kind(records, "exchange") if record["purpose"] == "read" and record["history"]]
    first = own[0]
    other = next(record for record in own if _state(record) != _state(first))
    first["response"], other["response"] = other["response"], first["response"]
    return records


def _state(record):
    return json.loads(record["response"]["body"]).get("state")


def less_offered(records):
    """Let the target have offered less, so that less is asked of it."""
    of_kind(records, "capabilities")[0]["offered"].remove("units")
    return records


def lapse_forgotten(records):
    """Let the target never have ended a reservation by itself, or have done so."""
    record = of_kind(records, "capabilities")[0]
    record["lapses_after"] = None if record["lapses_after"] else 15_724_800
    return records


def history_of_another_amount(records):
    """Let a history have been about another amount."""
    record = next(record for record in of_kind(records, "history") if "amount" in record["history"]["steps"][0])
    record["history"]["steps"][0]["amount"] += 1
    return planned_again(records)


def race_that_was_none(records):
    """Let two requests have gone one after the other that were sent together."""
    first = next(record for record in of_kind(records, "exchange") if "began" in record and record["history"])
    other = records[records.index(first) + 1]
    other["began"] = first["began"] + first["ms"] + 1.0
    return records


def counterexample_of_another_field(records):
    """Let a counterexample have shown another field."""
    of_kind(records, "counterexample")[0]["field"] = "view.state"
    return records


FORGERIES = (
    one_answer, one_amount_read, one_request, one_key, exchange_dropped, exchange_added, exchanges_swapped,
    less_offered, lapse_forgotten, history_of_another_amount, race_that_was_none, counterexample_of_another_field,
)  # fmt: skip


KINDS = {
    # Histories
    "history_left_out": ("right", 1, "1 of 77 histories of the plan were left out: epayment-0"),
    "drawn_history_left_out": ("right", 1, "histories of the plan were left out: epayment-0"),
    "violations_left_out": ("wrong", 1, "histories of the plan were left out: epayment-0"),
    "history_added": ("right", 1, "epayment-09999 was added: the plan has no such history"),
    "history_replaced": ("right", 1, "was replaced: the plan has another history there"),
    "histories_exchanged": ("right", 1, "was replaced: the plan has another history there"),
    "history_moved": ("right", 1, "was moved, to record"),
    "history_moved_with_its_plan": ("right", 1, "in an order in which a run begins them"),
    "history_of_another_label": ("right", 1, "is said to be for (label, cell, goals, source)"),
    "history_of_another_cell": ("right", 1, "is said to be for (label, cell, goals, source)"),
    "history_of_other_goals": ("right", 1, "is said to be for (label, cell, goals, source)"),
    "history_of_another_source": ("right", 1, "is said to be for (label, cell, goals, source)"),
    "history_of_an_unknown_source": ("right", 1, "epayment-09999 is of source 'confirmed', which no history has"),
    "shrunk_history_added": ("right", 1, "epayment-s00001 was added: nothing failed before it that it could be of"),
    "first_history_dropped_from_the_plan": ("right", 1, "was played and not planned"),
    # What was asked for
    "seed_changed": ("right", 1, "was replaced: the plan has another history there (drawn)"),
    "budget_changed": ("right", 1, "2 of 79 histories of the plan were left out"),
    "budget_of_another_name": ("right", 1, "there is no budget 'exhaustive'"),
    "number_of_histories_changed": ("right", 1, "histories of the plan were left out"),
    "histories_without_end": ("right", 4, "the plan was not made again: it was to draw 1,000,000,000,000 histories."),
    "market_changed": ("right", 1, "has to be"),
    "interpretation_changed": ("right", 1, "wrong: "),
    "interpretation_narrowed": ("right", 1, "has to be"),
    "profile_added": ("right", 1, "says nothing of ecom"),
    "capability_removed": ("right", 1, "what is said of the target in epayment is not what it showed"),
    "version_changed": ("right", 1, "has to be"),
    "version_changed_everywhere": ("right", 4, "nobody; the plan was not made again: version 0.0.9."),
    "library_changed": ("right", 4, "not compared with the plan: the run drew with Hypothesis 6.0.0"),
    "rulebook_changed": ("right", 2, "another version of the rulebook"),
    "nonce_changed": ("right", 1, "has to be"),
    "shard_invented": ("right", 1, "was added: the plan has no such history"),
    "shard_invented_of_the_right_half": ("right", 1, "the run is a shard, and the plan that it is a part of is not"),
    "requests_limited": ("right", 1, "1 of 77 histories of the plan were left out"),
    "focus_on_age": ("right", 4, "nobody; the plan was not made again: its orders were planted by earlier runs."),
    "focus_on_fuzzing": ("wrong", 1, "was added: the plan has no such history"),
    "said_to_be_called_without_http": ("right", 1, "was added: the plan has no such history"),
    # Endings
    "cut_off_and_ended": ("right", 1, "histories of the plan were left out"),
    "cut_off_and_ended_with_its_plan": ("right", 1, "was planned and not played"),
    "hole_in_an_interrupted_run": ("right", 1, "was left out: the plan has it before"),
    # Judgements and notes
    "missed_rules_forgotten": ("wrong", 1, "is said to have missed is not what it missed"),
    "judgement_set_aside": ("wrong", 1, "has a judgement that proves something and is not counted"),
    "resumption_forgotten": ("resumed", 1, "wrong: "),
    "examples_forgotten": ("inspired", 1, "there is no record of kind examples"),
    "shared_forgotten": ("inspired", 1, "there is no record of kind shared"),
    "budget_record_forgotten": ("limited", 1, "the requests were limited, and what they bought is not recorded"),
    "figures_of_the_budget_changed": ("limited", 1, "are said to have been bought"),
    "history_left_out_within_the_budget": ("limited", 1, "1 of 77 histories of the plan were left out"),
    "tail_left_out_within_an_absurd_budget": ("wrong", 1, "requests are said to have been sent"),
    "violated_rules_hidden": ("wrong", 1, "was not judged by its rules"),
    "request_hidden": ("right", 1, "  wrong: "),
    "cut_off_in_trouble": ("wrong", 4, "the run was stopped before its end"),
    # What evidence cannot show: the verdict says so
    "target_renamed": ("right", 0, "Attested by nobody: the target https://api.shop.example"),
    "time_changed": ("right", 0, "its beginning 2027-01-01T00:00:00Z"),
    "waiver_added": ("wrong", 0, "waivers (EP-"),
    "control_renamed": ("right", 0, "attested by: nobody."),
    "command_changed": ("right", 0, "attested by: nobody."),
    "attempt_hidden": ("lossy", 0, "attested by: nobody."),
    "durations_changed": ("right", 0, "attested by: nobody."),
    # Merchants
    "merchant_history_left_out": ("merchant", 1, "histories of the plan were left out"),
    "merchant_violations_left_out": ("merchant", 1, "histories of the plan were left out"),
    "merchant_history_added": ("merchant", 1, "epayment-09999 was added: the plan has no such history"),
    "merchant_history_replaced": ("merchant", 1, "was replaced: the plan has another history there"),
    "merchant_history_moved": ("merchant", 1, "was moved, to record"),
    "merchant_seed_changed": ("merchant", 1, "was replaced: the plan has another history there (drawn)"),
    "merchant_budget_changed": ("merchant", 1, "histories of the plan were left out"),
    "merchant_cut_off_and_ended": ("merchant", 1, "histories of the plan were left out"),
    "merchant_actions_removed": ("merchant", 1, "wrong: "),
    "merchant_books_changed": ("merchant", 1, "was not judged by its rules"),
    "declaration_added": ("merchant", 4, "the declarations captures_on_approval."),
    "strictness_forgotten": ("merchant", 4, "attested by: nobody."),
    # Fuzzing
    "fuzzed_request_left_out": ("fuzzed", 4, "the plan was not made again: which requests are fuzzed depends on"),
    "fuzzed_request_dropped": ("fuzzed", 1, "are said to be"),
    "fuzzed_response_changed": ("fuzzed", 1, "of the fuzzer"),
    "fuzzed_status_changed": ("fuzzed", 1, "of the fuzzer"),
    "history_added_to_fuzzing": ("fuzzed", 1, "wrong: "),
}
"""Every kind of forgery: the run that is forged, the exit code of `verify`, and what it says."""


@pytest.fixture(scope="module")
def lossy(tmp_path_factory):
    """A run some of whose responses were lost, so that histories were run again."""
    target = HttpTarget(Unquiet(0.02, EPayment), credentials_from(embedded=True))
    return played(tmp_path_factory.mktemp("lossy") / "run", target, Profile.EPAYMENT)


@pytest.fixture(scope="module")
def inspired(tmp_path_factory):
    """A run that tries first what another run found."""
    folder = tmp_path_factory.mktemp("inspired")
    examples = (str(folder / "examples"),)
    played(folder / "first", embedded(Unrefusing), Profile.EPAYMENT, examples=examples)
    return played(folder / "run", embedded(), Profile.EPAYMENT, examples=examples)


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_of_forgery_is_found_or_named(name, request, tmp_path):
    run, code, sentence = KINDS[name]
    directory = forged(request.getfixturevalue(run), tmp_path / "forged", getattr(forging, name), reports=code != 2)
    verification = verified(directory)
    assert (verification.code, sentence in verification.out + verification.errors) == (code, True), verification
    if code in (0, 4):
        required = verified(directory, "--require-attestation")
        assert (required.code, "attested by nobody whose --public-key was named" in required.out) == (4, True), required


def test_there_are_enough_kinds():
    changes = {
        name for name, value in vars(forging).items() if callable(value) and value.__module__ == forging.__name__
    }
    helpers = {
        "whose",
        "planned_again",
        "without",
        "names_of",
        "violating_names",
        "proving",
        "belonging_to",
        "renamed",
        "replaced",
        "without_shrinking",
    }
    assert set(KINDS) == {name for name in changes - helpers if not name.startswith("_")}
    number = len(KINDS) + len(FORGERIES) + len(ATTESTED)
    print(f"{number} kinds of forgeries, 0 through")
    assert number >= 40


@pytest.mark.parametrize("change", FORGERIES, ids=lambda function: function.__name__)
def test_a_forgery_with_reports_of_its_own_is_found(change, wrong, tmp_path):
    shown(verified(forged(wrong, tmp_path / "forged", change)))


def test_dropping_the_last_record_is_found(right, tmp_path):
    directory = forged(right, tmp_path / "forged", lambda records: records[:-1], reports=False)
    assert "does not say what the evidence does" in shown(verified(directory))


def test_truncation_is_found(right, tmp_path):
    shutil.copytree(right, tmp_path / "run")
    path = tmp_path / "run" / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-200])
    shown(verified(tmp_path / "run"))


def test_a_journal_of_two_runs_is_found(right, wrong, tmp_path):
    """The second half of the histories is another run's, of the same plan."""

    def spliced(records):
        other = stored_records(read_journal(right))
        names = [record["id"] for record in of_kind(other, "history")]
        taken = set(names[len(names) // 2 :])
        whose = lambda record: record.get("id") if record["kind"] == "history" else record.get("history")  # noqa: E731
        own = [
            record
            for record in records
            if whose(record) not in taken and record["kind"] not in ("finish", "counterexample")
        ]
        own = [record for record in own if record.get("source") != "shrinking"]
        known = {record["id"] for record in of_kind(own, "history")} | {""}
        own = [
            record
            for record in own
            if record["kind"] not in ("exchange", "judgement", "missed") or record["history"] in known
        ]
        return [*own, *(record for record in other if whose(record) in taken), records[-1]]

    directory = forged(wrong, tmp_path / "forged", spliced, reports=False)
    shutil.rmtree(directory / "counterexamples")
    shown(verified(directory))


def test_reordered_histories_are_found_in_a_bundle_or_by_the_reports(right, tmp_path):
    def reordered(records):
        first = of_kind(records, "history")[0]["id"]
        own = [record for record in records if first in (record.get("id"), record.get("history"))]
        rest = [record for record in records if record not in own]
        return [*rest[:-1], *own, rest[-1]]

    assert "another journal" in shown(verified(forged(right, tmp_path / "forged", reordered, reports=False)))


def test_reports_of_another_run_are_found(right, wrong, tmp_path):
    for name in ("report.json", "report.html", "junit.xml", "summary.md", "results.sarif", "badge.svg"):
        directory = tmp_path / name
        shutil.copytree(wrong, directory)
        shutil.copy(right / name, directory / name)
        assert f"{name} does not say what the evidence does" in shown(verified(directory))


def test_a_counterexample_that_is_not_the_journals_is_found(wrong, tmp_path):
    path = sorted((wrong / "counterexamples").iterdir())[0]
    for number, change in enumerate(
        (
            lambda text: text.replace('"seed": 0', '"seed": 1'),
            lambda text: text.replace('"market": "no"', '"market": "dk"'),
            lambda text: text.replace("  ", "\t", 1),
            lambda text: text + "\n",
        )
    ):
        directory = tmp_path / str(number)
        shutil.copytree(wrong, directory)
        (directory / "counterexamples" / path.name).write_text(change(path.read_text()), encoding="utf-8")
        assert f"counterexamples/{path.name} is not the counterexample" in shown(verified(directory))
    shutil.copytree(wrong, tmp_path / "more")
    shutil.copy(path, tmp_path / "more" / "counterexamples" / "epayment-EP-01-9.json")
    assert "is not listed in the journal" in shown(verified(tmp_path / "more"))
    shutil.copytree(wrong, tmp_path / "less")
    (tmp_path / "less" / "counterexamples" / path.name).unlink()
    assert "is not there" in shown(verified(tmp_path / "less"))


def test_a_secret_that_was_taken_out_of_an_answer_is_named_and_nothing_is_claimed(right, tmp_path):
    def removed(records):
        judgement = next(record for record in of_kind(records, "judgement") if record["do"] == "cancel")
        for record in belonging(records, judgement["history"], judgement["step"]):
            if record["purpose"] == "read":
                record["response"]["body"] = record["response"]["body"].replace('"state":"', '"state":"[removed]')
        return records

    verification = verified(forged(right, tmp_path / "forged", removed))
    assert verification.code == 4, verification
    assert "a secret stood where it mattered" in verification.out


# Attestations


def end_of_another_run(directory, other):
    shutil.copy(other / END_NAME, directory)


def start_of_another_run(directory, other):
    shutil.copy(other / START_NAME, directory)


def attestations_of_another_run(directory, other):
    end_of_another_run(directory, other)
    start_of_another_run(directory, other)


def attestations_removed(directory, _):
    for name in ATTESTATIONS:
        (directory / name).unlink()


def start_removed(directory, _):
    (directory / START_NAME).unlink()


def end_removed(directory, _):
    (directory / END_NAME).unlink()


def signed_by_somebody_else(directory, _):
    _, signer = strangers(directory.parent)
    evidence = read_journal(directory)
    attest_start(directory, evidence, signer)
    attest_end(directory, evidence, signer)


def waivers_added_to_what_was_signed(directory, _):
    envelope = json.loads((directory / END_NAME).read_text())
    payload = json.loads(base64.b64decode(envelope["payload"]))
    payload["predicate"]["run"]["waivers"] = [{"rule": "EP-05", "reason": "agreed"}]
    envelope["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()
    (directory / END_NAME).write_text(json.dumps(envelope))


def start_in_the_place_of_the_end(directory, _):
    shutil.copy(directory / START_NAME, directory / END_NAME)


def no_envelope(directory, _):
    (directory / END_NAME).write_text("[]")


ATTESTED = {
    end_of_another_run: (1, f"{END_NAME} does not hold: it is about another run"),
    start_of_another_run: (1, f"{END_NAME} does not hold: it is about another run"),
    attestations_of_another_run: (1, f"{START_NAME} does not hold: it is about another run"),
    attestations_removed: (1, "there is no signature: neither the run nor a bundle of it was signed"),
    start_removed: (1, f"{END_NAME} does not hold: it is about another run"),
    end_removed: (4, "the run was signed when it began, and not when it ended: its end is attested by nobody"),
    signed_by_somebody_else: (1, f"{END_NAME} does not hold: it was not signed with a key that was named"),
    waivers_added_to_what_was_signed: (1, f"{END_NAME} does not hold: it was not signed with a key that was named"),
    start_in_the_place_of_the_end: (1, f"{END_NAME} does not hold: it is about another run"),
    no_envelope: (1, f"{END_NAME} does not hold: it is not a DSSE envelope"),
}


def strangers(folder):
    """Return a new public key, and who signs with its private one."""
    place = folder / "stranger"
    place.mkdir()
    private, public = keys(place)
    return public, Signer(private)


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    """Return a signed run that finds violations, another one that finds none, and the public key of both."""
    folder = tmp_path_factory.mktemp("signed")
    private, public = keys(folder)
    signer = Signer(private)
    mine = played(folder / "wrong", embedded(Unrefusing), Profile.EPAYMENT, signer=signer)
    return mine, played(folder / "right", embedded(), Profile.EPAYMENT, signer=signer), public


def test_a_signed_run_is_attested(signed, tmp_path):
    directory, _, public = signed
    verification = verified(directory, "--public-key", public, "--require-attestation")
    assert verification.code == 0, verification
    fingerprint = hashlib.sha256(load_pem_public_key(public.read_bytes()).public_bytes_raw()).hexdigest()
    assert f"who responded, and when, is attested by: key {fingerprint[:16]}." in verification.out
    assert f"Attested by key {fingerprint}, which signed the run (signed when it began, " in verification.out
    assert "name --public-key" in verified(directory).out
    stranger, _ = strangers(tmp_path)
    assert verified(directory, "--public-key", stranger).code == 1
    assert verified(directory, "--public-key", stranger, "--public-key", public).code == 0


@pytest.mark.parametrize("change", ATTESTED, ids=lambda function: function.__name__)
def test_a_forged_attestation_is_found(change, signed, tmp_path):
    directory, other, public = signed
    shutil.copytree(directory, tmp_path / "run")
    change(tmp_path / "run", other)
    code, sentence = ATTESTED[change]
    verification = verified(tmp_path / "run", "--public-key", public, "--require-attestation")
    assert (verification.code, sentence in verification.out) == (code, True), verification
    assert "attested by: nobody" in verification.out


@pytest.mark.parametrize(
    "name", [name for name, (run, code, _) in KINDS.items() if code in (0, 4) and run in ("right", "wrong")]
)
def test_what_evidence_cannot_show_is_found_in_a_signed_run(name, signed, tmp_path):
    directory, right, public = signed
    original = directory if KINDS[name][0] == "wrong" else right
    verification = verified(forged(original, tmp_path / "run", getattr(forging, name)), "--public-key", public)
    assert f"{END_NAME} does not hold: it is about another run" in shown(verification)


def test_the_responses_of_another_run_under_the_head_of_this_one_are_found_in_a_signed_run(
    signed, right, wrong, tmp_path
):
    """Evidence that is consistent in itself: only who signed the run can tell."""

    def conformant(records):
        return [records[0], *stored_records(read_journal(right))[1:]]

    unsigned = forged(wrong, tmp_path / "unsigned", conformant)
    shutil.rmtree(unsigned / "counterexamples")
    verification = verified(unsigned)
    assert verification.code == 0
    assert verification.out.startswith(
        "Consistent with its evidence; who responded, and when, is attested by: nobody.\n"
    )
    assert verified(unsigned, "--require-attestation").code == 4
    directory, _, public = signed
    attested = forged(directory, tmp_path / "signed", conformant)
    shutil.rmtree(attested / "counterexamples")
    assert f"{END_NAME} does not hold" in shown(verified(attested, "--public-key", public))
