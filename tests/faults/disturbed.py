"""Runs of the embedded provider, right or wrong, behind the proxy that disturbs it."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass

from conformance.domain.order import Profile
from conformance.evidence.journal import read_journal
from conformance.judging.verdicts import RuleVerdict
from conformance.runner.campaign import Campaign, Settings
from conformance.runner.schedule import Schedule, ScheduledCase
from conformance.runner.settings import nonce_for
from conformance.sandbox import Options, Provider, running_server
from conformance.strategies.provider.case import Case
from conformance.targets.http.remote import RemoteTransport
from conformance.targets.resolve import resolve_target
from tests.stored import stored_records

from .proxy import Plan, proxy

FEW = 6
"""Histories of one plan."""


AGAIN = 16
"""How often a history that shows a fault is in a plan: a whole plan has many that do."""


@dataclass(frozen=True)
class Came:
    """What a disturbed run came to: ``violated`` are the rules that it says are, ``seen`` those with one violation."""

    verdict: str
    judgements: Counter
    violated: frozenset
    seen: frozenset
    reasons: tuple
    disturbed: Counter


class Few(Schedule):
    """A few histories of the plan, drawn from the seed."""

    def all(self):
        whole = super().all()
        return random.Random(self._run_session.settings.seed).sample(whole, min(FEW, len(whole)))


class FewCampaign(Campaign):
    """A campaign of few histories."""

    def __init__(self, target, settings, directory):
        super().__init__(target, settings, directory)
        self._schedule = Few(self._run_session)


def showing(history):
    """Return the campaign of a history that shows a fault, played again and again on fresh orders."""

    class Showing(Campaign):
        def __init__(self, target, settings, directory):
            super().__init__(target, settings, directory)
            names = (f"{history.profile.value}-{number:05d}" for number in range(1, AGAIN + 1))
            cases = [ScheduledCase(name, Case(history, "shows the fault", {}, ())) for name in names]
            self._schedule.all = lambda: cases

    return Showing


@contextmanager
def hasty():
    """Let nobody wait long for servers on this machine."""
    before, RemoteTransport.pause = RemoteTransport.pause, 0.01
    try:
        yield
    finally:
        RemoteTransport.pause = before


def play(directory, plan: Plan, profile: Profile, provider: str, campaign=FewCampaign, concurrency=6, **settings):
    """Run a campaign behind the proxy. ``provider`` is the address of the undisturbed one."""
    with hasty(), proxy(provider, plan) as url:
        target = resolve_target(
            url,
            control_url=f"{provider}/control",
            environment={"VIPPS_OTHER_MSN": Options().other_msn},
            timeout=plan.patience,
            concurrency=concurrency,
        )
        chosen = Settings((profile,), budget="quick", seed=plan.seed, nonce=nonce_for(target, plan.seed), **settings)
        result = asyncio.run(campaign(target, chosen, directory).run())
    return came(directory, result, plan)


def came(directory, result, plan):
    judgements = stored_records(read_journal(directory), "judgement")
    findings = [finding for judgement in judgements for finding in judgement.get("findings", ())]
    return Came(
        result.verdict.value,
        Counter(judgement["status"] for judgement in judgements),
        frozenset(rule.rule.id for rule in result.rules if rule.verdict is RuleVerdict.VIOLATED),
        frozenset(finding["rule"] for finding in findings),
        tuple(
            f"{judgement['history']} step {judgement['step']}: {judgement['findings']}"
            for judgement in judgements
            if judgement.get("findings")
        ),
        plan.done,
    )


__all__ = ["Came", "Plan", "Provider", "play", "running_server"]
