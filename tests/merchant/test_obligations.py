"""The obligations as data, and each of them as a judge of what was seen."""

import json
from contextlib import suppress

import pytest

from conformance.domain.order import Profile
from conformance.domain.steps import HistoryError
from conformance.obligations.history import Behaviour, Fault, merchant_history_as_json, merchant_history_from_json
from conformance.obligations.judge import GENERAL, OBLIGATIONS
from conformance.rulebook import Level, load
from conformance.strategies.merchant.grid import systematic_merchant_cases
from conformance.strategies.merchant.plan import draw_merchant_cases
from examples.merchants import ecom, epayment
from tests.merchant.faulty import FAULTY
from tests.merchant.shapes import Notified, Synchronous
from tests.merchant.stage import BOOK, history, play


def test_every_obligation_is_a_rule_with_a_judge():
    assert [rule.id for rule in BOOK.rules if rule.id not in OBLIGATIONS] == []
    assert set(OBLIGATIONS) == {rule.id for rule in BOOK.rules}
    assert {f"M{number}" for number in range(1, 31)} <= set(OBLIGATIONS)
    assert set(GENERAL) <= set(OBLIGATIONS)


def test_the_providers_rulebook_knows_nothing_of_them():
    assert not {rule.id for rule in load().rules} & set(OBLIGATIONS)
    assert Level.SHOULD not in {rule.level for rule in load().rules}


def test_every_obligation_says_which_defects_it_catches():
    assert [rule.id for rule in BOOK.rules if not rule.defects] == []
    assert all(defect[0] == "B" and defect[1:].isdigit() for rule in BOOK.rules for defect in rule.defects)


def test_what_decides_has_a_faulty_merchant():
    covered = {faulty.first for faulty in FAULTY}
    open_ = {rule.id for rule in BOOK.rules if rule.level is Level.REQUIRED} - covered
    assert open_ == {"MC-1", "MC-2", "M16"}, "MC-1 and MC-2 have hostile merchants; M16 follows from others"


@pytest.mark.parametrize("profile", Profile)
def test_histories_are_json(profile):
    everything = [one.history for one in systematic_merchant_cases(profile)]
    everything += draw_merchant_cases(profile, frozenset({"capture", "tick", "deliver", "restart", "abandon"}), 3, 60)
    assert len(set(everything)) == len(everything)
    for one in everything:
        assert merchant_history_from_json(json.loads(json.dumps(merchant_history_as_json(one)))) == one


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"amounts": []},
        {"steps": [{"do": "dance"}]},
        {"amounts": [-1]},
        {"provider": {"odd": 1}},
        {"faults": [{}]},
    ],
)
def test_what_is_no_history_is_refused(change):
    with pytest.raises(HistoryError):
        merchant_history_from_json({**merchant_history_as_json(history("create cancel")), **change})


def test_the_same_seed_draws_the_same():
    offered = frozenset({"capture"})
    assert draw_merchant_cases(Profile.ECOM, offered, 1, 20) == draw_merchant_cases(Profile.ECOM, offered, 1, 20)
    assert draw_merchant_cases(Profile.ECOM, offered, 1, 20) != draw_merchant_cases(Profile.ECOM, offered, 2, 20)


def test_what_a_merchant_cannot_do_is_not_asked_of_it():
    stepwise = {one.label for one in systematic_merchant_cases(Profile.EPAYMENT) if one.history.needs <= frozenset()}
    assert "partly shipped, then closed" not in stepwise
    assert "approved, then cancelled" in stepwise


def test_what_was_approved_before_the_cancel_has_to_be_released():
    class Refuses(Synchronous):
        def cancel(self, order_id):
            raise RuntimeError("not once it is paid")

    (trial,) = play(Refuses, history("create approve cancel"))
    assert list(trial.broken) == ["M10"]


def test_what_crosses_the_approval_may_be_honoured():
    class Honours(Notified):
        def cancel(self, order_id):
            got = self.send("POST", f"{self.path(order_id)}/cancel", {"cancelTransactionOnly": True}, f"c-{order_id}")
            if got.status_code == 200:
                self.learn(self.rows[order_id], got.json())
            else:
                self.rows[order_id]["status"] = "authorized"

    crossing = history("create cancel deliver", Fault("cancel", "approve-before"))
    (trial,) = play(Honours, crossing)
    assert trial.broken == {}
    assert "M16" in trial.examples


def test_a_redirect_that_is_followed_is_no_other_path():
    class Follows(epayment.Adapter):
        def __init__(self, *args):
            super().__init__(*args)
            self.wire._client.follow_redirects = True

    (trial,) = play(Follows, history("create approve cancel tick", Fault("cancel", "redirect-302")))
    assert trial.broken == {}


def test_other_apis_of_the_provider_are_nobodys_business():
    class Registers(epayment.Adapter):
        def create(self, order):
            self.wire.call("POST", "/webhooks/v1/webhooks", {"url": "https://shop.example", "events": []})
            return super().create(order)

    (trial,) = play(Registers, history("create approve cancel"))
    assert trial.broken == {}


def test_a_number_that_stands_in_the_order_is_not_its_name():
    class CancelsTheRow(epayment.Adapter):
        def cancel(self, order_id):
            super().cancel(order_id)
            with suppress(Exception):
                self.wire.call("POST", f"{epayment.PAYMENTS}/1000/cancel", None, "of-the-row")

    (trial,) = play(CancelsTheRow, history("create approve cancel"))
    assert "M2" in trial.broken


def test_ecom_may_be_handled_through_epayment_and_without_keys():
    (trial,) = play(ecom.Adapter, history("create approve capture:400 cancel", profile="ecom"))
    assert trial.broken == {}
    assert {"M11", "M12", "M23"} <= set(trial.examples)


def test_the_deadline_ends_a_payment_without_anybodys_fault():
    trials = play(
        Synchronous, history("create approve age:200 cancel"), history("create approve capture:400 age:200 cancel")
    )
    assert [trial.broken for trial in trials] == [{}, {}]


def test_keys_that_cancel_does_not_know_are_no_fault_of_the_merchant():
    lost = history("create approve cancel", Fault("cancel", "lost-after"), behaviour=Behaviour(keys_on_cancel=False))
    (trial,) = play(Synchronous, lost)
    assert trial.broken == {}
    assert "M26" in trial.examples
