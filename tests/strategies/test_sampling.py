"""The values of a seed: the same ones, whatever modules are loaded, and what happens where Hypothesis has changed."""

import importlib
import sys
import types

import pytest
from hypothesis import strategies as st

from conformance.strategies import sampling
from conformance.strategies.sampling import LocalConstants, draw_different

CONSTANT = 775_533_911
MANY = st.integers(0, 1_000_000_000)


def draw():
    return draw_different(MANY, 1, 300, key=int, playable=lambda _: True)


@pytest.fixture
def local_module(tmp_path, monkeypatch):
    """A module of the user's own, with a number that Hypothesis likes to draw."""
    (tmp_path / "of_their_own.py").write_text("".join(f"N{n} = {CONSTANT + n}\n" for n in range(400)))
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("of_their_own")
    del sys.modules["of_their_own"]


@pytest.fixture
def another_hypothesis(monkeypatch):
    """A version of Hypothesis in which the names have gone."""
    monkeypatch.setitem(sys.modules, "hypothesis.internal.constants_ast", types.ModuleType("constants_ast"))


def test_a_name_of_something_else_is_no_place(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(LocalConstants.of_hypothesis().module, "_get_local_constants", None)
        with pytest.raises(AttributeError):
            LocalConstants.of_hypothesis()


def test_the_installed_hypothesis_has_the_names_that_are_replaced():
    assert LocalConstants.of_hypothesis().module.__name__ == "hypothesis.internal.conjecture.providers"


def test_modules_of_the_users_own_do_not_change_what_a_seed_draws(local_module):
    with_module = draw()
    assert not [value for value in with_module if CONSTANT <= value < CONSTANT + 400]
    assert with_module == draw()


def test_without_the_names_values_are_drawn_with_a_warning(another_hypothesis):
    with pytest.warns(RuntimeWarning, match="not a version that this suite knows"):
        assert len(draw()) == 300


def test_everything_is_put_back_after_a_failure():
    before = LocalConstants.of_hypothesis().module._get_local_constants
    with pytest.raises(ZeroDivisionError), sampling.without_local_constants():
        raise ZeroDivisionError
    assert LocalConstants.of_hypothesis().module._get_local_constants is before
