"""The model of the made-up API: one row for each sentence of its rules."""

from __future__ import annotations

from typing import ClassVar

from conformance.domain.expectation import Claim
from conformance.domain.order import Order, Profile
from conformance.domain.steps import Age, Cancel, Defect, Read
from conformance.model.claims import BAD_REQUEST, NOT_FOUND, UNAUTHORIZED, Claims, accepted, one_of
from conformance.model.conditions import CANCELLED, OWN_ORDER, TOO_OLD, YOUNG, defect_is
from conformance.model.context import ModelContext
from conformance.model.events import READ, ageing
from conformance.model.refusals import REFUSED_UNJUDGED, refuse
from conformance.model.table import ApiModel, Permit, Row, RulesByAspect, Table, WithoutRules
from conformance.model.transitions import cancelled, reserved

from .row import HOLD

ENDED = (Claim("view.state", one_of("EXPIRED")),)
RELEASE = Permit(
    "released",
    response=(*accepted(("HO-01",)), Claim("answer.state", one_of("RELEASED"), ("HO-01",))),
    then=cancelled,
    rules=("HO-01", "HO-03/within", "INV-2", "INV-4", "INV-10"),
    blame=RulesByAspect.all("HO-01", "INV-2"),
)
CANCEL = Table(
    (
        Row(request=defect_is(Defect.NO_TOKEN), permits=(refuse("HO-05", status=UNAUTHORIZED),)),
        Row(request=~OWN_ORDER, permits=(refuse("HO-04", status=NOT_FOUND),)),
        Row(given=CANCELLED, permits=(refuse("HO-02", status=one_of(409), codes=("already-released",)),)),
        Row(given=TOO_OLD, permits=(refuse("HO-03/beyond", status=BAD_REQUEST, codes=("too-old",)),)),
        Row(given=YOUNG, permits=(RELEASE,)),
        Row(permits=(WithoutRules((RELEASE,)), REFUSED_UNJUDGED)),
    )
)


class HoldModel(ApiModel):
    profile: ClassVar[Profile] = HOLD
    initiation = Table((Row(permits=(Permit("held", accepted(), reserved),)),))
    tables: ClassVar = {Cancel: CANCEL, Read: READ, Age: Table(ageing(ENDED))}
    nothing_released = (Claim("view.cancelled", one_of(0), ("INV-1",)),)
    ended_by_others = ENDED

    def expected_view(self, order: Order, context: ModelContext, blame: RulesByAspect) -> Claims:
        return (
            Claim("view.state", one_of("RELEASED" if order.cancelled else "HELD"), blame.state),
            Claim("view.cancelled", one_of(order.cancelled), blame.released),
        )
