"""A small run through the command line, against a provider that is right or one that is wrong."""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path

from conformance.cli.main import main
from conformance.domain.order import Profile
from conformance.domain.steps import Key
from conformance.evidence.journal import JOURNAL_NAME, START, read_journal
from conformance.judging.verdicts import CHECKS_NEEDED
from conformance.reports import write_reports
from conformance.sandbox import EPayment, Provider
from conformance.strategies.provider import plan as generation
from conformance.strategies.provider.case import Case
from conformance.targets.http.credentials import credentials_from
from conformance.targets.http.embedded import EmbeddedTransport
from conformance.targets.http.target import HttpTarget
from tests.stored import Stored, stored_records


class Forgetful(EPayment):
    """Says that it cancelled, and changes nothing."""

    def carry_out_cancel(self, order, key):
        return self.repeat_cancel(order)


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it wrote on its two streams."""

    code: int
    out: str
    errors: str


def command(*words: object) -> Said:
    """Give a command in this process."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as errors:
        code = main([str(word) for word in words])
    return Said(code, out.getvalue(), errors.getvalue())


@cache
def small_plan(profile, context, offered, wire):
    """Return as few systematic histories as show every rule often enough, and once more: some do not arrive."""
    lacking, chosen = Counter(), []
    # What a spent key shows depends on how far keys reach at the target.
    histories = [
        one
        for one in generation.plan_cases(profile, context, offered, wire=wire, seed=0, count=0)
        if all(getattr(step, "key", None) is not Key.SPENT for step in one.history.steps)
    ]
    for one in histories:
        lacking.update(dict.fromkeys(one.goals, 1))
    lacking = Counter({goal: min(number, CHECKS_NEEDED + 1) for goal, number in lacking.items()})
    while any(lacking.values()):
        best = max(histories, key=lambda one: sum(lacking[goal] > 0 for goal in one.goals))
        histories.remove(best)
        chosen.append(best)
        lacking.subtract({goal: 1 for goal in best.goals if lacking[goal] > 0})
    return chosen


def planned(profile, context, offered, *, wire, seed, count) -> list[Case]:
    """Return the small plan in the place of the whole one."""
    return list(small_plan(profile, context, offered, wire))


def use_small_plan(patch) -> None:
    """Let every run play the small plan."""
    patch.setattr("conformance.runner.schedule.plan_cases", planned)


def use_provider(patch, epayment=EPayment) -> None:
    """Let every target be this provider."""
    patch.setattr(
        "conformance.api.provider_run.resolve_target",
        lambda *_, **__: HttpTarget(EmbeddedTransport(Provider(epayment=epayment)), credentials_from(embedded=True)),
    )


def run(directory: Path, *words: str, profile: Profile = Profile.EPAYMENT) -> Said:
    """Make a small run."""
    return command("run", "--target", "embedded", "--profile", profile.value, "--out", directory, *words)


def rewritten(records: list[Stored], directory: Path) -> Path:
    """Write records as somebody would who knows how the chain is made."""
    directory.mkdir(parents=True, exist_ok=True)
    previous = START
    with (directory / JOURNAL_NAME).open("xb") as file:
        for number, record in enumerate(records):
            placed = {**record, "n": number, "prev": previous}
            line = json.dumps(placed, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
            file.write(line + b"\n")
            previous = hashlib.sha256(line).hexdigest()
    return directory


def plain(directory: Path) -> Path:
    """Write the journal of a run anew with whole lines, and its reports."""
    records = stored_records(read_journal(directory))
    (directory / JOURNAL_NAME).unlink()
    rewritten(records, directory)
    write_reports(directory)
    return directory


def everywhere(patch, module: str, name: str, new) -> None:
    """Put something into the place of a function of ours, wherever it was imported to."""
    old = getattr(sys.modules[module], name)
    for other in [one for key, one in sys.modules.items() if key.startswith("conformance")]:
        if vars(other).get(name) is old:
            patch.setattr(other, name, new)


@contextmanager
def patched(owner, name, new):
    """Put something into the place of an attribute, for as long as this lasts."""
    old = getattr(owner, name)
    setattr(owner, name, new)
    try:
        yield
    finally:
        setattr(owner, name, old)
