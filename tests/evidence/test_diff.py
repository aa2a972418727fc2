"""Two runs held against each other, and the file of known failures."""

from __future__ import annotations

import json
from datetime import timedelta
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator

from conformance.domain.order import Profile
from conformance.results.waivers import today
from conformance.sandbox import EPayment, Options, Provider
from conformance.targets.http.credentials import credentials_from
from conformance.targets.http.embedded import EmbeddedTransport
from conformance.targets.http.target import HttpTarget

from ..audit import stage
from .runs import Unrefusing, forged, of_kind, played

SCHEMA = json.loads(files("conformance.reports").joinpath("diff.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    """A run against a right provider that answers a second cancel in the other documented way."""
    target = HttpTarget(
        EmbeddedTransport(Provider(Options(second_cancel="repeat"), epayment=EPayment)), credentials_from(embedded=True)
    )
    return played(tmp_path_factory.mktemp("quiet") / "run", target, Profile.EPAYMENT)


def compared(first, second, *words):
    completed = stage.command("diff", first, second, "--format", "json", *words)
    difference = json.loads(completed.out)
    Draft202012Validator(SCHEMA).validate(difference)
    assert difference["exit_code"] == completed.code
    return completed.code, difference


def known_file(path, rules, expires=None, reason="ticket 7"):
    day = expires or today() + timedelta(days=30)
    path.write_text("".join(f'[[known]]\nrule = "{r}"\nreason = "{reason}"\nexpires = {day}\n' for r in rules))
    return path


def test_a_run_has_no_difference_to_itself(right):
    code, difference = compared(right, right)
    assert code == 0
    assert not any(difference[name] for name in ("settings", "rules", "silence"))
    assert not any(difference["checks"][name] for name in ("reordered", "only_before", "only_after", "otherwise"))
    assert difference["checks"]["before"] > 100
    completed = stage.command("diff", right, right)
    assert "the same, in the same order, with the same outcomes" in completed.out


def test_a_newly_violated_rule_is_worse_and_a_fixed_one_is_not(right, wrong):
    rules = json.loads((wrong / "report.json").read_text(encoding="utf-8"))["rules"]
    violated = {rule["id"] for rule in rules if rule["verdict"] == "VIOLATED"}
    code, difference = compared(right, wrong)
    assert code == 1
    assert {rule["id"] for rule in difference["rules"] if rule["change"] == "newly violated"} == violated
    assert difference["checks"]["otherwise"]
    code, difference = compared(wrong, right)
    assert code == 0
    assert {rule["id"] for rule in difference["rules"] if rule["change"] == "no longer violated"} == violated
    completed = stage.command("diff", right, wrong)
    assert all(rule in completed.out for rule in violated)


def test_a_rule_that_is_not_exercised_any_more_is_worse(right, tmp_path):
    """A target that lets no time pass any more: what the rule of the age limit needs is gone."""

    def ageless(records):
        of_kind(records, "capabilities")[0]["offered"].remove("age")
        lost = {
            record["id"]
            for record in of_kind(records, "history")
            if any(s["do"] == "age" for s in record["history"]["steps"])
        }
        whose = lambda record: record.get("id") if record["kind"] == "history" else record.get("history")  # noqa: E731
        return [record for record in records if whose(record) not in lost and record["kind"] != "plan"]

    records = forged(right, tmp_path / "ageless", lambda records: replanned(ageless(records)))
    code, difference = compared(right, records)
    assert code == 1
    assert "no longer shown" in {rule["change"] for rule in difference["rules"]}
    assert difference["checks"]["only_before"]
    assert any(setting["name"] == "offered in epayment" for setting in difference["settings"])


def replanned(records):
    """Let exactly what was played have been planned."""
    from conformance.evidence.consistency import digest_of  # noqa: PLC0415

    histories = {
        record["id"]: record["history"]
        for record in of_kind(records, "history")
        if record["source"] in ("systematic", "generated") and record["id"][-1] not in "bcxy"
    }
    plan = {"kind": "plan", "histories": list(histories), "digest": digest_of(histories.items())}
    return [*records[:-1], plan, records[-1]]


def test_behaviour_that_changed_under_silence_is_shown_and_is_not_worse(right, quiet):
    code, difference = compared(right, quiet)
    assert code == 0, difference["rules"]
    changed = [change for change in difference["silence"] if not change["racing"]]
    assert changed
    assert all(set(change["before"]) != set(change["after"]) for change in changed)
    assert "Behaviour under silence" in stage.command("diff", right, quiet).out


def test_bundles_are_compared_too(right, wrong, tmp_path):
    assert stage.command("bundle", wrong, "--to", tmp_path / "b.zip").code == 0
    assert compared(right, tmp_path / "b.zip")[1]["rules"] == compared(right, wrong)[1]["rules"]


def test_a_folder_without_a_run_is_one_sentence(right, tmp_path):
    (tmp_path / "text").write_text("x")
    for other in (tmp_path, tmp_path / "text", tmp_path / "missing"):
        completed = stage.command("diff", right, other)
        assert (completed.code, completed.out, completed.errors.count("\n")) == (2, "", 1)


ENTRY = "[[known]]\nrule = 'EP-05'\nreason = 'r'\n"


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = [], ""

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data


def test_the_page_loads_nothing_else(right, wrong, tmp_path):
    completed = stage.command("diff", right, wrong, "--format", "html", "--to", tmp_path / "diff.html")
    assert (completed.code, completed.out) == (1, "")
    page = Page()
    page.feed((tmp_path / "diff.html").read_text(encoding="utf-8"))
    assert "script" not in {tag for tag, _ in page.tags}
    assert not [
        value for _, held in page.tags for name, value in held.items() if name in ("src", "href") and value[0] != "#"
    ]
    assert ("meta", "Content-Security-Policy") in [(tag, held.get("http-equiv")) for tag, held in page.tags]
    assert "newly violated" in page.text
    assert stage.command("diff", right, wrong, "--to", tmp_path / "no" / "x").code == 2


# Known failures


def failing_in(directory):
    """The rules that are violated, or required and kept by a violation from being shown."""
    rules = json.loads((directory / "report.json").read_text(encoding="utf-8"))["rules"]
    red = ("VIOLATED", "THIN", "NOT EXERCISED", "INCONCLUSIVE")
    deciding = [rule for rule in rules if rule["level"] == "REQUIRED" or rule["verdict"] == "VIOLATED"]
    return sorted({rule["id"] for rule in deciding if rule["verdict"] in red and rule["in_scope"]})


def test_a_known_failure_is_no_error_until_its_last_day(right, wrong, tmp_path):
    rules = failing_in(wrong)
    path = known_file(tmp_path / "known.toml", rules)
    assert compared(right, wrong, "--known", path)[0] == 0
    assert compared(right, wrong, "--known", known_file(path, rules[1:]))[0] == 1
    assert compared(right, wrong, "--known", known_file(path, rules, today()))[0] == 0
    code, difference = compared(right, wrong, "--known", known_file(path, rules, today() - timedelta(days=1)))
    assert code == 1
    assert "it has expired" in difference["known"][0]


def test_a_known_failure_that_passes_is_an_error(right, wrong, tmp_path):
    path = known_file(tmp_path / "known.toml", failing_in(wrong))
    code, difference = compared(wrong, right, "--known", path)
    assert code == 1
    assert len(difference["known"]) == len(failing_in(wrong))
    assert "does not fail any more" in difference["known"][0]


def test_a_run_and_a_diff_call_the_same_entries_needless(right, wrong, tmp_path):
    """What may be, and was not shown, decides nothing in either: it needs no entry, and must not have one."""
    rules = json.loads((wrong / "report.json").read_text(encoding="utf-8"))["rules"]
    before = {rule["id"]: rule for rule in json.loads((right / "report.json").read_text(encoding="utf-8"))["rules"]}
    open_ = ("THIN", "NOT EXERCISED", "INCONCLUSIVE")
    may = [rule["id"] for rule in rules if rule["level"] == "MAY" and rule["verdict"] in open_]
    lost = [rule for rule in may if before[rule]["verdict"] == "PASSED"]
    assert lost
    path = known_file(tmp_path / "known.toml", failing_in(wrong))
    code, difference = compared(right, wrong, "--known", path)
    assert (code, difference["known"]) == (0, [])
    assert {rule["id"] for rule in difference["rules"] if rule["change"] == "not shown this time"} == set(lost)
    known_file(path, [*failing_in(wrong), lost[0]])
    code, difference = compared(right, wrong, "--known", path)
    assert code == 1
    (complaint,) = difference["known"]
    assert complaint.startswith(lost[0])
    assert "decides nothing in this run" in complaint
    with pytest.MonkeyPatch.context() as patch:
        stage.use_small_plan(patch)
        stage.use_provider(patch, Unrefusing)
        completed = stage.run(tmp_path / "run", "--known", path)
    assert completed.code == 4
    assert f"Known failures: {complaint}" in completed.out


def test_a_run_takes_known_failures_as_waivers_with_an_end(wrong, tmp_path):
    deciding = failing_in(wrong)
    path = known_file(tmp_path / "known.toml", deciding)
    with pytest.MonkeyPatch.context() as patch:
        stage.use_small_plan(patch)
        stage.use_provider(patch, Unrefusing)
        completed = stage.run(tmp_path / "known", "--known", path)
        assert completed.code == 0, completed
        waivers = json.loads((tmp_path / "known" / "report.json").read_text(encoding="utf-8"))["waivers"]
        assert all(waiver["reason"].startswith("known until ") for waiver in waivers)
        known_file(path, deciding, today() - timedelta(days=1))
        completed = stage.run(tmp_path / "expired", "--known", path)
        assert completed.code == 1
        assert "it has expired" in completed.out
        stage.use_provider(patch, EPayment)
        completed = stage.run(tmp_path / "mended", "--known", known_file(path, deciding))
        assert completed.code == 4
        assert "does not fail any more" in completed.out


@pytest.mark.parametrize(
    "text",
    [
        f"{ENTRY}expires = 2027-01-31\n{ENTRY}expires = 2027-01-31",
        f"{ENTRY}expires = 2027-01-31T00:00:00",
        f"{ENTRY}expires = '2027-01-31'",
        f"{ENTRY}expires = 2027-01-31\n[more]\na = 1",
        "known = 1",
        "[[known]]\nrule = 'EP-05'",
        "[[known]]\nrule = 'XX-1'\nreason = 'r'\nexpires = 2027-01-31",
        "[[known]]\nrule = 'EP-05'\nreason = ' '\nexpires = 2027-01-31",
        "not TOML",
    ],
)
def test_an_invalid_file_of_known_failures_is_one_sentence(text, right, tmp_path):
    (tmp_path / "known.toml").write_text(text)
    for words in (("diff", right, right), ("run", "--out", tmp_path / "out")):
        completed = stage.command(*words, "--known", tmp_path / "known.toml")
        assert (completed.code, completed.out, completed.errors.count("\n")) == (2, "", 1)
    assert not (tmp_path / "out").exists()
