"""What `junit.xml` may be made of, so that Jenkins' xUnit plugin takes it: its `junit-10.xsd`, written down as a table.

Names and attributes are those of that schema, as far as we write them; anything else is an error here. The published
file (jenkinsci/xunit-plugin, MIT) accepts the same files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

SECONDS = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?")
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")
NUMBER = re.compile(r"[0-9]+")
ANY = re.compile(r"(?s).*")
OUTCOME = {"type": ANY, "message": ANY}

REQUIRED, OPTIONAL, CHILDREN = range(3)
ELEMENTS: dict[str, tuple[dict[str, re.Pattern[str]], dict[str, re.Pattern[str]], set[str]]] = {
    "testsuites": (
        {},
        {"name": ANY, "time": SECONDS, "tests": NUMBER, "failures": NUMBER, "errors": NUMBER},
        {"testsuite"},
    ),
    "testsuite": (
        {"name": ANY, "tests": NUMBER, "failures": NUMBER, "errors": NUMBER},
        {"time": SECONDS, "skipped": NUMBER, "timestamp": MOMENT, "hostname": ANY},
        {"properties", "testcase"},
    ),
    "testcase": ({"name": ANY}, {"time": ANY, "classname": ANY}, {"skipped", "error", "failure"}),
    "properties": ({}, {}, {"property"}),
    "property": ({"name": ANY, "value": ANY}, {}, set()),
    "skipped": ({}, OUTCOME, set()),
    "error": ({}, OUTCOME, set()),
    "failure": ({}, OUTCOME, set()),
}
WITH_TEXT = {"skipped", "error", "failure"}


def faults_of(element: Element) -> Iterator[str]:
    """Say what is wrong with an element, and with everything in it."""
    if element.tag not in ELEMENTS:
        yield f"there is no {element.tag}"
        return
    required, optional, children = ELEMENTS[element.tag]
    for name in required.keys() - element.attrib.keys():
        yield f"{element.tag} has no {name}"
    for name, value in element.attrib.items():
        pattern = {**required, **optional}.get(name)
        if pattern is None or not pattern.fullmatch(value):
            yield f"{element.tag} has {name}={value!r}"
    if element.tag not in WITH_TEXT and (element.text or "").strip():
        yield f"{element.tag} has a text"
    for child in element:
        if child.tag not in children:
            yield f"{element.tag} has a {child.tag}"
        yield from faults_of(child)
