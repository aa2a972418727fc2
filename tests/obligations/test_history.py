"""A merchant's history as JSON, and the histories that are refused."""

import json

import pytest

from conformance.domain.order import Profile
from conformance.domain.steps import HistoryError
from conformance.obligations.history import merchant_history_as_json, merchant_history_from_json
from conformance.strategies.merchant.grid import systematic_merchant_cases
from conformance.strategies.merchant.plan import draw_merchant_cases
from tests.merchant.helpers import history

OPTIONAL = frozenset({"capture", "tick", "deliver", "restart", "abandon"})


@pytest.mark.parametrize("profile", Profile)
def test_every_history_survives_json(profile):
    histories = [case.history for case in systematic_merchant_cases(profile)]
    histories += draw_merchant_cases(profile, OPTIONAL, 3, 60)
    assert len(set(histories)) == len(histories)
    for each in histories:
        assert merchant_history_from_json(json.loads(json.dumps(merchant_history_as_json(each)))) == each


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"amounts": []},
        {"steps": [{"do": "dance"}]},
        {"amounts": [-1]},
        {"provider": {"odd": 1}},
        {"faults": [{}]},
        {"faults": [{"on": "cancel", "kind": "earthquake", "at": 1, "times": 1}]},
        {"steps": [{"do": "cancel", "order": 1}]},
    ],
)
def test_json_that_is_no_history_is_refused(change):
    with pytest.raises(HistoryError):
        merchant_history_from_json({**merchant_history_as_json(history("create cancel")), **change})
