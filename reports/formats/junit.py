"""`junit.xml`: a test suite for each API and a test case for each rule.

A required rule that was not tested is an error, never a pass. The form is that of `junit-10.xsd`, which Jenkins'
xUnit plugin checks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from xml.etree import ElementTree

from conformance.domain.api_table import spec_of
from conformance.domain.order import Profile
from conformance.judging.run_verdicts import blocks_conformance
from conformance.judging.verdicts import RuleResult, RuleVerdict, RunVerdict
from conformance.reports.fuzzing import first_finding
from conformance.reports.wording.headline import ending, ending_note, headline, profiles, replay_line
from conformance.reports.wording.sanitize import in_one_line, shortened
from conformance.reports.wording.troubles import troubles
from conformance.results.result import Result

_TOOL: Final = "cancel-conformance"
_ORDERLY: Final = (RunVerdict.CONFORMANT, RunVerdict.NOT_CONFORMANT)
_LONGEST_MESSAGE: Final = 300


def junit_text(result: Result) -> str:
    """Return the text of `junit.xml`.

    A run with another verdict than conformant and not conformant gets an extra suite with an error: it must not look
    passed.
    """
    root = ElementTree.Element("testsuites", name=_TOOL)
    for profile in profiles(result):
        root.append(_suite(result, profile))
    if result.verdict not in _ORDERLY:
        root.append(_run_suite(result))
    elif troubles(result):
        ElementTree.SubElement(root[-1], "system-err").text = _trouble_text(result)
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.attrib[name]) for suite in root)))
    root.set("time", _seconds(result))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _seconds(result: Result) -> str:
    finish = ending(result)
    return f"{finish.seconds:.3f}" if finish else "0.000"


def _suite(result: Result, profile: Profile) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=f"{_TOOL}.{profile.value}")
    _properties(suite, _suite_properties(result, profile))
    for rule in result.of(profile):
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=f"{_TOOL}.{profile.value}",
            name=in_one_line(f"{rule.rule.id} {rule.rule.title}"),
            time="0.000",
        )
        outcome = _outcome(result, rule)
        if outcome is not None:
            case.append(outcome)
    return _with_counts(suite, result)


def _suite_properties(result: Result, profile: Profile) -> dict[str, str]:
    """Return the properties of a suite, with those of its rules.

    The schema has no properties of a test case.
    """
    properties = {"api": spec_of(profile).title, "target": result.run.target.name, "seed": str(result.run.seed)}
    for rule in result.of(profile):
        properties[f"{rule.rule.id}.level"] = rule.rule.level.value
        properties[f"{rule.rule.id}.verdict"] = rule.verdict.value
        properties[f"{rule.rule.id}.examples"] = str(rule.examples)
    return properties


def _outcome(result: Result, rule: RuleResult) -> ElementTree.Element | None:
    verdict = rule.verdict
    message = in_one_line(f"{verdict.value}: {rule.reason}", _LONGEST_MESSAGE)
    if result.verdict is RunVerdict.HARNESS:
        return ElementTree.Element("skipped", message="The suite itself failed: nothing is claimed about this rule.")
    if verdict is RuleVerdict.PASSED:
        return None
    if rule.waiver is not None:
        return ElementTree.Element("skipped", message=in_one_line(f"waived: {rule.waiver} ({message})"))
    if verdict is RuleVerdict.VIOLATED:
        failure = ElementTree.Element("failure", message=message, type=verdict.value)
        finding = first_finding(result.evidence, rule.profile, rule.rule.id)
        curl = finding.curl if finding is not None else "no counterexample was stored"
        replay = replay_line(result, rule.counterexample) if rule.counterexample else curl
        failure.text = f"\n{rule.rule.statement}\n{shortened(rule.reason)}\nreplay: {in_one_line(replay)}\n"
        return failure
    if blocks_conformance(rule):
        error = ElementTree.Element("error", message=message, type=verdict.value)
        error.text = f"\n{rule.rule.statement}\n{shortened(rule.reason)}\n"
        return error
    return ElementTree.Element("skipped", message=message)


def _run_suite(result: Result) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=f"{_TOOL}.run")
    case = ElementTree.SubElement(
        suite, "testcase", classname=f"{_TOOL}.run", name="The run came to a verdict", time="0.000"
    )
    error = ElementTree.SubElement(case, "error", message=headline(result), type=result.verdict.value)
    error.text = f"\n{shortened(result.reason)}\n{shortened(ending_note(result))}\n{_trouble_text(result)}"
    return _with_counts(suite, result)


def _trouble_text(result: Result) -> str:
    return "".join(
        f"\n{trouble.title}:\n{''.join(f'  {line}{chr(10)}' for line in trouble.lines)}" for trouble in troubles(result)
    )


def _properties(parent: ElementTree.Element, values: Mapping[str, str]) -> None:
    properties = ElementTree.SubElement(parent, "properties")
    for name, value in values.items():
        ElementTree.SubElement(properties, "property", name=name, value=in_one_line(value))


def _with_counts(suite: ElementTree.Element, result: Result) -> ElementTree.Element:
    suite.set("tests", str(len(suite.findall("testcase"))))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("time", "0.000")
    suite.set("timestamp", result.run.started.removesuffix("Z"))
    return suite
