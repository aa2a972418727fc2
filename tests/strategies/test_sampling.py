"""The values of a seed: different ones, the same each time, of every magnitude, whatever modules are loaded."""

import importlib
import sys
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.strategies.sampling import BACKEND, draw_different

CONSTANT = 775_533_911
MANY = st.integers(0, 1_000_000_000)


def draw(strategy=MANY, seed=1, count=300):
    return draw_different(strategy, seed, count, key=repr, playable=lambda _: True)


@pytest.fixture
def local_module(tmp_path, monkeypatch):
    """A module of the user's own, with a number that Hypothesis likes to draw."""
    (tmp_path / "of_their_own.py").write_text("".join(f"N{n} = {CONSTANT + n}\n" for n in range(400)))
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("of_their_own")
    del sys.modules["of_their_own"]


def test_modules_of_the_users_own_do_not_change_what_a_seed_draws(local_module):
    with_module = draw()
    assert not [value for value in with_module if CONSTANT <= value < CONSTANT + 400]
    assert with_module == draw()


def test_another_seed_draws_other_values():
    assert len(set(draw()) & set(draw(seed=2))) < 60


def test_each_magnitude_of_a_large_range_is_as_likely_as_another():
    magnitudes = Counter(len(str(value)) for value in draw(count=900))
    assert all(magnitudes[digits] > 60 for digits in range(3, 10))


def test_a_range_on_either_side_of_zero_is_drawn_from_the_end_that_is_nearer():
    assert all(-90_000 <= value <= -10_000 for value in draw(st.integers(-90_000, -10_000)))


def test_few_values_are_all_drawn():
    assert sorted(draw(st.sampled_from("abc"), count=10)) == ["a", "b", "c"]


def test_values_that_do_not_count_are_left_out():
    assert all(value % 2 for value in draw_different(MANY, 1, 50, key=int, playable=lambda value: bool(value % 2)))


@settings(backend=BACKEND, database=None, max_examples=20)
@given(st.text(), st.floats(), st.binary(), st.booleans(), st.integers(), st.lists(st.integers(min_value=3)))
def test_everything_can_be_drawn(text, number, data, flag, whole, numbers):
    assert (type(text), type(number), type(data), type(flag), type(whole)) == (str, float, bytes, bool, int)
    assert all(each >= 3 for each in numbers)
