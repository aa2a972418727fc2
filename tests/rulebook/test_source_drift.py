"""Comparing rules with the page that they rest on: wording counts, layout does not."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.rulebook import PageError, load, read_page, stale_rules
from conformance.rulebook.source_drift import digest, seed_page, split_sentences

RESTING = {rule.id: set(rule.sentences) for rule in load().rules if rule.sentences}


@pytest.fixture(scope="module")
def seed():
    for folder in Path(__file__).resolve().parents:
        path = folder.parent / "shared" / "docs" / "cancellations-2023-06.md"
        if path.is_file():
            return read_page(path)
    return pytest.skip("no copy of the SEED page beside the repository")


def test_nothing_is_stale_on_the_page_itself(seed):
    found = stale_rules(seed, load())
    assert found.stale == ()
    assert set(found.fresh) == RESTING.keys()


def test_the_digests_are_those_of_the_page(seed):
    assert list(seed_page()) == list(map(digest, split_sentences(seed)))


def test_every_rule_rests_on_the_page():
    for rule, sentences in RESTING.items():
        assert sentences <= set(seed_page()), rule


def test_a_changed_sentence_makes_exactly_its_rules_stale(seed):
    for sentence in split_sentences(seed):
        words = sentence.split()
        text = "\n\n".join(
            [*(s for s in split_sentences(seed) if s != sentence), " ".join([*words[:-1], "otherwise."])]
        )
        expected = {rule for rule, sentences in RESTING.items() if digest(sentence) in sentences}
        assert set(stale_rules(text, load()).stale) == expected, sentence


def test_the_age_limit_changes_in_place(seed):
    assert set(stale_rules(seed.replace("180 days", "90 days"), load()).stale) == {"KB-02"}


@given(st.data())
def test_layout_never_makes_a_rule_stale(seed, data):
    """Soft breaks move, spaces double, lines end in other ways; nothing is stale."""
    front, page = seed[: seed.index("# Cancellations")], seed[seed.index("# Cancellations") :]
    gaps = st.sampled_from([" ", "  ", "\n", "\t", " \n ", "\u00a0"])
    blocks = []
    for block in page.split("\n\n"):
        words = block.split(" ") if block.lstrip().startswith(("#", "*")) else block.split()
        kept = block.lstrip().startswith(("#", "* "))
        blocks.append(block if kept else "".join(word + data.draw(gaps) for word in words))
    text = front + "\n\n\n".join(blocks)
    ending = data.draw(st.sampled_from(["\n", "\r\n", "\r"]))
    assert stale_rules(text.replace("\n", ending), load()).stale == ()


MARKDOWN = """---
title: A page. With a sentence.
---

<!-- hidden. -->
# A heading

First sentence. `second` one is not cut
here. Is the third? "Yes." said nobody (e.g. here)! **Please note:** Last.

* One item
  over two lines.
* Two sentences. In one item.
1. Numbered

:::note Careful
Inside an admonition.
:::

> **Warning**
> Quoted. Text.

| a cell. | another |
Hanging on the table.
```json
{"not": "a sentence."}
```
After code
---
Below the line.

Underlined
==========
"""


def test_how_a_page_is_split():
    assert split_sentences(MARKDOWN) == [
        "A heading",
        "First sentence.",
        "`second` one is not cut here.",
        "Is the third?",
        '"Yes." said nobody (e.g. here)!',
        "**Please note:** Last.",
        "One item over two lines.",
        "Two sentences.",
        "In one item.",
        "Numbered",
        "Careful",
        "Inside an admonition.",
        "**Warning** Quoted.",
        "Text.",
        "a cell.",
        "| another |",
        "Hanging on the table.",
        "After code",
        "Below the line.",
        "Underlined",
    ]


@given(st.text())
def test_any_text_can_be_split(text):
    assert all(sentence == " ".join(sentence.split()) != "" for sentence in split_sentences(text))


@pytest.mark.parametrize("text", ["", "  \n", "---\ntitle: x\n---\n", "<!-- nothing -->"])
def test_a_page_without_sentences_says_nothing(text):
    with pytest.raises(PageError, match="no sentences"):
        stale_rules(text, load())


def test_html_is_not_the_page():
    with pytest.raises(PageError, match="HTML page"):
        stale_rules("<!DOCTYPE html><html><p>The payment.</p></html>", load())


def test_unreadable_files_say_why(tmp_path):
    with pytest.raises(PageError, match="cannot be read: No such file"):
        read_page(tmp_path / "missing.md")
    with pytest.raises(PageError, match="cannot be read"):
        read_page(tmp_path)
    binary = tmp_path / "page.md"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PageError, match="not UTF-8"):
        read_page(binary)
