"""From planting to a full verdict at a provider whose clock is moved by days, on the days that the command printed."""

import pytest

from conformance.cli.main import main
from conformance.judging.verdicts import RuleVerdict
from conformance.reports import write_reports
from conformance.sandbox import EPayment, Options, Provider
from conformance.sandbox.options import Market
from conformance.sandbox.recurring import Recurring
from conformance.sandbox.server import running_server

from .lane import follow

PLANTED = "The verdict can be complete from 3 January 2031 on"


def planted(url, capsys, *options):
    capsys.readouterr()
    assert main(["age", "plant", "--target", url, *options]) == 0
    return capsys.readouterr().out


def violated(folder):
    return {each.rule.id for each in write_reports(folder).rules if each.verdict is RuleVerdict.VIOLATED}


def verified(folder, capsys):
    """Verify a harvest: everything follows, and what was planted by other runs has no exchanges to go through."""
    capsys.readouterr()
    code = main(["verify", folder])
    printed = capsys.readouterr().out
    return code == 4 and "planted" in printed


@pytest.mark.parametrize(
    ("apis", "days", "histories"),
    [
        (("epayment",), ["2030-06-28", "2030-07-02", "2030-12-30", "2031-01-03"], [24]),
        pytest.param(
            ("ecom", "epayment", "recurring"),
            ["2030-06-28", "2030-07-02", "2030-07-06", "2030-12-30", "2031-01-03"],
            [24, 24, 21],
            marks=pytest.mark.thorough,
        ),
    ],
    ids=["one API", "all APIs"],
)
def test_a_correct_provider_is_conformant_at_the_end_of_its_calendar(home, time, capsys, apis, days, histories):
    options = [word for api in apis for word in ("--profile", api)]
    with running_server(Provider(now=time)) as url:
        calendar = planted(url, capsys, *options)
        assert PLANTED in calendar
        harvests = follow(time, calendar, url, *options)
    assert list(harvests) == days
    assert list(harvests.values()) == [4] * (len(days) - 1) + [0]
    result = write_reports(home / "2031-01-03")
    assert list(result.histories.values()) == histories
    for each in result.rules:
        if "age" in each.rule.needs and each.rule.status == "checked":
            assert each.verdict is RuleVerdict.PASSED, (each.rule.id, each.reason)
    assert verified("2031-01-03", capsys)


class Only90Days(EPayment):
    """Neither cancels nor captures what is older than 90 days."""

    def age_limit_days(self, order):
        return 90

    def is_capture_too_late(self, order):
        return self.is_too_old(order)


class Only170Days(EPayment):
    """Cancels nothing that is older than 170 days."""

    def age_limit_days(self, order):
        return 170


class As190Days(EPayment):
    """Cancels what is up to 190 days old."""

    def age_limit_days(self, order):
        return 190


class Ageless(EPayment):
    """Cancels whatever its age."""

    def is_too_old(self, order):
        return False


class Danish(EPayment):
    """Takes the deadline of Denmark in every market."""

    def age_limit_days(self, order):
        return 14


class RefundsForHalfAYear(EPayment):
    """Refunds nothing that was reserved more than 180 days ago."""

    def is_refund_too_late(self, order):
        return self.days_since(order, order.reserved_at) > 180


class RefundsForever(EPayment):
    """Refunds whatever its age."""

    def is_refund_too_late(self, order):
        return False


WRONG = {
    Only90Days: ("2030-06-28", "KB-02"),
    Only170Days: ("2030-06-28", "KB-02"),
    As190Days: ("2030-07-02", "EP-14"),
    Ageless: ("2030-07-02", "EP-14"),
    Danish: ("2030-06-28", "KB-02"),
    RefundsForHalfAYear: ("2030-12-30", "EP-35"),
    RefundsForever: ("2031-01-03", "EP-37"),
}
"""Each wrong limit, the harvest that shows it first, and a rule that it violates."""


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.__name__)
def test_a_wrong_limit_is_shown_on_its_day_of_the_calendar(home, time, capsys, wrong):
    day, rule = WRONG[wrong]
    # What it keeps too short, it refuses: a reservation that ends by itself is another fault.
    with running_server(Provider(Options(auto_cancel_at_deadline=False), now=time, epayment=wrong)) as url:
        calendar = planted(url, capsys, "--profile", "epayment", "--copies", "1")
        harvests = follow(time, calendar, url, "--profile", "epayment")
    shown = [folder for folder, code in harvests.items() if code == 1]
    assert shown[0] == day
    # What was violated once stays in the verdict of every later harvest.
    assert shown == [folder for folder in harvests if folder >= day]
    assert rule in violated(home / day)
    assert verified(list(harvests)[-1], capsys)


class Unlimited(Recurring):
    """Cancels whatever its age."""

    def is_too_old(self, order):
        return False


@pytest.mark.thorough
@pytest.mark.parametrize(("reading", "days"), [("any", 4), ("market-deadline", 5)])
def test_danish_limits_have_a_calendar_of_their_own(home, time, capsys, reading, days):
    options = ("--market", "dk", "--reading", f"C1={reading}", "--profile", "epayment")
    limit = {} if reading == "market-deadline" else {"age_limit_days": 180}
    with running_server(Provider(Options(market=Market.DK, **limit), now=time)) as url:
        calendar = planted(url, capsys, *options)
        harvests = follow(time, calendar, url, *options)
    assert list(harvests.values()) == [4] * (days - 1) + [0]
    assert next(iter(harvests)) == "2030-01-13"


@pytest.mark.thorough
def test_a_deadline_that_nobody_keeps_is_found_in_recurring(home, time, capsys):
    with running_server(Provider(now=time, recurring=Unlimited)) as url:
        harvests = follow(time, planted(url, capsys, "--profile", "recurring", "--copies", "1"), url)
    assert harvests["2030-07-02"] == 1
    assert "RE-18" in violated(home / "2030-07-02")
