"""The embedded provider behind a real port: found, looked at and judged like any other server."""

import asyncio

import pytest

from conformance.domain.order import Profile
from conformance.evidence.record_parts import TargetRecord
from conformance.judging.verdicts import RunVerdict
from conformance.runner.campaign import Campaign, Settings
from conformance.runner.settings import nonce_for
from conformance.sandbox import Provider, running_server
from conformance.targets.resolve import resolve_target
from tests.stored import stored_records

from .loopback import play_few


@pytest.fixture(scope="module")
def url():
    with running_server(Provider()) as address:
        yield address


@pytest.fixture(autouse=True)
def few(monkeypatch):
    play_few(monkeypatch)


def campaign(directory, url, **options):
    target = resolve_target(url, environment={}, **options)
    settings = Settings((Profile.EPAYMENT,), budget="quick", histories=0, nonce=nonce_for(target, 0))
    return asyncio.run(Campaign(target, settings, directory).run())


def statuses(result):
    return {record["status"] for record in stored_records(result.evidence, "judgement")}


def offered(result):
    (record,) = stored_records(result.evidence, "capabilities")
    return set(record["offered"]), record["source"]


def test_with_its_test_control_api_nothing_is_out_of_reach(url, tmp_path):
    result = campaign(tmp_path, url, control_url=f"{url}/control")
    assert statuses(result) <= {"conforms", "recorded"}
    assert result.verdict in (RunVerdict.CONFORMANT, RunVerdict.INCOMPLETE), result.reason
    users = {"approve", "reject", "expire", "start_3ds", "finish_3ds", "fail_3ds", "age", "concurrent", "units"}
    assert offered(result) == (users, "as its test control API says")


def test_without_it_users_can_only_approve(url, tmp_path):
    result = campaign(tmp_path, url, concurrency=3)
    assert statuses(result) <= {"conforms", "recorded"}
    assert result.verdict is RunVerdict.INCOMPLETE, result.reason
    assert offered(result) == ({"approve", "concurrent", "units"}, "no test control API was named")
    assert result.run.target == TargetRecord(kind="url", name=url, wire=True, control=None)
