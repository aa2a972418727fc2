"""Reading back what was written: the four forms of the report must say what the result says, each in its own way."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from xml.etree import ElementTree

from conformance.domain.api_table import spec_of
from conformance.judging.judge import OracleError
from conformance.judging.run_verdicts import blocks_conformance
from conformance.judging.verdicts import RuleResult, RuleVerdict, RunVerdict
from conformance.reports.wording.headline import headline, profiles, verdict_name, verdicts
from conformance.reports.wording.sanitize import in_one_line, shortened
from conformance.results.result import Result

_TITLE: Final = re.compile(r"<title>(.*?)</title>", re.DOTALL)
_FIRST: Final = re.compile(r'<h1 id="headline">(.*?)</h1>', re.DOTALL)
_UNREADABLE: Final = (
    ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, ElementTree.ParseError,
)  # fmt: skip
_TAG: Final = re.compile(r"<[^>]*>")


def check_agreement(result: Result, texts: Mapping[str, str]) -> None:
    """Read the reports back and compare them with the result.

    Raises:
        OracleError: one of them says something else.

    """
    for name in READERS:
        for complaint in complaints(name, texts[name], result):
            raise OracleError(f"{name} does not say what the evidence does: {complaint}.")


def complaints(name: str, text: str, result: Result) -> Iterator[str]:
    """Read one report back; say what in it is not what the result says. One that cannot be read is a complaint, too."""
    try:
        yield from READERS[name](result, text)
    except _UNREADABLE as error:
        yield f"it cannot be read back ({type(error).__name__})"


def _json(result: Result, text: str) -> Iterator[str]:
    report = json.loads(text)
    if report["verdict"] != result.verdict.value:
        yield f"its verdict is {report['verdict']}, and the run's {result.verdict.value}"
    code = report["exit_code"]
    if code != result.exit_code or (code == 0) != (result.verdict is RunVerdict.CONFORMANT):
        yield f"its exit code is {code}"
    if report["journal"] != {"records": len(result.evidence.records), "digest": result.evidence.digest}:
        yield "it is about another journal"
    rules = [
        (rule["id"], rule["profile"], rule["verdict"], rule["examples"], rule["violations"]) for rule in report["rules"]
    ]
    if rules != [
        (rule.rule.id, rule.profile.value, rule.verdict.value, rule.examples, rule.violations) for rule in result.rules
    ]:
        yield "its rules are not the run's"


def _junit(result: Result, text: str) -> Iterator[str]:
    root = ElementTree.fromstring(text)  # nosec B314  # Python's expat limits what entities grow to
    cases = list(root.iter("testcase"))
    orderly = result.verdict in (RunVerdict.CONFORMANT, RunVerdict.NOT_CONFORMANT)
    judged = [] if result.verdict is RunVerdict.HARNESS else result.rules
    plain = [rule for rule in judged if rule.waiver is None]
    expected = {
        "tests": len(result.rules) + (not orderly),
        "failures": sum(rule.verdict is RuleVerdict.VIOLATED for rule in plain),
        "errors": sum(blocks_conformance(rule) for rule in judged) + (not orderly),
        "skipped": len(result.rules)
        - sum(
            rule.verdict is RuleVerdict.PASSED
            or (rule.verdict is RuleVerdict.VIOLATED and rule.waiver is None)
            or blocks_conformance(rule)
            for rule in judged
        ),
    }
    counted = {"tests": len(cases)}
    counted |= {
        name: sum(case.find(tag) is not None for case in cases)
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
    }
    for name, number in expected.items():
        stated = sum(int(suite.attrib[name]) for suite in root)
        if not number == counted[name] == stated == int(root.get(name, stated)):
            yield f"it has {counted[name]} {name}, says {root.get(name, stated)}, and there are {number}"


def _summary(result: Result, text: str) -> Iterator[str]:
    lines = text.splitlines()
    first = lines[0].removeprefix("## ").replace("\\", "")
    if first != in_one_line(headline(result), 300):
        yield f"it begins with {first!r}"
    for profile in profiles(result):
        of = [rule.verdict for rule in result.of(profile)]
        title = spec_of(profile).title
        row = " | ".join(["", title, *(str(of.count(verdict)) for verdict in verdicts(result)), ""]).strip()
        if row not in lines:
            yield f"its numbers for {title} are not those of the rules"


def _sarif(result: Result, text: str) -> Iterator[str]:
    (run,) = json.loads(text)["runs"]
    if run["properties"]["verdict"] != result.verdict.value or run["properties"]["journal"] != result.evidence.digest:
        yield "its verdict, or the journal that it is about, is another one"
    rows = [(rule["ruleId"], rule["properties"]["profile"], rule["properties"]["verdict"]) for rule in run["results"]]
    if rows != [(rule.rule.id, rule.profile.value, rule.verdict.value) for rule in result.rules]:
        yield "its results are not the run's"
    failing = sum(
        rule["kind"] == "fail" and rule["level"] != "note" and "suppressions" not in rule for rule in run["results"]
    )
    if result.verdict is not RunVerdict.HARNESS and failing != sum(_red(rule) for rule in result.rules):
        yield f"{failing} of its results fail"


def _red(rule: RuleResult) -> bool:
    return (rule.verdict is RuleVerdict.VIOLATED and rule.waiver is None) or blocks_conformance(rule)


def _badge(result: Result, text: str) -> Iterator[str]:
    if f">{verdict_name(result).lower()}" not in text:
        yield "its verdict is another one"


def _html(result: Result, text: str) -> Iterator[str]:
    title, first = _TITLE.search(text), _FIRST.search(text)
    if title is None or html.unescape(title[1]) != shortened(headline(result)):
        yield "its title is not the headline"
    if first is None or not html.unescape(_TAG.sub("", first[1])).strip().startswith(verdict_name(result)):
        yield "its first line is not the verdict"


READERS: Final[Mapping[str, Callable[[Result, str], Iterator[str]]]] = {
    "report.json": _json,
    "junit.xml": _junit,
    "summary.md": _summary,
    "report.html": _html,
    "results.sarif": _sarif,
    "badge.svg": _badge,
}
