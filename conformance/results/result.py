"""A run's result, recomputed from its evidence: every number in a report comes through here.

Nothing is carried over from the process that ran the histories. A run's verdict and a report's verdict are the same
function of the same records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from conformance.domain.citation import Citation
from conformance.domain.order import Profile
from conformance.domain.steps import HistoryError
from conformance.evidence.consistency import check_consistency, missing_shards
from conformance.evidence.journal import Evidence, FormatError, JournalError, is_merchant_run
from conformance.evidence.records import (
    AsideRecord,
    CapabilitiesRecord,
    CounterexampleRecord,
    ExchangeRecord,
    FuzzedRecord,
    HistoryRecord,
    JudgementRecord,
    MissedRecord,
    RunRecord,
)
from conformance.evidence.recurrence import REPLAYED, FailureGroup, GroupKey, failure_groups, key_of
from conformance.judging.incidental import QUESTIONS
from conformance.judging.judge import StepStatus
from conformance.judging.rule_verdicts import rule_results
from conformance.judging.run_verdicts import run_verdict
from conformance.judging.verdicts import EXIT_CODES, RuleResult, RuleTally, RunVerdict, Scope
from conformance.results.busy_responses import BusyResponses, busy_responses
from conformance.results.defects import Defect, defects_of, in_order_of
from conformance.results.merchant_audit import check_merchant_run
from conformance.results.partial_runs import apply_focus, fuzzed_rules
from conformance.results.selfcheck import check_oracle
from conformance.results.unexpected import Unexpected, unexpected_in
from conformance.results.waivers import waiver_from_record
from conformance.rulebook import Rulebook, load, load_http_rules, load_obligations

Tallies = dict[tuple[Profile, str], RuleTally]
Counts = dict[tuple[Profile, str], Counter[str]]


@dataclass(frozen=True)
class Result:
    """What a run says, as a pure function of its evidence."""

    evidence: Evidence
    verdict: RunVerdict
    reason: str
    rules: tuple[RuleResult, ...]
    readings: Mapping[tuple[Profile, str], Mapping[str, int]]
    """How often each reading was observed, by profile and switch."""
    noticed: Mapping[tuple[Profile, str], Mapping[str, int]]
    """What was seen of open questions in passing, and how often, by profile and switch."""
    histories: Mapping[Profile, int]
    exchanges: int
    fuzzed: int = 0
    """How many requests of the fuzzer were judged."""
    unexpected: tuple[Unexpected, ...] = ()
    """What was observed and no rule decides, the most frequent first."""
    defects: tuple[Defect, ...] = ()
    """Of a merchant's run: what its violations come from, the plainest first."""

    @property
    def exit_code(self) -> int:
        """The documented exit code."""
        return EXIT_CODES[self.verdict]

    @cached_property
    def run(self) -> RunRecord:
        """The run's own record: target, seed, budget, readings."""
        return self.evidence.run

    @cached_property
    def busy(self) -> BusyResponses:
        """The responses with status 429, and how long they made the run wait."""
        return busy_responses(self.evidence)

    def of(self, profile: Profile) -> tuple[RuleResult, ...]:
        """Return one profile's rules."""
        return tuple(rule for rule in self.rules if rule.profile is profile)


def result_of(evidence: Evidence, rulebook: Rulebook | None = None) -> Result:
    """Reduce the evidence of a run to its result.

    Raises:
        FormatError: the evidence was judged by another rulebook than the one at hand.
        JournalError: it lacks a part, or is not that of one run.
        OracleError: the oracle does not tell right from wrong any more.

    """
    check_oracle()
    try:
        return _result_of(evidence, rulebook or book_of(evidence))
    except HistoryError as error:
        raise JournalError(f"The evidence is not complete: {error}") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise JournalError(f"The evidence is not complete: a record lacks {error}.") from None


def book_of(evidence: Evidence) -> Rulebook:
    """Return the rulebook of a run: the documented rules of a provider's, the obligations of a merchant's."""
    return load_obligations() if is_merchant_run(evidence.run) else load()


def _result_of(evidence: Evidence, book: Rulebook) -> Result:
    run = evidence.run
    if run.rulebook != book.digest:
        raise FormatError(
            "This evidence was judged by another version of the rulebook: "
            f"report it with version {run.tool} of cancel-conformance."
        )
    ended = _ended(evidence)
    (check_merchant_run if is_merchant_run(run) else check_consistency)(evidence, complete=ended is None)
    profiles = {record.id: Profile(record.profile) for record in evidence.of(HistoryRecord)}
    counted = {record.id for record in evidence.of(HistoryRecord) if record.source not in REPLAYED}
    groups = groups_of(evidence)
    once = frozenset(name for name, group in groups.items() if not group.recurs)
    tallies, readings, noticed = _tallied(evidence, profiles, counted, once)
    _explained(evidence, tallies)
    _explain_recurrence(groups, tallies)
    scopes = [_scope(run, record, cut=ended is not None) for record in evidence.of(CapabilitiesRecord)]
    waivers = _waivers(run, book)
    rules = apply_focus(run.focus, rule_results(book, scopes, tallies, waivers))
    rules += fuzzed_rules(evidence, scopes, waivers)
    defects = defects_of(evidence, rules) if is_merchant_run(run) else ()
    if defects:
        rules = in_order_of(defects, rules)
    partial = partial_note(run)
    verdict, reason = run_verdict(rules, ended, waivers, partial)
    histories = Counter(profile for name, profile in profiles.items() if name in counted)
    exchanges = sum(isinstance(record, ExchangeRecord | FuzzedRecord | AsideRecord) for record in evidence.records)
    fuzzed = sum(1 for _ in evidence.of(FuzzedRecord))
    unexpected = () if is_merchant_run(run) else unexpected_in(evidence, groups)
    return Result(
        evidence, verdict, reason, rules, readings, noticed, histories, exchanges, fuzzed, unexpected, defects
    )


def partial_note(run: RunRecord) -> str:
    """Say why a run is a part of one only, or nothing where it is a whole one."""
    shard = run.shard
    if shard is not None:
        return f"This is shard {shard.number} of {shard.of}: merge all of them for a verdict."
    missing = missing_shards(run)
    if run.merged is None or not missing:
        return ""
    named = ", ".join(map(str, missing))
    return f"{'Shard' if len(missing) == 1 else 'Shards'} {named} of {run.merged.of} missing: nothing is claimed."


def groups_of(evidence: Evidence) -> Mapping[GroupKey, FailureGroup]:
    """Return what each failure of a run shows, by its group; nothing where every violation counts.

    Every violation counts in a merchant's run, in one of an earlier version, and where nothing can be played again.
    """
    return failure_groups(evidence.records) if evidence.run.confirms else {}


def _tallied(
    evidence: Evidence, profiles: Mapping[str, Profile], counted: set[str], once: frozenset[GroupKey]
) -> tuple[Tallies, Counts, Counts]:
    tallies: Tallies = {}
    readings: Counts = {}
    noticed: Counts = {}
    for record in evidence.of(JudgementRecord):
        name = record.history
        if name not in counted or record.superseded:
            continue
        profile = profiles[name]
        _tally(record, profile, tallies, once)
        for switch, choice in record.readings.items():
            readings.setdefault((profile, switch), Counter())[choice] += 1
        for name, observation in record.noticed.items():
            if name in QUESTIONS:
                noticed.setdefault((profile, name), Counter())[observation] += 1
            else:
                _of(tallies, profile, name).records[observation] += 1
    for missed in evidence.of(MissedRecord):
        for rule in missed.rules:
            _of(tallies, profiles[missed.history], rule).missed[missed.cause] += 1
    return tallies, readings, noticed


def _of(tallies: Tallies, profile: Profile, text: str) -> RuleTally:
    return tallies.setdefault((profile, Citation.parse(text).rule), RuleTally())


def _tally(record: JudgementRecord, profile: Profile, tallies: Tallies, once: frozenset[GroupKey]) -> None:
    status = StepStatus(record.status)
    if status is StepStatus.VIOLATES:
        for finding in record.findings:
            if finding.follows:
                continue
            tally = _of(tallies, profile, finding.rule)
            if key_of(profile.value, finding) in once:
                tally.inconclusive += 1
                continue
            tally.violations += 1
            tally.reason = tally.reason or finding.reason
    if status is StepStatus.INCONCLUSIVE:
        for rule in dict.fromkeys(Citation.parse(example).rule for example in record.examples):
            tally = _of(tallies, profile, rule)
            tally.inconclusive += 1
            tally.causes[record.cause] += 1
        return
    for rule in record.examples:
        _of(tallies, profile, rule).examples[rule] += 1
    for rule in record.records:
        _of(tallies, profile, rule).records[record.seen] += 1


def _explained(evidence: Evidence, tallies: Tallies) -> None:
    # The shrunk history explains a violation better than the first one that showed it, and the shortest one best.
    explained: set[tuple[Profile, str]] = set()
    blamed: dict[str, list[str]] = {}
    for judgement in evidence.of(JudgementRecord):
        if judgement.status == StepStatus.VIOLATES:
            blamed.setdefault(judgement.history, []).extend(finding.rule for finding in judgement.findings)
    for record in sorted(evidence.of(CounterexampleRecord), key=lambda record: record.steps):
        key = (Profile(record.profile), record.rule)
        if key in tallies and key not in explained:
            explained.add(key)
            tallies[key].reason = record.reason
            tallies[key].counterexample = record.file
            if not is_merchant_run(evidence.run):
                # The rule with the shortest counterexample comes nearest to the defect. A merchant's are ranked with
                # their defects.
                tallies[key].rank = (record.steps, blamed[record.history].index(record.rule))


def _explain_recurrence(groups: Mapping[GroupKey, FailureGroup], tallies: Tallies) -> None:
    """Say of a violation that it occurs now and then, and of what was violated once, what was observed then."""
    steady = {name[:2] for name, group in groups.items() if group.recurs and not group.is_intermittent}
    rates: dict[tuple[str, str], FailureGroup] = {}
    for (profile, rule, _), group in groups.items():
        tally = tallies.get((Profile(profile), rule))
        if tally is not None and not group.recurs:
            tally.once = tally.once or group.both_observations
        elif group.is_intermittent and (profile, rule) not in steady:
            most = rates.setdefault((profile, rule), group)
            rates[profile, rule] = max(most, group, key=lambda each: len(each.sightings))
    for (profile, rule), group in rates.items():
        tally = _of(tallies, Profile(profile), rule)
        tally.reason = f"{tally.reason} ({group.rate})"


def _scope(run: RunRecord, record: CapabilitiesRecord, *, cut: bool) -> Scope:
    offered = frozenset(record.offered)
    return Scope(
        Profile(record.profile),
        offered,
        wire=run.target.wire,
        merchant=is_merchant_run(run),
        strict=bool(run.strict),
        cut=cut,
    )


def _waivers(run: RunRecord, book: Rulebook) -> dict[str, str]:
    waivers = {waiver.rule: waiver.reason for waiver in run.waivers}
    known = {rule.id for rule in (*book.rules, *load_http_rules().rules)}
    unfounded = [rule for rule, reason in waivers.items() if not reason or rule not in known]
    if unfounded or len(waivers) != len(run.waivers):
        raise JournalError("The evidence waives a rule that does not exist, or twice, or for no reason.")
    try:
        limited = [waiver for waiver in map(waiver_from_record, run.waivers) if waiver.until is not None]
        ended = [waiver.rule for waiver in limited if not waiver.holds(date.fromisoformat(run.started[:10]))]
    except ValueError:
        raise JournalError("The evidence has a waiver, or a date of its run, that cannot be read.") from None
    if ended:
        raise JournalError(f"The evidence waives {ended[0]}, and its waiver had ended when the run began.")
    return waivers


def _ended(evidence: Evidence) -> RunVerdict | None:
    return {
        "complete": None,
        "environment": RunVerdict.ENVIRONMENT,
        "harness": RunVerdict.HARNESS,
    }.get(evidence.ended, RunVerdict.INTERRUPTED)
