"""Runs a merchant's test from Python: ``run_merchant``, and the check of its options."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from conformance.domain.order import Market, Profile
from conformance.errors import UsageError
from conformance.merchant.campaign import MerchantCampaign, MerchantSettings
from conformance.merchant.harness import MerchantHarness
from conformance.obligations.declarations import declarations_from
from conformance.reports import write_reports
from conformance.results.result import Result
from conformance.results.waivers import parse_waivers
from conformance.runner.example_database import check_locations
from conformance.runner.executor import Observer
from conformance.strategies.merchant.plan import BUDGETS


@dataclass(frozen=True)
class MerchantRunOptions:
    """What a merchant's run was asked to do, in the terms of the command line. `prepare` checks it.

    Attributes:
        integration: What to test: a text as ``--integration`` takes it, or an adapter class.
        profiles: The names of the APIs to test; None for the ones that the integration says it uses.
        market: ``no``, ``dk`` or ``fi``.
        budget: ``quick``, ``standard`` or ``thorough``.
        histories: How many histories to draw for each API; None for the budget's number.
        seed: Decides which histories are drawn.
        port: Where the provider listens; 0 for a free port.
        strict: Whether recommendations decide.
        waive: Obligations that do not decide, with the reason: a mapping, or texts such as ``M7=REASON``.
        examples: Directories with the examples that machines share.
        declare: Ways of the shop, over what it declares itself: a mapping, or texts such as ``ends_unpaid_after=1200``.

    """

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
    declare: Mapping[str, Any] | Iterable[str] = ()

    def prepare(self) -> tuple[MerchantHarness, MerchantSettings]:
        """Check the options; return the harness with the integration, which has to be closed, and the settings.

        Raises:
            UsageError: A profile, a market, a budget, a number, a waiver or a declaration makes no sense.
            TargetUsageError: The integration makes no sense.

        """
        self._check()
        settings = MerchantSettings(
            profiles=tuple(dict.fromkeys(map(Profile, _texts(self.profiles)))) or None,
            market=self.market,
            budget=self.budget,
            histories=self.histories,
            seed=self.seed,
            strict=self.strict,
            waivers=parse_waivers(self.waive, merchant=True),
            command=self.command_line(),
            examples=check_locations(_texts(self.examples)),
        )
        first = settings.profiles[0] if settings.profiles else None
        harness = MerchantHarness(
            self.integration,
            market=self.market,
            seed=self.seed,
            port=self.port,
            first=first,
            declare=stated_declarations(self.declare),
        )
        try:
            harness.check()
        except BaseException:
            harness.close()
            raise
        return harness, settings

    def _check(self) -> None:
        if not self.integration:
            raise UsageError("No integration is named: --integration python:module:Adapter, a URL, or exec:COMMAND.")
        known = {profile.value for profile in Profile}
        for name in _texts(self.profiles):
            if name not in known:
                raise UsageError(f"There is no profile {name!r}: the ones to choose from are {', '.join(known)}.")
        if self.market not in {market.value for market in Market}:
            raise UsageError(f"There is no market {self.market!r}: the ones to choose from are no, dk, fi.")
        if self.budget not in BUDGETS:
            raise UsageError(f"There is no budget {self.budget!r}: the ones to choose from are {', '.join(BUDGETS)}.")
        if (self.histories is not None and self.histories < 0) or not 0 <= self.port < 65_536:
            raise UsageError("The number of histories must be 0 or more, and the port from 0 to 65535.")

    def command_line(self) -> str:
        """Return the command that asks for the same run."""
        integration = self.integration
        name = integration if isinstance(integration, str) else getattr(integration, "__name__", "")
        words = ["cancel-conformance", "merchant", "--integration", name]
        words += _repeated("--profile", _texts(self.profiles))
        words += ["--market", self.market] if self.market != "no" else []
        words += ["--budget", self.budget, "--seed", str(self.seed)]
        words += ["--histories", str(self.histories)] if self.histories is not None else []
        words += ["--strict"] if self.strict else []
        words += _repeated("--examples", _texts(self.examples))
        words += _repeated("--declare", map(_as_option, stated_declarations(self.declare).items()))
        waive = self.waive
        words += _repeated(
            "--waive",
            [f"{rule}={reason}" for rule, reason in waive.items()] if isinstance(waive, Mapping) else _texts(waive),
        )
        return shlex.join(words)


def _texts(values: Iterable[str] | None) -> list[str]:
    """Return some texts as a list; a single text counts as one of them."""
    if values is None:
        return []
    return [values] if isinstance(values, str) else [*values]


def stated_declarations(declare: Mapping[str, Any] | Iterable[str]) -> dict[str, Any]:
    """Return declarations as a mapping, checked: texts are ``NAME``, ``NAME=SECONDS`` or ``NAME=false``.

    Raises:
        UsageError: A name is not known, or a value is of the wrong type.

    """
    stated = dict(declare) if isinstance(declare, Mapping) else dict(map(_from_option, _texts(declare)))
    try:
        declarations_from(stated)
    except ValueError as error:
        raise UsageError(f"--declare: {error}") from None
    return stated


def _from_option(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    words = {"true": True, "false": False}
    stated: Any = words.get(value.lower(), int(value) if value.isdecimal() else value) if equals else True
    return name.strip().replace("-", "_"), stated


def _as_option(declaration: tuple[str, Any]) -> str:
    name, value = declaration
    if isinstance(value, timedelta):
        value = round(value.total_seconds())
    return name if value is True else f"{name}={str(value).lower()}"


def _repeated(option: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


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
    declare: Mapping[str, Any] | Iterable[str] = (),
    out: str | Path | None = None,
    observer: Observer | None = None,
) -> Result:
    """Test a merchant's integration, write the evidence and the reports, and return the result.

        result = run_merchant("python:shop.adapter:Adapter", budget="quick", out="report")

    Args:
        integration: what to test: a text as ``--integration`` takes it, or an adapter class.
        profiles: the names of the APIs to test; None for the ones that the integration says it uses.
        market: ``no``, ``dk`` or ``fi``.
        budget: ``quick``, ``standard`` or ``thorough``.
        histories: how many histories to draw for each API, instead of the budget's number.
        seed: the same seed runs the same histories.
        port: where the provider listens; 0 takes a free port.
        strict: recommendations decide, too.
        waive: obligations that do not decide, with the reason: a mapping, or texts such as ``M7=REASON``.
        examples: directories with the examples that machines share, as ``--examples`` takes them.
        declare: ways of the shop, over what it declares itself: a mapping such as ``{"ends_unpaid_after": 1200}``, or
            texts as ``--declare`` takes them.
        out: the directory of the evidence; None for a new temporary one.
        observer: is notified of the run's progress.

    Raises:
        UsageError: An argument makes no sense.
        TargetUsageError: The integration makes no sense. One that cannot be reached is a result, not an exception.
        JournalError: The directory already holds evidence, or cannot be written to.

    """
    options = MerchantRunOptions(
        integration, profiles, market, budget, histories, seed, port, strict, waive, examples, declare
    )
    harness, settings = options.prepare()
    directory = Path(tempfile.mkdtemp(prefix="cancel-conformance-")) if out is None else Path(out)
    try:
        campaign = MerchantCampaign(harness, settings, directory, observer)
    except BaseException:
        harness.close()
        raise
    return write_reports(directory, campaign.run())
