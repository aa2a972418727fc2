"""The orders that are still possible: the one loop over the model and the judge.

The documentation often permits several outcomes of a step, and a response can be lost. So what is known of an order is
the set of orders that everything observed so far permits. Each step goes round once::

    possible orders --model--> permitted outcomes --judge--> outcomes that fit --model--> possible orders

For example, a cancel of a reservation whose response never came::

    reserved, 10.00  --cancel, no response-->  reserved, 10.00        (the cancel was not carried out)
                                               cancelled, 10.00       (it was)
                     --read, state CANCELLED-> cancelled, 10.00

Whoever follows an order uses a tracker: a trial, the audit of its evidence, a resumed run, the preparing of an order, a
walk on paper. Nothing else calls the model.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec.structs import replace

from conformance.domain.expectation import Branch, Expectation, Observation
from conformance.domain.order import Profile
from conformance.domain.request_words import special_in_words
from conformance.domain.steps import Initiate, Read, Step
from conformance.judging.ambiguity import SENT_AGAIN, excuse, settled_by_reading, was_unanswered, with_or_without
from conformance.judging.incidental import incidental_findings
from conformance.judging.independence import WrongFields
from conformance.judging.judge import Judgement, StepStatus, judge, rules_of, wrong_claims
from conformance.judging.observability import observable
from conformance.model import ModelContext, PossibleOrders, advance, expect, initial_expectation


@dataclass(slots=True)
class Tracker:
    """Follows one order from its first step on, and judges each step.

    Args:
        profile: the order's API.
        context: the market, the interpretations in force, and what was measured of the target.
        complete: whether the target reports every field. A target without HTTP does not, and is judged by what it does.
        orders: the orders that are possible now; none before the order is initiated.
        in_doubt: whether an earlier request was not answered, so that nothing that follows can be a violation.
        wrong: the fields that were wrong before and decide nothing: that they are wrong is noted once.

    """

    profile: Profile
    context: ModelContext
    complete: bool = True
    orders: PossibleOrders = ()
    in_doubt: bool = False
    wrong: WrongFields = field(default_factory=WrongFields)
    _expected: tuple[Step, PossibleOrders, Expectation] | None = field(default=None, init=False, repr=False)
    _last_judged: tuple[Expectation, Observation, tuple[Judgement, tuple[Branch, ...]]] | None = field(
        default=None, init=False, repr=False
    )

    def expectation(self, step: Step) -> Expectation:
        """Return every outcome that the model permits for the next step.

        Raises:
            KeyError: the step does not exist in the order's API.

        """
        # A step is compared each time that the order is read; what is expected of it stays the same until it is over.
        if self._expected is not None and self._expected[0] is step and self._expected[1] is self.orders:
            return self._expected[2]
        if isinstance(step, Initiate):
            expectation = initial_expectation(self.profile, step, self.context)
        else:
            expectation = expect(self.orders, step, self.context)
        self._expected = step, self.orders, expectation
        return expectation

    def compare(self, step: Step, observation: Observation) -> tuple[Judgement, tuple[Branch, ...]]:
        """Return the plain judgement of an observation, and the outcomes that fit.

        The tracker stays where it is: the order may be read again.
        """
        return self._judged(self._observable(self.expectation(step), observation), observation)

    def unmet(self, step: Step, observation: Observation) -> frozenset[str]:
        """Return the fields that keep an observation from fitting the closest outcome."""
        expectation = self._observable(self.expectation(step), observation)
        return frozenset(claim.field for claim in wrong_claims(expectation, observation))

    def observe(self, step: Step, observation: Observation) -> Judgement:
        """Judge a step with everything that was observed of it, and move on.

        A step that fits no outcome is a violation only if the target is sure to have caused it: see `ambiguity`.
        """
        expectation = self._observable(self.expectation(step), observation)
        judgement, branches = self._judged(expectation, observation)
        judgement = replace(judgement, noticed=incidental_findings(step, self.orders, judgement, observation))
        unanswered = was_unanswered(step, observation)
        if unanswered and not judgement.is_permitted:
            judgement, branches = self._judge_unanswered(step, observation, judgement, branches)
        elif judgement.status is StepStatus.VIOLATES and (
            cause := excuse(expectation, observation, in_doubt=self.in_doubt)
        ):
            judgement, branches = Judgement(StepStatus.INCONCLUSIVE, examples=rules_of(expectation), cause=cause), ()
        self.in_doubt = self.in_doubt or unanswered
        if self.in_doubt:
            judgement = replace(judgement, unexpected=())
        judgement = self._naming_request(step, judgement)
        if judgement.goes_on and (judgement.findings or self.wrong.noted):
            self._follow_wrong_fields(step, observation)
        self.advance(step, branches, observation)
        return judgement

    def _judged(self, expectation: Expectation, observation: Observation) -> tuple[Judgement, tuple[Branch, ...]]:
        """Judge an observation; one that was compared and is observed now is judged once."""
        last = self._last_judged
        if last is None or last[0] is not expectation or last[1] is not observation:
            last = self._last_judged = expectation, observation, judge(expectation, observation)
        return last[2]

    def _naming_request(self, step: Step, judgement: Judgement) -> Judgement:
        """Return a judgement whose findings say what was special about the request."""
        if not judgement.findings and not judgement.unexpected:
            return judgement
        age = self.orders[0].since_reserved if self.orders else None
        special = special_in_words(step, self.profile, age)
        findings = tuple(replace(finding, request=special) for finding in judgement.findings)
        unexpected = tuple(replace(finding, request=special) for finding in judgement.unexpected)
        return replace(judgement, findings=findings, unexpected=unexpected)

    def _follow_wrong_fields(self, step: Step, observation: Observation) -> None:
        unmet = wrong_claims(self._observable(self.expectation(step), observation), observation)
        self.wrong.follow(self.expectation(step), observation)
        self.wrong.note(unmet, observation)

    def advance(self, step: Step, branches: tuple[Branch, ...], observation: Observation) -> None:
        """Move on to the orders that these outcomes of a step lead to, if any."""
        self.orders = advance(step, self.orders, branches, observation) if branches else ()

    def _observable(self, expectation: Expectation, observation: Observation) -> Expectation:
        return self.wrong.forgive(observable(expectation, observation, complete=self.complete), observation)

    def _judge_unanswered(
        self, step: Step, observation: Observation, judgement: Judgement, branches: tuple[Branch, ...]
    ) -> tuple[Judgement, tuple[Branch, ...]]:
        """Return what a request without a response did, as the order reads afterwards."""
        expectation = self.expectation(step)
        rules = rules_of(self._observable(expectation, observation))
        cause = judgement.cause or SENT_AGAIN
        unchanged = expect(self.orders, Read(), self.context) if self.orders else Expectation(())
        either_way = self._observable(with_or_without(expectation, unchanged), observation)
        explanation, explained = judge(either_way, observation)
        if explained and not explanation.findings:
            return settled_by_reading(explained, rules, cause), explained
        if judgement.status is StepStatus.VIOLATES:
            return Judgement(StepStatus.INCONCLUSIVE, examples=rules, cause=cause), ()
        return judgement, branches
