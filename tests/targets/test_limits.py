"""The documented limits of one order: kept by construction towards a server that enforces and counts them."""

import asyncio
from collections import Counter, defaultdict, deque

import pytest

from conformance.domain.history_text import history
from conformance.domain.messages import Request, Response
from conformance.domain.order import Profile
from conformance.runner.campaign import Campaign, Settings
from conformance.runner.settings import nonce_for
from conformance.sandbox import Options, Provider, running_server
from conformance.strategies.provider.case import Case
from conformance.strategies.provider.plan import plan_cases
from conformance.targets.http.remote import RemoteTransport
from conformance.targets.http.request_sender import CHANGES, MINUTE, READS, RateLimiter
from conformance.targets.http.token_store import Token
from conformance.targets.resolve import resolve_target
from tests.stored import stored_records


def crowded(profile):
    """Return a history with more captures of one order than a minute allows."""
    opening = ("initiate kind=initial-reserve",) if profile is Profile.RECURRING else ("approve",)
    return history(profile.value, *opening, *["capture 100"] * 7, "cancel")


class Clock:
    """Time that passes when somebody waits, and a little with every request."""

    def __init__(self):
        self.now = 1000.0
        self.waited = []

    def __call__(self):
        return self.now

    def wait(self, seconds):
        self.waited.append(seconds)
        self.now += seconds


class Limited(Provider):
    """Enforces what one order takes within a minute, 5 changes of a kind and 120 reads, and counts what it refuses."""

    def __init__(self, clock, **named):
        super().__init__(Options(rate_limit=False), **named)
        self.clock, self.refused, self.sent = clock, Counter(), defaultdict(deque)

    def handle(self, request):
        self.clock.now += 0.01
        if request.path.startswith("/control") or "/accesstoken" in request.path:
            return super().handle(request)
        times = self.sent[request.method, request.path.partition("?")[0]]
        while times and self.clock.now - times[0] >= 60:
            times.popleft()
        is_new = request.path.endswith(("/payments", "/agreements"))
        if not is_new and len(times) >= (120 if request.method == "GET" else 5):
            self.refused[request.method] += 1
            return Response(429, (("Retry-After", "1"),), b"{}")
        times.append(self.clock.now)
        return super().handle(request)


class Hurried(RemoteTransport):
    """A target whose clock and pauses are the test's."""

    clock: Clock

    async def sleep(self, seconds):
        self.clock.wait(seconds)


def run(directory, monkeypatch, profile, *, paced):
    clock = Clock()
    monkeypatch.setattr(Hurried, "clock", clock, raising=False)
    monkeypatch.setattr("conformance.targets.resolve.RemoteTransport", Hurried)

    def few(*arguments, **named):
        whole = plan_cases(*arguments, **named)
        return [Case(crowded(profile), "crowded", {}, ())] * 2 + whole[::60]

    monkeypatch.setattr("conformance.runner.schedule.plan_cases", few)
    provider = Limited(clock)
    with running_server(provider) as url:
        target = resolve_target(url, control_url=f"{url}/control", environment={}, concurrency=1)
        target.transport.paced = paced
        opened = target.open

        async def with_clock(*arguments):
            await opened(*arguments)
            target.session.tokens.clock = clock
            target.session.tokens.token = Token(target.session.tokens.token.text)

        target.open = with_clock
        settings = Settings((profile,), budget="quick", histories=0, nonce=nonce_for(target, 0))
        result = asyncio.run(Campaign(target, settings, directory).run())
    return provider, clock, result


@pytest.mark.parametrize("profile", list(Profile))
def test_a_server_that_enforces_the_rate_limits_refuses_nothing(tmp_path, monkeypatch, profile):
    provider, clock, result = run(tmp_path, monkeypatch, profile, paced=True)
    assert provider.refused.total() == 0
    assert max(clock.waited) > 1
    assert {record["status"] for record in stored_records(result.evidence, "judgement")} <= {"conforms", "recorded"}


def test_without_pacing_requests_are_refused_and_no_rule_is_violated(tmp_path, monkeypatch):
    provider, _, result = run(tmp_path, monkeypatch, Profile.EPAYMENT, paced=False)
    assert provider.refused.total() > 0
    assert "violates" not in {record["status"] for record in stored_records(result.evidence, "judgement")}


@pytest.mark.parametrize(
    ("method", "limit"), [("PUT", CHANGES), ("POST", CHANGES), ("DELETE", CHANGES), ("GET", READS)]
)
def test_the_rate_limit_is_a_sliding_window(method, limit):
    clock = Clock()
    pace = RateLimiter(clock)

    def ask(path="/orders/1"):
        return pace.wait(Request(method, path))

    assert [ask() for _ in range(limit)] == [0.0] * limit
    assert ask("/orders/2") == 0.0
    clock.now += 20
    assert ask() == pytest.approx(MINUTE - 20)
    clock.now += MINUTE
    assert ask() == 0.0


def test_requests_beyond_the_limit_wait_one_after_the_other():
    pace = RateLimiter(Clock())
    waits = [pace.wait(Request("PUT", "/orders/1")) for _ in range(2 * CHANGES + 1)]
    assert waits == [0.0] * CHANGES + [MINUTE] * CHANGES + [2 * MINUTE]
