"""`histories`, the strategy for users' own tests: what it draws, how that is printed, and how it shrinks."""

import warnings

import pytest
from hypothesis import HealthCheck, Phase, find, given, reproduce_failure, seed, settings
from hypothesis.errors import NonInteractiveExampleWarning
from hypothesis.vendor.pretty import pretty

from conformance import histories, history, open_target
from conformance.adapter import Accepted, OrderView
from conformance.domain.order import Profile
from conformance.domain.steps import Age, Cancel, Together
from conformance.errors import UsageError
from conformance.model import ModelContext
from conformance.strategies.provider.situations import needs, on_wire_only
from conformance.strategies.provider.walk import reached

SEARCH = settings(database=None, deadline=None, max_examples=2000, phases=[Phase.generate, Phase.shrink])


@pytest.mark.parametrize("profile", [profile.value for profile in Profile])
def test_a_history_is_printed_as_it_is_written(profile):
    @settings(max_examples=200, database=None, deadline=None)
    @given(histories(profile))
    def check(drawn):
        assert eval(repr(drawn), {"history": history}) == drawn
        assert eval(pretty(drawn), {"history": history}) == drawn

    check()


def test_a_history_shrinks_to_what_a_person_would_write():
    late = find(
        histories("epayment"),
        lambda drawn: (
            any(isinstance(step, Age) for step in drawn.steps)
            and sum(isinstance(step, Cancel) for step in drawn.steps) > 1
        ),
        settings=SEARCH,
    )
    assert late.opening.amount == 1000
    assert len(late.steps) <= 4
    assert repr(find(histories("epayment"), lambda _: True, settings=SEARCH)) == "history('epayment', 'cancel')"


def test_capabilities_are_kept_to():
    able = {"approve"}

    @settings(max_examples=200, database=None, deadline=None)
    @given(histories("epayment", capabilities=able))
    def check(drawn):
        assert needs(drawn) <= able
        assert not on_wire_only(drawn)

    check()


def test_everything_is_drawn_without_capabilities():
    assert find(histories("epayment"), on_wire_only, settings=SEARCH)
    assert find(histories("epayment"), lambda drawn: "age" in needs(drawn), settings=SEARCH)
    assert find(
        histories("epayment"), lambda drawn: any(isinstance(step, Together) for step in drawn.steps), settings=SEARCH
    )


def test_a_target_says_what_it_can_do():
    class Adapter:
        """It has no other methods than an adapter must have."""

        profiles = ("epayment",)

        def initiate(self, order_id, amount, currency, kind):
            return Accepted()

        def cancel(self, order_id, *, flag, key):
            return Accepted()

        def read(self, order_id):
            return OrderView("TERMINATED", 0, 0, 1000)

    with open_target(Adapter) as target:
        strategy = histories("epayment", target=target)

        @settings(max_examples=50, database=None, deadline=None)
        @given(strategy)
        def check(drawn):
            assert not needs(drawn)
            assert not on_wire_only(drawn)

        check()


def test_a_rule_is_reached_by_every_history():
    @settings(max_examples=30, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(histories("epayment", rule="KB-02/beyond"))
    def check(drawn):
        assert "KB-02/beyond" in reached(drawn, ModelContext())

    check()


def test_the_strategy_works_with_filter_and_map():
    short = histories("ecom").filter(lambda drawn: len(drawn.steps) < 4).map(lambda drawn: drawn.steps)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NonInteractiveExampleWarning)
        assert len(short.example()) < 4


def test_a_failure_is_reproduced_from_its_blob():
    drawn = []

    def fails(one):
        drawn.append(one)
        assert len(one.steps) < 3

    test = settings(database=None, deadline=None, print_blob=True)(given(histories("epayment"))(fails))
    with pytest.raises(AssertionError) as failure:
        seed(1)(test)()
    blob = next(note for note in failure.value.__notes__ if "reproduce_failure" in note)
    smallest = drawn[-1]
    drawn.clear()
    arguments = eval(blob[blob.index("@reproduce_failure") + len("@reproduce_failure") : blob.index(")") + 1])
    again = reproduce_failure(*arguments)(settings(database=None, deadline=None)(given(histories("epayment"))(fails)))
    with pytest.raises(AssertionError):
        again()
    assert drawn[-1] == smallest


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"profile": "epay"}, "There is no profile 'epay'"),
        ({"profile": "epayment", "capabilities": {"fly"}}, "There is no capability 'fly'"),
        ({"profile": "epayment", "capabilities": {"age"}, "target": "embedded"}, "not both"),
        ({"profile": "epayment", "market": "se"}, "There is no market 'se'"),
        ({"profile": "epayment", "rule": "EP-6"}, "There is no rule 'EP-6'. Did you mean 'EP-06'?"),
        ({"profile": "epayment", "rule": "KB-02/beyont"}, "KB-02 has no side 'beyont': there are within, beyond"),
        ({"profile": "epayment", "rule": "EP-06/in"}, "EP-06 has no side 'in': there are none"),
        ({"profile": "epayment", "rule": "KB-02/beyond", "capabilities": ()}, "No history of epayment reaches"),
    ],
)
def test_what_makes_no_sense_is_said_at_once(arguments, words):
    with pytest.raises(UsageError, match=words):
        histories(**arguments)
