"""A rule, or one side of its boundary."""

import dataclasses

import pytest

from conformance.domain.citation import Citation, rule_of
from conformance.rulebook import load, load_http_rules, load_obligations


@pytest.mark.parametrize(
    ("text", "citation"),
    [("EC-08", Citation("EC-08")), ("EC-08/absent", Citation("EC-08", "absent")), ("KB-02b", Citation("KB-02b"))],
)
def test_the_stored_form_is_read_and_written(text, citation):
    assert Citation.parse(text) == citation
    assert str(citation) == text
    assert rule_of(text) == citation.rule


def test_every_rule_and_side_of_the_rulebooks_comes_back():
    for rule in (*load().rules, *load_http_rules().rules, *load_obligations().rules):
        for side in ("", *rule.sides):
            assert Citation.parse(str(Citation(rule.id, side))) == Citation(rule.id, side)


def test_sides_of_a_rule_are_different_citations():
    assert Citation("EC-08", "absent") != Citation("EC-08", "false")
    assert len({Citation("EC-08"), Citation("EC-08"), Citation("EC-08", "absent")}) == 2


def test_a_rule_covers_its_sides_and_a_side_only_itself():
    whole, side = Citation("EC-08"), Citation("EC-08", "absent")
    assert whole.covers(whole)
    assert whole.covers(side)
    assert side.covers(side)
    assert not side.covers(whole)
    assert not side.covers(Citation("EC-08", "false"))
    assert not whole.covers(Citation("EC-09", "absent"))


def test_a_citation_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Citation("EC-08").rule = "EC-09"
