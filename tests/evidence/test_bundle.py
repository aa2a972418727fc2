"""A bundle: the same bytes for the same run, everything in it, and no byte that can change unnoticed."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import zipfile
from io import BytesIO

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)
from jsonschema import Draft202012Validator

from conformance.evidence.journal import read_journal
from conformance.verification.bundle import CONTEXT, MANIFEST, REPORTS, SIGNATURE, STATEMENT, manifest_text
from tests.stored import journal_text, stored_records

from ..audit import stage
from .runs import use_small_plan, verified
from .statement_schema import ENVELOPE, STATEMENT_SCHEMA

CHANGES = int(os.environ.get("CANCEL_CONFORMANCE_BYTES", "150"))
"""How many bytes are changed, one at a time; 1,000 take some minutes."""


@pytest.fixture(scope="module")
def bundle(wrong, tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle") / "bundle.zip"
    completed = stage.command("bundle", wrong, "--to", path)
    assert (completed.code, completed.errors) == (0, "")
    assert hashlib.sha256(path.read_bytes()).hexdigest() in completed.out
    return path


def files_of(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files, path):
    """Pack files as somebody would who knows how a bundle is made."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = b"-" * 71
        for name, data in files.items():
            archive.writestr(name, data)
    body = out.getvalue()[:-71]
    path.write_bytes(body + b"sha256:" + hashlib.sha256(body).hexdigest().encode())
    return path


def test_a_bundle_is_verified_and_holds_everything(bundle, wrong):
    verification = verified(bundle)
    assert verification.code == 0, verification
    files = files_of(bundle)
    examples = {record["file"] for record in stored_records(read_journal(wrong), "counterexample")}
    assert set(files) == {"journal.jsonl", MANIFEST, STATEMENT, *REPORTS, *CONTEXT, *examples}
    assert all(name in verification.out for name in ("report.html", "junit.xml", "results.sarif"))


def test_the_same_run_gives_the_same_bytes(bundle, wrong, tmp_path):
    shutil.copytree(wrong, tmp_path / "elsewhere")
    stage.command("bundle", tmp_path / "elsewhere", "--to", tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == bundle.read_bytes()


def test_run_makes_one_when_asked(tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        use_small_plan(patch)
        completed = stage.run(tmp_path / "run", "--bundle")
    assert completed.code == 0, completed
    assert "bundle.zip" in completed.out
    assert verified(tmp_path / "run" / "bundle.zip").code == 0


def test_every_changed_byte_is_noticed(bundle, tmp_path):
    data = bundle.read_bytes()
    chance = random.Random(6)
    path = tmp_path / "bundle.zip"
    for _ in range(CHANGES):
        at, other = chance.randrange(len(data)), chance.randrange(1, 256)
        path.write_bytes(data[:at] + bytes([data[at] ^ other]) + data[at + 1 :])
        verification = verified(path)
        # Where not even the beginning is a zip's, it is no bundle.
        assert verification.code == (1 if at > 1 else 2), (at, other)


def test_a_changed_byte_in_a_file_is_noticed_however_the_archive_is_packed(bundle, tmp_path):
    files = files_of(bundle)
    chance = random.Random(7)
    for number in range(max(12, CHANGES // 12)):
        name = sorted(files)[number % len(files)]
        data = files[name]
        at = chance.randrange(len(data))
        changed = data[:at] + bytes([data[at] ^ chance.randrange(1, 128)]) + data[at + 1 :]
        verification = verified(packed({**files, name: changed}, tmp_path / "bundle.zip"))
        assert verification.code == 1, (name, at, verification)


def test_a_manifest_that_is_made_again_does_not_help(bundle, tmp_path):
    files = files_of(bundle)
    for name in (*REPORTS, *CONTEXT):
        changed = {**files, name: files[name].replace(b"epayment", b"epaymemt", 1) + b" "}
        covered = {item: data for item, data in changed.items() if item not in (MANIFEST, STATEMENT)}
        changed[MANIFEST] = manifest_text(covered, "0.1.0").encode()
        statement = json.loads(files[STATEMENT])
        for subject in [*statement["subject"], *statement["predicate"]["configuration"]]:
            subject["digest"]["sha256"] = hashlib.sha256(changed[subject["name"]]).hexdigest()
        changed[STATEMENT] = (json.dumps(statement, indent=2) + "\n").encode()
        verification = verified(packed(changed, tmp_path / "bundle.zip"))
        assert verification.code == 1, (name, verification)
        assert f"wrong: {name}" in verification.out


@pytest.mark.parametrize("name", ["report.json", "journal.jsonl", MANIFEST, STATEMENT, "rulebook.json"])
def test_a_file_that_is_lost_is_noticed(name, bundle, tmp_path):
    files = files_of(bundle)
    del files[name]
    assert verified(packed(files, tmp_path / "bundle.zip")).code == 1


@pytest.mark.parametrize("name", ["../outside.json", "/outside", "counterexamples/../../x.json", "more.txt", "a\\b"])
def test_a_file_that_no_bundle_has_is_not_unpacked(name, bundle, tmp_path):
    path = (
        packed({**files_of(bundle), name: b"{}"}, tmp_path / "in" / "bundle.zip")
        if ((tmp_path / "in").mkdir() is None)
        else None
    )
    verification = verified(path)
    assert verification.code == 1
    assert "files that no bundle has" in verification.out
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["bundle.zip", "in"]


def test_a_bundle_of_another_run_s_journal_is_noticed(bundle, right, tmp_path):
    files = {**files_of(bundle), "journal.jsonl": (right / "journal.jsonl").read_bytes()}
    assert verified(packed(files, tmp_path / "bundle.zip")).code == 1


# The statement


def test_the_statement_is_one_of_in_toto(bundle, wrong):
    files = files_of(bundle)
    statement = json.loads(files[STATEMENT])
    Draft202012Validator(STATEMENT_SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(statement)
    for subject in [*statement["subject"], *statement["predicate"]["configuration"]]:
        assert subject["digest"]["sha256"] == hashlib.sha256(files[subject["name"]]).hexdigest()
    predicate = statement["predicate"]
    rules = json.loads((wrong / "report.json").read_text(encoding="utf-8"))["rules"]
    assert predicate["result"] == "FAILED"
    violated = {f"{rule['profile']}/{rule['id']}" for rule in rules if rule["verdict"] == "VIOLATED"}
    assert violated
    assert violated <= set(predicate["failedTests"])
    assert predicate["passedTests"] == [
        f"{rule['profile']}/{rule['id']}" for rule in rules if rule["verdict"] == "PASSED"
    ]


def test_a_conformant_run_passes_and_names_what_was_tested(right, tmp_path):
    digest = "0123456789abcdef" * 4
    completed = stage.command("bundle", right, "--to", tmp_path / "b.zip", "--subject", f"shop:1.2@sha256:{digest}")
    assert completed.code == 0, completed
    statement = json.loads(files_of(tmp_path / "b.zip")[STATEMENT])
    Draft202012Validator(STATEMENT_SCHEMA).validate(statement)
    assert statement["subject"][0] == {"name": "shop:1.2", "digest": {"sha256": digest}}
    assert statement["predicate"]["result"] == "PASSED"
    assert statement["predicate"]["failedTests"] == []
    assert verified(tmp_path / "b.zip").code == 0
    completed = stage.command("bundle", right, "--to", tmp_path / "c.zip", "--subject", "shop")
    assert (completed.code, completed.errors.count("\n")) == (2, 1)


# Signatures


def keys(folder):
    """Make a pair of keys as the documentation says, with a tool that is not ours; without it where it is not here."""
    private, public = folder / "key.pem", folder / "key.pub"
    openssl = shutil.which("openssl")
    if openssl is not None:
        subprocess.run([openssl, "genpkey", "-algorithm", "ed25519", "-out", private], check=True, capture_output=True)
        subprocess.run([openssl, "pkey", "-in", private, "-pubout", "-out", public], check=True, capture_output=True)
        return private, public
    key = Ed25519PrivateKey.generate()
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


def test_a_signature_holds_for_its_key_and_its_bundle(right, wrong, tmp_path):
    private, public = keys(tmp_path)
    (tmp_path / "other").mkdir()
    _, other = keys(tmp_path / "other")
    path = tmp_path / "bundle.zip"
    assert stage.command("bundle", right, "--to", path, "--sign", private).code == 0
    Draft202012Validator(ENVELOPE).validate(json.loads(files_of(path)[SIGNATURE]))
    assert verified(path, "--public-key", public).code == 0
    assert verified(path).code == 4
    assert verified(path, "--public-key", other).code == 1
    unsigned = tmp_path / "unsigned.zip"
    assert stage.command("bundle", right, "--to", unsigned).code == 0
    assert verified(unsigned, "--public-key", public).code == 1
    stage.command("bundle", wrong, "--to", unsigned)
    moved = {**files_of(unsigned), SIGNATURE: files_of(path)[SIGNATURE]}
    verification = verified(packed(moved, tmp_path / "moved.zip"), "--public-key", public)
    assert verification.code == 1
    assert "about another statement" in verification.out
    for words in (("--sign", public), ("--sign", tmp_path / "missing")):
        verification = stage.command("bundle", right, "--to", tmp_path / "x.zip", *words)
        assert (verification.code, verification.errors.count("\n")) == (2, 1)


def test_a_signature_is_one_that_others_verify(right, tmp_path):
    """By the form of DSSE and its own code, and not by ours."""
    private, public = keys(tmp_path)
    assert stage.command("bundle", right, "--to", tmp_path / "b.zip", "--sign", private).code == 0
    files = files_of(tmp_path / "b.zip")
    envelope = json.loads(files[SIGNATURE])
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    assert payload == files[STATEMENT]
    signed = b" ".join((b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload))
    key = load_pem_public_key(public.read_bytes())
    (signature,) = envelope["signatures"]
    key.verify(base64.b64decode(signature["sig"]), signed)
    with pytest.raises(InvalidSignature):
        key.verify(base64.b64decode(signature["sig"]), signed + b" ")


def test_without_the_package_a_signature_is_one_clear_sentence(right, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.serialization", None)
    (tmp_path / "key.pem").write_text("x")
    completed = stage.command("bundle", right, "--to", tmp_path / "b.zip", "--sign", tmp_path / "key.pem")
    assert completed.code == 2
    assert completed.errors == (
        "The package cryptography is not installed, and signatures need it: "
        'pip install "cancel-conformance[sign]" (in a clone: pip install -r constraints-extras.txt).\n'
    )


def test_a_bundle_has_no_secret(bundle):
    journal = bundle.parent / "unpacked" / "journal.jsonl"
    journal.parent.mkdir()
    journal.write_bytes(files_of(bundle)["journal.jsonl"])
    text = b"\n".join([*files_of(bundle).values(), journal_text(journal.parent).encode()])
    from conformance.sandbox import Options  # noqa: PLC0415

    for secret in (Options().client_secret, Options().subscription_key):
        assert secret.encode() not in text
