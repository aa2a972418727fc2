"""Runs that are signed while they are made: what is signed, by which commands, and that others can check it."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jsonschema import Draft202012Validator

from conformance.evidence.journal import read_journal
from conformance.verification.attestation import ATTESTATIONS, END_NAME, START_NAME

from ..audit import stage
from .runs import use_small_plan, verified
from .statement_schema import ENVELOPE
from .test_bundle import files_of, keys

SHOP = "python:conformance.examples.merchants.epayment:Adapter"


@pytest.fixture(autouse=True)
def small(monkeypatch):
    use_small_plan(monkeypatch)


def signed_run(folder, *words, command=("run", "--target", "embedded", "--profile", "epayment")):
    """Make a signed run; return its directory and the keys."""
    private, public = keys(folder)
    said = stage.command(*command, "--out", folder / "run", "--sign", private, *words)
    assert said.code in (0, 1, 4), said
    return folder / "run", private, public


def predicate_of(directory, name):
    envelope = json.loads((directory / name).read_text(encoding="utf-8"))
    Draft202012Validator(ENVELOPE).validate(envelope)
    return json.loads(base64.b64decode(envelope["payload"]))["predicate"]


def test_the_head_is_signed_at_the_start_and_the_digest_at_the_end(tmp_path, monkeypatch):
    for name, value in {
        "GITHUB_SHA": "0123abcd",
        "GITHUB_SERVER_URL": "https://someone:secret@github.example",
        "GITHUB_REPOSITORY": "shop/cancel",
        "GITHUB_RUN_ID": "42",
    }.items():
        monkeypatch.setenv(name, value)
    directory, _, public = signed_run(tmp_path, "--waive", "EP-05=agreed with the provider")
    start, end = (predicate_of(directory, name) for name in ATTESTATIONS)
    evidence = read_journal(directory)
    assert start["run"] == end["run"]
    assert start["run"]["target"]["name"] == "embedded"
    assert [waiver["rule"] for waiver in start["run"]["waivers"]] == ["EP-05"]
    assert (end["records"], end["ended"]) == (len(evidence.records), "complete")
    assert end["start"] == hashlib.sha256((directory / START_NAME).read_bytes()).hexdigest()
    for predicate in (start, end):
        assert predicate["commit"] == "0123abcd"
        assert predicate["job"] == "https://github.example/shop/cancel/actions/runs/42"
        assert predicate["at"].endswith("Z")
    verification = verified(directory, "--public-key", public, "--require-attestation")
    assert verification.code == 0, verification
    assert "commit 0123abcd; job https://github.example/shop/cancel/actions/runs/42" in verification.out
    assert "1 waiver (EP-05)" in verification.out


def test_an_attestation_is_one_that_others_verify(tmp_path):
    """By the form of DSSE and code that is not ours, openssl's where it is here."""
    directory, _, public = signed_run(tmp_path)
    envelope = json.loads((directory / END_NAME).read_text(encoding="utf-8"))
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    signed = b" ".join((b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload))
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    key = load_pem_public_key(public.read_bytes())
    key.verify(signature, signed)
    with pytest.raises(InvalidSignature):
        key.verify(signature, signed.replace(b"embedded", b"embodied"))
    openssl = shutil.which("openssl")
    if openssl is not None:
        (tmp_path / "signed").write_bytes(signed)
        (tmp_path / "signature").write_bytes(signature)
        words = ("pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", public, "-in", tmp_path / "signed")
        subprocess.run([openssl, *words, "-sigfile", tmp_path / "signature"], check=True, capture_output=True)
    assert json.loads(payload)["subject"] == [
        {"name": "journal.jsonl", "digest": {"sha256": read_journal(directory).digest}}
    ]


@pytest.mark.parametrize(
    "command",
    [
        ("merchant", "--integration", SHOP, "--budget", "quick", "--histories", "0"),
        ("fuzz", "--target", "embedded", "--profile", "epayment", "--max-requests", "40", "--max-time", "20"),
    ],
    ids=["merchant", "fuzz"],
)
def test_merchant_and_fuzz_runs_are_signed_too(command, tmp_path):
    directory, _, public = signed_run(tmp_path, command=command)
    verification = verified(directory, "--public-key", public, "--require-attestation")
    assert (verification.code, "attested by: key " in verification.out) == (4, True), verification
    assert "attested by nobody" not in verification.out


def test_a_bundle_has_the_attestations(tmp_path):
    directory, _, public = signed_run(tmp_path, "--bundle")
    assert set(ATTESTATIONS) <= set(files_of(directory / "bundle.zip"))
    verification = verified(directory / "bundle.zip", "--public-key", public, "--require-attestation")
    assert (verification.code, "which signed the run" in verification.out) == (0, True), verification


def test_a_signed_run_that_was_killed_is_signed_when_it_has_been_resumed(tmp_path):
    directory, private, public = signed_run(tmp_path)
    journal = directory / "journal.jsonl"
    for path in directory.iterdir():
        if path not in (journal, directory / START_NAME):
            path.unlink()
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[: len(lines) // 2]))
    killed = verified(directory, "--public-key", public, "--require-attestation")
    assert (killed.code, "its end is attested by nobody" in killed.out) == (4, True), killed
    assert stage.command("run", "--resume", directory, "--sign", private).code in (0, 4)
    verification = verified(directory, "--public-key", public, "--require-attestation")
    assert (verification.code, "attested by: key " in verification.out) == (0, True), verification


def test_a_signed_run_that_is_resumed_without_the_key_is_not_called_wrong(tmp_path):
    directory, _, public = signed_run(tmp_path)
    journal = directory / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[: len(lines) // 2]))
    assert stage.command("run", "--resume", directory).code in (0, 4)
    verification = verified(directory, "--public-key", public)
    assert (verification.code, "its end is attested by nobody" in verification.out) == (4, True), verification


def test_a_run_that_cannot_be_signed_is_refused_before_it_begins(tmp_path):
    private, public = keys(tmp_path)
    for words in (("--sign", tmp_path / "missing"), ("--sign", public), ("--sign", private, "-n", "2")):
        said = stage.command("run", "--target", "embedded", "--out", tmp_path / "run", *words)
        assert (said.code, said.errors.count("\n")) == (2, 1), said
    assert not (tmp_path / "run").exists()


def test_the_references_of_orders_tie_a_run_to_the_providers_records(right, wrong):
    """The nonce of a run is in its first record, which is signed, and begins every order's reference."""
    evidence = read_journal(right)
    nonce = evidence.run.nonce
    created = [
        json.loads(record.request.content)["reference"]
        for record in evidence.records
        if record.kind == "exchange"
        and record.request.method == "POST"
        and record.request.path == "/epayment/v1/payments"
    ]
    assert created
    assert all(reference.startswith(f"{nonce}-") for reference in created)
