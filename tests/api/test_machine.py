"""`CancelMachine`: a correct provider passes, a faulty one is found in few readable steps, and users extend it."""

import re
import sys

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from conformance import CancelMachine, InconclusiveError, NotTestedWarning, ViolationError, cancel_machine, open_target
from conformance.domain.order import Profile
from conformance.domain.steps import Read
from conformance.errors import UsageError
from conformance.sandbox import Provider
from conformance.sandbox.server import running_server

from .targets import CONTROL, crashes, forgets_the_capture, with_answer

SETTINGS = settings(
    max_examples=20,
    stateful_step_count=15,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("profile", [profile.value for profile in Profile])
def test_a_correct_provider_passes(profile):
    run_state_machine_as_test(cancel_machine(profile, "embedded"), settings=SETTINGS)


def test_a_fault_is_found_in_few_readable_steps():
    machine = cancel_machine("epayment", with_answer(forgets_the_capture), control_url=CONTROL)
    shrinking = settings(
        SETTINGS,
        max_examples=300,
        derandomize=True,
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
    )
    with pytest.raises(ViolationError) as failure:
        run_state_machine_as_test(machine, settings=shrinking)
    notes = "\n".join(failure.value.__notes__)
    steps = re.findall(r"state\.(\w+)\(", notes)
    assert steps[0] == "create"
    assert steps[-1] == "teardown"
    assert len(steps) <= 6
    assert re.search(r"orders_0 = state\.create\(amount=1000, situation='\w", notes)
    assert "cancel(flag=None, order=orders_0)" in notes


def test_the_default_number_of_examples_finds_a_fault_nearly_always():
    machine = cancel_machine("epayment", with_answer(forgets_the_capture), control_url=CONTROL)
    found = 0
    for number in range(6):
        try:
            run_state_machine_as_test(seed(number)(machine), settings=settings(SETTINGS, max_examples=100))
        except (ViolationError, ExceptionGroup):
            found += 1
    assert found >= 5


def test_what_a_target_does_not_offer_is_warned_of():
    with running_server(Provider()) as url, open_target(url) as target:
        machine = cancel_machine("epayment", target)
        with pytest.warns(NotTestedWarning) as caught:
            run_state_machine_as_test(machine, settings=settings(SETTINGS, max_examples=2))
    texts = [str(each.message) for each in caught]
    assert len(texts) == len(set(texts)) > 1
    assert any("offers no way to let time pass" in text for text in texts)


def test_a_subclass_has_rules_and_invariants_of_its_own():
    met = []

    class Machine(CancelMachine):
        target = "embedded"

        @rule(order=CancelMachine.orders)
        def look(self, order):
            met.append(order.history)

        @invariant()
        def nothing_is_negative(self):
            assert all(state.remaining >= 0 for order in self.living for state in order.possible)

    run_state_machine_as_test(Machine, settings=SETTINGS)
    assert met


def test_several_orders_live_at_the_same_time():
    most = []

    class Machine(CancelMachine):
        target = "embedded"

        @invariant()
        def count(self):
            most.append(len(self.living))

    run_state_machine_as_test(Machine, settings=SETTINGS)
    assert max(most) > 1


def test_what_one_order_does_to_another_is_found():
    """A provider that cancels every payment at once is conformant as long as there is one payment."""
    from conformance.sandbox.asgi import create_app  # noqa: PLC0415

    app = create_app(Provider())
    paths = []

    async def leaky(scope, receive, send):
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"].count("/") == 4:
            # Every read shows the payment that was created last.
            paths.append(scope["path"])
            scope = {**scope, "path": max(paths), "raw_path": max(paths).encode()}
        await app(scope, receive, send)

    machine = cancel_machine("epayment", leaky, control_url=CONTROL)
    with pytest.raises((ViolationError, ExceptionGroup)):
        run_state_machine_as_test(machine, settings=settings(SETTINGS, max_examples=100))


def test_every_order_is_read_once_more_at_the_end():
    last = []

    class Machine(CancelMachine):
        target = "embedded"

        def teardown(self):
            # Hypothesis ends some examples before their time.
            whole = sys.exc_info()[0] is None
            super().teardown()
            last.extend(order.steps[-1] for order in self.living if whole)

    run_state_machine_as_test(Machine, settings=SETTINGS)
    assert set(last) == {Read()}


def test_the_test_case_is_one_of_unittest():
    case = cancel_machine("epayment", "embedded").TestCase
    case.settings = settings(SETTINGS, max_examples=2)
    case("runTest").runTest()


def test_a_step_that_proves_nothing_is_no_violation():
    machine = cancel_machine("epayment", with_answer(crashes, on="/capture"), control_url=CONTROL)
    with pytest.raises(InconclusiveError):
        run_state_machine_as_test(machine, settings=settings(SETTINGS, max_examples=100))


def test_an_unknown_api_is_refused():
    with pytest.raises(UsageError, match="There is no profile 'epay'"):
        cancel_machine("epay", "embedded")
