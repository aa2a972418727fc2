"""Runs of the embedded provider, right or wrong, behind the proxy that disturbs it."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass

from conformance.domain.order import Profile
from conformance.evidence.journal import read_journal
from conformance.runner.campaign import Campaign, Settings
from conformance.runner.schedule import Schedule
from conformance.runner.settings import nonce_for
from conformance.sandbox import Provider, running_server
from conformance.targets.http.remote import RemoteTransport
from conformance.targets.resolve import resolve_target
from tests.stored import stored_records

from .proxy import Plan, proxy

FEW = 6
"""Histories of one plan."""


@dataclass(frozen=True)
class Came:
    """What a disturbed run came to."""

    verdict: str
    judgements: Counter
    violated: frozenset
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
            url, control_url=f"{provider}/control", environment={}, timeout=plan.patience, concurrency=concurrency
        )
        chosen = Settings((profile,), budget="quick", seed=plan.seed, nonce=nonce_for(target, plan.seed), **settings)
        result = asyncio.run(campaign(target, chosen, directory).run())
    return came(directory, result.verdict.value, plan)


def came(directory, verdict, plan):
    judgements = stored_records(read_journal(directory), "judgement")
    findings = [finding for judgement in judgements for finding in judgement.get("findings", ())]
    return Came(
        verdict,
        Counter(judgement["status"] for judgement in judgements),
        frozenset(finding["rule"] for finding in findings),
        tuple(
            f"{judgement['history']} step {judgement['step']}: {judgement['findings']}"
            for judgement in judgements
            if judgement.get("findings")
        ),
        plan.done,
    )


__all__ = ["Came", "Plan", "Provider", "play", "running_server"]
