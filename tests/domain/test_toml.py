"""TOML texts as values: what is wrong with one is said in a sentence that names the place."""

import re
from datetime import date
from enum import StrEnum
from typing import Literal

import msgspec
import pytest

from conformance.domain.toml import Count, Text, Texts, TomlError, parse_toml


class Level(StrEnum):
    HIGH = "high"
    LOW = "low"


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    id: Text
    level: Level = Level.LOW
    until: date | None = None
    max_count: Count = 0
    flag: bool = False
    names: Texts = ()
    words: str | tuple[str, ...] | None = None
    choice: Literal["any"] | Texts = "any"


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rule: tuple[Entry, ...] = ()
    waive: tuple[str | Entry, ...] = ()
    by_name: dict[str, Entry] = {}


def test_a_text_becomes_a_frozen_value():
    value = parse_toml("[[rule]]\nid = 'A'\nuntil = 2027-01-31\nmax-count = 2\nnames = ['x']", File, "f.toml")
    assert value == File(rule=(Entry(id="A", until=date(2027, 1, 31), max_count=2, names=("x",)),))
    with pytest.raises(AttributeError):
        value.rule = ()


ENTRY = "[[rule]]\nid = 'A'\n"
TEXT = "a non-empty text without spaces around it"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rule =", "f.toml is not TOML: Invalid value (at end of document)."),
        ("rule = 3", "f.toml: rule must be a list of tables, not 3."),
        ("[rule]", "f.toml: rule must be a list of tables, not a table."),
        ("rule = ['x']", "f.toml: item 1 of rule must be a table, not 'x'."),
        ("rules = 3", "f.toml: there is no key 'rules', did you mean 'rule'?"),
        ("zzz = 3", "f.toml: there is no key 'zzz': the ones to choose from are rule, waive, by_name."),
        ("[[rule]]", "f.toml, rule 1: id is missing."),
        ("[[rule]]\nid = ''", f"f.toml, rule 1: id must be {TEXT}, not ''."),
        ("[[rule]]\nid = 3", f"f.toml, rule 1: id must be {TEXT}, not 3."),
        (f"{ENTRY}[[rule]]", "f.toml, rule 2: id is missing."),
        (f"{ENTRY}level = 'low '", "f.toml, rule A: level must be one of high, low, not 'low '."),
        (f"{ENTRY}max-count = -1", "f.toml, rule A: max-count must be a whole number, 0 or more, not -1."),
        (f"{ENTRY}max-count = true", "f.toml, rule A: max-count must be a whole number, 0 or more, not true."),
        (f"{ENTRY}max-count = 1.5", "f.toml, rule A: max-count must be a whole number, 0 or more, not 1.5."),
        (f"{ENTRY}flag = 'yes'", "f.toml, rule A: flag must be true or false, not 'yes'."),
        (f"{ENTRY}names = 'x'", "f.toml, rule A: names must be a list of texts, not 'x'."),
        (f"{ENTRY}names = ['x', ' y']", f"f.toml, rule A: item 2 of names must be {TEXT}, not ' y'."),
        (f"{ENTRY}words = 3", "f.toml, rule A: words must be a text or a list of texts, not 3."),
        (f"{ENTRY}words = ['x', 3]", "f.toml, rule A: item 2 of words must be a text, not 3."),
        (f"{ENTRY}choice = 'some'", "f.toml, rule A: choice must be 'any' or a list of texts, not 'some'."),
        ("waive = [['x']]", "f.toml: item 1 of waive must be a text or a table, not a list."),
        (
            "[[waive]]\nid = 'A'\nwhy = 'x'",
            "f.toml, waive A: there is no key 'why': "
            "the ones to choose from are id, level, until, max-count, flag, names, words, choice.",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence_with_its_place_and_what_was_expected(text, message):
    with pytest.raises(TomlError, match=rf"\A{re.escape(message)}\Z"):
        parse_toml(text, File, "f.toml")


@pytest.mark.parametrize("until", ["'2027-01-31'", "2027-01-31T00:00:00", "'soon'", "3"])
def test_a_wrong_date_says_how_one_is_written(until):
    with pytest.raises(TomlError, match="rule A: until must be a day such as 2027-01-31, without quotation marks, not"):
        parse_toml(f"{ENTRY}until = {until}", File, "f.toml")


def test_a_date_in_quotation_marks_is_accepted_where_it_may_be():
    value = parse_toml(f"{ENTRY}until = '2027-01-31'", File, "f.toml", quoted_dates=True)
    assert value.rule[0].until == date(2027, 1, 31)
    with pytest.raises(TomlError, match="until must be a day such as 2027-01-31, without"):
        parse_toml(f"{ENTRY}until = 'soon'", File, "f.toml", quoted_dates=True)


def test_a_table_with_free_keys_still_gives_a_sentence():
    with pytest.raises(TomlError, match=re.escape("f.toml: Object missing required field `id` - at `$.by_name[...]`.")):
        parse_toml("[by_name.x]", File, "f.toml")
