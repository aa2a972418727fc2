"""A run, from Python: ``conformance.run("embedded", seed=1).verdict``."""

from __future__ import annotations

import asyncio
import shlex
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from conformance.domain.order import Market, Profile
from conformance.errors import UsageError
from conformance.reports import write_reports
from conformance.results.result import Result
from conformance.results.waivers import parse_waivers
from conformance.rulebook import Readings
from conformance.runner.campaign import BUDGETS, Campaign, Observer, Settings
from conformance.runner.example_database import check_locations
from conformance.runner.settings import Shard, nonce_for
from conformance.targets.resolve import resolve_target
from conformance.targets.target import Target

__all__ = ["Observer", "Result", "RunOptions", "UsageError", "run"]

Word = TypeVar("Word", Profile, Market)


@dataclass(frozen=True)
class RunOptions:
    """What a run was asked to do, in the words of the command line. Nothing is checked until ``prepare``."""

    target: str = "embedded"
    profiles: Iterable[str] | None = None
    control_url: str | None = None
    market: str = "no"
    readings: Iterable[str] = ()
    budget: str = "standard"
    histories: int | None = None
    seed: int = 0
    concurrency: int | None = None
    waive: Mapping[str, str] | Iterable[str] = ()
    max_requests: int | None = None
    shard: str | None = None
    examples: Iterable[str] = ()

    def prepare(self) -> tuple[Target, Settings]:
        """Return the target's seat and the run's settings.

        Raises:
            UsageError: a profile, a market, a budget, a number, a waiver, a shard or a directory makes no sense.
            ReadingError: a reading does.
            TargetUsageError: the target does.

        """
        profiles = None if self.profiles is None else _words(self.profiles)
        if self.budget not in BUDGETS:
            raise UsageError(f"There is no budget {self.budget!r}: the ones to choose from are {', '.join(BUDGETS)}.")
        numbers = (
            ("histories", self.histories, 0),
            ("concurrency", self.concurrency, 1),
            ("requests", self.max_requests, 1),
        )
        for name, number, least in numbers:
            if number is not None and number < least:
                raise UsageError(f"The number of {name} is {number}, and must be {least} or more.")
        chosen = None if not profiles else tuple(dict.fromkeys(_word(Profile, "profile", one) for one in profiles))
        settings = Settings(
            profiles=chosen,
            market=_word(Market, "market", self.market),
            readings=Readings.choose(_words(self.readings)),
            budget=self.budget,
            histories=self.histories,
            seed=self.seed,
            waivers=parse_waivers(self.waive, chosen),
            command=self.command_line(),
            most_requests=self.max_requests,
            shard=None if self.shard is None else _shard(self.shard),
            examples=check_locations(_words(self.examples)),
        )
        seat = resolve_target(self.target, control_url=self.control_url, concurrency=self.concurrency, seed=self.seed)
        if settings.most_requests is not None and not seat.over_http:
            raise UsageError(f"{seat.name} is sent no requests: leave --max-requests out.")
        nonce = nonce_for(seat, settings.seed)
        return seat, replace(settings, nonce=nonce)

    def options(self) -> list[tuple[str, str]]:
        """Return what was asked for as option names and values; what is at its default is left out."""
        waived = self.waive.items() if isinstance(self.waive, Mapping) else ()
        given: list[tuple[str, object]] = [
            *(("profile", one) for one in _words(self.profiles or ())),
            ("control-url", self.control_url),
            ("market", None if self.market == "no" else self.market),
            *(("reading", one) for one in _words(self.readings)),
            ("budget", None if self.budget == "standard" else self.budget),
            ("histories", self.histories),
            ("seed", self.seed),
            ("concurrency", self.concurrency),
            ("max-requests", self.max_requests),
            ("shard", self.shard),
            *(("examples", one) for one in _words(self.examples)),
            *(("waive", f"{rule}={reason}") for rule, reason in waived),
            *(("waive", one) for one in (() if waived else _words(self.waive))),
        ]
        return [("target", self.target), *((name, str(value)) for name, value in given if value is not None)]

    def command_line(self) -> str:
        """Return the command that asks for the same."""
        words = [word for name, value in self.options() for word in (f"--{name}", value)]
        return shlex.join(["cancel-conformance", "run", *words])


def run(
    target: str = "embedded",
    *,
    profiles: Iterable[str] | None = None,
    control_url: str | None = None,
    market: str = "no",
    readings: Iterable[str] = (),
    budget: str = "standard",
    histories: int | None = None,
    seed: int = 0,
    concurrency: int | None = None,
    waive: Mapping[str, str] | Iterable[str] = (),
    max_requests: int | None = None,
    shard: str | None = None,
    examples: Iterable[str] = (),
    out: str | Path | None = None,
    observer: Observer | None = None,
) -> Result:
    """Test a target, and write the evidence and the reports.

    Args:
        target: as the command line's ``--target``.
        profiles: which APIs to test; the ones that the target says it has when left out.
        control_url: the base of the target's test control API.
        market: ``no``, ``dk`` or ``fi``.
        readings: choices such as ``C8=reject``.
        budget: ``quick``, ``standard`` or ``thorough``.
        histories: how many histories to generate for each profile, instead of the budget's number.
        seed: the same seed plays the same histories.
        concurrency: how many histories at a time.
        waive: rules that do not decide, with the reason: a mapping, or texts such as ``RULE=REASON`` and
            ``RULE@2026-12-31=REASON``, which holds until the end of that day.
        max_requests: how many requests may be sent.
        shard: which part of the plan to play, such as ``2/4``.
        examples: directories with the examples that machines share, as the command line's ``--examples``.
        out: the directory of the evidence; a fresh temporary one when left out.
        observer: is told how the run goes on.

    Raises:
        UsageError: an argument makes no sense.
        ReadingError: a reading makes no sense.
        TargetUsageError: the target makes no sense. One that cannot be reached is a result, not an exception.
        JournalError: the directory already holds evidence, or cannot be written to.

    """
    asked = RunOptions(
        target,
        profiles,
        control_url,
        market,
        readings,
        budget,
        histories,
        seed,
        concurrency,
        waive,
        max_requests,
        shard,
        examples,
    )
    seat, settings = asked.prepare()
    directory = Path(tempfile.mkdtemp(prefix="cancel-conformance-")) if out is None else Path(out)
    campaign = Campaign(seat, settings, directory, observer)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(campaign.run())
    else:
        with ThreadPoolExecutor(1) as aside:
            aside.submit(asyncio.run, campaign.run()).result()
    return write_reports(directory)


def _shard(text: str) -> Shard:
    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise UsageError(f"{text!r} is no shard: write I/N, from 1/N to N/N.")
    return Shard(int(number), int(of))


def _words(given: Iterable[str]) -> list[str]:
    """Return texts as a list; one text alone is not taken for its letters."""
    return [given] if isinstance(given, str) else list(given)


def _word(kind: type[Word], what: str, given: str) -> Word:
    try:
        return kind(given)
    except ValueError:
        known = ", ".join(one.value for one in kind)
        raise UsageError(f"There is no {what} {given!r}: the ones to choose from are {known}.") from None
