"""Another sales unit's number: a guess as long as nobody names one, and then something to be held to."""

import asyncio

import pytest

from conformance.domain.order import Profile
from conformance.judging.verdicts import RuleVerdict, RunVerdict
from conformance.reports.wording.headline import untested
from conformance.runner.campaign import Campaign, Settings
from conformance.runner.settings import nonce_for
from conformance.sandbox import Provider, running_server
from conformance.sandbox.options import OTHER_MSN
from conformance.targets.http.credentials import credentials_from
from conformance.targets.resolve import resolve_target
from tests.museum.ecom.wire import EverySalesUnitAlike as EcomAlike
from tests.museum.epayment.wire import EverySalesUnitAlike as EpaymentAlike

CASES = [(Profile.EPAYMENT, "EP-16", RuleVerdict.PASSED), (Profile.ECOM, "EC-20", RuleVerdict.NOT_EXERCISED)]


def run(directory, profile, environment):
    with running_server(Provider(ecom=EcomAlike, epayment=EpaymentAlike)) as url:
        target = resolve_target(url, control_url=f"{url}/control", environment=environment)
        settings = Settings((profile,), budget="quick", histories=0, nonce=nonce_for(target, 0))
        return asyncio.run(Campaign(target, settings, directory).run())


@pytest.mark.parametrize(("profile", "rule", "verdict"), CASES)
def test_a_target_with_one_sales_unit_conforms_and_the_report_lists_what_is_untested(profile, rule, verdict, tmp_path):
    result = run(tmp_path, profile, {})
    assert result.verdict is RunVerdict.CONFORMANT, result.reason
    (tested_rule,) = [tested for tested in result.rules if tested.rule.id == rule]
    assert tested_rule.verdict is verdict
    assert "answers every sales unit alike" in tested_rule.reason
    assert "VIPPS_OTHER_MSN" in tested_rule.reason
    (group,) = [rule for rule in untested(result) if tested_rule in rule.rules]
    assert "answers every sales unit alike" in group.reason
    assert not group.is_blocking


@pytest.mark.parametrize(("profile", "rule", "_"), CASES)
def test_a_configured_second_sales_unit_must_be_refused(profile, rule, _, tmp_path):
    result = run(tmp_path, profile, {"VIPPS_OTHER_MSN": OTHER_MSN})
    assert result.run.other_unit is True
    assert [rule.rule.id for rule in result.rules if rule.verdict is RuleVerdict.VIOLATED] == [rule]


def test_a_number_that_was_named_is_used_and_known_as_named():
    named = credentials_from({"VIPPS_OTHER_MSN": "777777"}, loopback=True)
    assert (named.other_msn, named.other_named) == ("777777", True)
    assert not credentials_from({}, loopback=True).other_named
    own = {"VIPPS_MSN": "123456", "VIPPS_SUBSCRIPTION_KEY": "k", "VIPPS_ACCESS_TOKEN": "t"}
    assert not credentials_from(own).other_named
    assert credentials_from({**own, "VIPPS_OTHER_MSN": "777777"}).other_named
    assert credentials_from({"VIPPS_OTHER_MSN": "777777"}, embedded=True).other_msn == OTHER_MSN
