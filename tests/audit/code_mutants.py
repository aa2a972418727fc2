"""Mutants of the code that plans, plays, judges, reduces and reports: each patches one joint."""

from __future__ import annotations

import dataclasses
import re

from msgspec import structs

import conformance.results.result as reduction
from conformance import reports
from conformance.domain.steps import Cancel, History, parts_of
from conformance.evidence.journal import Journal
from conformance.evidence.records import CounterexampleRecord, JudgementRecord
from conformance.judging import judge as judging_step
from conformance.judging import rule_verdicts, run_verdicts, tracker
from conformance.judging.judge import Judgement, StepStatus
from conformance.judging.tracker import Tracker
from conformance.judging.verdicts import EXIT_CODES, RuleVerdict, RunVerdict
from conformance.results.result import Result
from conformance.rulebook import Rulebook
from conformance.runner import trial
from conformance.runner.executor import CaseExecutor
from conformance.runner.shrinking import FailureShrinker, Shrinker
from conformance.runner.trial import TrialResult, TrialStatus

from . import stage
from .mutants import Mutants

MUTANTS = Mutants()
REDUCTION = Mutants()
"""Of the reduction: no run notices them, and the property about it does."""
caught = MUTANTS.caught
caught_by_property = REDUCTION.caught(0, "")
FAULT = "The suite itself failed"
BLIND = "does not tell right from wrong any more"


# The plan


@caught(4, "not exercised")
def plan_without_what_shows_the_fault(patch):
    """No history with a cancel is planned."""

    made = stage.planned

    def planned(*place, **options):
        steps = (
            (one, [part for step in one.history.steps for part in parts_of(step)]) for one in made(*place, **options)
        )
        return [one for one, parts in steps if not any(isinstance(part, Cancel) for part in parts)]

    patch.setattr("conformance.runner.schedule.plan_cases", planned)


@caught(4, "no history was played, so nothing was tested")
def empty_campaign(patch):
    """Nothing is planned."""
    patch.setattr("conformance.runner.schedule.plan_cases", lambda *_, **__: [])


@caught(5, "was planned and not played")
def half_of_the_plan_is_forgotten(patch):
    """Every second history is passed over."""
    play = CaseExecutor.run_case

    async def some(self, numbered, worker):
        if int(numbered.identifier[-1]) % 2:
            await play(self, numbered, worker)

    patch.setattr(CaseExecutor, "run_case", some)


@caught(5, "is not what was planned")
def easier_histories_are_played(patch):
    """The last step of every history is left out before it is played."""
    play = CaseExecutor.play

    async def easier(self, one, *place, **options):
        history = one.history
        shorter = History(history.profile, history.opening, history.steps[:-1])
        return await play(self, dataclasses.replace(one, history=shorter), *place, **options)

    patch.setattr(CaseExecutor, "play", easier)


# The trial


@caught(5, "was not judged to its end")
def violation_not_noted(patch):
    """A violation is found and not written down."""
    append = Journal.append

    def forgetful(self, record):
        if not isinstance(record, JudgementRecord) or record.status != "violates":
            append(self, record)

    patch.setattr(Journal, "append", forgetful)


@caught(5, "are not those of its steps, one after the other", provider="right")
def step_not_noted(patch):
    """The judgement of every history's second step is not written down."""
    append = Journal.append

    def forgetful(self, record):
        if not isinstance(record, JudgementRecord) or record.step != 1:
            append(self, record)

    patch.setattr(Journal, "append", forgetful)


@caught(5, "ValueError: it cannot be judged")
def judging_raises(patch):
    """An exception is raised while a cancel is judged."""

    def raising(*_):
        raise ValueError("it cannot be judged")

    judged_in_trial(patch, raising)


@caught(5, "was not judged to its end")
def exception_in_judging_is_swallowed(patch):
    """Whoever plays takes a trial that raised for one that conforms."""
    play = trial.run_trial

    async def swallowing(history, driver, context, note, elsewhere):
        def raising(step, do, observed, judgement, expectation, **more):
            if judgement.status is StepStatus.VIOLATES:
                raise ValueError("it cannot be judged")
            note(step, do, observed, judgement, expectation, **more)

        try:
            return await play(history, driver, context, raising, elsewhere)
        except ValueError:
            return TrialResult()

    patch.setattr("conformance.runner.executor.run_trial", swallowing)


@caught(5, "was not judged to its end")
def trial_stops_before_the_cancel(patch):
    """A trial ends before the first cancel, and says that all is well."""
    play = trial.run_trial

    async def short(history, *place):
        kept = []
        for step in history.steps:
            if isinstance(step, Cancel):
                break
            kept.append(step)
        return await play(History(history.profile, history.opening, tuple(kept)), *place)

    patch.setattr("conformance.runner.executor.run_trial", short)


@caught(1, "INV-10 (epayment) is violated", provider="right")
def order_not_read_back(patch):
    """A trial does not read the order back after a step."""

    async def blind(step, driver, tracker):
        return await driver.perform(step)

    patch.setattr(trial, "_observe", blind)


def judging(status, **changes):
    """Return a judge that takes every violation for something else."""
    judge = judging_step.judge

    def mild(expectation, observed):
        judgement, left = judge(expectation, observed)
        if judgement.status is not StepStatus.VIOLATES:
            return judgement, left
        left = expectation.branches[:1]
        return Judgement(status, tuple(one.name for one in left), left[0].rules, **changes), left

    return mild


def judged_in_trial(patch, judge):
    """Let trials judge in another way, and nobody else."""

    class Misjudging(Tracker):
        def compare(self, step, observation):
            with stage.patched(tracker, "judge", judge):
                return super().compare(step, observation)

        def observe(self, step, observation):
            with stage.patched(tracker, "judge", judge):
                return super().observe(step, observation)

    patch.setattr(trial, "Tracker", Misjudging)


@caught(5, "was not judged by its rules")
def trial_takes_a_violation_for_conformance(patch):
    """A trial says of a step that breaks a rule that it conforms."""
    judged_in_trial(patch, judging(StepStatus.CONFORMS))


@caught(5, "was not judged by its rules")
def trial_takes_a_violation_for_something_to_record(patch):
    """A trial says of a step that breaks a rule that the documentation is silent about it."""
    judged_in_trial(patch, judging(StepStatus.RECORDED))


@caught(5, "was not judged by its rules")
def trial_takes_a_violation_for_an_open_answer(patch):
    """A trial says of a step that breaks a rule that it proves nothing."""
    judged_in_trial(patch, judging(StepStatus.INCONCLUSIVE, cause="no answer"))


@caught(5, "was not judged by its rules")
def claims_about_the_read_back_are_dropped(patch):
    """A trial judges the answer, and nothing that was read afterwards."""
    judge = judging_step.judge

    def answers_only(expectation, observed):
        branches = tuple(
            dataclasses.replace(one, claims=tuple(claim for claim in one.claims if claim.field.startswith("answer.")))
            for one in expectation.branches
        )
        return judge(dataclasses.replace(expectation, branches=branches), observed)

    judged_in_trial(patch, answers_only)


# The verdict


@caught(5, BLIND)
def judge_takes_a_violation_for_conformance(patch):
    """The judge knows no violations."""
    stage.everywhere(patch, "conformance.judging.judge", "judge", judging(StepStatus.CONFORMS))


@caught(5, BLIND)
def judge_takes_a_violation_for_an_open_answer(patch):
    """The judge takes every violation for an answer that proves nothing."""
    stage.everywhere(patch, "conformance.judging.judge", "judge", judging(StepStatus.INCONCLUSIVE, cause="no answer"))


@caught(5, BLIND)
def model_permits_anything(patch):
    """The model permits whatever is observed."""
    expect = tracker.expect

    def anything(possible, step, context):
        expectation = expect(possible, step, context)
        branches = tuple(dataclasses.replace(one, claims=()) for one in expectation.branches)
        return dataclasses.replace(expectation, branches=branches)

    stage.everywhere(patch, "conformance.model", "expect", anything)


def reducing(wrong, right):
    """Return a reduction that takes one verdict for another."""
    rule_verdict = rule_verdicts.rule_verdict

    def mild(*place):
        one = rule_verdict(*place)
        return dataclasses.replace(one, verdict=right) if one.verdict is wrong else one

    return mild


@caught_by_property
def skip_counts_as_a_pass(patch):
    """A rule that was not exercised has passed."""
    stage.everywhere(
        patch,
        "conformance.judging.rule_verdicts",
        "rule_verdict",
        reducing(RuleVerdict.NOT_EXERCISED, RuleVerdict.PASSED),
    )


@caught_by_property
def thin_counts_as_a_pass(patch):
    """A rule with too few examples has passed."""
    stage.everywhere(
        patch, "conformance.judging.rule_verdicts", "rule_verdict", reducing(RuleVerdict.THIN, RuleVerdict.PASSED)
    )


@caught_by_property
def violated_counts_as_recorded(patch):
    """A rule that was violated is recorded."""
    stage.everywhere(
        patch, "conformance.judging.rule_verdicts", "rule_verdict", reducing(RuleVerdict.VIOLATED, RuleVerdict.RECORDED)
    )


@caught_by_property
def one_example_is_enough(patch):
    """A rule passes with one example."""
    patch.setattr(rule_verdicts, "CHECKS_NEEDED", 1)


@caught_by_property
def sides_exchanged(patch):
    """The examples of one side of a boundary are counted on the other."""
    rule_verdict = rule_verdicts.rule_verdict

    def exchanged(*place):
        one = rule_verdict(*place)
        return dataclasses.replace(one, sides=dict(zip(one.sides, reversed(one.sides.values()), strict=True)))

    stage.everywhere(patch, "conformance.judging.rule_verdicts", "rule_verdict", exchanged)


@caught(5, BLIND)
def empty_run_is_conformant(patch):
    """Where nothing holds a run back, it is conformant."""
    run_verdict = run_verdicts.run_verdict

    def mild(results, *place):
        listed = list(results)
        return run_verdict(listed, *place) if listed else (RunVerdict.CONFORMANT, "")

    stage.everywhere(patch, "conformance.judging.run_verdicts", "run_verdict", mild)


@caught_by_property
def broken_off_run_is_judged_by_what_it_saw(patch):
    """How a run ended is not asked."""
    run_verdict = run_verdicts.run_verdict
    stage.everywhere(patch, "conformance.judging.run_verdicts", "run_verdict", lambda results, *_: run_verdict(results))


@caught_by_property
def violated_exits_with_nothing(patch):
    """A run that is not conformant exits with 0."""
    codes = {**EXIT_CODES, RunVerdict.NOT_CONFORMANT: 0}
    stage.everywhere(patch, "conformance.judging.verdicts", "EXIT_CODES", codes)


# The result


@caught_by_property
def rulebook_loses_a_rule(patch):
    """One of the violated rules governs no API any more."""
    governing = Rulebook.governing
    patch.setattr(
        Rulebook, "governing", lambda self, profile: tuple(one for one in governing(self, profile) if one.id != "EP-05")
    )


@caught_by_property
def reduction_loses_a_rule(patch):
    """One of the violated rules is left out when all are reduced."""
    rule_results = rule_verdicts.rule_results
    stage.everywhere(
        patch,
        "conformance.judging.rule_verdicts",
        "rule_results",
        lambda *place: tuple(one for one in rule_results(*place) if one.rule.id != "EP-05"),
    )


@caught_by_property
def result_does_not_count_violations(patch):
    """What violates is passed over when the judgements are counted."""
    tally = reduction._tally

    def blind(record, *place):
        if record.status != "violates":
            tally(record, *place)

    patch.setattr(reduction, "_tally", blind)


@caught_by_property
def result_counts_the_shrinking(patch):
    """The histories of the shrinking count as well."""
    tallied = reduction._tallied
    patch.setattr(reduction, "_tallied", lambda evidence, profiles, _: tallied(evidence, profiles, set(profiles)))


@caught_by_property
def result_is_always_conformant(patch):
    """The verdict of a run does not come from its rules."""
    patch.setattr(reduction, "run_verdict", lambda *_: (RunVerdict.CONFORMANT, "All is well."))


@caught_by_property
def everything_is_waived(patch):
    """A waiver of one rule covers all of them."""
    rule_results = rule_verdicts.rule_results

    class Everything(dict):
        def get(self, *_):
            return "known"

    patch.setattr(
        reduction, "rule_results", lambda book, scopes, tallies, _: rule_results(book, scopes, tallies, Everything())
    )


# Failures and counterexamples


@caught(1, "Not conformant")
def no_failure_is_made_smaller(patch):
    """No failure is found again in the evidence."""
    patch.setattr("conformance.runner.campaign.failures", lambda _: {})


@caught(1, "Not conformant")
def smallest_history_does_not_fail(patch):
    """The smallest history of a failure is one that does not fail."""

    async def opening(self, history, group):
        return History(history.profile, history.opening, ())

    patch.setattr(Shrinker, "minimise", opening)


@caught(5, "does not violate it")
def counterexample_is_of_another_rule(patch):
    """A counterexample is filed under a rule that it does not break."""
    append = Journal.append

    def elsewhere(self, record):
        append(self, structs.replace(record, rule="EP-40") if isinstance(record, CounterexampleRecord) else record)

    patch.setattr(Journal, "append", elsewhere)


@caught(5, "which does not violate it")
def counterexample_is_kept_that_does_not_fail(patch):
    """A history is kept as a counterexample although it conformed when it was played once more."""
    keep, play = FailureShrinker._keep, CaseExecutor.play

    async def kept(self, group, failure, smallest, tried, worker):
        async def conforming(playing, one, *place, **options):
            short = dataclasses.replace(one, history=History(one.history.profile, one.history.opening, ()))
            await play(playing, short, *place, **options)
            found = await self._executor.run_unrecorded(smallest, f"{one.history.profile.value}-99999", worker)
            return TrialResult(TrialStatus.VIOLATES, findings=found)

        with stage.patched(CaseExecutor, "play", conforming):
            await keep(self, group, failure, smallest, tried, worker)

    patch.setattr(FailureShrinker, "_keep", kept)


# The reports


def written(patch, name, change):
    """Change the text of one report before it is kept."""
    text = getattr(reports, name)
    patch.setattr(reports, name, lambda result: change(result, text))


def green(result):
    """Return a result that says that all is well."""
    return dataclasses.replace(result, verdict=RunVerdict.CONFORMANT)


@caught(5, "report.json does not say what the evidence does")
def json_says_another_verdict(patch):
    """The report for programs says that the run is conformant."""
    written(patch, "json_text", lambda result, text: text(green(result)))


@caught(5, "report.json does not say what the evidence does")
def json_leaves_out_a_rule(patch):
    """The report for programs leaves out a violated rule."""
    written(
        patch,
        "json_text",
        lambda result, text: text(
            dataclasses.replace(result, rules=tuple(one for one in result.rules if one.rule.id != "EP-05"))
        ),
    )


@caught(5, "junit.xml does not say what the evidence does")
def junit_takes_failures_for_skips(patch):
    """The report for a CI's pages shows violated rules as skipped."""
    written(
        patch,
        "junit_text",
        lambda result, text: text(result).replace("<failure", "<skipped").replace("</failure", "</skipped"),
    )


@caught(5, "junit.xml does not say what the evidence does")
def junit_counts_do_not_add_up(patch):
    """The report for a CI's pages says in its first line that there are no failures."""
    written(
        patch, "junit_text", lambda result, text: re.sub('failures="[0-9]+"', 'failures="0"', text(result), count=1)
    )


@caught(5, "summary.md does not say what the evidence does")
def summary_says_another_verdict(patch):
    """The summary says that the run is conformant."""
    written(patch, "summary_text", lambda result, text: text(green(result)))


@caught(5, "summary.md does not say what the evidence does")
def summary_counts_violated_rules_as_passed(patch):
    """The table of the summary is that of a run without violations."""

    def passed(result):
        return dataclasses.replace(
            result, rules=tuple(dataclasses.replace(one, verdict=RuleVerdict.PASSED) for one in result.rules)
        )

    def mixed(result, text):
        first, _, _ = text(result).partition("\n")
        return first + "\n" + text(dataclasses.replace(passed(result), verdict=RunVerdict.HARNESS)).partition("\n")[2]

    written(patch, "summary_text", mixed)


@caught(5, "report.html does not say what the evidence does")
def page_says_another_verdict(patch):
    """The page says that the run is conformant."""
    written(patch, "html_text", lambda result, text: text(green(result)))


@caught(5, "report.json does not say what the evidence does")
def exit_code_is_always_nothing(patch):
    """Whatever the verdict is, the exit code is 0."""
    patch.setattr(Result, "exit_code", 0)
