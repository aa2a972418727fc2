"""What a claim permits."""

import pytest

from conformance.domain.expectation import Between, Folded, Mentions, Missing, OneOf


@pytest.mark.parametrize(
    ("permitted", "yes", "no"),
    [
        (OneOf((1, None)), (1, None), (0, "1", True, 2)),
        (OneOf((True,)), (True,), (1, "true", None)),
        (OneOf(("a",)), ("a",), ("A", None)),
        (Between(400, 499, but=(404,)), (400, 499, 410), (404, 399, 500, "400", True, None)),
        (Folded(("Cancelled",)), ("CANCELLED", "cancelled"), ("cancel", None, 1)),
        (Mentions(("charged",)), ("It is CHARGED.",), ("It is due.", None, 1)),
        (Missing(), (None,), ("", 0, False)),
    ],
)
def test_a_claim_permits_its_values_and_no_others(permitted, yes, no):
    assert all(permitted.permits(value) for value in yes)
    assert not any(permitted.permits(value) for value in no)
    assert str(permitted)
    assert permitted.as_json()
