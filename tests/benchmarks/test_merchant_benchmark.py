"""The benchmark of the merchant's side runs and says what it should; how fast anything was does not matter here."""

import json

from benchmarks import __main__, merchant
from benchmarks.merchant import bare, merchants, told
from conformance.domain.order import Profile


def test_both_play_the_same_histories():
    (row,) = merchants([Profile.RECURRING], 1, ["quick"])
    assert row["verdict"] == "CONFORMANT"
    assert row["same_histories"]
    assert row["requests"]["run"] > row["requests"]["bare"] > row["histories"]
    assert all(rate > 0 for rate in row["per_cpu_second"].values())
    assert "recurring  quick" in told([row])
    assert "Attention" in told([{**row, "cpu_seconds": 15.1}])
    assert "Attention" in told([{**row, "verdict": "NOT CONFORMANT"}])


def test_the_bare_loop_acts_in_every_history():
    for profile in (Profile.ECOM, Profile.EPAYMENT):
        found = bare(profile, 0)
        assert found["requests"] > 4 * found["histories"]


def test_it_is_measured_when_asked_for(tmp_path, monkeypatch, capsys):
    row = {"profile": "ecom", "budget": "quick", "histories": 1, "verdict": "CONFORMANT", "cpu_seconds": 1.0}
    row |= {"wall_seconds": 1.0, "per_cpu_second": {"run": 1.0, "bare": 2.0}}
    row |= {"ratios": {"run_to_bare": 0.5, "run_to_bare_by_request": 0.6}}
    monkeypatch.setattr(__main__, "merchants", lambda *_: [row])
    assert __main__.main(["--merchant", "--json", str(tmp_path / "speed.json")]) == 0
    assert json.loads((tmp_path / "speed.json").read_text()) == {"merchant": [row]}
    assert "run/bare" in capsys.readouterr().out
    assert merchant.ALLOWED == 15.0
