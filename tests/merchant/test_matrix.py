"""Every merchant breaks exactly what the golden matrix says, and a faulty one is blamed for the right thing first."""

from __future__ import annotations

import pytest

from tests.merchant import matrix
from tests.merchant.exhibits import BY_NAME, CORRECT, REFERENCES, STRANGERS, WRONG, name_of
from tests.merchant.stage import BOOK, required

AGAIN = "if this is meant: `python -m tests.merchant.matrix --write`"


@pytest.mark.parametrize("name", BY_NAME)
def test_it_breaks_what_the_matrix_says(name: str):
    assert matrix.played(name) == matrix.read()[name], AGAIN


def test_everybody_is_in_the_matrix():
    assert set(matrix.read()) == set(BY_NAME)
    assert len(BY_NAME) == len(CORRECT) + len(WRONG)
    assert matrix.written(matrix.read()) == matrix.FILE.read_text(encoding="utf-8"), AGAIN


def test_the_right_obligation_is_blamed_first():
    rows = matrix.read()
    assert {name_of(made): rows[name_of(made)].split()[:1] for made in WRONG} == {
        name_of(made): [made.first] for made in WRONG
    }


def test_the_correct_are_accused_of_nothing_that_decides():
    rows = matrix.read()
    assert {made: rows[name_of(made)] for made in CORRECT if required(rows[name_of(made)].split())} == {}
    assert {made: rows[name_of(made)] for made in (*REFERENCES, *STRANGERS) if rows[name_of(made)]} == {}


def test_every_obligation_is_broken_by_somebody():
    broken = {rule for row in matrix.read().values() for rule in row.split()}
    assert {rule.id for rule in BOOK.rules} - broken == {"MC-1", "MC-2"}, "these two have hostile merchants"
