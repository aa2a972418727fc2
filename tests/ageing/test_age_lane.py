"""The ageing lane through the command line, against a served provider whose clock and ours are moved together."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from conformance.ageing.planted_orders import read, signature
from conformance.cli.main import main
from conformance.evidence.journal import read_journal
from conformance.judging.verdicts import RuleVerdict
from conformance.reports import write_reports
from conformance.sandbox import EPayment, Provider
from conformance.sandbox.server import running_server
from tests.stored import stored_records

from .lane import START


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
        assert main(["age", "harvest", "--target", url]) == 4
        assert "24 orders of" in capsys.readouterr().out
        assert main(["age", "harvest", "--target", url, "--older-than", "90", "--out", "young"]) == 4
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
        assert found["KB-02"] is RuleVerdict.PASSED
        assert found["EP-36"] is RuleVerdict.PASSED
        ages = [
            step["by"]
            for record in stored_records(read_journal(home / "old"), "history")
            for step in record["history"]["steps"]
            if step["do"] == "age"
        ]
        assert set(ages) == {100 * 86_400, 200 * 86_400}
        # Judged orders are not judged again: no request is sent for them.
        assert main(["age", "harvest", "--target", url, "--out", "again"]) == 4
        assert "0 can be judged now, 21 were judged before, 3 wait" in capsys.readouterr().out


@pytest.mark.parametrize(("profile", "count"), [("ecom", 8), ("recurring", 7)])
def test_the_other_apis_age_as_well(home, time, capsys, profile, count):
    with running_server(Provider(now=time)) as url:
        assert main(["age", "plant", "--target", url, "--profile", profile, "--copies", "1"]) == 0
        time.pass_by(days=400)
        main(["age", "harvest", "--target", url, "--out", "old"])
    said = capsys.readouterr().out
    assert said.count("400 days old: conforms") == count
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
        assert "16 orders of" in said
        assert "12 can be judged now, 0 were judged before, 4 wait" in said
        assert "191 days old" in said
        assert "190 days old" in said
        judged = [record["id"] for record in stored_records(read_journal(home / "old"), "history")]
        assert len(judged) == len(set(judged)) == 12


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


def orders_in(path):
    return json.loads(path.read_text(encoding="utf-8"))["orders"]


def test_orders_of_all_apis_have_ids_of_their_own(home, time):
    with running_server(Provider(now=time)) as url:
        assert main(["age", "plant", "--target", url, "--copies", "1"]) == 0
        assert main(["age", "plant", "--target", url, "--copies", "2"]) == 0
    ids = [order["id"] for order in orders_in(home / "age-ledger.json")]
    assert len(ids) == len(set(ids)) == 46


def test_planting_again_plants_what_is_missing(home, time, capsys):
    with running_server(Provider(now=time)) as url:
        plant = ["age", "plant", "--target", url, "--profile", "epayment", "--copies", "1"]
        assert main(plant) == 0
        assert "Missing for a full verdict" in capsys.readouterr().out
        assert main(plant) == 0
        assert "the ledger has 1 of each kind already; nothing was planted." in capsys.readouterr().out
        assert len(orders_in(home / "age-ledger.json")) == 8
        assert main([*plant[:-1], "3"]) == 0
        printed = capsys.readouterr().out
        assert "reserved, to be captured: 2 planted" in printed
        assert "Missing" not in printed
        # The days just before the limit are missed: what was kept for them is planted again.
        time.pass_by(days=200)
        assert main([*plant[:-1], "3"]) == 0
        printed = capsys.readouterr().out
        assert "reserved, to be cancelled: 3 planted" in printed
        assert "to be captured" not in printed


def test_what_the_ledger_of_an_older_version_has_is_judged(home, time, capsys):
    """It says of an order whether it is to become too old, and had the same ids for orders of two APIs."""
    with running_server(Provider(now=time)) as url:
        common = ["--target", url, "--profile", "epayment", "--profile", "recurring"]
        assert main(["age", "plant", *common, "--copies", "1"]) == 0
        ledger = read(home / "age-ledger.json")
        path, key = home / "old.json", b"k" * 32
        orders = [order.as_json() for order in ledger.orders]
        for order in orders:
            order["beyond"] = order.pop("side") != "before"
            del order["judged"]
        content = {"format": 1, "tool": "0.9", "orders": orders}
        path.write_text(json.dumps({**content, "signature": signature(content, key)}), encoding="utf-8")
        path.with_name("old.json.key").write_bytes(key)
        time.pass_by(days=178)
        main(["age", "harvest", *common, "--ledger", "old.json", "--out", "young"])
        assert "4 can be judged now" in capsys.readouterr().out


@pytest.mark.parametrize("profile", ["ecom", "epayment", "recurring"])
def test_what_an_older_version_did_not_observe_accuses_nobody(home, time, capsys, profile):
    """Between planting and the last harvest there is a year, in which the rules may come to claim more fields."""
    with running_server(Provider(now=time)) as url:
        common = ["--target", url, "--profile", profile]
        assert main(["age", "plant", *common, "--copies", "2"]) == 0
        unobserved_in(home / "age-ledger.json")
        time.pass_by(days=178)
        main(["age", "harvest", *common, "--out", "young"])
        unobserved_in(home / "age-ledger.json")
        time.pass_by(days=200)
        main(["age", "harvest", *common, "--out", "old"])
    assert RuleVerdict.VIOLATED not in verdicts(home / "old", profile=profile).values()
    assert verdicts(home / "old", profile=profile)["KB-02"] is RuleVerdict.PASSED
    assert "conforms: as documented" in capsys.readouterr().out
    assert main(["verify", "old"]) == 4


def unobserved_in(path):
    """Take out of a ledger what is observed of logs and of ids, as if nobody had looked for it yet."""
    ledger = read(path)
    ledger.orders = [replace(order, judged_by="0.9" if order.judged else "") for order in ledger.orders]
    for order in ledger.orders:
        for observation in (*order.observed, *order.judged):
            for name in [name for name in observation if name.startswith(("view.log", "answer.psp"))]:
                del observation[name]
    ledger.write()


def test_a_planting_that_reached_nobody_can_be_repeated(home, time, capsys):
    plant = ["age", "plant", "--target", "http://127.0.0.1:9", "--profile", "epayment", "--copies", "1"]
    assert main(plant) == 3
    assert main(["age", "harvest", *plant[2:4]]) == 2
    assert "has no orders yet" in capsys.readouterr().err
    with running_server(Provider(now=time)) as url:
        assert main([*plant[:3], url, *plant[4:]]) == 0


@pytest.mark.parametrize("action", ["plant", "harvest", "calendar"])
def test_the_ledger_of_another_target_is_named_as_such(home, time, capsys, action):
    with running_server(Provider(now=time)) as url:
        assert main(["age", "plant", "--target", url, "--profile", "epayment", "--copies", "1"]) == 0
        before = (home / "age-ledger.json").read_bytes()
        time.pass_by(days=190)
        capsys.readouterr()
        assert main(["age", action, "--target", "http://127.0.0.1:9"]) == 2
        said = capsys.readouterr().err
        assert f"age-ledger.json has orders of {url} and none of http://127.0.0.1:9" in said
        assert len(said.splitlines()) == 1
        assert (home / "age-ledger.json").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--market", "dk"), "has orders of the market no: add --market no"),
        (("--profile", "ecom"), "has orders of epayment only: leave --profile out"),
    ],
)
def test_a_ledger_of_another_market_or_api_is_named_as_such(home, time, capsys, options, said):
    with running_server(Provider(now=time)) as url:
        assert main(["age", "plant", "--target", url, "--profile", "epayment", "--copies", "1"]) == 0
        assert main(["age", "harvest", "--target", url, *options]) == 2
    assert said in capsys.readouterr().err


def test_a_calendar_needs_no_target(home, time, capsys):
    assert main(["age", "calendar", "--profile", "epayment", "--market", "dk"]) == 0
    printed = capsys.readouterr().out
    assert "There is no age-ledger.json yet. If 24 orders are planted today:" in printed
    assert "14 to 180 (C1: reservation 180; initiation 180; market-deadline 14)" in printed
    with running_server(Provider(now=time)) as url:
        assert main(["age", "plant", "--target", url, "--profile", "epayment"]) == 0
        time.pass_by(days=177)
        assert main(["age", "harvest", "--target", url, "--out", "young"]) == 4
    capsys.readouterr()
    assert main(["age", "calendar", "--format", "json"]) == 0
    calendar = json.loads(capsys.readouterr().out)["calendar"]
    assert [harvest["first"] for harvest in calendar["harvests"]] == ["2030-07-02", "2030-12-27", "2031-01-03"]
    assert calendar["missing"] == []
    assert calendar["complete_on"] == "2031-01-03"


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
