"""A merchant's run from Python, and what it is asked to do, checked."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.domain.order import Market, Profile
from conformance.errors import UsageError
from conformance.merchant.campaign import MerchantCampaign, MerchantSettings
from conformance.merchant.harness import MerchantHarness
from conformance.reports import write_reports
from conformance.results.result import Result
from conformance.results.waivers import parse_waivers
from conformance.runner.example_database import check_locations
from conformance.runner.executor import Observer
from conformance.strategies.merchant.plan import BUDGETS


@dataclass(frozen=True)
class MerchantRunOptions:
    """What a merchant's run was asked to do, in the words of the command line. Nothing is checked until ``prepare``."""

    integration: Any = ""
    profiles: Iterable[str] | None = None
    market: str = "no"
    budget: str = "standard"
    histories: int | None = None
    seed: int = 0
    port: int = 0
    strict: bool = False
    waive: Mapping[str, str] | Iterable[str] = ()
    examples: Iterable[str] = ()

    def prepare(self) -> tuple[MerchantHarness, MerchantSettings]:
        """Return the stand with its integration, and the run's settings. The stand is to be closed.

        Raises:
            UsageError: a profile, a market, a budget, a number or a waiver makes no sense.
            TargetUsageError: the integration does.

        """
        if not self.integration:
            raise UsageError("No integration is named: --integration python:module:Adapter, a URL, or exec:COMMAND.")
        known = {one.value for one in Profile}
        named = [] if self.profiles is None else [self.profiles] if isinstance(self.profiles, str) else [*self.profiles]
        for one in named:
            if one not in known:
                raise UsageError(f"There is no profile {one!r}: the ones to choose from are {', '.join(known)}.")
        if self.market not in {one.value for one in Market}:
            raise UsageError(f"There is no market {self.market!r}: the ones to choose from are no, dk, fi.")
        if self.budget not in BUDGETS:
            raise UsageError(f"There is no budget {self.budget!r}: the ones to choose from are {', '.join(BUDGETS)}.")
        if (self.histories is not None and self.histories < 0) or not 0 <= self.port < 65_536:
            raise UsageError("The number of histories must be 0 or more, and the port from 0 to 65535.")
        settings = MerchantSettings(
            profiles=tuple(dict.fromkeys(map(Profile, named))) or None,
            market=self.market,
            budget=self.budget,
            histories=self.histories,
            seed=self.seed,
            strict=self.strict,
            waivers=parse_waivers(self.waive, merchant=True),
            command=self.command_line(),
            examples=check_locations(self._locations()),
        )
        first = settings.profiles[0] if settings.profiles else None
        harness = MerchantHarness(self.integration, market=self.market, seed=self.seed, port=self.port, first=first)
        try:
            harness.check()
        except BaseException:
            harness.close()
            raise
        return harness, settings

    def _locations(self) -> list[str]:
        return [self.examples] if isinstance(self.examples, str) else [*self.examples]

    def command_line(self) -> str:
        """Return the command that asks for the same."""
        named = self.integration if isinstance(self.integration, str) else getattr(self.integration, "__name__", "")
        words = ["cancel-conformance", "merchant", "--integration", named]
        for one in [self.profiles] if isinstance(self.profiles, str) else self.profiles or ():
            words += ["--profile", one]
        words += ["--market", self.market] if self.market != "no" else []
        words += ["--budget", self.budget, "--seed", str(self.seed)]
        words += ["--histories", str(self.histories)] if self.histories is not None else []
        words += ["--strict"] if self.strict else []
        words += [word for one in self._locations() for word in ("--examples", one)]
        waived = [f"{r}={t}" for r, t in self.waive.items()] if isinstance(self.waive, Mapping) else self.waive
        for one in [waived] if isinstance(waived, str) else waived:
            words += ["--waive", one]
        return shlex.join(words)


def run_merchant(
    integration: Any,
    *,
    profiles: Iterable[str] | None = None,
    market: str = "no",
    budget: str = "standard",
    histories: int | None = None,
    seed: int = 0,
    port: int = 0,
    strict: bool = False,
    waive: Mapping[str, str] | Iterable[str] = (),
    examples: Iterable[str] = (),
    out: str | Path | None = None,
    observer: Observer | None = None,
) -> Result:
    """Test a merchant's integration, and write the evidence and the reports.

    Args:
        integration: as the command line's ``--integration``, or an adapter class.
        profiles: which APIs to test; the ones that the integration says it uses when left out.
        market: ``no``, ``dk`` or ``fi``.
        budget: ``quick``, ``standard`` or ``thorough``.
        histories: how many histories to draw for each API, instead of the budget's number.
        seed: the same seed plays the same histories.
        port: where the provider listens; 0 takes a free port.
        strict: what is recommended decides, too.
        waive: obligations that do not decide, with the reason: a mapping, or texts such as ``M7=REASON``.
        examples: directories with the examples that machines share, as the command line's ``--examples``.
        out: the directory of the evidence; a fresh temporary one when left out.
        observer: is told how the run goes on.

    Raises:
        UsageError: an argument makes no sense.
        TargetUsageError: the integration makes no sense. One that cannot be reached is a result, not an exception.
        JournalError: the directory already holds evidence, or cannot be written to.

    """
    asked = MerchantRunOptions(integration, profiles, market, budget, histories, seed, port, strict, waive, examples)
    harness, settings = asked.prepare()
    directory = Path(tempfile.mkdtemp(prefix="cancel-conformance-")) if out is None else Path(out)
    try:
        campaign = MerchantCampaign(harness, settings, directory, observer)
    except BaseException:
        harness.close()
        raise
    campaign.run()
    return write_reports(directory)
