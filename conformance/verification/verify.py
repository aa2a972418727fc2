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
from collections.abc import Iterator, Sequence
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
from conformance.evidence.records import CapabilitiesRecord, CounterexampleRecord, HistoryRecord, RunRecord
from conformance.judging.judge import OracleError
from conformance.obligations.history import merchant_history_from_json
from conformance.reports import report_texts
from conformance.reports.agreement import complaints
from conformance.reports.formats.statement import context_texts, statement_text
from conformance.results.merchant_counterexamples import MerchantCounterexample, write_merchant_counterexample
from conformance.results.result import Result, book_of, result_of
from conformance.rulebook import Readings
from conformance.verification.attestation import check_attestations
from conformance.verification.bundle import (
    CONTEXT,
    MANIFEST,
    REPORTS,
    SIGNATURE,
    STATEMENT,
    ChangedError,
    content_of,
    manifest_complaints,
    unpack,
)
from conformance.verification.plans import check_plan
from conformance.verification.replanning import PlanReport
from conformance.verification.replay import ReplayReport, replay_run
from conformance.verification.signing import PublicKeys, payload_of

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
        plan: how the histories compare with the plan.
        attested_by: the fingerprints of the keys that vouch for the run, each with what it signed; empty if none that
            was named does.
        attested: what is attested beside the evidence, in words.

    """

    faults: list[str] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    result: Result | None = None
    rebuilt: ReplayReport | None = None
    digest: str = ""
    plan: PlanReport = field(default_factory=PlanReport)
    attested_by: dict[str, str] = field(default_factory=dict)
    attested: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 if everything follows, 1 if something does not, 4 if some is unverified."""
        return CHANGED if self.faults else INCOMPLETE if self.unverified else VERIFIED


def verify(
    path: Path, *, digest: str | None = None, keys: Sequence[Path] = (), require_attestation: bool = False
) -> Verification:
    """Verify a run.

    Args:
        path: the directory of the run, or its bundle.
        digest: the SHA-256 that the journal must have, as it was printed when the run ended.
        keys: files with Ed25519 public keys: each signature must have been made with one of them.
        require_attestation: whether what evidence cannot show (the target's name, the time, waivers, declarations) is
            unverified unless one of these keys vouches for it.

    Raises:
        FormatError: the path is neither, or of another version.
        SigningError: the key cannot be used.

    """
    asked = _Asked(digest, PublicKeys(keys), require_attestation)
    if not path.is_file():
        return _Verifier(path, asked).run()
    with tempfile.TemporaryDirectory(prefix="cancel-conformance-") as folder:
        try:
            unpack(path, Path(folder))
        except ChangedError as error:
            return Verification([str(error)])
        except JournalError as error:
            raise FormatError(str(error)) from None
        return _Verifier(Path(folder), asked).run()


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a run must agree with, as `verify` is asked."""

    digest: str | None
    keys: PublicKeys
    require_attestation: bool


class _Verifier:
    def __init__(self, directory: Path, asked: _Asked) -> None:
        self._directory = directory
        self._asked = asked
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
            verification.plan = check_plan(evidence, verification.rebuilt.session)
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
        verification.faults.extend(verification.plan.faults)
        verification.unverified.extend(verification.plan.unverified)
        if evidence.truncated:
            verification.unverified.append(
                "the journal's last line was cut off while it was being written, and is not counted"
            )
        if evidence.was_stopped:
            verification.unverified.append(
                "the run was stopped before its end: what it would have shown after its last record is not known"
            )
        wanted = self._asked.digest
        if wanted is not None and wanted.lower() != evidence.digest:
            verification.faults.append(f"the journal's digest is {evidence.digest}, and has to be {wanted}")
        self._compare_files(REPORTS, report_texts(result), result)
        self._compare_counterexamples(evidence)
        if (self._directory / MANIFEST).exists():
            self._compare_files(CONTEXT, context_texts(result, book_of(evidence)), result)
            self._check_statement(result)
        self._check_attestations(evidence)

    def _compare_files(self, names: tuple[str, ...], texts: dict[str, str], result: Result) -> None:
        """Compare files with their recomputed texts, byte by byte."""
        for name in names:
            path = self._directory / name
            if path.is_file():
                self._compare(name, content_of(path), texts[name].encode(), result)

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
                self._verification.faults.append(f"{file} is listed in the journal but missing")
                continue
            actual = content_of(path)
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
                    f"{FOLDER}/{path.name} is a counterexample that is not listed in the journal"
                )

    def _check_statement(self, result: Result) -> None:
        verification = self._verification
        names = ("journal.jsonl", MANIFEST, *CONTEXT)
        missing = [name for name in (*names, STATEMENT) if not (self._directory / name).is_file()]
        if missing:
            verification.faults.append(f"there is no {', '.join(missing)}")
            return
        digests = {name: hashlib.sha256(content_of(self._directory / name)).hexdigest() for name in names}
        statement = content_of(self._directory / STATEMENT)
        expected = statement_text(result, digests, _tested(statement)).encode()
        self._compare(STATEMENT, statement, expected, result)
        if (self._directory / SIGNATURE).is_file():
            self._check_signature(content_of(self._directory / SIGNATURE), statement)

    def _check_signature(self, envelope: bytes, statement: bytes) -> None:
        """Check the signature of a bundle's statement."""
        verification, keys = self._verification, self._asked.keys
        try:
            signer, signed = keys.signer(envelope), payload_of(envelope)
        except ValueError as error:
            verification.faults.append(f"the signature does not hold: {error}")
            return
        if signed != statement:
            verification.faults.append(
                "the signature does not hold: it is about another statement than the one beside it"
            )
        elif signer:
            verification.attested_by[signer] = "the bundle"
        elif keys:
            verification.faults.append(
                "the signature does not hold: it was not made with a key that was named, or something else was signed"
            )
        else:
            verification.unverified.append("the bundle’s signature was not checked: name the key with --public-key")

    def _check_attestations(self, evidence: Evidence) -> None:
        """Check who vouches for the run."""
        verification = self._verification
        report = check_attestations(self._directory, evidence, self._asked.keys)
        verification.faults.extend(report.faults)
        verification.unverified.extend(report.unverified)
        verification.attested = report.facts
        if report.signer:
            verification.attested_by[report.signer] = "the run"
        signed = report.present or (self._directory / SIGNATURE).is_file()
        if self._asked.keys and not signed:
            verification.faults.append("there is no signature: neither the run nor a bundle of it was signed")
        if self._asked.require_attestation and not verification.attested_by:
            verification.unverified.append(f"{_attestable(evidence)}: attested by nobody whose --public-key was named")


def _attestable(evidence: Evidence) -> str:
    """Return what evidence cannot show and a key can vouch for, in a few words."""
    run = evidence.run
    waivers = f"its {_counted(len(run.waivers), 'waiver')}" if run.waivers else "that there was no waiver"
    declared = any(record.declared for record in evidence.of(CapabilitiesRecord))
    declarations = "its declarations" if declared else "that nothing was declared"
    return f"the target’s name, when the run was made, {waivers} and {declarations}"


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
    """Yield the result of a verification as lines for a person; the first one is the verdict."""
    result, rebuilt = verification.result, verification.rebuilt
    yield _verdict_line(verification)
    yield from (f"  wrong: {fault}" for fault in _few(verification.faults))
    yield from (f"  not verified: {reason}" for reason in _few(verification.unverified))
    if rebuilt is not None and result is not None:
        fuzzed = f", {_counted(rebuilt.fuzzed, 'fuzzed request')}" if rebuilt.fuzzed else ""
        yield (
            f"Recomputed: {_counted(rebuilt.histories, 'history', 'histories')}, "
            f"{_counted(rebuilt.exchanges, 'exchange')}, {_counted(rebuilt.judgements, 'judgement')}{fuzzed}; "
            f"compared with the plan: {_counted(verification.plan.compared, 'history', 'histories')}."
        )
        yield f"The run: {result.verdict.value}. {result.reason}"
        yield from _attested_lines(verification, result)
    if verification.checked:
        yield f"As the evidence gives them, byte by byte: {', '.join(_few(verification.checked))}."
    if verification.digest:
        yield f"SHA-256 of the journal: {verification.digest}"


def _verdict_line(verification: Verification) -> str:
    """Return the verdict, with what evidence cannot show: who responded, and when."""
    state = "Consistent with its evidence"
    if verification.faults:
        things = _counted(len(verification.faults), "thing does", "things do")
        state = f"Not consistent with its evidence: {things} not follow from it"
    elif verification.unverified:
        state = f"Consistent with its evidence in part: {_counted(len(verification.unverified), 'thing')} not verified"
    keys = ", ".join(f"key {fingerprint[:_FINGERPRINT]}" for fingerprint in verification.attested_by)
    plan = f"; the plan was not made again: {verification.plan.not_made}" if verification.plan.not_made else ""
    return f"{state}; who responded, and when, is attested by: {keys or 'nobody'}{plan}."


def _attested_lines(verification: Verification, result: Result) -> Iterator[str]:
    """Yield what the run says of itself that evidence cannot show, and who vouches for it."""
    run = result.run
    claims = [f"the target {run.target.name}", f"its beginning {run.started}"]
    claims += [f"{_counted(len(run.waivers), 'waiver')} ({', '.join(waiver.rule for waiver in run.waivers)})"] * bool(
        run.waivers
    )
    declared = {name for record in result.evidence.of(CapabilitiesRecord) for name in record.declared}
    claims += [f"the declarations {', '.join(sorted(declared))}"] * bool(declared)
    for fingerprint, what in verification.attested_by.items():
        facts = f" ({'; '.join(verification.attested)})" if what == "the run" and verification.attested else ""
        yield f"Attested by key {fingerprint}, which signed {what}{facts}: {', '.join(claims)}."
    if not verification.attested_by:
        yield f"Attested by nobody: {', '.join(claims)}."


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
        "attested_by": list(verification.attested_by),
        "attested": verification.attested,
        "plan": {"made_again": not verification.plan.not_made, "histories": verification.plan.compared},
        "verdict": None if result is None else result.verdict.value,
        "journal": verification.digest or None,
        "histories": 0 if rebuilt is None else rebuilt.histories,
        "exchanges": 0 if rebuilt is None else rebuilt.exchanges,
        "judgements": 0 if rebuilt is None else rebuilt.judgements,
        "fuzzed": 0 if rebuilt is None else rebuilt.fuzzed,
    }


_MOST: Final = 12
_FINGERPRINT: Final = 16
"""Digits of a key's fingerprint that the verdict shows."""


def _few(sentences: list[str]) -> list[str]:
    return sentences if len(sentences) <= _MOST else [*sentences[: _MOST - 1], f"and {len(sentences) - _MOST + 1} more"]


def _counted(number: int, noun: str, nouns: str = "") -> str:
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"
