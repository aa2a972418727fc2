"""A cancel that is sent again with its key: what the first answer makes of the second."""

from __future__ import annotations

from conformance.domain.expectation import ACCEPTED, PENDING, REFUSED, Branch, Claim
from conformance.domain.order import Order
from conformance.model.claims import Rules, branch, one_of, outcome


def repeated(order: Order, view: tuple[Claim, ...], rules: Rules = ()) -> tuple[Branch, ...]:
    """Permit the first answer once more, and nothing else: no second effect, and the same kind of answer.

    ``rules`` say so where the key is documented for the call; without them the outcome is permitted, not required.
    """
    attempt = order.attempt
    if attempt is None:
        return ()
    if attempt.outcome in (ACCEPTED, PENDING):
        answer: tuple[Claim, ...] = (outcome(ACCEPTED, PENDING, rules=rules),)
        name = "same success again"
    elif attempt.outcome == REFUSED:
        answer = (outcome(REFUSED, rules=rules), Claim("answer.status", one_of(attempt.status), rules))
        name = "same refusal again"
    else:
        return ()
    return (branch(name, answer, view, order, rules),)
