"""Small shops on the client of PyPI: what the suite finds in them, and what remains when they look for themselves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.judging.verdicts import RuleVerdict, RunVerdict
from tests.stored import stored_records

from .stage import Run, body, header, install_vipps, run_against

PLACE = "python:examples.clients.vipps_ecom"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The client on the way of imports, for the time of these tests."""
    folder = install_vipps(tmp_path_factory.mktemp("vipps"))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "vipps" or name.endswith(".vipps_ecom")]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def runs(client: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    return {
        shop: run_against(f"{PLACE}:{shop}", tmp_path_factory.mktemp(shop), histories=0)
        for shop in ("Adapter", "Keyed", "Careful")
    }


def test_no_capture_of_the_client_is_accepted(runs: dict[str, Run]):
    run = runs["Adapter"]
    captures = [
        record for record in stored_records(run.result.evidence, "exchange") if record["wire"]["operation"] == "capture"
    ]
    assert captures
    for capture in captures:
        assert header(capture, "X-Request-Id") is None
        assert capture["response"] is None or capture["response"]["status"] >= 400
    assert run.verdicts["M11"] is RuleVerdict.NOT_EXERCISED
    assert run.verdicts["M23"] is RuleVerdict.NOT_EXERCISED


def test_nothing_releases_what_remains_after_a_partial_capture(runs: dict[str, Run]):
    run = runs["Keyed"]
    for name, reason in run.broken["M11"]:
        assert reason.endswith("does not say shouldReleaseRemainingFunds, and releases nothing")
        assert all(b"shouldReleaseRemainingFunds" not in body(cancel) for cancel in run.cancels(name))
        truth = run.records("books", name)[-1]["truth"]
        assert truth["captured"] > 0
        assert truth["remaining"] > 0


def test_a_success_that_did_nothing_is_believed(runs: dict[str, Run]):
    run = runs["Adapter"]
    for name, _ in run.broken["M19"]:
        assert [cancel["wire"]["fault"] for cancel in run.cancels(name)][:1] == ["unchanged-200"]
        assert run.records("books", name)[-1]["truth"]["cancelled"] == 0


def test_a_lost_answer_ends_in_refusals_for_ever(runs: dict[str, Run]):
    run = runs["Adapter"]
    name = run.first("M26")
    first, *again = run.cancels(name)
    assert first["response"] is None
    assert first["wire"]["reached"]
    statuses = [exchange["response"]["status"] for exchange in again]
    assert statuses[0] in (400, 402)
    # An hour later the token is too old, and the client never asks for another.
    assert statuses[-1] == 401


def test_odd_answers_are_no_successes(runs: dict[str, Run]):
    """The client's own error, a body that is no JSON, keeps the shop from believing in an empty or a strange 200."""
    run = runs["Adapter"]
    assert not run.broken.keys() & {"M18", "M25"}
    assert {run.verdicts[rule] for rule in ("M18", "M25")} == {RuleVerdict.PASSED}


def test_looking_mends_everything_but_what_the_client_cannot_say(runs: dict[str, Run]):
    assert len(runs["Keyed"].broken) > 3
    assert runs["Careful"].broken.keys() == {"M11"}
    assert {value.result.verdict for value in runs.values()} == {RunVerdict.NOT_CONFORMANT}
