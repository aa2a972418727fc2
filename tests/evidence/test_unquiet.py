"""Runs that did not go smoothly are verified, too: answers lost or broken, secrets told back, targets given up on."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest

from conformance.domain.messages import Response
from conformance.domain.order import Profile
from conformance.evidence.journal import read_journal
from conformance.sandbox import Options, Provider
from conformance.targets.http.asgi_wsgi import AsgiTransport, WsgiTransport
from conformance.targets.http.credentials import credentials_from
from conformance.targets.http.embedded import EmbeddedTransport
from conformance.targets.http.target import HttpTarget
from conformance.targets.transport import Connection
from conformance.wire import NoResponse
from tests.stored import journal_text, stored_records

from ..targets import sample
from .runs import Unrefusing, played, verified

GIVEN_UP = 0.9
"""The share of spoilt answers from which on none of them is in order, and a run is given up."""


class Unquiet(EmbeddedTransport):
    """Some of its answers are lost, broken, or garbage; none of those that the target is looked at with."""

    def __init__(self, share, epayment):
        super().__init__(Provider(Options(), epayment=epayment))
        self.share = share
        self.chance = random.Random(3)
        self.calm = 80

    def connect(self):
        return _Unquiet(super().connect(), self)


class _Unquiet(Connection):
    def __init__(self, link, target):
        self._link = link
        self._target = target

    async def send(self, call):
        return self._spoilt(await self._link.send(call))

    async def race(self, call, flight):
        return self._spoilt(await self._link.race(call, flight))

    def _spoilt(self, answer):
        target = self._target
        target.calm -= 1
        if target.calm > 0 or target.chance.random() > target.share:
            return answer
        spoilt = [
            NoResponse("no answer within 30 seconds"),
            Response(503),
            Response(500, (), b"\xff\xfe"),
            Response(429),
            Response(200, (), b"<html>"),
        ]
        if target.share < GIVEN_UP and not isinstance(answer, NoResponse):
            spoilt += [replace(answer, body=b"{}"), replace(answer, body=b'[{"errorCode": "51"}]')]
        return target.chance.choice(spoilt)

    async def pause(self, seconds):
        return


@pytest.mark.parametrize("epayment", [Unrefusing], ids=["wrong"])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.95])
def test_a_run_whose_answers_get_lost_is_verified(share, epayment, tmp_path):
    seat = HttpTarget(Unquiet(share, epayment), credentials_from(embedded=True))
    directory = played(tmp_path / "run", seat, Profile.EPAYMENT)
    evidence = read_journal(directory)
    statuses = {record["status"] for record in stored_records(evidence, "judgement")}
    assert "inconclusive" in statuses
    if share > GIVEN_UP:
        assert stored_records(evidence)[-1]["ended"] == "environment"
    verification = verified(directory)
    assert verification.code == 0, verification


@pytest.mark.parametrize(
    "target",
    [WsgiTransport("wsgi", sample.wsgi, "/control"), AsgiTransport("asgi", sample.good, "/control")],
    ids=["wsgi", "asgi"],
)
def test_a_run_against_an_application_is_verified(target, tmp_path):
    directory = played(tmp_path / "run", HttpTarget(target, credentials_from(embedded=True)), Profile.ECOM)
    assert stored_records(read_journal(directory), "judgement")
    verification = verified(directory)
    assert verification.code == 0, verification


class Talkative(EmbeddedTransport):
    """Tells the token back in every answer's body, and in the reasons of its refusals."""

    def connect(self):
        return _Talkative(super().connect())


class _Talkative(Connection):
    token = ""

    def __init__(self, link):
        self._link = link

    async def send(self, call):
        answer = await self._link.send(call)
        try:
            body = json.loads(answer.body)
        except ValueError:
            return answer
        if isinstance(body, dict):
            token = call.request.header("Authorization") or "nothing"
            body = {**body, "token": token.removeprefix("Bearer ")}
            if "detail" in body:
                body["detail"] = f"{body['detail']} {token}"
        return replace(answer, body=json.dumps(body).encode())

    async def race(self, call, flight):
        return await self._link.race(call, flight)


def test_secrets_in_answers_are_no_forgery(tmp_path):
    seat = HttpTarget(Talkative(Provider()), credentials_from(embedded=True))
    directory = played(tmp_path / "run", seat, Profile.RECURRING)
    text = journal_text(directory)
    assert '\\"token\\": \\"[removed]\\"' in text
    verification = verified(directory)
    assert verification.code == 4, verification
    assert "a secret stood where it mattered" in verification.out
    assert "wrong:" not in verification.out


def test_a_target_that_cannot_be_tested_is_verified(tmp_path):
    class Refusing(EmbeddedTransport):
        def connect(self):
            return _Refusing()

    class _Refusing(Connection):
        async def send(self, call):
            return Response(401, (), b"{}")

    directory = played(tmp_path / "run", HttpTarget(Refusing(), credentials_from(embedded=True)), Profile.ECOM)
    verification = verified(directory)
    assert verification.code == 4, verification
    assert "ENVIRONMENT ERROR" in verification.out
