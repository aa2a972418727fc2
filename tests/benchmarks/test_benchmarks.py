"""The benchmark runs and says what it should; how fast anything was does not matter here."""

import json

import pytest

from benchmarks.__main__ import main
from benchmarks.ours import memory_of_whole_run, recorded, whole_run
from benchmarks.table import printed
from benchmarks.targets import with_targets
from conformance.domain.order import Profile


def rows(tmp_path, *options):
    file = tmp_path / "speed.json"
    assert main(["--histories", "3", "--rounds", "1", "--no-whole-run", "--json", str(file), *options]) == 0
    found = json.loads(file.read_text())["speed"]
    for row in found:
        assert row["same_answers"], row
        assert row["histories"] == row["conforming"] == 3, row
        assert all(rate > 0 for rate in row["per_second"].values())
    return found


def test_every_profile_is_measured_in_process(tmp_path, capsys):
    assert [row["profile"] for row in rows(tmp_path, "--no-port")] == list(Profile)
    assert "Attention" not in capsys.readouterr().out


def test_a_server_is_measured_with_one_and_with_many_at_once(tmp_path, capsys):
    found = rows(tmp_path, "--profile", "recurring")
    assert [(row["place"], row["at_once"]) for row in found] == [
        ("in process", 1),
        ("over a port", 1),
        ("over a port", 8),
    ]
    assert "over a port, 8 at once" in capsys.readouterr().out


def test_the_same_histories_are_measured_every_time():
    one, other = (recorded(Profile.RECURRING, 3) for _ in range(2))
    paths = [[(request.method, request.path) for request, _ in found.requests] for found in (one, other)]
    assert paths[0] == paths[1]


def test_a_whole_run_is_measured_with_its_journal():
    found = whole_run((Profile.ECOM,), 0)
    assert found["journal_bytes"] > 100 * found["records"]
    whole = {"speed": [], "rounds": 1, "histories": 0, "python": "3.11", "cpus": 1, "whole_run": found}
    assert f"{found['requests']} requests" in printed(whole)


def test_figures_stand_beside_their_targets():
    rates = {"played_to_bare": 1.4, "drawn_and_played_to_machine": 1.5}
    rows = [{"place": "in process", "at_once": 1, "ratios": rates}]
    slow = {"profile": "ecom", "delay": 0.1, "seconds": 20.0, "refused": 1}
    found = {"speed": rows, "whole_run": {"seconds": 9.0}, "memory": 130.0, "slow": [slow]}
    lines = [line.split() for line in with_targets(found).splitlines()[2:]]
    assert [line[-1] for line in lines] == ["met", "missed", "met", "missed", "met", "missed"]


def test_the_memory_of_a_whole_run_is_that_of_the_command():
    assert memory_of_whole_run((Profile.ECOM,), 0) > 30


def test_what_makes_no_sense_is_refused():
    with pytest.raises(SystemExit):
        main(["--histories", "0"])
