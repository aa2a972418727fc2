"""What is claimed of a target that does not report every field."""

from conformance.domain.expectation import Branch, Claim, Expectation, OneOf
from conformance.domain.order import Kind, Order, Profile, Stage
from conformance.judging.observability import restricted_to_observed

ORDER = Order(Profile.ECOM, Kind.PAYMENT, 1000, "NOK", Stage.RESERVED)
OUTCOME = Claim("answer.outcome", OneOf(("refused",)), ("EC-08",))
CODE = Claim("answer.code", OneOf(("51",)), ("EC-09", "KB-02/beyond"))
CAPTURED = Claim("view.captured", OneOf((300,)), ("INV-1",))
RULES = ("EC-08", "EC-09", "KB-02/beyond", "INV-1", "INV-3")


def observable_part(*fields, proves=True, rules=RULES):
    branch = Branch("refused", (OUTCOME, CODE, CAPTURED), ORDER, rules, proves=proves)
    return restricted_to_observed(Expectation((branch,), ("EC-04",)), dict.fromkeys(fields))


def test_what_is_reported_as_a_whole_is_claimed_as_a_whole():
    expectation = observable_part("answer.outcome", "answer.code", "view.captured")
    assert expectation.records == ("EC-04",)
    assert expectation.branches[0].claims == (OUTCOME, CODE, CAPTURED)
    assert expectation.branches[0].rules == RULES


def test_a_rule_whose_claims_all_go_is_not_checked_and_one_without_claims_is():
    (branch,) = observable_part("answer.outcome", "view.captured").branches
    assert branch.claims == (OUTCOME, CAPTURED)
    assert branch.rules == ("EC-08", "INV-1", "INV-3")


def test_a_side_is_checked_by_what_is_claimed_of_its_rule():
    (branch,) = observable_part("answer.code").branches
    assert branch.claims == (CODE,)
    assert branch.rules == ("EC-09", "KB-02/beyond", "INV-3")


def test_a_claim_of_one_side_speaks_for_the_whole_rule():
    (branch,) = observable_part("answer.code", rules=("KB-02/within",)).branches
    assert branch.rules == ("KB-02/within",)
    assert observable_part("answer.outcome", rules=("KB-02/within",)).branches[0].rules == ()


def test_an_answer_that_only_delays_must_be_reported_and_what_is_read_back_need_not():
    assert observable_part("answer.outcome", "view.captured", proves=False).branches == ()
    (branch,) = observable_part("answer.outcome", "answer.code", proves=False).branches
    assert branch.claims == (OUTCOME, CODE)
