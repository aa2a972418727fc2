"""No correct provider is taken for a faulty one."""

import pytest

from conformance.verdict import RuleVerdict, RunVerdict

from . import stage
from .benign import EVERY, VARIANTS


def rows():
    for variant in VARIANTS:
        yield pytest.param(variant, id=f"{variant.profile.value}-{variant.name}")


@pytest.mark.parametrize("variant", list(rows()))
def test_a_correct_provider_conforms(variant, tmp_path):
    result = stage.run(variant.provider, variant.profile, tmp_path / "out", variant.readings, variant.market)
    worst = (RuleVerdict.VIOLATED, RuleVerdict.INCONCLUSIVE)
    assert {one.rule.id: one.reason for one in result.rules if one.verdict in worst} == {}
    if variant.open:
        short = (RuleVerdict.NOT_EXERCISED, RuleVerdict.THIN)
        missing = {one.rule.id for one in result.rules if one.verdict in short and one.rule.level.value == "REQUIRED"}
        assert missing == variant.open
    else:
        assert result.verdict is RunVerdict.CONFORMANT, result.reason


@pytest.mark.parametrize("profile", EVERY)
def test_there_are_enough_variants_of_each_profile(profile):
    assert sum(variant.profile is profile for variant in VARIANTS) >= 12
