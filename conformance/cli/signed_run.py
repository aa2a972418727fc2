"""A run that is signed while it is made, as ``--sign`` asks for it."""

from __future__ import annotations

from pathlib import Path

from conformance.cli.output import output
from conformance.evidence.journal import Journal
from conformance.results.result import Result
from conformance.verification.attestation import END_NAME, SignedJournal, attest_end
from conformance.verification.signing import Signer


def signer_of(key: str | None) -> Signer | None:
    """Return who signs a run with a key, None where no key is named.

    Raises:
        SigningError: the key cannot be used.

    """
    return None if key is None else Signer(Path(key))


def journal_of(directory: Path, signer: Signer | None) -> Journal:
    """Return the journal of a run, whose first record is signed where somebody signs.

    Raises:
        JournalError: it cannot be written.

    """
    return Journal(directory) if signer is None else SignedJournal(directory, signer)


def sign_end(directory: Path, result: Result, signer: Signer | None) -> None:
    """Sign what a run has come to, and print with which key.

    Raises:
        JournalError: the attestation cannot be written.

    """
    if signer is not None:
        attest_end(directory, result.evidence, signer)
        output().say(f"Signed by key {signer.fingerprint}: {directory / END_NAME}")


def begin_again(directory: Path) -> None:
    """Remove the signature of what a run had come to: it is resumed, and its journal will be another one."""
    (directory / END_NAME).unlink(missing_ok=True)
