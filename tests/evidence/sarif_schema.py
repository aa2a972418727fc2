"""What `results.sarif` uses of SARIF 2.1.0 (errata 01), as a JSON Schema: properties that it does not use are errors.

Written down from the specification, sections 3.13 to 3.52. The published schema, which permits more, accepts the same
files.
"""

from __future__ import annotations

TEXT = {"type": "string", "minLength": 1}
MESSAGE = {"type": "object", "properties": {"text": TEXT}, "required": ["text"], "additionalProperties": False}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
KIND = {"enum": ["notApplicable", "pass", "fail", "review", "open", "informational"]}
PROPERTIES = {
    "type": "object",
    "properties": {"tags": {"type": "array", "uniqueItems": True, "items": {"type": "string"}}},
}


def strict(required, **properties):
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def listed(items, least=0):
    return {"type": "array", "items": items, "minItems": least}


RULE = strict(
    ["id"],
    id=TEXT,
    name=TEXT,
    shortDescription=MESSAGE,
    fullDescription=MESSAGE,
    help=MESSAGE,
    defaultConfiguration=strict([], level=LEVEL),
    properties=PROPERTIES,
)
LOCATION = strict(
    ["physicalLocation"],
    physicalLocation=strict(
        ["artifactLocation"],
        artifactLocation=strict(["uri"], uri={"type": "string", "format": "uri-reference"}, uriBaseId=TEXT),
        region=strict([], startLine={"type": "integer", "minimum": 1}),
    ),
    logicalLocations=listed(strict([], fullyQualifiedName=TEXT, kind=TEXT)),
)
RESULT = strict(
    ["message"],
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    kind=KIND,
    level=LEVEL,
    message=MESSAGE,
    locations=listed(LOCATION),
    partialFingerprints={"type": "object", "additionalProperties": {"type": "string"}},
    suppressions=listed(
        strict(
            ["kind"],
            kind={"enum": ["inSource", "external"]},
            status={"enum": ["accepted", "underReview", "rejected"]},
            justification={"type": "string"},
        )
    ),
    properties=PROPERTIES,
)
RESULT |= {
    # 3.27.10: the level of a result that does not fail is none.
    "if": {"properties": {"kind": {"not": {"const": "fail"}}}, "required": ["kind"]},
    "then": {"properties": {"level": {"const": "none"}}},
}
SARIF_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **strict(
        ["version", "runs"],
        **{"$schema": {"type": "string", "format": "uri"}},
        version={"const": "2.1.0"},
        runs=listed(
            strict(
                ["tool"],
                tool=strict(["driver"], driver=strict(["name"], name=TEXT, version=TEXT, rules=listed(RULE))),
                invocations=listed(
                    strict(
                        ["executionSuccessful"],
                        executionSuccessful={"type": "boolean"},
                        exitCode={"type": "integer"},
                        exitCodeDescription=TEXT,
                        startTimeUtc={"type": "string", "format": "date-time"},
                        toolExecutionNotifications=listed(strict(["message"], level=LEVEL, message=MESSAGE)),
                    )
                ),
                automationDetails=strict([], id=TEXT),
                originalUriBaseIds={"type": "object", "additionalProperties": strict([], description=MESSAGE)},
                columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                results=listed(RESULT),
                properties=PROPERTIES,
            ),
            least=1,
        ),
    ),
}
