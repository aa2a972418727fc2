"""Verifying a run: its judgements rebuilt from the exchanges, and everything that was claimed held against them.

Nothing here speaks to a network. What the evidence cannot show is named with the reason, and never passed over.
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
from conformance.evidence.journal import Evidence, FormatError, JournalError, Record, is_merchant_run, read_journal
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
from conformance.verification.signing import check, check_form

VERIFIED, CHANGED, INCOMPLETE = 0, 1, 4
_REPLAY: Final = re.compile(r'"replay": "cancel-conformance replay (?P<run>[^"\\]*?) [^ ]+ --target ')
_BROKEN: Final = (KeyError, TypeError, AttributeError, ValueError, IndexError, RecursionError)


@dataclass
class Verification:
    """What came of it. ``faults`` do not follow from the evidence; ``unverified`` cannot be told, for a reason."""

    faults: list[str] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    """The files whose every byte was accounted for."""
    result: Result | None = None
    rebuilt: ReplayReport | None = None
    digest: str = ""
    signed: str = ""

    @property
    def exit_code(self) -> int:
        """0 where everything follows, 1 where something does not, 4 where something cannot be told."""
        return CHANGED if self.faults else INCOMPLETE if self.unverified else VERIFIED


def verify(path: Path, *, digest: str | None = None, key: Path | None = None) -> Verification:
    """Verify the directory of a run, or a bundle.

    Args:
        path: the directory or the file.
        digest: what the journal's digest has to be, as it was told when the run ended.
        key: a file with the Ed25519 public key that a bundle must be signed with.

    Raises:
        FormatError: it is neither, or of another version.
        SigningError: the key cannot be used.

    """
    if not path.is_file():
        return _Verifying(path, digest, key).everything()
    with tempfile.TemporaryDirectory(prefix="cancel-conformance-") as folder:
        try:
            unpack(path, Path(folder))
        except ChangedError as error:
            return Verification([str(error)])
        except JournalError as error:
            raise FormatError(str(error)) from None
        return _Verifying(Path(folder), digest, key).everything()


class _Verifying:
    def __init__(self, directory: Path, digest: str | None, key: Path | None) -> None:
        self._directory = directory
        self._wanted = digest
        self._key = key
        self._out = Verification()

    def everything(self) -> Verification:
        out = self._out
        # What is read stays: looking through it again and again for garbage would take longer than all the rest.
        collecting = gc.isenabled()
        gc.disable()
        try:
            if (self._directory / MANIFEST).exists():
                out.faults.extend(manifest_complaints(self._directory))
            evidence = read_journal(self._directory)
            out.digest = evidence.digest
            out.result = result_of(evidence)
            out.rebuilt = replay_run(evidence)
            self._claims(evidence, out.result, out.rebuilt)
        except FormatError:
            if not out.faults:
                raise
        except (JournalError, OracleError) as error:
            out.faults.append(str(error))
        except _BROKEN as error:
            out.faults.append(f"a record is not as it should be: {error!r}")
        finally:
            if collecting:
                gc.enable()
        return out

    def _claims(self, evidence: Evidence, result: Result, rebuilt: ReplayReport) -> None:
        out = self._out
        out.faults.extend(rebuilt.faults)
        out.unverified.extend(rebuilt.unverified)
        if evidence.truncated:
            out.unverified.append("the journal's last line was cut off while it was being written, and is not counted")
        if self._wanted is not None and self._wanted.lower() != evidence.digest:
            out.faults.append(f"the journal's digest is {evidence.digest}, and has to be {self._wanted}")
        self._files(REPORTS, report_texts(result), result)
        self._counterexamples(evidence)
        if (self._directory / MANIFEST).exists():
            self._files(CONTEXT, context_texts(result, book_of(evidence)), result)
            self._statement(result)
        elif self._key is not None:
            out.faults.append("there is no signature: only a bundle has one")

    def _files(self, names: tuple[str, ...], texts: dict[str, str], result: Result) -> None:
        """Compare files with what they have to be, byte by byte."""
        for name in names:
            path = self._directory / name
            if path.is_file():
                self._compare(name, path.read_bytes(), texts[name].encode(), result)

    def _compare(self, name: str, there: bytes, expected: bytes, result: Result) -> None:
        if there == expected:
            self._out.checked.append(name)
            return
        contradictions = list(complaints(name, there.decode("utf-8", "replace"), result)) if name in REPORTS else []
        same = _same(there, expected)
        if contradictions:
            self._out.faults.append(f"{name} does not say what the evidence does: {contradictions[0]}")
        elif result.run["tool"] == __version__:
            self._out.faults.append(f"{name} is not what the evidence gives: it differs from byte {same} on")
        else:
            self._out.unverified.append(
                f"{name} was written by version {result.run['tool']}: its verdicts are those of the evidence, "
                f"and its other words are not those of version {__version__}"
            )

    def _counterexamples(self, evidence: Evidence) -> None:
        played = {record["id"]: record["history"] for record in evidence.of_kind("history")}
        run = evidence.records[0]
        recorded = {record["file"]: record for record in evidence.of_kind("counterexample")}
        for file, record in recorded.items():
            path = self._directory / file
            if not path.is_file():
                self._out.faults.append(f"{file} is told of in the journal, and is not there")
                continue
            there = path.read_bytes()
            # The folder's name at the time stands in the line that plays it again, and nowhere else.
            match = _REPLAY.search(there.decode("utf-8", "replace"))
            text = _counterexample_text(
                run, record, played[record["history"]], path.name, match["run"] if match else ""
            )
            if there == text.encode():
                self._out.checked.append(file)
            else:
                self._out.faults.append(f"{file} is not the counterexample that the journal tells of")
        for path in sorted((self._directory / FOLDER).glob("*")):
            if f"{FOLDER}/{path.name}" not in recorded and evidence.records[-1].get("ended") == "complete":
                self._out.faults.append(f"{FOLDER}/{path.name} is a counterexample that the journal does not tell of")

    def _statement(self, result: Result) -> None:
        out = self._out
        names = ("journal.jsonl", MANIFEST, *CONTEXT)
        missing = [name for name in (*names, STATEMENT) if not (self._directory / name).is_file()]
        if missing:
            out.faults.append(f"there is no {', '.join(missing)}")
            return
        digests = {name: hashlib.sha256((self._directory / name).read_bytes()).hexdigest() for name in names}
        there = (self._directory / STATEMENT).read_bytes()
        expected = statement_text(result, digests, _tested(there)).encode()
        self._compare(STATEMENT, there, expected, result)
        signature = self._directory / SIGNATURE
        if not signature.is_file():
            if self._key is not None:
                out.faults.append("the bundle is not signed")
            return
        wrong = check_form(signature.read_bytes(), there)
        if not wrong and self._key is not None:
            wrong = check(signature.read_bytes(), there, self._key)
            out.signed = "" if wrong else f"signed with the key in {self._key}"
        elif not wrong:
            out.unverified.append("the bundle is signed, and by whom was not looked at: name --public-key")
        if wrong:
            out.faults.append(f"the signature does not hold: {wrong}")


def _counterexample_text(run: Record, record: Record, history: Any, name: str, folder: str) -> str:
    """Return what a counterexample's file has to be, if the run's folder was called so."""
    profile = Profile(record["profile"])
    if is_merchant_run(run):
        shop = merchant_history_from_json(history)
        about = MerchantCounterexample(
            record["rule"], record["reason"], shop, run["market"], run["seed"], run["target"]["name"]
        )
        with tempfile.TemporaryDirectory(prefix="cancel-conformance-") as scratch:
            path = Path(scratch) / (folder if folder not in (".", "..") and "/" not in folder else "") / FOLDER / name
            write_merchant_counterexample(path, about)
            return path.read_text(encoding="utf-8")
    example = Counterexample(
        record["rule"],
        profile,
        record["reason"],
        history_from_json(history),
        Market(run["market"]),
        Readings.from_json(run["readings"]),
        run["seed"],
        run["target"]["name"],
    )
    return counterexample_text(name, example, folder)


def _same(first: bytes, other: bytes) -> int:
    """Return how many bytes are the same before the first that is not."""
    places = (place for place, pair in enumerate(zip(first, other, strict=False)) if pair[0] != pair[1])
    return next(places, min(len(first), len(other)))


def _tested(statement: bytes) -> list[dict[str, Any]]:
    """Return the subjects of a statement that are not the evidence: what was tested, as the user said."""
    try:
        subjects = json.loads(statement)["subject"]
        return [{"name": str(subject["name"]), "digest": dict(subject["digest"])} for subject in subjects[:-2]]
    except _BROKEN:
        return []


def lines(verification: Verification) -> Iterator[str]:
    """Say what came of it, for a person."""
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
    """Return what came of it, for a program."""
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
