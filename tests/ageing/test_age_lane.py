"""The ageing lane through the command line, against a served provider whose clock and ours are moved together."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from conformance.ageing import clock
from conformance.cli.main import main
from conformance.evidence.journal import read_journal
from conformance.judging.verdicts import RuleVerdict
from conformance.reports import write_reports
from conformance.sandbox import EPayment, Provider
from conformance.sandbox.server import running_server
from tests.stored import stored_records

START = datetime(2030, 1, 1, 12, tzinfo=UTC)


class Time:
    """What both sides take for the present."""

    def __init__(self):
        self.moment = START

    def __call__(self):
        return self.moment

    def pass_by(self, **span):
        self.moment += timedelta(**span)


@pytest.fixture
def time(monkeypatch):
    moved = Time()
    monkeypatch.setattr(clock, "now", moved)
    return moved


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("CANCEL_LEDGER_KEY", "VIPPS_CLIENT_ID", "VIPPS_ACCESS_TOKEN", "VIPPS_SUBSCRIPTION_KEY", "VIPPS_MSN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


class Ageless(EPayment):
    """Cancels whatever its age."""

    def is_too_old(self, order):
        return False


def verdicts(folder, *, profile="epayment"):
    result = write_reports(folder)
    return {one.rule.id: one.verdict for one in result.rules if one.profile.value == profile}


def test_what_is_planted_is_judged_on_both_sides_of_the_limit(home, time, capsys):
    with running_server(Provider(now=time)) as url:
        assert main(["age", "plant", "--target", url, "--profile", "epayment"]) == 0
        assert main(["age", "harvest", "--target", url]) == 4
        assert "Nothing was judged" in capsys.readouterr().out
        time.pass_by(days=100)
        assert main(["age", "harvest", "--target", url, "--out", "young"]) == 4
        young = capsys.readouterr().out
        assert "100 days old: conforms" in young
        assert verdicts(home / "young")["KB-02"] is RuleVerdict.THIN
        time.pass_by(days=100)
        main(["age", "harvest", "--target", url, "--out", "old"])
        old = capsys.readouterr().out
        assert "200 days old: conforms" in old
        assert "violates" not in young + old
        found = verdicts(home / "old")
        assert found["EP-14"] is RuleVerdict.PASSED
        assert found["EP-36"] is RuleVerdict.PASSED
        ages = [
            step["by"]
            for record in stored_records(read_journal(home / "old"), "history")
            for step in record["history"]["steps"]
            if step["do"] == "age"
        ]
        assert set(ages) == {200 * 86_400}
        # Judged orders are not judged again.
        assert main(["age", "harvest", "--target", url, "--out", "again"]) == 4
        assert "0 of http" in capsys.readouterr().out


@pytest.mark.parametrize("profile", ["ecom", "recurring"])
def test_the_other_apis_age_as_well(home, time, capsys, profile):
    with running_server(Provider(now=time)) as url:
        assert main(["age", "plant", "--target", url, "--profile", profile, "--copies", "1"]) == 0
        time.pass_by(days=400)
        main(["age", "harvest", "--target", url, "--out", "old"])
    said = capsys.readouterr().out
    assert said.count("400 days old: conforms") == 10
    assert RuleVerdict.VIOLATED not in verdicts(home / "old", profile=profile).values()


def test_a_provider_without_a_limit_is_found(home, time, capsys):
    with running_server(Provider(now=time, epayment=Ageless)) as url:
        assert main(["age", "plant", "--target", url, "--profile", "epayment"]) == 0
        time.pass_by(days=190)
        assert main(["age", "harvest", "--target", url, "--out", "old"]) == 1
    assert verdicts(home / "old")["EP-14"] is RuleVerdict.VIOLATED
    assert "190 days old: violates" in capsys.readouterr().out


def test_ledgers_are_merged_and_each_order_is_judged_once(home, time, capsys):
    with running_server(Provider(now=time)) as url:
        common = ["--target", url, "--profile", "epayment", "--copies", "1"]
        assert main(["age", "plant", *common, "--ledger", "one.json"]) == 0
        time.pass_by(days=1)
        assert main(["age", "plant", *common, "--ledger", "two.json"]) == 0
        copy = (home / "one.json").read_bytes()
        (home / "copy.json").write_bytes(copy)
        (home / "copy.json.key").write_bytes((home / "one.json.key").read_bytes())
        time.pass_by(days=190)
        ledgers = [word for name in ("one", "two", "copy") for word in ("--ledger", f"{name}.json")]
        main(["age", "harvest", "--target", url, *ledgers, "--out", "old"])
        said = capsys.readouterr().out
        assert "30 orders in 3 ledgers; 18 of" in said
        assert "191 days old" in said
        assert "190 days old" in said
        judged = [record["id"] for record in stored_records(read_journal(home / "old"), "history")]
        assert len(judged) == len(set(judged)) == 18


def spoilt(path):
    data = json.loads(path.read_text(encoding="utf-8"))
    data["orders"][0]["at"] = (START - timedelta(days=400)).isoformat()
    path.write_text(json.dumps(data), encoding="utf-8")


def shortened(path):
    data = json.loads(path.read_text(encoding="utf-8"))
    del data["orders"][0]
    path.write_text(json.dumps(data), encoding="utf-8")


def torn(path):
    path.write_bytes(path.read_bytes()[:-40])


def resigned(path):
    path.with_name(path.name + ".key").write_text("f" * 64, encoding="ascii")


def lost(path):
    path.unlink()


def without_key(path):
    path.with_name(path.name + ".key").unlink()


@pytest.mark.parametrize("damage", [spoilt, shortened, torn, resigned, lost, without_key])
def test_a_lost_or_changed_ledger_is_refused(home, time, capsys, damage):
    with running_server(Provider(now=time)) as url:
        plant = ["age", "plant", "--target", url, "--profile", "epayment", "--copies", "1"]
        assert main(plant) == 0
        damage(home / "age-ledger.json")
        time.pass_by(days=300)
        capsys.readouterr()
        assert main(["age", "harvest", "--target", url, "--out", "old"]) == 2
        said = capsys.readouterr().err
        assert "ledger" in said
        assert len(said.splitlines()) == 1
        assert not (home / "old").exists()


def test_a_ledger_has_no_secret_in_it(home, time):
    with running_server(Provider(now=time)) as url:
        assert main(["age", "plant", "--target", url, "--profile", "epayment", "--copies", "1"]) == 0
    text = (home / "age-ledger.json").read_text(encoding="utf-8")
    for secret in ("sandbox-client-secret", "sandbox-subscription-key", "Bearer", "123456", "4712345678"):
        assert secret not in text


def test_only_servers_grow_old(home, capsys):
    assert main(["age", "plant", "--target", "embedded"]) == 2
    assert main(["age", "plant", "--target", "https://api.vipps.no"]) == 2
    assert "production" in capsys.readouterr().err
