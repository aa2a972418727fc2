"""A served provider whose clock and the suite's are moved together, and a person who follows the printed calendar."""

import re
from datetime import UTC, datetime, timedelta

from conformance.cli.main import main

START = datetime(2030, 1, 1, 12, tzinfo=UTC)
HARVEST = re.compile(r"  (?:\d+(?: \w+)?(?: \d{4})? to )?(\d+ \w+ \d{4})(?: or soon after)? +(before|after) the limit")


class Time:
    """What both sides take for the present."""

    def __init__(self):
        self.moment = START

    def __call__(self):
        return self.moment

    def pass_by(self, **span):
        self.moment += timedelta(**span)


def days_of(printed):
    """Return the last days on which a printed calendar says to harvest, in their order."""
    lines = (HARVEST.match(line) for line in printed.splitlines())
    return [datetime.strptime(line[1], "%d %B %Y").replace(tzinfo=UTC) for line in lines if line]


def follow(time, printed, url, *options):
    """Harvest on each day of a printed calendar; return the exit codes, and the folder of each harvest."""
    harvests = {}
    for day in days_of(printed):
        time.moment = day + timedelta(hours=6)
        folder = f"{day:%Y-%m-%d}"
        harvests[folder] = main(["age", "harvest", "--target", url, *options, "--out", folder])
    return harvests
