"""What the model claims is what was written down: no verdict changes in silence."""

import pytest

from tests.model.on_paper import PROFILES
from tests.model.oracle import file_of, text_of


@pytest.mark.parametrize("profile", PROFILES)
def test_what_the_model_claims_is_what_is_written_down(profile):
    """Where a change is meant, ``python -m tests.model.oracle`` writes it down; the difference says what it does."""
    assert text_of(profile).splitlines() == file_of(profile).read_text(encoding="utf-8").splitlines()
