"""A provider with one defect: a cancel is answered as documented, and one minor unit stays reserved.

cancel-conformance run --target asgi:conformance.examples.providers.faulty:app --control-url /control --profile epayment
"""

from __future__ import annotations

from typing import Any

from conformance.domain.messages import Response
from conformance.sandbox import EPayment, Provider, create_app


class LeavesOneUnit(EPayment):
    """ePayment whose cancel releases everything but one minor unit."""

    def carry_out_cancel(self, order: Any, key: str | None) -> Response:
        """Cancel, and reserve one minor unit again."""
        response = super().carry_out_cancel(order, key)
        order.cancelled -= 1 if order.is_reserved else 0
        return response


app = create_app(Provider(epayment=LeavesOneUnit))
