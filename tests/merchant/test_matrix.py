"""Every merchant breaks exactly what the golden matrix says, and a faulty one is blamed for the right thing first."""

from __future__ import annotations

import pytest

from tests.merchant import matrix
from tests.merchant.catalogue import BY_NAME, CORRECT, FAULTY, INDEPENDENT, REFERENCES, name_of
from tests.merchant.helpers import BOOK, required
from tests.merchant.signed.faulty import FAULTY as SIGNED_FAULTY

AGAIN = "if this is meant: `python -m tests.merchant.matrix --write`"


@pytest.mark.thorough
@pytest.mark.parametrize("name", BY_NAME)
def test_a_merchant_breaks_what_the_matrix_says(name: str):
    assert matrix.row_of(name) == matrix.read()[name], AGAIN


def test_every_merchant_is_in_the_matrix():
    assert set(matrix.read()) == set(BY_NAME)
    assert len(BY_NAME) == len(CORRECT) + len(FAULTY)
    assert matrix.as_text(matrix.read()) == matrix.FILE.read_text(encoding="utf-8"), AGAIN


def test_the_right_obligation_is_blamed_first():
    rows = matrix.read()
    assert {name_of(adapter): rows[name_of(adapter)].split()[:1] for adapter in FAULTY} == {
        name_of(adapter): [adapter.first] for adapter in FAULTY
    }


def test_correct_merchants_break_no_required_obligation():
    rows = matrix.read()
    assert {adapter: rows[name_of(adapter)] for adapter in CORRECT if required(rows[name_of(adapter)].split())} == {}
    assert {adapter: rows[name_of(adapter)] for adapter in (*REFERENCES, *INDEPENDENT) if rows[name_of(adapter)]} == {}


def test_every_obligation_is_broken_by_some_merchant():
    broken = {rule for row in matrix.read().values() for rule in row.split()}
    broken |= {adapter.first for adapter in SIGNED_FAULTY}
    assert {rule.id for rule in BOOK.rules} - broken == {"MC-1", "MC-2"}, "these two have hostile merchants"
