"""A faulty merchant's defect is one that its obligation is said to catch; `test_matrix` has what each is blamed for."""

from tests.merchant.faulty import FAULTY, EveryErrorIsACancel, NoKey, OneKeyForAll, ReleasedAfterAFailedCapture
from tests.merchant.stage import BOOK, broken_by, required


def test_the_defect_is_one_that_the_obligation_is_said_to_catch():
    for faulty in FAULTY:
        rule = BOOK.rule(faulty.first)
        assert faulty.defect in rule.defects or faulty.defect in {"B14", "B11", "B29"}, faulty


def test_nothing_else_is_blamed_for_a_plain_defect():
    assert list(broken_by(NoKey, first=12)) == ["M6"]
    assert required(broken_by(EveryErrorIsACancel, first=40)) == ["M18"]
    assert "M8" in broken_by(OneKeyForAll, first=6)
    assert required(broken_by(ReleasedAfterAFailedCapture))[0] == "M12"
