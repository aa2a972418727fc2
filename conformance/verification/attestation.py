"""Attestations of a run: its journal's first record is signed when it is written, its digest when it has ended.

What evidence cannot show by itself (who was tested, when, with which waivers and declarations) is said by whoever holds
the key. Each attestation is an in-toto Statement in a DSSE envelope, in a file of its own beside the journal.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from conformance.evidence.journal import JOURNAL_NAME, Evidence, Journal, JournalError, record_as_json
from conformance.evidence.private_files import write_private
from conformance.evidence.record_parts import Record
from conformance.evidence.records import CapabilitiesRecord, RunRecord
from conformance.inputs.files import read_bytes
from conformance.reports.formats.statement import STATEMENT_TYPE
from conformance.runner.settings import timestamp
from conformance.verification.signing import PublicKeys, Signer, payload_of

START_NAME: Final = "attestation-start.dsse.json"
END_NAME: Final = "attestation-end.dsse.json"
ATTESTATIONS: Final = (START_NAME, END_NAME)
PREDICATE_TYPE: Final = "urn:cancel-conformance:attestation:run:1"
_COMMITS: Final = (
    "GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT", "BUILD_SOURCEVERSION", "BITBUCKET_COMMIT", "CIRCLE_SHA1",
)  # fmt: skip
"""The variables in which CI systems name the commit that they run."""
_JOBS: Final = ("CI_JOB_URL", "BUILD_URL", "CIRCLE_BUILD_URL")
"""The variables in which CI systems name the job; GitHub names its parts."""
_USERINFO: Final = re.compile(r"(?<=//)[^/@]*@")
_LONGEST: Final = 500
_BROKEN: Final = (KeyError, TypeError, AttributeError, ValueError, RecursionError)


class SignedJournal(Journal):
    """A journal whose first record is signed as soon as it is written."""

    def __init__(self, directory: Path, signer: Signer) -> None:
        super().__init__(directory)
        self._signer = signer

    def append(self, record: Record) -> None:
        """Write one record."""
        super().append(record)
        if isinstance(record, RunRecord):
            attest_start(self.path.parent, self.evidence(), self._signer)


def attest_start(directory: Path, evidence: Evidence, signer: Signer) -> None:
    """Sign the first record of a journal.

    Raises:
        JournalError: the attestation cannot be written.

    """
    head = record_as_json(evidence.run)
    predicate = {"moment": "start", "at": timestamp(datetime.now(UTC)), "run": head, **_place(os.environ)}
    _write(directory / START_NAME, signer.envelope(_statement(_digest_of(head), predicate)))


def attest_end(directory: Path, evidence: Evidence, signer: Signer) -> None:
    """Sign what a journal has come to.

    Raises:
        JournalError: the attestation cannot be written.

    """
    start = directory / START_NAME
    predicate = {
        "moment": "end",
        "at": timestamp(datetime.now(UTC)),
        **_claims(evidence),
        "start": hashlib.sha256(start.read_bytes()).hexdigest() if start.is_file() else None,
        **_place(os.environ),
    }
    _write(directory / END_NAME, signer.envelope(_statement(evidence.digest, predicate)))


@dataclass
class AttestationReport:
    """What the attestations of a run show.

    Attributes:
        faults: what does not hold, a sentence each.
        unverified: what cannot be verified, each with the reason.
        present: whether there is any attestation.
        signer: the fingerprint of the key that signed the end of the run, if that holds.
        facts: what is attested beside the journal: when, from which commit, in which job.

    """

    faults: list[str] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)
    present: bool = False
    signer: str = ""
    facts: list[str] = field(default_factory=list)


def check_attestations(directory: Path, evidence: Evidence, keys: PublicKeys) -> AttestationReport:
    """Check the attestations that stand beside a journal."""
    report = AttestationReport()
    texts = {name: read_bytes(directory / name) for name in ATTESTATIONS if (directory / name).is_file()}
    report.present = bool(texts)
    if not texts:
        return report
    signers = {name: _check(name, text, texts, evidence, keys, report) for name, text in texts.items()}
    if END_NAME not in texts:
        report.unverified.append(
            "the run was signed when it began, and not when it ended: its end is attested by nobody"
        )
    elif not keys:
        report.unverified.append("the run’s signature was not checked: name the key with --public-key")
    elif not report.faults:
        report.signer = signers[END_NAME]
        report.facts = _facts(texts)
    return report


def _check(
    name: str, text: bytes, texts: Mapping[str, bytes], evidence: Evidence, keys: PublicKeys, report: AttestationReport
) -> str:
    """Check one attestation; return the fingerprint of the key that signed it, if that is a known one."""
    try:
        signer = keys.signer(text)
        statement = json.loads(payload_of(text))
        predicate, (subject,) = statement["predicate"], statement["subject"]
        kinds = statement["_type"], statement["predicateType"]
        stated = {field: predicate.get(field) for field in ("moment", "run", *_claims(evidence), "start")}
        digest = subject["digest"]["sha256"]
    except _BROKEN as error:
        reason = error if isinstance(error, ValueError) else "it is not an attestation"
        report.faults.append(f"{name} does not hold: {reason}")
        return ""
    if keys and not signer:
        report.faults.append(f"{name} does not hold: it was not signed with a key that was named")
    if kinds != (STATEMENT_TYPE, PREDICATE_TYPE):
        report.faults.append(f"{name} does not hold: it is not the attestation of a run")
    elif (stated, digest) != _expected(name, texts, evidence):
        report.faults.append(f"{name} does not hold: it is about another run, or about this one before it was changed")
    return signer


def _expected(name: str, texts: Mapping[str, bytes], evidence: Evidence) -> tuple[dict[str, Any], str]:
    """Return what an attestation of this run states, and the digest of its subject."""
    if name == START_NAME:
        head = record_as_json(evidence.run)
        return {"moment": "start", **dict.fromkeys((*_claims(evidence), "start")), "run": head}, _digest_of(head)
    start = texts.get(START_NAME)
    began = None if start is None else hashlib.sha256(start).hexdigest()
    return {"moment": "end", **_claims(evidence), "start": began}, evidence.digest


def _claims(evidence: Evidence) -> dict[str, Any]:
    """Return what the end of a run binds: what was asked for, what was declared, and what the journal has come to."""
    declared = {record.profile: record.declared for record in evidence.of(CapabilitiesRecord)}
    return {
        "run": record_as_json(evidence.run),
        "declarations": declared,
        "records": len(evidence.records),
        "ended": evidence.ended,
    }


def _facts(texts: Mapping[str, bytes]) -> list[str]:
    predicates = [json.loads(payload_of(texts[name]))["predicate"] for name in ATTESTATIONS if name in texts]
    facts = [f"signed when it {'began' if each['moment'] == 'start' else 'ended'}, {each['at']}" for each in predicates]
    return [*facts, *(f"{name} {predicates[-1][name]}" for name in ("commit", "job") if predicates[-1].get(name))]


def _place(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the commit and the CI job that a run is made from, as far as there are any."""
    github = [environment.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
    job = "{}/{}/actions/runs/{}".format(*github) if all(github) else _first(environment, _JOBS)
    place = {"commit": _first(environment, _COMMITS), "job": job}
    return {name: _USERINFO.sub("", value)[:_LONGEST] for name, value in place.items() if value}


def _first(environment: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((environment[name] for name in names if environment.get(name)), "")


def _statement(digest: str, predicate: Mapping[str, Any]) -> bytes:
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": JOURNAL_NAME, "digest": {"sha256": digest}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": predicate,
    }
    return (json.dumps(statement, indent=2) + "\n").encode()


def _digest_of(head: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(head, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _write(path: Path, text: str) -> None:
    try:
        write_private(path, text)
    except OSError as error:
        raise JournalError(f"{path} cannot be written: {error.strerror}.") from None
