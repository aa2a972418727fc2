"""Small runs to verify, and ways to write one anew as somebody would who knows how everything is made."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.domain.order import Profile
from conformance.evidence.journal import read_journal
from conformance.merchant.campaign import MerchantCampaign, MerchantSettings
from conformance.merchant.harness import MerchantHarness
from conformance.reports import write_reports
from conformance.results.result import result_of
from conformance.runner.campaign import Campaign, Settings
from conformance.runner.settings import nonce_for
from conformance.sandbox import EPayment, Options, Provider
from conformance.targets.http.credentials import credentials_from
from conformance.targets.http.embedded import EmbeddedTransport
from conformance.targets.http.target import HttpTarget
from conformance.targets.target import Target
from examples.merchants import epayment
from tests.stored import Stored, stored_records

from ..audit import stage
from ..audit.recount import complaints


class Unrefusing(EPayment):
    """Refuses no cancel."""

    def refusal_for_cancel(self, order, *, transaction_only):
        return None


def embedded(epayment: type[EPayment] = EPayment) -> Target:
    return HttpTarget(EmbeddedTransport(Provider(Options(), epayment=epayment)), credentials_from(embedded=True))


def played(directory: Path, target: Target, *profiles: Profile, **settings) -> Path:
    """Make a small run with the small plan, and its reports."""
    chosen = Settings(profiles=profiles, nonce=nonce_for(target, 0), command="cancel-conformance run", **settings)
    with pytest.MonkeyPatch.context() as patch:
        stage.use_small_plan(patch)
        asyncio.run(Campaign(target, chosen, directory).run())
    write_reports(directory)
    return directory


def forged(directory: Path, to: Path, change: Callable[[list[Stored]], list[Stored]], *, reports: bool = True) -> Path:
    """Write a run anew with other records: chained again, and with reports that say what the records say."""
    shutil.copytree(directory, to)
    records = change(stored_records(read_journal(directory)))
    (to / "journal.jsonl").unlink()
    stage.rewritten(records, to)
    if reports:
        write_reports(to)
    return to


def verified(path: Path, *words: object) -> stage.Said:
    """Verify a run or a bundle; a run that is in order must bear a second count, too."""
    said = stage.command("verify", path, *words)
    if said.code in (0, 4) and path.is_dir():
        assert list(complaints(result_of(read_journal(path)))) == []
    return said


def of_kind(records: list[Stored], kind: str) -> list[Stored]:
    return [record for record in records if record["kind"] == kind]


def belonging(records: list[Stored], history: str, step: int, kind: str = "exchange") -> list[Stored]:
    return [record for record in of_kind(records, kind) if record["history"] == history and record["step"] == step]


def shop(directory: Path, adapter: type = epayment.Adapter, *, drawn: int = 3, **settings) -> Path:
    """Make a small run against a merchant, and its reports."""
    stand = MerchantHarness(adapter)
    chosen = MerchantSettings(tuple(map(Profile, adapter.profiles)), histories=drawn, **settings)
    MerchantCampaign(stand, chosen, directory).run()
    write_reports(directory)
    return directory
