"""Hostile answers in one page, without a run and without a browser: every way, through the suite's own recorder."""

from __future__ import annotations

import pytest

from conformance.domain.messages import Request, Response
from conformance.evidence.recorder import ExchangeRecorder
from conformance.evidence.redaction import Redactor
from conformance.reports import write_reports
from conformance.wire import Call

from ..reports.journals import HOSTILE, Profile, Writer
from .answers import LARGE, WAYS, hostile
from .harmless import harmless, shown
from .playing import played

RIGHT = Response(200, (("Content-Type", "application/json"),), b'{"orderId":"a-1","status":"Cancelled","amount":100}')


def recorded(directory, ways):
    """Write a run in which a cancel was answered in all of these ways, and its reports."""
    writer = Writer(directory)
    name = writer.violated("EC-08", reason=HOSTILE)
    record = ExchangeRecorder(writer.journal, Redactor(()), name)
    record.step = 3
    for number, way in enumerate(ways):
        target = hostile(list(WAYS).index(way) + number * len(WAYS))
        target.where = "all"
        request = Request("PUT", "/ecomm/v2/payments/a-1/cancel")
        record(Call(request, "act"), target.answer(request, RIGHT))
    writer.finish(message=hostile(1).text())
    write_reports(directory)
    return directory


def test_every_way_of_being_hostile_stands_on_the_page_as_text(tmp_path):
    ways = [way for way in WAYS if way not in LARGE] * 2
    page = harmless(recorded(tmp_path, ways))
    assert shown(tmp_path, page) >= 8


@pytest.mark.parametrize("way", LARGE)
def test_what_is_large_does_not_make_the_page_large(way, tmp_path):
    page = harmless(recorded(tmp_path, [way]))
    assert len(page.text) < 200_000


def test_generated_targets_are_the_same_every_time_and_have_every_way():
    assert {hostile(seed).way for seed in range(len(WAYS))} == set(WAYS)
    request = Request("GET", "/x")
    first, other = (hostile(3 * len(WAYS) + 1) for _ in range(2))
    assert first.name == other.name
    assert first.answer(request, RIGHT) == other.answer(request, RIGHT)


@pytest.mark.parametrize("seed", [22, 24, 26])
def test_a_run_against_a_hostile_target_ends_as_documented(seed, tmp_path):
    run = played(seed, tmp_path / "run")
    harmless(run.directory, run.completed)
    assert Profile(("ecom", "epayment", "recurring")[seed // 3 % 3]).value in run.completed.out
