"""Which histories a merchant's run uses."""

from conformance.domain.order import Profile
from conformance.strategies.merchant.grid import systematic_merchant_cases
from conformance.strategies.merchant.plan import draw_merchant_cases


def test_the_same_seed_draws_the_same_histories():
    offered = frozenset({"capture"})
    assert draw_merchant_cases(Profile.ECOM, offered, 1, 20) == draw_merchant_cases(Profile.ECOM, offered, 1, 20)
    assert draw_merchant_cases(Profile.ECOM, offered, 1, 20) != draw_merchant_cases(Profile.ECOM, offered, 2, 20)


def test_a_history_needs_the_actions_that_it_asks_for():
    cases = systematic_merchant_cases(Profile.EPAYMENT)
    without_actions = {case.label for case in cases if not case.history.needs}
    assert "partly shipped, then closed" not in without_actions
    assert "approved, then cancelled" in without_actions
