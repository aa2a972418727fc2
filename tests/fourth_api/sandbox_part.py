"""The made-up API in the embedded provider, and variants of it that are wrong."""

from __future__ import annotations

from typing import ClassVar

from conformance.domain.messages import Response
from conformance.sandbox.api_base import ApiBase as Api
from conformance.sandbox.payment import Payment, Stage
from conformance.sandbox.wire import BodyCheck, Fault, ProviderRequest, Refusal, RefusedError, json_response


class Hold(Api):
    NAME: ClassVar[str] = "hold"
    ROUTES: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("POST", "/hold/v1/holds", "create"),
        ("GET", "/hold/v1/holds/{holdId}", "read"),
        ("POST", "/hold/v1/holds/{holdId}/cancel", "cancel"),
    )
    ACTIONS: ClassVar[tuple[str, ...]] = ()

    def create(self, call: ProviderRequest) -> Response:
        check = BodyCheck(call.body())
        hold_id, amount = check.text("holdId", shortest=1, longest=50), check.integer("amount", least=1)
        if check.faults:
            raise RefusedError(self.invalid(tuple(check.faults)))
        now = self.clock.seconds()
        hold = Payment(
            hold_id, call.msn, amount, self.options.currency, self.new_reference(), now, stage=Stage.INITIATED
        )
        self.add(hold)
        self.reserve(hold)
        return json_response(201, self.shown(hold))

    def read(self, call: ProviderRequest) -> Response:
        return json_response(200, self.shown(self.need(call)))

    def cancel(self, call: ProviderRequest) -> Response:
        hold = self.need(call)
        if hold.cancelled:
            raise RefusedError(Refusal(409, "already-released", "The hold was released before"))
        if self.is_too_old(hold):
            raise RefusedError(Refusal(400, "too-old", "The hold is too old"))
        self.release(hold)
        return json_response(200, {**self.shown(hold), "state": "RELEASED"})

    def shown(self, hold: Payment) -> dict[str, object]:
        state = "RELEASED" if hold.cancelled else "HELD"
        return {"holdId": hold.id, "state": state, "amount": hold.amount, "released": hold.cancelled}

    def ends_by_itself(self, order: Payment) -> bool:
        return False

    def refuse(self, call: ProviderRequest, refusal: Refusal) -> Response:
        return json_response(refusal.status, {"code": refusal.code, "message": refusal.reason})

    def invalid(self, faults: tuple[Fault, ...]) -> Refusal:
        return Refusal(400, "invalid", ", ".join(f"{fault.field} {fault.reason}" for fault in faults))

    def unknown(self) -> Refusal:
        return Refusal(404, "not-found", "There is no such hold")


class KeepsTheHold(Hold):
    """A cancel is confirmed and releases nothing."""

    def releasable(self, order: Payment) -> int:
        return 0


class ReleasesTwice(Hold):
    """A hold that was released is released once more."""

    def cancel(self, call: ProviderRequest) -> Response:
        hold = self.need(call)
        return json_response(200, self.shown(hold)) if hold.cancelled else super().cancel(call)
