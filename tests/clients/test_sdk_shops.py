"""Small shops on the client of npm: what the suite finds in them, and in shops that look for themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.domain.order import Profile
from conformance.judging.verdicts import RunVerdict
from conformance.strategies.merchant.grid import systematic_merchant_cases

from ..sdk.npm import install
from .stage import CLIENTS, Run, body, header, played, run_against, service

SHOPS = ("epayment", "recurring")
CAPTURE_LOST = "partly shipped, then closed, capture with lost-after"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(CLIENTS / "sdk", tmp_path_factory.mktemp("sdk"))


@pytest.fixture(scope="module")
def runs(client: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    results = {}
    for shop in SHOPS:
        with service(client, shop) as address:
            results[shop] = run_against(address, tmp_path_factory.mktemp(shop), budget="quick")
    return results


@pytest.fixture(params=SHOPS)
def run(runs: dict[str, Run], request: pytest.FixtureRequest) -> Run:
    return runs[request.param]


@pytest.fixture
def epayment(runs: dict[str, Run]) -> Run:
    return runs["epayment"]


@pytest.fixture
def recurring(runs: dict[str, Run]) -> Run:
    return runs["recurring"]


def answers(run: Run, rule: str) -> Iterator[tuple[int, str]]:
    """Status and body of the last answer to a cancel before an obligation was broken, history by history."""
    for name, _ in run.broken[rule]:
        books = next(
            record["n"]
            for record in run.records("books", name)
            if record["view"]["status"] in ("cancelled", "authorized")
        )
        last = [cancel for cancel in run.cancels(name) if cancel["n"] < books][-1]["response"]
        yield last["status"], last["body"] if isinstance(last["body"], str) else "bytes"


def test_they_are_not_conformant(run: Run):
    assert run.result.verdict is RunVerdict.NOT_CONFORMANT
    assert run.result.run.target.kind == "url"


def test_a_flag_that_the_shop_gives_is_dropped_and_a_paid_reservation_released(epayment: Run):
    assert "cancelTransactionOnly: true" in (CLIENTS / "sdk" / "epayment.mjs").read_text(encoding="utf-8")
    for name, reason in epayment.broken["M20"]:
        assert "the merchant says 'authorized'" in reason
        first, *again = epayment.cancels(name)
        assert (first["wire"]["action"], body(first), first["response"]["status"]) == ("abandon", b"", 200)
        assert {body(request) for request in again} <= {b""}
        last = epayment.records("books", name)[-1]
        assert (last["view"]["status"], last["truth"]["cancelled"], last["truth"]["remaining"]) == (
            "authorized",
            1000,
            0,
        )


def test_what_is_asked_again_has_another_key(run: Run):
    name = run.first("M7")
    first, again = run.cancels(name)[:2]
    assert first["response"] is None
    keys = [header(request, "Idempotency-Key") for request in (first, again)]
    assert all(keys)
    assert keys[0] != keys[1]


def test_no_key_is_missing_or_shared(run: Run):
    assert not run.broken.keys() & {"M6", "M6b", "M8", "M9"}
    assert {"M8", "M9"} <= run.verdicts.keys()


def test_an_empty_200_and_a_web_page_are_taken_for_a_cancel(run: Run):
    statuses = set(answers(run, "M19"))
    assert (200, "") in statuses
    assert any(status == 200 and "<html>" in text for status, text in statuses)


def test_a_202_is_taken_for_a_cancel(epayment: Run, recurring: Run):
    assert (202, "") in set(answers(epayment, "M19"))
    assert set(answers(recurring, "M22")) == {(202, "")}


def test_a_redirect_is_followed_to_a_page_and_the_page_taken_for_a_cancel(run: Run):
    name = run.first("M18")
    (asked,) = [record for record in run.records("exchange", name) if record["request"]["path"] == "/maintenance"]
    assert asked["request"]["method"] == ("GET" if run.result.run.profiles == ("epayment",) else "DELETE")
    assert [cancel["response"]["status"] for cancel in run.cancels(name)][:1] == [302]


@pytest.mark.parametrize("shop", SHOPS)
def test_a_capture_that_is_asked_again_is_made_twice(client: Path, shop: str):
    """The quick budget does not get to this one: its key is a new one, too."""
    (life,) = [case.history for case in systematic_merchant_cases(Profile(shop)) if case.label == CAPTURE_LOST]
    with service(client, shop) as address:
        (broken,) = played(address, [life])
    assert broken["M23"] == "800 were captured, and the merchant's books have 400"
    with service(client, f"{shop}-careful") as address:
        assert played(address, [life]) == [{}]


@pytest.mark.parametrize("shop", SHOPS)
def test_a_shop_that_looks_for_itself_breaks_nothing_of_it(client: Path, runs: dict[str, Run], shop: str):
    run = runs[shop]
    histories = [run.history(name) for name in dict.fromkeys(name for hits in run.broken.values() for name, _ in hits)]
    assert len(histories) > 10
    with service(client, f"{shop}-careful") as address:
        assert [broken for broken in played(address, histories) if broken] == []


def test_the_lock_names_no_host():
    assert "://" not in (CLIENTS / "sdk" / "package-lock.json").read_text(encoding="utf-8")
