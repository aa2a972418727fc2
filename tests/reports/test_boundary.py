"""Where a failure begins and ends is said with it, on the page, in the summary and at the terminal."""

import asyncio

import pytest

from conformance.cli.summary import print_ending
from conformance.domain.order import Profile
from conformance.evidence.record_parts import BoundaryRecord
from conformance.reports import write_reports
from conformance.reports.wording.boundary import boundary_in_words
from conformance.runner.campaign import Campaign, Settings
from conformance.runner.settings import nonce_for
from conformance.sandbox import Options, Provider
from conformance.targets.http.credentials import credentials_from
from conformance.targets.http.embedded import EmbeddedTransport
from conformance.targets.http.target import HttpTarget

DAY = 86_400


@pytest.mark.parametrize(
    ("boundary", "words"),
    [
        (
            BoundaryRecord(of="age", first=90 * DAY, before=90 * DAY - 3_600, last=179 * DAY, after=181 * DAY),
            "It occurs from an age of 90 days on, and not at 89 days 23 hours; up to 179 days, and not at 181 days.",
        ),
        (BoundaryRecord(of="age", last=DAY, after=2 * DAY), "It occurs up to an age of 1 day, and not at 2 days."),
        (
            BoundaryRecord(of="amount", first=65_536, before=65_535),
            "It occurs from an amount of 655.36 NOK (65536) on, and not at 655.35 NOK (65535).",
        ),
        (BoundaryRecord(of="amount"), ""),
    ],
)
def test_it_is_said_in_words(boundary, words):
    assert boundary_in_words(boundary, "NOK") == words


def test_a_limit_that_is_too_early_is_named(tmp_path, capsys):
    target = HttpTarget(EmbeddedTransport(Provider(Options(age_limit_days=90))), credentials_from(embedded=True))
    settings = Settings(profiles=(Profile.EPAYMENT,), histories=0, nonce=nonce_for(target, 0))
    asyncio.run(Campaign(target, settings, tmp_path).run())
    result = write_reports(tmp_path)
    print_ending(result, tmp_path)
    for text in (
        (tmp_path / "report.html").read_text(encoding="utf-8"),
        (tmp_path / "summary.md").read_text(encoding="utf-8").replace("\\", ""),
        capsys.readouterr().out,
    ):
        assert "from an age of 90 days" in text
