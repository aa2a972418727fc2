"""The rulebook's data: complete against the facts, plausible in its levels, and refused when inconsistent."""

import dataclasses
import json
import re
from pathlib import Path

import pytest

from conformance.domain.order import Profile
from conformance.rulebook import NEEDS, Level, RulebookError, RuleStatus, load
from conformance.rulebook.loader import parse, rule_texts
from conformance.rulebook.render import render_json, render_markdown, render_text
from conformance.rulebook.source_drift import Staleness


def numbered(prefix, last, extra=()):
    return {f"{prefix}{n:02}" for n in range(1, last + 1)} | set(extra)


RULE_IDS = (
    numbered("KB-", 15, ["KB-02b"])
    | numbered("EC-", 43)
    | numbered("EP-", 42)
    | numbered("RE-", 33)
    | numbered("v2-", 5)
)
INVARIANT_IDS = {f"INV-{n}" for n in range(1, 12)}
SWITCH_IDS = {f"C{n}" for n in range(1, 27)}


@pytest.fixture(scope="module")
def facts():
    """The rows of the facts' tables in sections 1 and 2, by id, as lists of cells."""
    for folder in Path(__file__).resolve().parents:
        path = folder.parent / "shared" / "rules.md"
        if path.is_file():
            break
    else:
        pytest.skip("no shared/rules.md beside the repository: the stored list of ids is compared instead")
    text = path.read_text(encoding="utf-8")
    text = text[text.index("\n## 1.") : text.index("\n## 3.")]
    rows = re.finditer(r"^\| \**((?:KB|EC|EP|RE|v2)-\w+|C\d+)\** \|(.*)\|$", text, re.MULTILINE)
    return {row[1]: [cell.strip() for cell in row[2].split(" | ")] for row in rows}


def texts():
    return rule_texts()


def test_every_row_of_the_facts_is_a_rule_or_a_switch(facts):
    ids = {rule.id for rule in load().rules} | {switch.id for switch in load().switches}
    assert ids - INVARIANT_IDS == facts.keys()


def test_ids_are_the_stored_ones():
    assert {rule.id for rule in load().rules} == RULE_IDS | INVARIANT_IDS
    assert {switch.id for switch in load().switches} == SWITCH_IDS


FIRMNESS = {Level.SILENT: 0, Level.MAY: 1, Level.REQUIRED: 2}


def firmest_level(strength, rule, facts):
    """The firmest level that a strength in the facts can carry: an ambiguous one needs a reading."""
    if reference := re.match(r"as (\w\w-\d+)", strength):
        return firmest_level(facts[reference[1]][3], rule, facts)
    if "REQUIRED" in strength or ("AMBIGUOUS" in strength and rule.readings):
        return Level.REQUIRED
    if re.search("MAY|AMBIGUOUS|derived", strength):
        return Level.MAY
    return Level.SILENT


def test_no_level_is_firmer_than_the_facts(facts):
    for rule in load().rules:
        if rule.id not in INVARIANT_IDS:
            strength = facts[rule.id][3]
            assert FIRMNESS[rule.level] <= FIRMNESS[firmest_level(strength, rule, facts)], (rule.id, strength)


def test_what_is_only_required_is_not_weakened_unseen(facts):
    weakened = {
        rule.id
        for rule in load().rules
        if rule.id in facts and facts[rule.id][3] == "REQUIRED" and rule.level is not Level.REQUIRED
    }
    assert weakened == set()


@pytest.mark.parametrize("rule", load().rules, ids=lambda rule: rule.id)
def test_a_rule_says_what_its_reader_needs(rule):
    assert len(rule.title.split()) <= 8
    assert rule.statement.endswith(".")
    assert rule.statement.count(". ") == 0, "one sentence"
    assert set(rule.needs) <= NEEDS
    if rule.status is RuleStatus.CHECKED:
        assert 1 <= len(rule.causes) <= 3
        assert rule.level is not Level.SILENT
        assert not rule.reason
    else:
        assert rule.reason.endswith(".")
        assert not rule.causes


def test_neighbours_are_mutual():
    book = load()
    for rule in book.rules:
        assert all(rule.id in book.rule(other).neighbours for other in rule.neighbours)
    assert "EC-08" in book.rule("KB-07").neighbours
    assert "KB-05" in book.rule("EP-09").neighbours


def test_governing_keeps_the_order_and_leaves_nothing_out():
    book = load()
    for profile in Profile:
        assert list(book.governing(profile)) == [rule for rule in book.rules if profile in rule.profiles]
    with pytest.raises(KeyError):
        book.rule("KB-99")


def test_the_digest_follows_the_data():
    book = load()
    assert book.digest == parse(texts()).digest
    assert re.fullmatch("[0-9a-f]{64}", book.digest)
    assert dataclasses.replace(book, rules=book.rules[1:]).digest != book.digest


# One mistake at a time, made in the file that the first column names.
MISTAKES = [
    ("general", 'id = "KB-03"', 'id = "KB-01"', "KB-01 is used twice"),
    ("general", 'readings = ["C3"]', 'readings = ["C99"]', "KB-03: unknown reading C99"),
    ("general", '"KB-L1: Cancellations"', '"KB-L9: Cancellations"', "KB-01: unknown source KB-L9"),
    (
        "general",
        '"KB-L1: Cancellations"',
        '"KB-L1"',
        "general.toml, rule KB-01: item 3 of sources must be a source and a place, as in 'SEED: Cancel a",
    ),
    ("general", '"EC-01", "EC-03", "EP-01"', '"EC-99", "EP-01"', "KB-01: unknown neighbour EC-99"),
    ("ecom", 'neighbours = ["EC-19"]', 'neighbours = ["EP-16"]', "EC-20: neighbour EP-16 governs another API"),
    ("general", 'needs = ["age"]', 'needs = ["patience"]', "KB-02: unknown need patience"),
    (
        "general",
        'sides = ["initiated", "reserved"]',
        'sides = ["initiated"]',
        "KB-01: has a boundary with only one side",
    ),
    (
        "general",
        'level = "REQUIRED"',
        'level = "SHALL"',
        "general.toml, rule KB-01: level must be one of REQUIRED, MAY, SHOULD, SILENT, not 'SHALL'",
    ),
    ("general", 'level = "REQUIRED"', 'level = "SILENT"', "KB-01: is checked although the documentation is silent"),
    ("general", 'status = "checked"', 'status = "excluded"', "KB-01: is excluded and must say why"),
    ("general", 'status = "excluded"', 'status = "checked"', "KB-11: is checked and must have one to three causes"),
    (
        "general",
        "causes = ",
        "cause = ",
        "general.toml, rule KB-01: there is no key 'cause', did you mean 'causes'?",
    ),
    (
        "general",
        'title = "Initiated and',
        'title = "Fresh and freshly initiated and',
        "KB-01: has a title of more than",
    ),
    ("general", 'forbids it."', 'forbids it"', "KB-01: has a statement that is not a sentence"),
    (
        "general",
        'sentences = [\n  "',
        'sentences = [\n  "g',
        "general.toml, rule KB-01: item 1 of sentences must be a SHA-256 digest in hex, not 'gfb",
    ),
    (
        "ecom",
        '"SEED: Cancel a pending order"',
        '"KB23: Cancel a pending order"',
        "EC-02: must keep digests exactly when",
    ),
    ("ecom", 'profiles = ["ecom"]', "", "EC-01: governs no profile"),
    (
        "ecom",
        'profiles = ["ecom"]',
        'profiles = ["psp"]',
        "ecom.toml: item 1 of profiles must be one of ecom, epayment, recurring, not 'psp'",
    ),
    (
        "ecom",
        'sides = ["absent", "false"]',
        'sides = "absent"',
        "ecom.toml, rule EC-08: sides must be a list of texts, not 'absent'",
    ),
    ("ecom", 'sides = ["absent", "false"]', 'sides = ["absent", "absent"]', "EC-08: sides names something twice"),
    ("ecom", 'title = "Cancelling an initiated payment"', "", "ecom.toml, rule EC-01: title is missing."),
    (
        "ecom",
        '"is answered 200: answer',
        '"is answered 200, answer',
        "ecom.toml, rule EC-03: item 2 of clauses must be words of the statement and the fields that show them, as in",
    ),
    ("ecom", "[[rule]]", "[[rule]", "ecom.toml is not TOML: "),
    ("readings", 'default = "any"', 'default = ["soon"]', "C1: unknown default soon"),
    ("readings", 'default = "any"', "default = []", "C1: accepts nothing by default"),
    ("readings", "fixed = true", 'fixed = "yes"', "readings.toml, switch C5: fixed must be true or false, not 'yes'"),
    ("readings", "fixed = true", "", "C5: must have one choice and a reason when it is fixed"),
    ("readings", 'name = "initiation"', 'name = "reservation"', "C1: has two choices of one name"),
    ("readings", "when it is cancelled?", "when it is cancelled.", "C1: has a question that is not one"),
    ("general", 'id = "KB-01"', "id = 1", "general.toml, rule 1: id must be a non-empty text without"),
    ("sources", 'key = "EP-C"', 'key = "EP-D"', "unknown source EP-C"),
    (
        "sources",
        'version = "2023-06-21"',
        'version = ""',
        "sources.toml, source SEED: version must be a non-empty text",
    ),
    ("sources", 'published = "this rulebook', 'observed = true\npublished = "this rulebook', "INV-1: is required on"),
]


@pytest.mark.parametrize(("file", "right", "wrong", "message"), MISTAKES, ids=[m[3] for m in MISTAKES])
def test_data_that_does_not_hold_together_is_refused(file, right, wrong, message):
    data = texts()
    assert right in data[file]
    data[file] = data[file].replace(right, wrong, 1)
    with pytest.raises(RulebookError, match=re.escape(message)):
        parse(data)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rule = 3", "general.toml: rule must be a list of tables, not 3."),
        ("[rule]\nid = 'KB-01'", "general.toml: rule must be a list of tables, not a table."),
        (
            "rules = []",
            "general.toml: there is no key 'rules', did you mean 'rule'?",
        ),
    ],
)
def test_a_file_that_is_no_list_of_rules_is_refused(text, message):
    with pytest.raises(RulebookError, match=re.escape(message)):
        parse({**texts(), "general": text})


def test_an_api_names_the_general_rules_that_govern_it_as_well():
    data = texts()
    book = parse({**data, "recurring": f'also = ["INV-6"]\n{data["recurring"]}'})
    assert book.rule("INV-6").profiles == (Profile.ECOM, Profile.RECURRING)
    with pytest.raises(RulebookError, match="also names INV-99, which is no rule"):
        parse({**data, "recurring": f'also = ["INV-99"]\n{data["recurring"]}'})


STALE = Staleness(fresh=("KB-01", "EC-08"), stale=("KB-05",))


def test_the_text_listing_shows_each_rule_once():
    listing = render_text(load(), stale=STALE)
    for rule in load().rules:
        assert len(re.findall(rf"^  {rule.id} ", listing, re.MULTILINE)) == 1
    assert re.search(r"KB-05 .* STALE$", listing, re.MULTILINE)
    assert "1 of the 3 rules that rest on the page are STALE: KB-05." in listing
    assert "STALE" not in render_text(load())


def test_the_json_listing_is_of_the_profile_and_knows_what_was_compared():
    data = json.loads(render_json(load(), stale=STALE, profiles=[Profile.EPAYMENT]))
    assert {rule["id"] for rule in data["rules"]} == {rule.id for rule in load().governing(Profile.EPAYMENT)}
    stale = {rule["id"]: rule["stale"] for rule in data["rules"]}
    assert (stale["KB-01"], stale["KB-05"], stale["EP-01"]) == (False, True, None)
    assert {switch["id"] for switch in data["switches"]} == SWITCH_IDS


def test_the_markdown_page_has_everything_that_the_data_say():
    page = render_markdown(load())
    for rule in load().rules:
        assert f"### {rule.id}: {rule.title}\n\n{rule.statement}\n" in page
        assert rule.reason in page
        assert all(cause in page for cause in rule.causes)
    for switch in load().switches:
        assert switch.question in page
        assert all(f"- `{choice.name}`: {choice.statement}" in page for choice in switch.choices)
    assert load().digest in page
    assert "up to date" in render_markdown(load(), stale=Staleness(fresh=("KB-01",), stale=()))
