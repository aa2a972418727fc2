"""The suite's check of itself: the oracle must tell right from wrong before anything is said of a target."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from conformance.domain.api_table import spec_of
from conformance.domain.expectation import ACCEPTED, LOST, REFUSED, Branch, Claim, Expectation, Observation, OneOf
from conformance.domain.observation import Field
from conformance.domain.order import Kind, Order, Profile, Stage
from conformance.domain.steps import Cancel
from conformance.judging.judge import OracleError, StepStatus, judge
from conformance.judging.run_verdicts import run_verdict
from conformance.judging.tracker import Tracker
from conformance.judging.verdicts import RunVerdict
from conformance.model import ModelContext

_ORDER: Final = Order(next(iter(Profile)), Kind.PAYMENT, 1000, "NOK", Stage.RESERVED, since_reserved=timedelta())
_CLAIMS: Final = (
    Claim(Field.ANSWER_OUTCOME, OneOf((ACCEPTED,)), ("known",)),
    Claim(Field.VIEW_CANCELLED, OneOf((1000,)), ("known",)),
)
_PLAIN: Final = Expectation((Branch("released", _CLAIMS, _ORDER, ("known",)),))
_SILENT: Final = Expectation((Branch("anything", (), _ORDER),), ("known",))
_RIGHT: Final[Observation] = {Field.ANSWER_OUTCOME: ACCEPTED, Field.VIEW_OUTCOME: ACCEPTED, Field.VIEW_CANCELLED: 1000}
_JUDGED: Final = (
    (_PLAIN, _RIGHT, StepStatus.CONFORMS, ("known",), ()),
    (_PLAIN, {**_RIGHT, Field.ANSWER_OUTCOME: REFUSED}, StepStatus.VIOLATES, (), ("known",)),
    (_PLAIN, {**_RIGHT, Field.VIEW_CANCELLED: 0}, StepStatus.VIOLATES, (), ("known",)),
    (_PLAIN, {**_RIGHT, Field.ANSWER_OUTCOME: LOST}, StepStatus.INCONCLUSIVE, ("known",), ()),
    (_SILENT, _RIGHT, StepStatus.RECORDED, (), ()),
)
"""Expectation and observation, and what must be said of them: the status, the examples, the rules found violated."""


def check_oracle() -> None:
    """Ask the judge, the model and the reduction what is known in advance.

    Raises:
        OracleError: an answer is wrong.

    """
    for expectation, observed, status, examples, blamed in _JUDGED:
        judgement, _ = judge(expectation, observed)
        outcome = (judgement.status, judgement.examples, tuple(finding.rule for finding in judgement.findings))
        _expect(outcome == (status, examples, blamed), f"{status.value!r} is judged {judgement.status.value!r}")
    for profile in Profile:
        _check_model(profile)
    empty, _ = run_verdict([])
    _expect(empty is RunVerdict.INCOMPLETE, f"a run of nothing is {empty.value}")


def _expect(right: bool, otherwise: str) -> None:
    if not right:
        raise OracleError(f"The suite does not tell right from wrong any more: {otherwise}.")


def _check_model(profile: Profile) -> None:
    """A cancel that is refused, or accepted without a release, must not conform."""
    order = replace(_ORDER, profile=profile, kind=spec_of(profile).reserved_kind)
    for outcome, status in ((ACCEPTED, 200), (REFUSED, 400)):
        observation: Observation = {
            Field.ANSWER_OUTCOME: outcome,
            Field.ANSWER_STATUS: status,
            Field.VIEW_OUTCOME: ACCEPTED,
        }
        judgement = Tracker(profile, ModelContext(), orders=(order,)).observe(Cancel(), observation)
        _expect(judgement.status is StepStatus.VIOLATES, f"a broken cancel in {profile.value} {judgement.status.value}")
