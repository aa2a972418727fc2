"""The command ``doctor``: looks at everything that a run needs, before it begins."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from msgspec import json

from conformance.cli.arguments import Doctor, cli
from conformance.cli.config import configured
from conformance.cli.doctor.check import (
    Check,
    attention,
    ending_of,
    exit_code_of,
    misconfigured,
    passed,
    render_text,
    unfit,
)
from conformance.cli.doctor.installation import installation_checks
from conformance.cli.doctor.surroundings import credential_checks, out_check, proxy_check
from conformance.cli.doctor.target import conversation_checks, way_checks
from conformance.cli.options import DEFAULT_OUT
from conformance.cli.output import output
from conformance.domain.order import Market, Profile
from conformance.errors import UsageError
from conformance.evidence.redaction import Redactor
from conformance.merchant.api import MerchantRunOptions
from conformance.targets.http.credentials import secrets_in
from conformance.targets.production_guard import Address, base_address
from conformance.targets.resolve import resolve_target
from conformance.targets.transport import TargetError, TargetUsageError

WIDEST: Final = 100
"""The most characters of a line, however wide the terminal is."""
CONFIGURED: Final = ("run", "merchant")
"""The commands whose tables in the configuration are looked at."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a run would be asked for, by the command line or the configuration."""

    target: str | None
    control_url: str | None
    integration: str | None
    profiles: tuple[Profile, ...]
    market: Market
    out: str


def main(arguments: Doctor) -> int:
    """Print what was looked at; return 0 if a run can begin, otherwise what it would exit with."""
    redactor = Redactor()
    for secret in secrets_in(os.environ):
        redactor.learn(secret)
    checks = list(_checks(arguments, redactor))
    code = exit_code_of(checks)
    if arguments.format == "json":
        text = json.format(json.encode({"checks": checks, "exit_code": code}), indent=2).decode() + "\n"
        output().answer(text)
    else:
        text = render_text(checks, min(shutil.get_terminal_size().columns, WIDEST))
        # A finding may quote what the target said.
        output().say(text)
        output().conclude(ending_of(checks), "bad" if code else "good")
    return code


def _checks(arguments: Doctor, redactor: Redactor) -> Iterator[Check]:
    yield from installation_checks()
    tables: dict[str, dict[str, Any]] = {}
    for name in CONFIGURED:
        try:
            tables[name] = configured(cli.commands[name], arguments.config)
        except UsageError as error:
            yield misconfigured("configuration", str(error), "Correct the file.")
            return
    yield _configuration(tables, arguments.config)
    chosen = _chosen(arguments, tables)
    yield out_check(chosen.out)
    if chosen.target is not None:
        yield from _target(chosen, chosen.target, redactor)
    if chosen.integration is not None:
        yield _integration(chosen, chosen.integration)
    if chosen.target is None and chosen.integration is None:
        yield attention("target", "none is named, so nothing was reached", "Name one: --target or --integration.")


def _configuration(tables: dict[str, dict[str, Any]], path: str | None) -> Check:
    used = [f"{len(table)} options of {name}" for name, table in tables.items() if table]
    place = path or "pyproject.toml"
    return passed("configuration", f"{place}: {', '.join(used)}" if used else "no file chooses an option")


def _chosen(arguments: Doctor, tables: dict[str, dict[str, Any]]) -> Chosen:
    run, merchant = tables["run"], tables["merchant"]
    table = merchant if arguments.integration is not None else run
    return Chosen(
        target=arguments.target or (None if arguments.integration else run.get("target")),
        control_url=arguments.control_url or (None if arguments.target else run.get("control_url")),
        integration=arguments.integration or (None if arguments.target else merchant.get("integration")),
        profiles=tuple(map(Profile, arguments.profile or table.get("profile") or Profile)),
        market=Market(arguments.market if "market" in arguments.typed else table.get("market", arguments.market)),
        out=table.get("out", DEFAULT_OUT),
    )


def _target(chosen: Chosen, name: str, redactor: Redactor) -> Iterator[Check]:
    address: Address | None = None
    if name.partition(":")[0].lower() in ("http", "https"):
        try:
            address = base_address(name)
        except TargetUsageError as error:
            yield misconfigured("target", str(error), "Name another --target.")
            return
        wrong = list(credential_checks(os.environ, loopback=address.loopback, profiles=chosen.profiles))
        yield from wrong
        yield proxy_check(os.environ, address)
        way = list(way_checks(address, os.environ))
        yield from way
        if any(check.code for check in (*wrong, *way)):
            return
    try:
        target = resolve_target(name, control_url=chosen.control_url)
    except TargetUsageError as error:
        yield misconfigured("target", str(error), "Correct what the sentence names.")
        return
    yield from conversation_checks(target, chosen.market, chosen.profiles, redactor.learn)


def _integration(chosen: Chosen, name: str) -> Check:
    """Return whether an integration can be begun with."""
    try:
        harness, _ = MerchantRunOptions(integration=name, profiles=chosen.profiles, market=chosen.market).prepare()
    except (UsageError, TargetUsageError) as error:
        return misconfigured("integration", str(error), "Correct what the sentence names.")
    except TargetError as error:
        return unfit("integration", str(error), "Correct what the sentence names, and look again.")
    harness.close()
    return passed("integration", f"{name} can be called")
