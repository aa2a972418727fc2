"""Verifies a run offline.

Recomputes its judgements from its exchanges, and compares everything it claims with them. Whatever the evidence cannot
show is listed with the reason.
"""

from __future__ import annotations

import gc
import hashlib
import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from conformance import __version__
from conformance.domain.order import Market, Profile
from conformance.domain.steps import history_from_json
from conformance.evidence.counterexamples import FOLDER, Counterexample, counterexample_text
from conformance.evidence.journal import (
    EmptyJournalError,
    Evidence,
    FormatError,
    JournalError,
    is_merchant_run,
    read_journal,
)
from conformance.evidence.record_parts import JsonObject
from conformance.evidence.records import CounterexampleRecord, HistoryRecord, RunRecord
from conformance.judging.judge import OracleError
from conformance.obligations.history import merchant_history_from_json
from conformance.reports import report_texts
from conformance.reports.agreement import complaints
from conformance.reports.formats.statement import context_texts, statement_text
from conformance.results.merchant_counterexamples import MerchantCounterexample, write_merchant_counterexample
from conformance.results.result import Result, book_of, result_of
from conformance.rulebook import Readings
from conformance.verification.bundle import (
    CONTEXT,
    MANIFEST,
    REPORTS,
    SIGNATURE,
    STATEMENT,
    ChangedError,
    manifest_complaints,
    unpack,
)
from conformance.verification.replay import ReplayReport, replay_run
from conformance.verification.signing import check_form, check_signature

VERIFIED, CHANGED, INCOMPLETE = 0, 1, 4
_REPLAY: Final = re.compile(r'"replay": "cancel-conformance replay (?P<run>[^"\\]*?) [^ ]+ --target ')
_BROKEN: Final = (KeyError, TypeError, AttributeError, ValueError, IndexError, RecursionError)


@dataclass
class Verification:
    """The result of a verification.

    Attributes:
        faults: what does not follow from the evidence, a sentence each.
        unverified: what cannot be verified, each with the reason.
        checked: the files whose every byte was recomputed.
        result: the run's result as recomputed from its journal.
        rebuilt: how much was replayed.
        digest: the SHA-256 of the journal in hex.
        signed: with which key the bundle is signed, in words; empty if that was not checked.

    """

    faults: list[str] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    result: Result | None = None
    rebuilt: ReplayReport | None = None
    digest: str = ""
    signed: str = ""

    @property
    def exit_code(self) -> int:
        """0 if everything follows, 1 if something does not, 4 if some is unverified."""
        return CHANGED if self.faults else INCOMPLETE if self.unverified else VERIFIED


def verify(path: Path, *, digest: str | None = None, key: Path | None = None) -> Verification:
    """Verify a run.

    Args:
        path: the directory of the run, or its bundle.
        digest: the SHA-256 that the journal must have, as it was printed when the run ended.
        key: a file with the Ed25519 public key whose private key must have signed the bundle.

    Raises:
        FormatError: the path is neither, or of another version.
        SigningError: the key cannot be used.

    """
    if not path.is_file():
        return _Verifier(path, digest, key).run()
    with tempfile.TemporaryDirectory(prefix="cancel-conformance-") as folder:
        try:
            unpack(path, Path(folder))
        except ChangedError as error:
            return Verification([str(error)])
        except JournalError as error:
            raise FormatError(str(error)) from None
        return _Verifier(Path(folder), digest, key).run()


class _Verifier:
    def __init__(self, directory: Path, digest: str | None, key: Path | None) -> None:
        self._directory = directory
        self._expected_digest = digest
        self._key = key
        self._verification = Verification()

    def run(self) -> Verification:
        verification = self._verification
        # Everything that is read stays in memory, so that collecting garbage would take longer than all the rest.
        collecting = gc.isenabled()
        gc.disable()
        try:
            if (self._directory / MANIFEST).exists():
                verification.faults.extend(manifest_complaints(self._directory))
            evidence = read_journal(self._directory)
            verification.digest = evidence.digest
            verification.result = result_of(evidence)
            verification.rebuilt = replay_run(evidence)
            self._compare_claims(evidence, verification.result, verification.rebuilt)
        except EmptyJournalError as error:
            verification.unverified.append(str(error).removesuffix("."))
        except FormatError:
            if not verification.faults:
                raise
        except (JournalError, OracleError) as error:
            verification.faults.append(str(error))
        except _BROKEN as error:
            verification.faults.append(f"a record is not as it should be: {error!r}")
        finally:
            if collecting:
                gc.enable()
        return verification

    def _compare_claims(self, evidence: Evidence, result: Result, rebuilt: ReplayReport) -> None:
        verification = self._verification
        verification.faults.extend(rebuilt.faults)
        verification.unverified.extend(rebuilt.unverified)
        if evidence.truncated:
            verification.unverified.append(
                "the journal's last line was cut off while it was being written, and is not counted"
            )
        if evidence.was_stopped:
            verification.unverified.append(
                "the run was stopped before its end: what it would have shown after its last record is not known"
            )
        if self._expected_digest is not None and self._expected_digest.lower() != evidence.digest:
            verification.faults.append(
                f"the journal's digest is {evidence.digest}, and has to be {self._expected_digest}"
            )
        self._compare_files(REPORTS, report_texts(result), result)
        self._compare_counterexamples(evidence)
        if (self._directory / MANIFEST).exists():
            self._compare_files(CONTEXT, context_texts(result, book_of(evidence)), result)
            self._check_statement(result)
        elif self._key is not None:
            verification.faults.append("there is no signature: only a bundle has one")

    def _compare_files(self, names: tuple[str, ...], texts: dict[str, str], result: Result) -> None:
        """Compare files with their recomputed texts, byte by byte."""
        for name in names:
            path = self._directory / name
            if path.is_file():
                self._compare(name, path.read_bytes(), texts[name].encode(), result)

    def _compare(self, name: str, actual: bytes, expected: bytes, result: Result) -> None:
        if actual == expected:
            self._verification.checked.append(name)
            return
        contradictions = list(complaints(name, actual.decode("utf-8", "replace"), result)) if name in REPORTS else []
        common = _common_bytes(actual, expected)
        if contradictions:
            self._verification.faults.append(f"{name} does not say what the evidence does: {contradictions[0]}")
        elif result.run.tool == __version__:
            self._verification.faults.append(f"{name} is not what the evidence gives: it differs from byte {common} on")
        else:
            self._verification.unverified.append(
                f"{name} was written by version {result.run.tool}: its verdicts are those of the evidence, "
                f"and its other words are not those of version {__version__}"
            )

    def _compare_counterexamples(self, evidence: Evidence) -> None:
        played = {record.id: record.history for record in evidence.of(HistoryRecord)}
        run = evidence.run
        recorded = {record.file: record for record in evidence.of(CounterexampleRecord)}
        for file, record in recorded.items():
            path = self._directory / file
            if not path.is_file():
                self._verification.faults.append(f"{file} is told of in the journal, and is not there")
                continue
            actual = path.read_bytes()
            # The file names the folder of its run in the replay command, and nowhere else.
            match = _REPLAY.search(actual.decode("utf-8", "replace"))
            text = _counterexample_text(run, record, played[record.history], path.name, match["run"] if match else "")
            if actual == text.encode():
                self._verification.checked.append(file)
            else:
                self._verification.faults.append(f"{file} is not the counterexample that the journal tells of")
        for path in sorted((self._directory / FOLDER).glob("*")):
            if f"{FOLDER}/{path.name}" not in recorded and evidence.ended == "complete":
                self._verification.faults.append(
                    f"{FOLDER}/{path.name} is a counterexample that the journal does not tell of"
                )

    def _check_statement(self, result: Result) -> None:
        verification = self._verification
        names = ("journal.jsonl", MANIFEST, *CONTEXT)
        missing = [name for name in (*names, STATEMENT) if not (self._directory / name).is_file()]
        if missing:
            verification.faults.append(f"there is no {', '.join(missing)}")
            return
        digests = {name: hashlib.sha256((self._directory / name).read_bytes()).hexdigest() for name in names}
        statement = (self._directory / STATEMENT).read_bytes()
        expected = statement_text(result, digests, _tested(statement)).encode()
        self._compare(STATEMENT, statement, expected, result)
        if (self._directory / SIGNATURE).is_file():
            self._check_signature((self._directory / SIGNATURE).read_bytes(), statement)
        elif self._key is not None:
            verification.faults.append("the bundle is not signed")

    def _check_signature(self, envelope: bytes, statement: bytes) -> None:
        verification = self._verification
        wrong = check_form(envelope, statement)
        if not wrong and self._key is not None:
            wrong = check_signature(envelope, statement, self._key)
            verification.signed = "" if wrong else f"signed with the key in {self._key}"
        elif not wrong:
            verification.unverified.append("the bundle is signed, and by whom was not looked at: name --public-key")
        if wrong:
            verification.faults.append(f"the signature does not hold: {wrong}")


def _counterexample_text(
    run: RunRecord, record: CounterexampleRecord, history: JsonObject, name: str, folder: str
) -> str:
    """Return the text that a counterexample's file must have in this folder."""
    profile = Profile(record.profile)
    if is_merchant_run(run):
        shop = merchant_history_from_json(history)
        about = MerchantCounterexample(record.rule, record.reason, shop, run.market, run.seed, run.target.name)
        with tempfile.TemporaryDirectory(prefix="cancel-conformance-") as scratch:
            path = Path(scratch) / (folder if folder not in (".", "..") and "/" not in folder else "") / FOLDER / name
            write_merchant_counterexample(path, about)
            return path.read_text(encoding="utf-8")
    example = Counterexample(
        record.rule,
        profile,
        record.reason,
        history_from_json(history),
        Market(run.market),
        Readings.from_json(run.readings),
        run.seed,
        run.target.name,
    )
    return counterexample_text(name, example, folder)


def _common_bytes(first: bytes, second: bytes) -> int:
    """Return the length of the common beginning of two texts."""
    places = (place for place, pair in enumerate(zip(first, second, strict=False)) if pair[0] != pair[1])
    return next(places, min(len(first), len(second)))


def _tested(statement: bytes) -> list[dict[str, Any]]:
    """Return the subjects of a statement that the user described as tested."""
    try:
        subjects = json.loads(statement)["subject"]
        return [{"name": str(subject["name"]), "digest": dict(subject["digest"])} for subject in subjects[:-2]]
    except _BROKEN:
        return []


def lines(verification: Verification) -> Iterator[str]:
    """Yield the result of a verification as lines for a person."""
    result, rebuilt = verification.result, verification.rebuilt
    if verification.faults:
        things = _counted(len(verification.faults), "thing does", "things do")
        yield f"Not verified: {things} not follow from the evidence."
    elif verification.unverified:
        yield "Verified in part: nothing is wrong, and not everything can be told from the evidence."
    else:
        yield "Verified: every judgement and every verdict follows from the recorded exchanges."
    yield from (f"  wrong: {fault}" for fault in _few(verification.faults))
    yield from (f"  not verified: {reason}" for reason in _few(verification.unverified))
    if rebuilt is not None and result is not None:
        fuzzed = f", {_counted(rebuilt.fuzzed, 'fuzzed request')}" if rebuilt.fuzzed else ""
        yield (
            f"Gone through again: {_counted(rebuilt.histories, 'history', 'histories')}, "
            f"{_counted(rebuilt.exchanges, 'exchange')}, {_counted(rebuilt.judgements, 'judgement')}{fuzzed}."
        )
        yield f"The run: {result.verdict.value}. {result.reason}"
    if verification.checked:
        yield f"As the evidence gives them, byte by byte: {', '.join(_few(verification.checked))}."
    if verification.signed:
        yield f"The bundle is {verification.signed}."
    if verification.digest:
        yield f"Digest of the journal: {verification.digest}"


def as_json(verification: Verification) -> dict[str, Any]:
    """Return the result of a verification for a program."""
    result, rebuilt = verification.result, verification.rebuilt
    return {
        "version": 1,
        "verified": ["yes", "no", "in part"][(VERIFIED, CHANGED, INCOMPLETE).index(verification.exit_code)],
        "exit_code": verification.exit_code,
        "faults": verification.faults,
        "unverified": verification.unverified,
        "checked": verification.checked,
        "verdict": None if result is None else result.verdict.value,
        "journal": verification.digest or None,
        "histories": 0 if rebuilt is None else rebuilt.histories,
        "exchanges": 0 if rebuilt is None else rebuilt.exchanges,
        "judgements": 0 if rebuilt is None else rebuilt.judgements,
        "fuzzed": 0 if rebuilt is None else rebuilt.fuzzed,
    }


_MOST: Final = 12


def _few(sentences: list[str]) -> list[str]:
    return sentences if len(sentences) <= _MOST else [*sentences[: _MOST - 1], f"and {len(sentences) - _MOST + 1} more"]


def _counted(number: int, noun: str, nouns: str = "") -> str:
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"
