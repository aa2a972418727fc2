"""Small runs to verify, and ways to write one anew as somebody would who knows how everything is made."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from conformance.cli.signed_run import journal_of, sign_end
from conformance.domain.order import Profile
from conformance.evidence.journal import JournalError, read_journal
from conformance.merchant.campaign import MerchantCampaign, MerchantSettings
from conformance.merchant.harness import MerchantHarness
from conformance.reports import write_reports
from conformance.results.result import result_of
from conformance.runner.campaign import Campaign, Settings
from conformance.runner.resume import ResumedCampaign
from conformance.runner.settings import BUDGETS, nonce_for
from conformance.sandbox import EPayment, Options, Provider
from conformance.strategies.provider.case import Case
from conformance.strategies.provider.plan import draw_cases
from conformance.targets.http.credentials import credentials_from
from conformance.targets.http.embedded import EmbeddedTransport
from conformance.targets.http.target import HttpTarget
from conformance.targets.target import Target
from conformance.verification.signing import Signer
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


def use_small_plan(patch: pytest.MonkeyPatch) -> None:
    """Let every run, and whoever plans it again, use the small plan and a few histories drawn from the seed."""
    patch.setattr("conformance.runner.schedule.plan_cases", _small_plan)
    patch.setattr("conformance.strategies.provider.plan.SURPLUS", 0)
    for name, number in {"quick": 1, "standard": 3, "thorough": 5}.items():
        patch.setitem(BUDGETS, name, number)


def _small_plan(profile, context, offered, *, wire, seed, count):
    drawn = draw_cases(profile, context, offered, wire=wire, seed_=seed, count=count)
    cases = (Case(history, "drawn", {}, (), generated=True) for history in drawn)
    return [*stage.small_plan(profile, context, offered, wire), *cases]


def played(directory: Path, target: Target, *profiles: Profile, signer: Signer | None = None, **settings) -> Path:
    """Make a small run with the small plan, signed if there is a signer, and its reports."""
    chosen = Settings(profiles=profiles, nonce=nonce_for(target, 0), command="cancel-conformance run", **settings)
    journal = journal_of(directory, signer)
    with pytest.MonkeyPatch.context() as patch:
        use_small_plan(patch)
        result = asyncio.run(Campaign(target, chosen, directory, journal=journal).run())
    sign_end(directory, result, signer)
    write_reports(directory)
    return directory


def forged(directory: Path, to: Path, change: Callable[[list[Stored]], list[Stored]], *, reports: bool = True) -> Path:
    """Write a run anew with other records: chained again, and with reports that say what the records say.

    There are none where `report` itself refuses the records.
    """
    shutil.copytree(directory, to)
    records = change(stored_records(read_journal(directory)))
    (to / "journal.jsonl").unlink()
    stage.rewritten(records, to)
    if reports:
        with suppress(JournalError):
            write_reports(to)
    return to


def verified(path: Path, *words: object, small: bool = True) -> stage.Said:
    """Verify a run of the small plan, or a bundle of it; a run that is in order must bear a second count, too."""
    with pytest.MonkeyPatch.context() as patch:
        if small:
            use_small_plan(patch)
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


def cut_and_resumed(directory, to, lines):
    """Cut a run off after so many lines, as if it had been killed there, and resume it."""
    shutil.copytree(directory, to)
    lines_kept = (directory / "journal.jsonl").read_bytes().splitlines(keepends=True)[:lines]
    (to / "journal.jsonl").write_bytes(b"".join(lines_kept) + b'{"n":')
    run = stored_records(read_journal(directory))[0]
    target = embedded()
    with pytest.MonkeyPatch.context() as patch:
        use_small_plan(patch)
        settings = Settings(profiles=(Profile.EPAYMENT,), nonce=run["nonce"], command=run["command"])
        asyncio.run(ResumedCampaign(target, settings, to).run())
    write_reports(to)
    return to


def within_a_history(directory):
    """Return how many lines there are up to a judgement in the middle of a history."""
    records = stored_records(read_journal(directory))
    judged = [record for record in of_kind(records, "judgement") if record["step"] == 0]
    return judged[len(judged) // 2]["n"] + 1
