"""A run from Python: ``conformance.run("embedded", seed=1).verdict``, and the check of its options."""

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

Member = TypeVar("Member", Profile, Market)


@dataclass(frozen=True)
class RunOptions:
    """The options of a run, in the words of the command line.

    Nothing is checked until ``prepare``.
    """

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
        """Return the target and the settings of the run.

        Raises:
            UsageError: a profile, a market, a budget, a number, a waiver or a shard makes no sense.
            ReadingError: a reading makes no sense.
            TargetUsageError: the target makes no sense.

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
        chosen = (
            None if not profiles else tuple(dict.fromkeys(member_named(Profile, "profile", name) for name in profiles))
        )
        settings = Settings(
            profiles=chosen,
            market=member_named(Market, "market", self.market),
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
        target = resolve_target(self.target, control_url=self.control_url, concurrency=self.concurrency, seed=self.seed)
        if settings.most_requests is not None and not target.over_http:
            raise UsageError(f"{target.name} is sent no requests: leave --max-requests out.")
        nonce = nonce_for(target, settings.seed)
        return target, replace(settings, nonce=nonce)

    def options(self) -> list[tuple[str, str]]:
        """Return the options that differ from their defaults, as names and values."""
        waivers = self.waive.items() if isinstance(self.waive, Mapping) else ()
        options: list[tuple[str, object]] = [
            *(("profile", text) for text in _words(self.profiles or ())),
            ("control-url", self.control_url),
            ("market", None if self.market == "no" else self.market),
            *(("reading", text) for text in _words(self.readings)),
            ("budget", None if self.budget == "standard" else self.budget),
            ("histories", self.histories),
            ("seed", self.seed),
            ("concurrency", self.concurrency),
            ("max-requests", self.max_requests),
            ("shard", self.shard),
            *(("examples", text) for text in _words(self.examples)),
            *(("waive", f"{rule}={reason}") for rule, reason in waivers),
            *(("waive", text) for text in (() if waivers else _words(self.waive))),
        ]
        return [("target", self.target), *((name, str(value)) for name, value in options if value is not None)]

    def command_line(self) -> str:
        """Return the command that starts the same run."""
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
        profiles: the APIs to test; all that the target has when left out.
        control_url: the base of the target's test control API.
        market: ``no``, ``dk`` or ``fi``.
        readings: interpretations such as ``C8=reject``.
        budget: ``quick``, ``standard`` or ``thorough``.
        histories: the number of generated histories of each API, instead of the budget's.
        seed: the same seed runs the same histories.
        concurrency: how many histories run at a time.
        waive: rules that do not decide, with the reason: a mapping, or texts such as ``RULE=REASON`` and
            ``RULE@2026-12-31=REASON``, which holds until the end of that day.
        max_requests: the largest number of requests to send.
        shard: the part of the plan to run, such as ``2/4``.
        examples: directories in which runs share their failures, as the command line's ``--examples``.
        out: the directory of the evidence; a new temporary one when left out.
        observer: receives the progress of the run.

    Raises:
        UsageError: an argument makes no sense.
        ReadingError: a reading makes no sense.
        TargetUsageError: the target makes no sense. One that cannot be reached is a result, not an exception.
        JournalError: the directory already holds evidence, or cannot be written to.

    """
    options = RunOptions(
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
    resolved, settings = options.prepare()
    directory = Path(tempfile.mkdtemp(prefix="cancel-conformance-")) if out is None else Path(out)
    return write_reports(directory, _run_to_end(Campaign(resolved, settings, directory, observer)))


def _run_to_end(campaign: Campaign) -> Result:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(campaign.run())
    # A running event loop, as in a notebook, cannot run another one: a thread of its own can.
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, campaign.run()).result()


def _shard(text: str) -> Shard:
    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise UsageError(f"{text!r} is no shard: write I/N, from 1/N to N/N.")
    return Shard(int(number), int(of))


def _words(texts: Iterable[str]) -> list[str]:
    """Return texts as a list. A single text is one element, not its letters."""
    return [texts] if isinstance(texts, str) else list(texts)


def member_named(enum: type[Member], noun: str, text: str) -> Member:
    """Return the API or the market of a name.

    Raises:
        UsageError: there is none.

    """
    try:
        return enum(text)
    except ValueError:
        known = ", ".join(member.value for member in enum)
        raise UsageError(f"There is no {noun} {text!r}: the ones to choose from are {known}.") from None
