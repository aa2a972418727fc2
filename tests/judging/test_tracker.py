"""The orders that are still possible: how a tracker follows them, and when it says that nobody is to blame."""

import ast
from pathlib import Path

import pytest

import conformance
from conformance.domain.order import Stage
from conformance.domain.steps import Approve, Cancel, Expire, Initiate, Read
from conformance.judging.judge import StepStatus
from conformance.judging.tracker import Tracker
from conformance.model import ModelContext
from tests.model.on_paper import INITIAL, E, P, R, refusing, shown_by
from tests.runner.test_trial import CANCELLED, DONE, RESERVED

LOST = {"answer.outcome": "lost", "answer.cause": "the connection was reset"}

HALF_CAPTURED = {**RESERVED, "view.captured": 400, "view.log.captured": 400}


def reserved_charge(**changes):
    """Return a tracker of a charge that was reserved when its agreement was accepted."""
    tracker = Tracker(R, ModelContext(), **changes)
    assert tracker.observe(INITIAL, {**DONE, **RESERVED}).status is StepStatus.CONFORMS
    return tracker


def stages(tracker):
    return {order.stage for order in tracker.orders}


def test_before_an_order_is_initiated_none_is_possible():
    assert Tracker(E, ModelContext()).orders == ()
    assert stages(reserved_charge()) == {Stage.RESERVED}


def test_a_step_that_fits_moves_the_order_on():
    tracker = reserved_charge()
    judgement = tracker.observe(Cancel(), {**DONE, **CANCELLED})
    assert (judgement.status, judgement.goes_on) == (StepStatus.CONFORMS, True)
    assert stages(tracker) == {Stage.CANCELLED}
    assert not tracker.in_doubt


def test_comparing_says_what_fits_and_stays_where_it_is():
    tracker = reserved_charge()
    before = tracker.orders
    judgement, branches = tracker.compare(Cancel(), {**DONE, **CANCELLED})
    assert judgement.status is StepStatus.CONFORMS
    assert {branch.after.stage for branch in branches} == {Stage.CANCELLED}
    assert tracker.orders is before
    judgement, branches = tracker.compare(Cancel(), {**DONE, **RESERVED})
    assert (judgement.status, branches) == (StepStatus.VIOLATES, ())


def test_after_a_violation_no_order_is_possible():
    tracker = reserved_charge()
    judgement = tracker.observe(Cancel(), {**DONE, **RESERVED})
    assert (judgement.status, judgement.goes_on) == (StepStatus.VIOLATES, False)
    assert tracker.orders == ()


def test_a_cancel_without_a_response_leaves_what_the_read_shows_and_the_next_step_is_judged():
    for view, stage in ((RESERVED, Stage.RESERVED), (CANCELLED, Stage.CANCELLED)):
        tracker = reserved_charge()
        judgement = tracker.observe(Cancel(), {**LOST, **view})
        assert (judgement.status, judgement.ambiguous, judgement.goes_on) == (StepStatus.INCONCLUSIVE, True, True)
        assert stage in stages(tracker)
        assert tracker.in_doubt
        assert tracker.observe(Read(), view).status is StepStatus.CONFORMS


def test_a_cancel_without_a_response_that_no_read_explains_ends_the_history_and_accuses_nobody():
    tracker = reserved_charge()
    judgement = tracker.observe(Cancel(), {**LOST, **HALF_CAPTURED})
    assert (judgement.status, judgement.ambiguous, judgement.goes_on) == (StepStatus.INCONCLUSIVE, False, False)
    assert tracker.orders == ()


def test_what_follows_a_request_without_a_response_is_never_a_violation():
    certain, doubtful = reserved_charge(), reserved_charge(in_doubt=True)
    observation = {**DONE, **RESERVED}
    assert certain.observe(Cancel(), observation).status is StepStatus.VIOLATES
    judgement = doubtful.observe(Cancel(), observation)
    assert judgement.status is StepStatus.INCONCLUSIVE
    assert judgement.cause.startswith("an earlier request of this history was not answered")
    assert "RE-03" in judgement.examples


def test_what_a_step_shows_incidentally_is_in_its_judgement():
    tracker = Tracker(P, ModelContext())
    opening = shown_by(tracker.expectation(Initiate()).branches[0])
    tracker.observe(Initiate(), opening)
    shown = shown_by(tracker.expectation(Approve()).branches[0])
    judgement = tracker.observe(Approve(), {**shown, "view.log.order": "oldest-first"})
    assert judgement.noticed == {"EP-31": "oldest first"}


def test_a_target_that_does_not_report_a_field_is_judged_by_the_others():
    observation = {name: value for name, value in {**DONE, **CANCELLED}.items() if name != "view.state"}
    assert reserved_charge().observe(Cancel(), observation).status is StepStatus.VIOLATES
    assert reserved_charge(complete=False).observe(Cancel(), observation).status is StepStatus.CONFORMS


def test_what_is_expected_of_a_step_is_the_same_until_the_order_moves_on():
    tracker, step = reserved_charge(), Cancel()
    expectation = tracker.expectation(step)
    tracker.compare(step, {**DONE, **CANCELLED})
    assert tracker.expectation(step) is expectation
    tracker.observe(step, {**DONE, **CANCELLED})
    assert tracker.expectation(step) != expectation


def test_an_order_can_be_followed_along_a_chosen_outcome():
    tracker = reserved_charge()
    step = Cancel()
    (chosen,) = [branch for branch in tracker.expectation(step).branches if branch.name == "cancelled"]
    tracker.advance(step, (chosen,), shown_by(chosen))
    assert stages(tracker) == {Stage.CANCELLED}
    tracker.advance(step, (), refusing())
    assert tracker.orders == ()


def test_a_step_that_the_api_does_not_have_is_an_error():
    with pytest.raises(KeyError):
        reserved_charge().expectation(Expire())


def imports_of(module: Path):
    """Return the names that a module imports from the model."""
    statements = ast.walk(ast.parse(module.read_text(encoding="utf-8")))
    imports = [node for node in statements if isinstance(node, ast.ImportFrom) and node.module == "conformance.model"]
    return {alias.name for node in imports for alias in node.names}


def test_nothing_but_the_tracker_asks_the_model():
    home = Path(conformance.__file__).parent
    # The reports and the strategies are links in a checkout, which a recursive glob does not follow.
    folders = [home, *(folder for folder in (home / "reports", home / "strategies") if folder.is_symlink())]
    modules = {module for folder in folders for module in folder.rglob("*.py")}
    asking = {"expect", "initial_expectation", "advance"}
    others = [module for module in modules if "model" not in module.relative_to(home).parts]
    assert [module.name for module in others if asking & imports_of(module)] == ["tracker.py"]
