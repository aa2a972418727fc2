"""The user's own environment: proxies, time zone and locale change nothing, and are as they were afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from conformance.merchant.first_payment import what_was_sent
from conformance.merchant.harness import CountingSink
from conformance.merchant.integration.proxies import proxies_in_use, without_proxies
from conformance.obligations.history import CLOCK, ZONE
from examples.merchants import epayment
from tests.merchant.helpers import harness_of, history

ROOT = Path(__file__).parents[2]
ODD = {
    "TZ": "Pacific/Kiritimati",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "ALL_PROXY": "socks5://127.0.0.1:9",
    "LC_ALL": "C",
}


@pytest.fixture
def odd(monkeypatch):
    for name, value in ODD.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_PROXY", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class TellsTheZone(epayment.Adapter):
    """The reference merchant, which notes the zone that its process is in."""

    zones: list[str] = []  # noqa: RUF012 - of all instances

    def tick(self, now):
        self.zones.append(time.strftime("%z"))
        super().tick(now)


def test_the_reference_merchant_is_conformant_in_odd_surroundings(tmp_path):
    words = ["merchant", "--integration", "python:examples.merchants.epayment:Adapter", "--budget", "quick"]
    result = subprocess.run(
        [sys.executable, "-m", "conformance", *words, "--histories", "0", "--out", str(tmp_path / "out")],
        env={**os.environ, **ODD, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_client_made_with_a_proxy_it_does_not_know_reaches_the_provider(odd):
    with pytest.raises(ImportError, match="SOCKS"):
        httpx.Client()
    with harness_of(epayment.Adapter) as harness:
        trial = harness.run(history("create approve cancel"), "odd-1", CountingSink())
    assert trial.paid
    assert trial.broken == {}
    assert {name: os.environ[name] for name in ODD} == ODD
    assert "NO_PROXY" not in os.environ
    assert time.strftime("%z") == "+1400"


def test_an_adapter_lives_in_utc_until_the_suite_changes_its_zone(odd):
    TellsTheZone.zones.clear()
    with harness_of(TellsTheZone) as harness:
        assert {CLOCK, ZONE} <= harness.open().actions
        setup = harness._setup_for(history("create").profile)
        for zone in ("", "America/Los_Angeles", "", "Asia/Kathmandu"):
            if zone:
                harness.integration.enter_zone(zone)
            else:
                harness.integration.begin(setup)
            assert harness.integration.call("tick", {"now": setup.now()}).ending == "returned"
    assert TellsTheZone.zones[0::2] == ["+0000", "+0000"]
    assert TellsTheZone.zones[1] in ("-0800", "-0700")
    assert TellsTheZone.zones[3] == "+0545"


def test_proxies_are_put_back_when_the_block_raises(odd):
    with pytest.raises(KeyError), without_proxies():
        raise KeyError
    assert {name: os.environ[name] for name in ODD} == ODD


def test_a_proxy_is_named_where_nothing_was_sent(odd, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "http://someone:secret@proxy.example:8080")
    sentence = what_was_sent([], "http://127.0.0.1:5")
    assert "HTTP_PROXY=http://127.0.0.1:9" in sentence
    assert "ALL_PROXY=http://proxy.example:8080" in sentence
    assert "secret" not in sentence
    for name in ODD:
        monkeypatch.delenv(name)
    assert proxies_in_use() == ""
