"""The obligations as data, and each of them as a judge of what was observed."""

from contextlib import suppress

from conformance.obligations.history import Behaviour, Fault
from conformance.obligations.judge import GENERAL, OBLIGATIONS
from conformance.rulebook import Level, load
from examples.merchants import ecom, epayment
from tests.merchant.correct.asynchronous import Notified
from tests.merchant.correct.synchronous import Synchronous
from tests.merchant.faulty import FAULTY
from tests.merchant.helpers import BOOK, history, run_histories
from tests.merchant.signed.faulty import FAULTY as SIGNED_FAULTY


def test_every_obligation_is_a_rule_with_a_judge():
    assert set(OBLIGATIONS) == {rule.id for rule in BOOK.rules}
    assert {f"M{number}" for number in range(1, 31)} <= set(OBLIGATIONS)
    assert set(GENERAL) <= set(OBLIGATIONS)


def test_the_providers_rulebook_has_no_obligations():
    assert not {rule.id for rule in load().rules} & set(OBLIGATIONS)
    assert Level.SHOULD not in {rule.level for rule in load().rules}


def test_every_obligation_names_the_defects_that_it_catches():
    assert [rule.id for rule in BOOK.rules if not rule.defects] == []
    assert all(defect[0] in "BF" and defect[1:].isdigit() for rule in BOOK.rules for defect in rule.defects)


def test_every_required_obligation_has_a_faulty_merchant():
    covered = {adapter.first for adapter in (*FAULTY, *SIGNED_FAULTY)}
    uncovered = {rule.id for rule in BOOK.rules if rule.level is Level.REQUIRED} - covered
    assert uncovered - {"M16"} == {"MC-1", "MC-2"}, "MC-1 and MC-2 have hostile merchants, M16 a field case"


def test_an_order_that_was_approved_before_the_cancel_has_to_be_released():
    class Refuses(Synchronous):
        def cancel(self, order_id):
            raise RuntimeError("not once it is paid")

    (trial,) = run_histories(Refuses, history("create approve cancel"))
    assert list(trial.broken) == ["M10"]


def test_an_order_whose_cancel_crosses_the_approval_may_be_honoured():
    class Honours(Notified):
        def cancel(self, order_id):
            path, body = f"{self.path(order_id)}/cancel", {"cancelTransactionOnly": True}
            response = self.send("POST", path, body, f"c-{order_id}")
            if response.status_code == 200:
                self.update_row(self.rows[order_id], response.json())
            else:
                self.rows[order_id]["status"] = "authorized"

    crossing = history("create cancel deliver", Fault("cancel", "approve-before"))
    (trial,) = run_histories(Honours, crossing)
    assert trial.broken == {}
    assert "M16" in trial.examples


def test_following_a_redirect_is_not_a_wrong_path():
    class Follows(epayment.Adapter):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.client._client.follow_redirects = True

    (trial,) = run_histories(Follows, history("create approve cancel tick", Fault("cancel", "redirect-302")))
    assert trial.broken == {}


def test_requests_to_other_apis_of_the_provider_are_not_judged():
    class Registers(epayment.Adapter):
        def create(self, order):
            self.client.call("POST", "/webhooks/v1/webhooks", {"url": "https://shop.example", "events": []})
            return super().create(order)

    (trial,) = run_histories(Registers, history("create approve cancel"))
    assert trial.broken == {}


def test_a_number_in_the_body_of_an_order_is_not_its_identifier():
    class CancelsTheAmount(epayment.Adapter):
        def cancel(self, order_id):
            super().cancel(order_id)
            with suppress(Exception):
                self.client.call("POST", f"{epayment.PAYMENTS}/1000/cancel", None, "of-the-row")

    (trial,) = run_histories(CancelsTheAmount, history("create approve cancel"))
    assert "M2" in trial.broken


def test_the_reference_merchant_on_ecom_meets_the_obligations_about_captures():
    (trial,) = run_histories(ecom.Adapter, history("create approve capture:400 cancel", profile="ecom"))
    assert trial.broken == {}
    assert {"M11", "M12", "M23"} <= set(trial.examples)


def test_a_payment_that_ends_at_the_deadline_is_nobodys_fault():
    trials = run_histories(
        Synchronous, history("create approve age:200 cancel"), history("create approve capture:400 age:200 cancel")
    )
    assert [trial.broken for trial in trials] == [{}, {}]


def test_a_provider_without_keys_on_cancel_is_not_the_merchants_fault():
    lost = history("create approve cancel", Fault("cancel", "lost-after"), behaviour=Behaviour(keys_on_cancel=False))
    (trial,) = run_histories(Synchronous, lost)
    assert trial.broken == {}
    assert "M26" in trial.examples
