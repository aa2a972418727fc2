"""The access token: renewed before it ends and on one 401, by whoever needs it first, and never for nothing."""

import asyncio

import pytest

from conformance.domain.order import Profile
from conformance.judging.verdicts import RunVerdict
from conformance.runner.campaign import Campaign, Settings
from conformance.runner.settings import nonce_for
from conformance.sandbox import Options, Provider, running_server
from conformance.sandbox.tokens import Tokens
from conformance.strategies.provider.plan import plan_cases
from conformance.targets.resolve import resolve_target
from tests.stored import stored_records

from .loopback import play_few


class Counted(Tokens):
    """Counts the tokens that it gives out, and takes some of them back."""

    issued = 0
    useless_after: int | None = None

    def issue(self, call):
        type(self).issued += 1
        return super().issue(call)

    def is_valid(self, token):
        self.asked = getattr(self, "asked", 0) + 1
        if self.useless_after is not None and self.asked > self.useless_after:
            type(self).useless_after = None
            self.expiries.clear()
        return super().is_valid(token)


@pytest.fixture
def tokens(monkeypatch):
    play_few(monkeypatch)
    return type("Fresh", (Counted,), {})


def run(directory, tokens, environment=None, **options):
    with running_server(Provider(Options(rate_limit=False, **options), tokens=tokens)) as url:
        target = resolve_target(url, control_url=f"{url}/control", environment=environment or {})
        settings = Settings((Profile.EPAYMENT,), budget="quick", histories=0, nonce=nonce_for(target, 0))
        return asyncio.run(Campaign(target, settings, directory).run())


def refused(result):
    """Return the answers to requests with a token of ours that were 401 and counted."""
    purposes = {"act", "prepare", "read", "poll"}
    return [
        record
        for record in stored_records(result.evidence, "exchange")
        if record["response"]
        and record["response"]["status"] == 401
        and record["purpose"] in purposes
        and "resent" not in record
    ]


def statuses(result):
    return {record["status"] for record in stored_records(result.evidence, "judgement")}


def test_a_token_is_renewed_before_it_ends(tmp_path, tokens):
    result = run(tmp_path, tokens, token_seconds=1)
    assert tokens.issued > 1
    assert statuses(result) <= {"conforms", "recorded"}
    assert {record["purpose"] for record in refused(result)} <= {"act"}


def test_a_revoked_token_is_renewed_once(tmp_path, tokens):
    tokens.useless_after = 40
    result = run(tmp_path, tokens)
    assert tokens.issued == 2
    assert statuses(result) <= {"conforms", "recorded"}
    assert any("resent" in record for record in stored_records(result.evidence, "exchange"))


def test_a_token_from_the_environment_is_not_renewed(tmp_path, tokens):
    tokens.is_valid = lambda *_: False
    environment = {"VIPPS_ACCESS_TOKEN": "given-by-the-user", "VIPPS_SUBSCRIPTION_KEY": Options().subscription_key}
    result = run(tmp_path, tokens, environment={**environment, "VIPPS_MSN": Options().msn})
    assert result.verdict is RunVerdict.ENVIRONMENT
    assert tokens.issued == 0


def test_a_target_that_refuses_every_token_gets_one_renewal(tmp_path, tokens):
    served = tokens.is_valid
    calls = []

    def is_valid(self, token):
        calls.append(token)
        return served(self, token) and len(calls) < 60

    tokens.is_valid = is_valid
    result = run(tmp_path, tokens)
    # How many histories are left to be played decides which of the two it is.
    assert result.verdict in (RunVerdict.ENVIRONMENT, RunVerdict.INCOMPLETE), result.reason
    assert "violates" not in statuses(result)
    assert tokens.issued == 2


def test_a_header_that_a_history_breaks_keeps_its_token(tmp_path, tokens, monkeypatch):
    def broken(*arguments, **named):
        return [
            case for case in plan_cases(*arguments, **named) if any(word in case.label for word in ("token", "Bearer"))
        ]

    monkeypatch.setattr("conformance.runner.schedule.plan_cases", broken)
    result = run(tmp_path, tokens)
    assert tokens.issued == 1
    assert {record["purpose"] for record in refused(result)} == {"act"}
    assert statuses(result) == {"conforms"}
    assert not any("resent" in record for record in stored_records(result.evidence, "exchange"))
