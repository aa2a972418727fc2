"""The rules of the HTTP layer: judged from facts alone, and told on their page as they are in the data."""

from pathlib import Path

import pytest

from conformance.domain.api_table import spec_of
from conformance.domain.operations import OperationKind
from conformance.domain.order import Profile
from conformance.fuzzing.request_bodies import broken_bodies, good_body
from conformance.fuzzing.request_shape import classify
from conformance.fuzzing.requests.base import RequestDefaults
from conformance.judging.http_layer import judge_request
from conformance.judging.judge import StepStatus
from conformance.rulebook import load, load_http_rules
from conformance.wire.base import as_json_bytes

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "fuzz.md"
OURS = RequestDefaults("123456", "NOK", "4712345678", "2030-01-01")
SENT = {
    "sent.deed": "cancel",
    "sent.method": "documented",
    "sent.token": "ours",
    "sent.key": "ours",
    "sent.order": "known",
    "sent.invalid": False,
    "sent.doubt": False,
    "sent.plain": True,
    "document.statuses": "200,400,404,409",
}
GOOD = {"answer.status": 200, "answer.type": "json", "answer.body": True, "answer.parsed": True}


def blamed(profile=Profile.EPAYMENT, **facts):
    named = {name.replace("_", "."): value for name, value in facts.items()}
    verdict = judge_request(profile, {**SENT, **GOOD, **named})
    return {finding.rule for finding in verdict.findings}, verdict


def test_the_page_has_the_rules():
    text = PAGE.read_text(encoding="utf-8")
    listed = {line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| WIRE-")}
    assert listed == {rule.id for rule in load_http_rules().rules}
    assert listed.isdisjoint(rule.id for rule in load().rules)


@pytest.mark.parametrize(
    ("facts", "rules"),
    [
        ({}, set()),
        ({"answer_status": 201}, {"WIRE-03"}),
        ({"answer_status": 418}, {"WIRE-03"}),
        ({"answer_status": 418, "document_statuses": "200,default"}, set()),
        ({"answer_status": 418, "document_statuses": "200,4XX"}, set()),
        ({"answer_status": 422}, set()),
        ({"answer_status": 307}, set()),
        ({"answer_status": 429}, set()),
        ({"answer_type": "text/html"}, {"WIRE-04"}),
        ({"answer_type": None}, set()),
        ({"answer_parsed": False}, {"WIRE-04"}),
        ({"answer_status": 400, "answer_type": "text/html"}, {"WIRE-04"}),
        ({"answer_status": 400, "answer_type": "text/html", "sent_plain": False, "sent_doubt": True}, set()),
        ({"answer_status": 403, "answer_type": "text/html"}, set()),
        ({"answer_lacks": "state"}, {"WIRE-05"}),
        ({"answer_name": "VOIDED"}, {"WIRE-06"}),
        ({"sent_token": "none", "sent_invalid": True}, {"WIRE-02"}),
        ({"sent_token": "none", "sent_invalid": True, "answer_status": 404}, set()),
        ({"sent_flaw": "the body is no JSON", "sent_invalid": True}, {"WIRE-10"}),
        ({"sent_doubt": True, "sent_plain": False}, set()),
    ],
)
def test_a_finding_follows_from_the_facts(facts, rules):
    assert blamed(**facts)[0] == rules


@pytest.mark.parametrize(
    ("facts", "rules", "status"),
    [
        ({"sent_times": 3, "target_healthy": True}, {"WIRE-01"}, StepStatus.VIOLATES),
        ({"sent_times": 1, "target_healthy": True}, set(), StepStatus.INCONCLUSIVE),
        ({"sent_times": 3, "target_healthy": False}, set(), StepStatus.INCONCLUSIVE),
        ({"sent_times": 3, "target_healthy": True, "sent_weakness": True}, set(), StepStatus.RECORDED),
        ({"sent_times": 3, "target_healthy": True, "answer_status": 503}, set(), StepStatus.RECORDED),
        ({"sent_times": 3, "target_healthy": True, "sent_method": "other"}, set(), StepStatus.RECORDED),
    ],
)
def test_a_server_error_is_a_finding_when_nothing_else_explains_it(facts, rules, status):
    facts_of_request = {"answer_status": 500, "sent_flaw": "the body is no JSON", "sent_invalid": True, **facts}
    rules_blamed, verdict = blamed(**facts_of_request)
    assert (rules_blamed, verdict.status) == (rules, status)


def test_a_plain_request_that_is_answered_500_leaves_the_rule_open():
    rules_blamed, verdict = blamed(answer_status=500, sent_times=3, target_healthy=True)
    assert (rules_blamed, verdict.status, verdict.examples) == (set(), StepStatus.INCONCLUSIVE, ("WIRE-01",))


def test_what_a_refused_request_changed_is_a_finding():
    views = {"before_outcome": "accepted", "after_outcome": "accepted", "before_captured": 0}
    assert blamed(answer_status=400, **views, after_captured=100)[0] == {"WIRE-07"}
    assert blamed(answer_status=400, **views, after_captured=0)[0] == set()
    assert blamed(answer_status=200, **views, after_captured=100)[0] == set()
    assert blamed(answer_status=200, **views, after_captured=-1, after_negative=True)[0] == {"WIRE-08"}


def test_an_unanswered_request_proves_nothing():
    verdict = judge_request(Profile.ECOM, {**SENT, "answer.cause": "no answer within 30 seconds"})
    assert (verdict.status, verdict.cause) == (StepStatus.INCONCLUSIVE, "no answer within 30 seconds")


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize("deed", [OperationKind.CANCEL, OperationKind.CAPTURE, OperationKind.REFUND])
def test_own_requests_have_a_step_and_broken_ones_have_none(profile, deed):
    tested = spec_of(profile).operation(deed)
    good = good_body(tested, OURS, "order-0001", 400)
    shape = classify(tested, b"" if good is None else as_json_bytes(good), "application/json", OURS)
    assert shape.step is not None
    assert not shape.flaw
    for label, body in broken_bodies(tested, OURS, "order-0001", 400):
        assert classify(tested, body, "application/json", OURS).step is None, label


@pytest.mark.parametrize(
    "body",
    [
        b'{"modificationAmount":{"currency":"NOK","value":"400"}}',
        b'{"modificationAmount":{"currency":"NOK","value":400.0}}',
        b'{"modificationAmount":{"currency":"NOK","value":true}}',
        b'{"modificationAmount":{"currency":"EUR","value":400}}',
        b'{"modificationAmount":{"currency":"NOK","value":400},"more":1}',
        b'{"modificationAmount":{"currency":"NOK","value":NaN}}',
        b'{"modificationAmount":{"currency":"NOK","value":0}}',
    ],
)
def test_what_a_lenient_server_may_take_is_in_doubt(body):
    shape = classify(spec_of(Profile.EPAYMENT).operation(OperationKind.CAPTURE), body, "application/json", OURS)
    assert (shape.flaw, shape.step) == ("", None)
    assert shape.uncertain
