"""Waivers at the command line: what they cover, and those that have expired or are not needed."""

import json
from datetime import UTC, datetime, time, timedelta
from time import sleep

import pytest

from conformance.evidence.journal import JournalError, read_journal
from conformance.results.result import result_of
from tests.audit.stage import Forgetful, rewritten, run, use_provider, use_small_plan
from tests.stored import stored_records

from .command import said

ROOM = timedelta(minutes=2)
"""How long a test may take: none begins so shortly before midnight."""


@pytest.fixture
def today():
    """Return the current day in UTC, which it still is when the test ends."""
    midnight = datetime.combine(datetime.now(UTC).date() + timedelta(days=1), time.min, UTC)
    if (remaining := midnight - datetime.now(UTC)) < ROOM:
        sleep(remaining.total_seconds() + 1)
    return datetime.now(UTC).date()


@pytest.fixture
def yesterday(today):
    return today - timedelta(days=1)


@pytest.fixture
def tomorrow(today):
    return today + timedelta(days=1)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    use_small_plan(monkeypatch)


@pytest.fixture(scope="module")
def violated(tmp_path_factory):
    """Return the words that waive every rule that a provider violates which forgets its cancels."""
    with pytest.MonkeyPatch.context() as patch:
        use_small_plan(patch)
        use_provider(patch, Forgetful)
        folder = tmp_path_factory.mktemp("violated") / "out"
        assert run(folder).code == 1
    rules = json.loads((folder / "report.json").read_text(encoding="utf-8"))["rules"]
    return [one["id"] for one in rules if one["verdict"] in ("VIOLATED", "THIN", "NOT EXERCISED") and one["in_scope"]]


def waiving(rules, reason="known since May", until=""):
    return [word for rule in rules for word in ("--waive", f"{rule}{until}={reason}")]


def report(folder):
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def test_a_waived_violation_leaves_the_exit_code_and_stays_in_the_report(tmp_path, monkeypatch, violated, tomorrow):
    use_provider(monkeypatch, Forgetful)
    needed = required_of(tmp_path, violated)
    done = run(tmp_path / "out", *waiving(needed, until=f"@{tomorrow}"))
    assert done.code == 0, done
    told = report(tmp_path / "out")
    red = [one for one in told["rules"] if one["verdict"] == "VIOLATED"]
    assert red
    assert all(one["waiver"] == "known since May" for one in red)
    for name in ("report.html", "summary.md"):
        text = (tmp_path / "out" / name).read_text(encoding="utf-8")
        assert "known since May" in text
        assert str(tomorrow) in text


def required_of(folder, rules):
    """Return those of the rules whose waiver is needed, as a run says that waives them all."""
    done = run(folder / "first", *waiving(rules))
    needless = [line.split()[1] for line in done.out.splitlines() if line.startswith("Error: ")]
    return [rule for rule in rules if rule not in needless]


def test_one_rule_that_is_not_waived_decides(tmp_path, monkeypatch, violated):
    use_provider(monkeypatch, Forgetful)
    assert run(tmp_path / "out", *waiving([rule for rule in violated if rule != "EP-05"])).code == 1


def test_a_waiver_that_is_not_needed_keeps_the_run_back(tmp_path):
    done = run(tmp_path / "out", "--waive", "EP-05=once upon a time")
    assert done.code == 4, done
    assert "nothing was violated, but EP-05 is waived and needs no waiver" in done.out
    assert "Error: EP-05 is waived and needs no waiver: take it away." in done.out
    assert report(tmp_path / "out")["verdict"] == "INCOMPLETE"
    assert run(tmp_path / "without").code == 0


@pytest.mark.parametrize(
    ("waiver", "words"),
    [
        ("EP-05@{day}=fixed soon", "The waiver of EP-05 ended on {day} (fixed soon): take it away"),
        ("EP-05@May=fixed soon", "has 'May' for its last day: write RULE=REASON, or RULE@2026-12-31=REASON"),
        ("EC-01=another API", "EC-01 does not govern epayment, which is all that is tested: take its waiver away."),
    ],
)
def test_a_waiver_that_cannot_be_is_refused_before_anything_is_played(tmp_path, yesterday, waiver, words):
    done = run(tmp_path / "out", "--waive", waiver.format(day=yesterday))
    assert done.code == 2
    assert words.format(day=yesterday) in done.errors
    assert not (tmp_path / "out").exists()


def test_a_waiver_holds_until_the_end_of_its_last_day(tmp_path, today):
    done = run(tmp_path / "out", "--waive", f"EP-05@{today}=fixed soon")
    assert stored_records(read_journal(tmp_path / "out"))[0]["waivers"] == [
        {"rule": "EP-05", "reason": "fixed soon", "until": str(today)}
    ]
    assert done.code == 4


def config(folder, until):
    text = f'[[waive]]\nrule = "EP-05"\nreason = "fixed soon"\nuntil = {until}\n'
    (folder / "options.toml").write_text(text, encoding="utf-8")
    return (
        "run",
        "--target",
        "embedded",
        "--config",
        "options.toml",
        "--profile",
        "epayment",
        "--histories",
        "0",
        "--out",
        "out",
    )


@pytest.mark.parametrize("until", ["{day}", '"{day}"'])
def test_an_expired_waiver_of_the_configuration_file(tmp_path, yesterday, until):
    code, _, errors = said(tmp_path, *config(tmp_path, until.format(day=yesterday)))
    assert (code, len(errors.splitlines())) == (2, 1)
    assert f"The waiver of EP-05 ended on {yesterday}" in errors


def test_a_waiver_of_the_configuration_file_is_in_the_journal(tmp_path, tomorrow):
    code, out, errors = said(tmp_path, *config(tmp_path, tomorrow))
    assert (code, errors) == (4, "")
    assert "EP-05 is waived and needs no waiver" in out
    run = stored_records(read_journal(tmp_path / "out"))[0]
    assert run["waivers"] == [{"rule": "EP-05", "reason": "fixed soon", "until": str(tomorrow)}]
    assert f"--waive 'EP-05@{tomorrow}=fixed soon'" in run["command"]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('rule = "EP-05"', "options.toml, waive EP-05: reason is missing."),
        (
            'rule = "EP-05"\nreason = "a"\nwhy = "b"',
            "options.toml, waive EP-05: there is no key 'why': the ones to choose from are rule, reason, until.",
        ),
        ("rule = 5\nreason = 6", "options.toml, waive 1: rule must be a non-empty text"),
        ('rule = "EP-05"\nreason = ""', "options.toml, waive EP-05: reason must be a non-empty text"),
        (
            'rule = "EP-05"\nreason = "a"\nuntil = "May"',
            "options.toml, waive EP-05: until must be a day such as 2027-01-31, without quotation marks, not 'May'.",
        ),
    ],
)
def test_a_table_that_is_no_waiver(tmp_path, table, words):
    (tmp_path / "options.toml").write_text(f"[[waive]]\n{table}\n", encoding="utf-8")
    code, _, errors = said(tmp_path, "run", "--config", "options.toml")
    assert code == 2
    assert words in errors
    assert len(errors.splitlines()) == 1


def test_evidence_whose_waiver_had_ended_is_not_believed(tmp_path, today, yesterday):
    run(tmp_path / "out", "--waive", f"EP-05@{today}=fixed soon")
    records = stored_records(read_journal(tmp_path / "out"))
    records[0]["waivers"][0]["until"] = str(yesterday)
    with pytest.raises(JournalError, match="its waiver had ended when the run began"):
        result_of(read_journal(rewritten(records, tmp_path / "changed")))
