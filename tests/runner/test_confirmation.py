"""A violation is played again on a fresh order before it counts; what occurs now and then is reported with its rate."""

import asyncio
import dataclasses
import json
import re

import pytest
from msgspec import structs

from conformance.domain.order import Profile
from conformance.evidence.consistency import check_consistency
from conformance.evidence.journal import Evidence, JournalError, read_journal
from conformance.evidence.records import CounterexampleRecord, HistoryRecord, JudgementRecord, history_id_of
from conformance.evidence.recurrence import CONFIRMATION
from conformance.judging.verdicts import RuleVerdict, RunVerdict
from conformance.results.result import result_of
from conformance.runner.campaign import Campaign, Settings
from conformance.runner.settings import nonce_for
from conformance.sandbox import EPayment, Options, Provider
from conformance.strategies.provider.plan import plan_cases
from conformance.targets.http.credentials import credentials_from
from conformance.targets.http.embedded import EmbeddedTransport
from conformance.targets.http.target import HttpTarget
from conformance.verification.replay import replay_run


class Seldom(EPayment):
    """Says that it cancelled, and changes nothing, in some of its cancels: counted from 1."""

    wrong = staticmethod(lambda _: False)
    number = 0

    def carry_out_cancel(self, order, key):
        type(self).number += 1
        if self.wrong(self.number):
            return self.repeat_cancel(order)
        return super().carry_out_cancel(order, key)


def played(directory, monkeypatch, wrong, every=6, **settings):
    """Run every so many cases of the plan against a provider whose cancels are wrong now and then."""
    monkeypatch.setattr(
        "conformance.runner.schedule.plan_cases", lambda *given, **named: plan_cases(*given, **named)[::every]
    )
    api = type("Wrong", (Seldom,), {"wrong": staticmethod(wrong), "number": 0})
    transport = EmbeddedTransport(Provider(Options(rate_limit=False), epayment=api))
    target = HttpTarget(transport, credentials_from({}, loopback=True))
    chosen = Settings((Profile.EPAYMENT,), budget="quick", histories=0, nonce=nonce_for(target, 0), **settings)
    return asyncio.run(Campaign(target, chosen, directory).run())


def confirmations(result):
    return [record for record in result.evidence.of(HistoryRecord) if record.source == CONFIRMATION]


def violated(result):
    return [rule for rule in result.rules if rule.verdict is RuleVerdict.VIOLATED]


def test_a_fault_of_every_cancel_is_confirmed_and_made_small(tmp_path, monkeypatch):
    result = played(tmp_path, monkeypatch, lambda _: True, every=20)
    assert result.verdict is RunVerdict.NOT_CONFORMANT
    assert result.evidence.first(CounterexampleRecord) is not None
    assert not [rule.reason for rule in violated(result) if "intermittent" in rule.reason]
    again = confirmations(result)
    assert again
    assert len(again) == len({record.id[:-1] for record in again}), "one history for each failing one"
    assert not replay_run(result.evidence).faults


def test_what_was_violated_once_is_inconclusive_with_both_observations(tmp_path, monkeypatch):
    result = played(tmp_path, monkeypatch, lambda number: number == 9)
    assert result.verdict is RunVerdict.INCOMPLETE
    assert not violated(result)
    (again,) = confirmations(result)
    once = [rule for rule in result.rules if rule.verdict is RuleVerdict.INCONCLUSIVE]
    assert once
    for rule in once:
        assert re.search(r"violated once and not again \(epayment-\d+, step \d: .* should be .*, but was ", rule.reason)
        assert f"; {again.id}, the same history on a fresh order: " in rule.reason
    assert {each.kind for each in result.unexpected} == {"once"}
    assert any(record.findings for record in result.evidence.of(JudgementRecord)), "what was observed stays recorded"
    assert not replay_run(result.evidence).faults


def test_a_fault_of_one_cancel_in_twenty_is_intermittent_and_has_its_rate(tmp_path, monkeypatch):
    result = played(tmp_path, monkeypatch, lambda number: number % 20 == 7, every=2)
    assert result.verdict is RunVerdict.NOT_CONFORMANT
    rates = [re.search(r"intermittent: in (\d+) of (\d+) histories", rule.reason) for rule in violated(result)]
    shown = [(int(rate[1]), int(rate[2])) for rate in rates if rate]
    assert shown
    assert all(2 <= failing < checked for failing, checked in shown)
    assert not replay_run(result.evidence).faults


def test_a_correct_provider_is_not_played_again(tmp_path, monkeypatch):
    result = played(tmp_path, monkeypatch, lambda _: False, every=40)
    assert not confirmations(result)
    assert not result.unexpected


def test_evidence_without_the_confirmation_is_no_evidence_of_a_run(tmp_path, monkeypatch):
    evidence = played(tmp_path, monkeypatch, lambda number: number == 3, every=30).evidence
    (again,) = (record.id for record in evidence.of(HistoryRecord) if record.source == CONFIRMATION)
    kept = tuple(
        record
        for record in evidence.records
        if again not in (getattr(record, "id", ""), getattr(record, "history", ""))
    )
    with pytest.raises(JournalError, match="violates a rule once and was not played again"):
        check_consistency(Evidence(kept), complete=True)


def test_evidence_of_an_earlier_version_counts_every_violation(tmp_path, monkeypatch):
    played(tmp_path, monkeypatch, lambda number: number == 3, every=30)
    evidence = read_journal(tmp_path)
    before = tuple(
        record
        for record in (structs.replace(evidence.run, confirms=False), *evidence.records[1:])
        if not history_id_of(record).endswith("r")
    )
    assert result_of(Evidence(before)).verdict is RunVerdict.NOT_CONFORMANT


class Flashing(EmbeddedTransport):
    """Is reached through a network, and shows half the money as cancelled in the first read after a refused cancel."""

    doubted = True

    def connect(self):
        connection = super().connect()
        send, refused = connection.send, set()

        async def sent(call):
            response = await send(call)
            path = call.request.path
            if path.endswith("/cancel") and 400 <= response.status < 500:
                refused.add(path.removesuffix("/cancel"))
            elif call.request.method == "GET" and path in refused:
                refused.discard(path)
                body = response.json()
                body["aggregate"]["cancelledAmount"]["value"] += body["aggregate"]["authorizedAmount"]["value"] // 2
                return dataclasses.replace(response, body=json.dumps(body).encode())
            return response

        connection.send = sent
        return connection


def test_what_an_order_looked_like_before_is_not_made_good_by_a_later_look(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "conformance.runner.schedule.plan_cases", lambda *given, **named: plan_cases(*given, **named)[::20]
    )
    target = HttpTarget(Flashing(Provider(Options(rate_limit=False))), credentials_from({}, loopback=True))
    settings = Settings((Profile.EPAYMENT,), budget="quick", histories=0, nonce=nonce_for(target, 0))
    result = asyncio.run(Campaign(target, settings, tmp_path).run())
    assert "INV-1" in {rule.rule.id for rule in violated(result)}
