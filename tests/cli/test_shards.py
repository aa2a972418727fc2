"""Shards of one run: each is a part only, and merged they say what the whole run says."""

import json

import pytest

from conformance.evidence.consistency import RETRY_SUFFIXES, SEQUENTIAL_SUFFIXES
from conformance.evidence.journal import JournalError, read_journal
from conformance.results.shard_merge import read_shards
from tests.audit.stage import Forgetful, command, rewritten, run, use_provider, use_small_plan
from tests.reports.schemas import faults_of
from tests.stored import stored_records

OF = 4


def report(folder):
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def rules(folder):
    return {one["id"]: one["verdict"] for one in report(folder)["rules"]}


def played(folder):
    return {
        one["id"].rstrip(SEQUENTIAL_SUFFIXES).rstrip(RETRY_SUFFIXES): one["history"]
        for one in stored_records(read_journal(folder), "history")
        if one["source"] not in ("shrinking", "confirmation")
    }


def made(folder, *, provider=None):
    """Play the whole and its shards into a folder."""
    with pytest.MonkeyPatch.context() as patch:
        use_small_plan(patch)
        if provider is not None:
            use_provider(patch, provider)
        codes = {"whole": run(folder / "whole").code}
        for number in range(1, OF + 1):
            codes[number] = run(folder / str(number), "--shard", f"{number}/{OF}").code
    return codes


def merged(folder, *names, out="merged"):
    return command("merge", *(folder / str(name) for name in names), "--out", folder / out)


@pytest.fixture(scope="module")
def right(tmp_path_factory):
    folder = tmp_path_factory.mktemp("right")
    assert made(folder) == {"whole": 0} | dict.fromkeys(range(1, OF + 1), 4)
    return folder


@pytest.fixture(scope="module")
def wrong(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wrong")
    codes = made(folder, provider=Forgetful)
    assert codes.pop("whole") == 1
    assert 1 in codes.values()
    return folder


def test_shards_make_up_the_plan_and_share_nothing(right):
    parts = [played(right / str(number)) for number in range(1, OF + 1)]
    assert sum(map(len, parts)) == len(played(right / "whole"))
    assert {name: one for part in parts for name, one in part.items()} == played(right / "whole")
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_shard_alone_claims_nothing(right):
    told = report(right / "2")
    assert (told["verdict"], told["exit_code"]) == ("INCOMPLETE", 4)
    assert told["reason"] == "This is shard 2 of 4: merge all of them for a verdict."


def test_merged_shards_say_what_the_whole_run_says(right):
    done = merged(right, 3, 1, 4, 2)
    assert done.code == 0, done
    assert "Conformant" in done.out
    assert rules(right / "merged") == rules(right / "whole")
    assert command("report", right / "merged").code == 0
    for name in ("2", "merged"):
        assert faults_of(stored_records(read_journal(right / name))) == []
    told = stored_records(read_journal(right / "merged"))[0]["merged"]
    assert [one["digest"] for one in told["shards"]] == [
        read_journal(right / str(number)).digest for number in range(1, OF + 1)
    ]


def test_merged_shards_of_a_wrong_provider_are_as_red_as_the_whole(wrong):
    done = merged(wrong, 1, 2, 3, 4)
    assert done.code == 1, done
    red = {name for name, verdict in rules(wrong / "merged").items() if verdict == "VIOLATED"}
    assert red >= {name for name, verdict in rules(wrong / "whole").items() if verdict == "VIOLATED"} - {"INV-11"}
    told = report(wrong / "merged")
    files = [one["file"] for one in told["counterexamples"]]
    assert len(files) == len(set(files)) > 0
    assert all((wrong / "merged" / file).exists() for file in files)
    assert "replay" in done.out


def test_a_missing_shard_does_not_pass(right, wrong):
    done = merged(right, 1, 2, 4, out="three")
    assert done.code == 4
    assert "shard 3 of 4 missing: nothing is claimed" in done.out
    assert report(right / "three")["reason"] == "Shard 3 of 4 missing: nothing is claimed."
    # What was violated was violated, whatever is missing.
    red = next(number for number in range(1, OF + 1) if report(wrong / str(number))["verdict"] == "NOT CONFORMANT")
    assert merged(wrong, red, out="one").code == 1


def test_a_shard_that_was_interrupted_is_not_passed_over(right, tmp_path):
    records = stored_records(read_journal(right / "4"))[:-1]
    last = max(index for index, one in enumerate(records) if one["kind"] == "history")
    rewritten(records[: last + 1], tmp_path / "4")
    done = command("merge", right / "1", right / "2", right / "3", tmp_path / "4", "--out", tmp_path / "merged")
    assert done.code == 130
    assert report(tmp_path / "merged")["verdict"] == "INTERRUPTED"


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ((1, 1, 2), "Shard 1 is there twice"),
        ((1, "whole"), "is no shard: it holds a whole run"),
        ((1, "nothing"), "cannot be read"),
    ],
)
def test_what_cannot_be_merged_is_one_sentence(right, tmp_path, names, words):
    done = command("merge", *(right / str(name) for name in names), "--out", tmp_path / "merged")
    assert done.code == 2
    assert words in done.errors
    assert len(done.errors.splitlines()) == 1
    assert not (tmp_path / "merged").exists()


def changed(right, folder, change):
    """Write the second shard again, with something changed that its own checks do not see."""
    records = stored_records(read_journal(right / "2"))
    change(records)
    return rewritten(records, folder / "2")


def seed(records):
    records[0]["seed"] = 5


def offered(records):
    next(one for one in records if one["kind"] == "capabilities")["offered"].remove("age")


def another_plan(records):
    next(one for one in records if one["kind"] == "whole")["digest"] = "0" * 64


@pytest.mark.parametrize(
    ("change", "words"),
    [(seed, "its seed is 5, and not 0"), (offered, "was offered something else"), (another_plan, "has another plan")],
)
def test_shards_of_different_runs_are_not_merged(right, tmp_path, change, words):
    changed(right, tmp_path, change)
    with pytest.raises(JournalError, match=words):
        read_shards([right / "1", tmp_path / "2"])


def test_a_shard_that_left_histories_out_is_noticed(right, tmp_path):
    records = stored_records(read_journal(right / "2"))
    plan = next(one for one in records if one["kind"] == "plan")
    lost = plan["histories"][-1]
    kept = [one for one in records if lost not in (one.get("id"), one.get("history"))]
    rewritten([{**one, "histories": one["histories"][:-1]} if one is plan else one for one in kept], tmp_path / "2")
    done = command("merge", right / "1", tmp_path / "2", right / "3", right / "4", "--out", tmp_path / "merged")
    assert done.code in (2, 5), done


@pytest.mark.parametrize("shard", ["0/4", "5/4", "2", "a/b", "1/0"])
def test_a_shard_that_there_is_not(tmp_path, shard):
    done = run(tmp_path / "out", "--shard", shard)
    assert (done.code, len(done.errors.splitlines())) == (2, 1)
    assert "write I/N" in done.errors
