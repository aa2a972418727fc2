"""What a run was asked to do, and the record that opens its journal."""

from __future__ import annotations

import hashlib
import platform
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

from conformance import __version__
from conformance.domain.order import Market, Profile
from conformance.domain.order_naming import OrderNaming, current_prefixes
from conformance.evidence.journal import JOURNAL_VERSION
from conformance.evidence.record_parts import FuzzSettingsRecord, ShardRecord, TargetRecord
from conformance.evidence.records import RunRecord
from conformance.results.partial_runs import AGE
from conformance.results.waivers import Waiver
from conformance.rulebook import Readings, load
from conformance.targets.target import Target

BUDGETS: Final[Mapping[str, int]] = {"quick": 60, "standard": 300, "thorough": 3000}
"""Generated histories for each profile, after the systematic set."""
PREFIX: Final = "cctest"
"""How the identifier of every order begins that a run makes."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One of so many parts of a plan, counted from 1."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run was asked to do.

    Without ``profiles``, those are tested that the target says it has, or all of them where it says nothing.
    """

    profiles: tuple[Profile, ...] | None = None
    market: Market = Market.NO
    readings: Readings = field(default_factory=Readings.documented)
    budget: str = "standard"
    histories: int | None = None
    seed: int = 0
    waivers: tuple[Waiver, ...] = ()
    command: str = ""
    nonce: str = ""
    order_prefixes: Mapping[Profile, str] = field(default_factory=current_prefixes)
    """The letter of each API's orders. Those of a run that is resumed or verified are the ones that it began with."""
    most_requests: int | None = None
    shard: Shard | None = None
    examples: tuple[str, ...] = ()
    """The directories with the examples that machines share."""
    fuzz: FuzzSettingsRecord | None = None
    """Which description is fuzzed from after the histories (its name, its digest), and for how many seconds."""
    operator: bool = False
    """Whether a person is asked for what the target does not offer."""
    focus: str = ""
    """``fuzz`` or ``age`` where only a part of the rules is asked for."""

    confirms: bool = True
    """Whether a violation is played again before it counts. Orders that grew old cannot be made again."""

    @property
    def generated(self) -> int:
        """How many histories are drawn for each profile."""
        return BUDGETS[self.budget] if self.histories is None else self.histories

    @property
    def naming(self) -> OrderNaming:
        """How the run's orders are named."""
        return OrderNaming(self.nonce, self.order_prefixes)

    def tested(self, target: Target) -> tuple[Profile, ...]:
        """Return the profiles to test on a target that was opened."""
        return self.profiles or target.profiles or tuple(Profile)


def nonce_for(target: Target, seed: int) -> str:
    """Return the beginning of a run's order ids.

    It comes from the seed where the target serves nobody else, and from chance elsewhere.
    """
    if target.private:
        return f"{PREFIX}-{hashlib.sha256(str(seed).encode()).hexdigest()[:8]}"
    return f"{PREFIX}-{secrets.token_hex(4)}"


def timestamp(moment: datetime) -> str:
    """Return a moment as the journal has it: in UTC, in whole seconds.

    >>> timestamp(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    '2026-01-02T03:04:05Z'
    """
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def drawing_library() -> str:
    """Return the version of Hypothesis: with another one, the same seed may draw other histories."""
    return version("hypothesis")


def header(settings: Settings, target: Target, profiles: Sequence[Profile], started: datetime) -> RunRecord:
    """Return the journal's first record."""
    shard = settings.shard
    return RunRecord(
        format=JOURNAL_VERSION,
        tool=__version__,
        started=timestamp(started),
        command=settings.command,
        seed=settings.seed,
        budget=settings.budget,
        histories=settings.histories,
        profiles=tuple(profile.value for profile in profiles),
        market=settings.market.value,
        readings={switch: tuple(choices) for switch, choices in settings.readings.as_json().items()},
        rulebook=load().digest,
        nonce=settings.nonce,
        order_prefixes={profile.value: settings.order_prefixes[profile] for profile in profiles},
        target=TargetRecord(kind=target.kind, name=target.name, wire=target.over_http, control=target.control),
        waivers=tuple(waiver.as_record() for waiver in settings.waivers),
        python=platform.python_version(),
        hypothesis=drawing_library(),
        most_requests=settings.most_requests,
        shard=None if shard is None else ShardRecord(number=shard.number, of=shard.of),
        examples=settings.examples,
        fuzz=settings.fuzz,
        operator=settings.operator,
        focus=settings.focus,
        other_unit=target.names_other_unit,
        confirms=settings.confirms and settings.focus != AGE,
        doubts=True,
    )
