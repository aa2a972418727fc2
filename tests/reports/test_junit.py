"""`junit.xml` over generated results: what CI sees is never better than what the run says."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from conformance.domain.order import Profile
from conformance.judging.run_verdicts import blocks_conformance, run_verdict
from conformance.judging.verdicts import RuleResult, RuleVerdict, RunVerdict
from conformance.reports.formats.json_report import report_as_json
from conformance.reports.formats.junit import junit_text
from conformance.reports.wording.headline import headline
from conformance.results.result import Result
from conformance.rulebook import Level, load
from tests.stored import evidence_of

RULES = load().rules
ENDS = {"complete": None, "environment": RunVerdict.ENVIRONMENT, "harness": RunVerdict.HARNESS}
TEXTS = st.text(st.characters(codec=None), max_size=20) | st.sampled_from(["]]>", "\x00\ud800", "<a&b>", "\u202e"])


def record_of_the_run(profiles, rulebook):
    target = {"kind": "url", "name": "http://127.0.0.1:9", "wire": True, "control": None}
    return {
        "n": 0, "kind": "run", "prev": "0" * 64, "format": 1, "tool": "0.1.0", "started": "2026-11-23T03:00:00Z",
        "command": "", "seed": 0, "budget": "quick", "histories": None, "profiles": profiles, "market": "no",
        "readings": {}, "rulebook": rulebook, "nonce": "", "target": target, "waivers": [], "python": "3.11.7",
    }  # fmt: skip


@st.composite
def results(draw):
    chosen = draw(st.lists(st.sampled_from(RULES), min_size=0, max_size=8, unique_by=lambda rule: rule.id))
    rules = []
    for rule in chosen:
        profile = draw(st.sampled_from(sorted(rule.profiles)))
        verdict = draw(st.sampled_from(RuleVerdict))
        rules.append(
            RuleResult(
                rule,
                Profile(profile),
                verdict,
                draw(TEXTS),
                examples=draw(st.integers(0, 9)),
                counterexample=draw(st.none() | st.just("counterexamples/a.json")),
                waiver=draw(st.none() | TEXTS),
                in_scope=draw(st.booleans()) and verdict is not RuleVerdict.EXCLUDED,
            )
        )
    ended = draw(st.sampled_from(sorted(ENDS)))
    verdict, reason = run_verdict(rules, ENDS[ended])
    run = record_of_the_run([profile.value for profile in Profile], load().digest)
    finish = {"n": 1, "kind": "finish", "prev": "0" * 64, "ended": ended, "message": draw(TEXTS), "seconds": 1.0}
    return Result(evidence_of((run, finish)), verdict, reason, tuple(rules), {}, {}, {Profile.ECOM: len(rules)}, 0)


def cases(root):
    """Every rule's test case, by profile and rule id."""
    found = {}
    for case in root.iter("testcase"):
        place = case.attrib["classname"].rpartition(".")[2]
        found[place, case.attrib["name"].partition(" ")[0]] = case
    return found


def outcome(case):
    tags = [child.tag for child in case]
    assert len(tags) <= 1
    return tags[0] if tags else "passed"


@given(results())
def test_what_is_known_of_a_rule_is_a_property_of_its_suite(result):
    root = ElementTree.fromstring(junit_text(result))
    told = {
        (suite.attrib["name"].rpartition(".")[2], one.attrib["name"]): one.attrib["value"]
        for suite in root
        for one in suite.iter("property")
    }
    for one in result.rules:
        assert told[one.profile.value, f"{one.rule.id}.level"] == one.rule.level.value
        assert told[one.profile.value, f"{one.rule.id}.verdict"] == one.verdict.value
        assert told[one.profile.value, f"{one.rule.id}.examples"] == str(one.examples)


@given(results())
def test_a_ci_job_is_green_exactly_when_the_run_is_conformant(result):
    root = ElementTree.fromstring(junit_text(result))
    red = len(list(root.iter("failure"))) + len(list(root.iter("error")))
    assert bool(red) == (result.verdict is not RunVerdict.CONFORMANT)


@given(results())
def test_every_rule_has_one_case_and_it_says_what_the_rule_says(result):
    found = cases(ElementTree.fromstring(junit_text(result)))
    for one in result.rules:
        said = outcome(found.pop((one.profile.value, one.rule.id)))
        if result.verdict is RunVerdict.HARNESS:
            assert said == "skipped"
        elif one.verdict is RuleVerdict.PASSED:
            assert said == "passed"
        elif one.waiver is not None:
            assert said == "skipped"
        elif one.verdict is RuleVerdict.VIOLATED:
            assert said == "failure"
        elif blocks_conformance(one):
            assert one.rule.level is Level.REQUIRED
            assert said == "error"
        else:
            assert said == "skipped"
    assert all(place == "run" for place, _ in found)


@given(results())
def test_nothing_that_was_not_put_to_the_test_passes(result):
    found = cases(ElementTree.fromstring(junit_text(result)))
    for one in result.rules:
        if one.verdict is not RuleVerdict.PASSED:
            assert outcome(found[one.profile.value, one.rule.id]) != "passed"


@given(results())
def test_the_counts_are_those_of_the_cases(result):
    root = ElementTree.fromstring(junit_text(result))
    for part in (root, *root.iter("testsuite")):
        assert int(part.attrib["tests"]) == len(list(part.iter("testcase")))
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            if part is not root or name != "skipped":
                assert int(part.attrib[name]) == len(list(part.iter(tag)))


@given(results())
def test_the_headline_and_the_json_say_the_verdict_of_the_result(result):
    assert headline(result).upper().startswith(f"{result.verdict.value}:")
    assert report_as_json(result)["verdict"] == result.verdict.value
    assert report_as_json(result)["exit_code"] == result.exit_code
