"""Minimising keeps the failure, plays nothing twice and ends; a counterexample is read back as it was written."""

import asyncio
import json
from datetime import timedelta

import pytest

from conformance.domain.order import Market, Profile
from conformance.domain.steps import (
    Age,
    Approve,
    Cancel,
    Capture,
    History,
    HistoryError,
    Initiate,
    Read,
    Refund,
    history_as_json,
)
from conformance.evidence.counterexamples import Counterexample, read_counterexample, write_counterexample
from conformance.judging.judge import Finding
from conformance.rulebook import Readings, load
from conformance.runner import shrinking as module
from conformance.runner.shrinking import MOST_TRIALS, Shrinker
from tests.model.on_paper import E

LONG = History(
    E,
    Initiate(64_999),
    (Approve(), Read(), Age(timedelta(days=3)), Capture(600), Refund(200), Read(), Cancel(flag=True), Read(), Cancel()),
)
WANTED = Finding("EC-08", "refused", "answer.outcome", "refused", "accepted")
OTHER = Finding("EC-07", "remainder released", "view.captured", "300", "0")


class Played:
    """A target that fails for as long as some steps are there, and remembers what it was asked."""

    def __init__(self, fails):
        self.fails = fails
        self.histories = []
        self.batches = []

    async def __call__(self, histories):
        self.batches.append(len(histories))
        self.histories.extend(histories)
        return [self.fails(history) for history in histories]


def smallest(fails, batch=1, history=LONG):
    played = Played(fails)
    minimiser = Shrinker(played, batch)
    return asyncio.run(minimiser.minimise(history, WANTED.failure_key)), played, minimiser


def has(history, *kinds):
    return all(any(isinstance(step, kind) for step in history.steps) for kind in kinds)


@pytest.mark.parametrize("batch", [1, 3, 16])
def test_the_smallest_history_keeps_what_the_failure_needs_and_nothing_else(batch):
    found, played, _ = smallest(lambda one: (WANTED,) if has(one, Approve, Capture, Cancel) else (), batch)
    assert [type(step) for step in found.steps] == [Approve, Capture, Cancel]
    assert max(played.batches) <= batch


def test_the_same_smallest_history_is_found_however_many_are_played_at_once():
    def fails(one):
        return (WANTED,) if has(one, Approve, Cancel) else ()

    assert smallest(fails)[0] == smallest(fails, 8)[0]


def test_a_history_that_fails_for_another_reason_is_no_smaller_one():
    found, _, _ = smallest(lambda one: (WANTED,) if len(one.steps) >= len(LONG.steps) else (OTHER,))
    assert len(found.steps) == len(LONG.steps)


def test_a_failure_among_others_is_kept():
    found, _, _ = smallest(lambda one: (OTHER, WANTED) if has(one, Cancel) else (OTHER,))
    assert [type(step) for step in found.steps] == [Cancel]


def test_what_does_not_get_smaller_is_returned_as_it_was():
    assert smallest(lambda _: ())[0] == LONG


def test_nothing_is_played_twice():
    _, played, minimiser = smallest(lambda one: (WANTED,) if has(one, Capture, Cancel) else ())
    keys = [json.dumps(history_as_json(one)) for one in played.histories]
    assert len(keys) == len(set(keys))
    before = len(played.histories)
    asyncio.run(minimiser.minimise(LONG, WANTED.failure_key))
    assert len(played.histories) == before
    assert minimiser.tried == 0


@pytest.mark.parametrize("batch", [1, 7])
def test_a_failure_that_shrinks_for_ever_is_given_up(monkeypatch, batch):
    def endless(history):
        for more in range(1, 50):
            yield History(E, Initiate(history.opening.amount + more), ())

    monkeypatch.setattr(module, "candidates", endless)
    _, played, minimiser = smallest(lambda _: (WANTED,), batch, History(E, Initiate(1), ()))
    assert MOST_TRIALS <= minimiser.tried < MOST_TRIALS + batch
    assert len(played.histories) == minimiser.tried


EXAMPLE = Counterexample(
    "EC-08",
    E,
    "answer.outcome should be refused, but was accepted",
    LONG,
    Market.DK,
    Readings.documented(),
    7,
    "embedded",
)


def test_a_counterexample_is_read_back_as_it_was_written(tmp_path):
    path = tmp_path / "run-1" / "counterexamples" / "ecom-EC-08-1.json"
    write_counterexample(path, EXAMPLE)
    assert read_counterexample(path) == EXAMPLE
    data = json.loads(path.read_text("utf-8"))
    assert data["statement"] == load().rule("EC-08").statement
    assert data["replay"] == "cancel-conformance replay run-1 ecom-EC-08-1.json --target embedded"
    assert str(tmp_path) not in path.read_text("utf-8")


def broken(**changes):
    data = {
        "version": 1,
        "rule": "EC-08",
        "profile": "ecom",
        "reason": "r",
        "market": "no",
        "readings": Readings.documented().as_json(),
        "seed": 1,
        "target": "embedded",
        "history": history_as_json(LONG),
    }
    return {name: value for name, value in (data | changes).items() if value is not None}


@pytest.mark.parametrize(
    "data",
    [
        [],
        broken(version=2),
        broken(profile="x"),
        broken(market="se"),
        broken(market=[]),
        broken(readings=[]),
        broken(readings={}),
        broken(readings={"C8": 5}),
        broken(readings={"C99": ["a"]}),
        broken(seed="x"),
        broken(seed=[]),
        broken(history=[]),
        *(broken(**{name: None}) for name in ("rule", "profile", "reason", "market", "readings", "seed", "history")),
    ],
)
def test_a_file_that_is_no_counterexample_is_refused_with_its_name(tmp_path, data):
    path = tmp_path / "c.json"
    path.write_text(json.dumps(data), "utf-8")
    with pytest.raises(HistoryError, match=r"c\.json"):
        read_counterexample(path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff"])
def test_a_file_that_is_no_json_is_refused(tmp_path, content):
    path = tmp_path / "c.json"
    path.write_bytes(content)
    with pytest.raises(HistoryError, match="is not JSON"):
        read_counterexample(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(HistoryError, match="cannot be read"):
        read_counterexample(tmp_path / "c.json")


def test_a_seed_without_end_is_refused(tmp_path):
    path = tmp_path / "c.json"
    path.write_text(json.dumps(broken(seed=float("inf"))), "utf-8")
    with pytest.raises(HistoryError):
        read_counterexample(path)


def test_a_counterexample_is_about_one_profile(tmp_path):
    path = tmp_path / "c.json"
    path.write_text(json.dumps(broken(profile=Profile.EPAYMENT.value)), "utf-8")
    with pytest.raises(HistoryError):
        read_counterexample(path)
