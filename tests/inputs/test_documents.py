"""JSON and YAML of a bounded depth and number of values, whatever their texts stand for."""

import time

import pytest

from conformance.inputs.documents import InputError, Limits, parse_json, parse_yaml

SMALL = Limits(size=100_000, values=100, depth=5)


def test_what_is_within_the_limits_is_read():
    assert parse_json(b'\xef\xbb\xbf{"a": [1, "[[[[[[,,,{\\"[["]}', "x") == {"a": [1, '[[[[[[,,,{"[[']}
    text = "a: &a {x: 1}\nb: *a\nc: [NO, yes, true, 1.5, 2020-01-01, 1:30, 007, ~]\n200: z"
    assert parse_yaml(text, "x") == {
        "a": {"x": 1}, "b": {"x": 1}, "c": ["NO", "yes", True, 1.5, "2020-01-01", "1:30", "007", None], 200: "z",
    }  # fmt: skip


@pytest.mark.parametrize("depth", [5, 6])
def test_depth_is_counted_with_what_references_repeat(depth):
    texts = ["[" * depth + "1" + "]" * depth, "a: " * 0 + "{a: " * depth + "1" + "}" * depth]
    chain = "\n".join([f"a{n}: &a{n} [{f'*a{n - 1}' if n else 1}]" for n in range(depth - 1)])
    for text in (*texts, chain):
        if depth == 5:
            parse_yaml(text, "x", SMALL)
        else:
            with pytest.raises(InputError, match="x is nested more than 5 levels deep"):
                parse_yaml(text, "x", SMALL)
    if depth == 6:
        with pytest.raises(InputError, match="nested more than 5 levels"):
            parse_json(texts[0].encode(), "x", SMALL)


@pytest.mark.parametrize(
    "text",
    [
        "[" + "1," * 101 + "]",
        "a: &a [1, 1, 1, 1, 1, 1, 1, 1]\nb: [" + ",".join(["*a"] * 12) + "]",
        "a: &a {x: 1, y: 2}\nb: &b {<<: [" + ",".join(["*a"] * 11) + "]}\nc: {<<: [*b, *b, *b]}",
    ],
)
def test_values_are_counted_with_what_references_repeat(text):
    with pytest.raises(InputError, match="x has more than 100 values"):
        parse_yaml(text, "x", SMALL)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: &a [*a]", r"\*a refers to what is not complete"),
        ("a: *b", r"\*b refers to what is not complete"),
        ("!!python/object/apply:os.system [exit]", "YAML tag .*, which no document needs"),
        ("!!timestamp 2020-01-01: x", "YAML tag"),
        ("? [a, b]\n: c", "is not YAML"),
        ("a: [", "is not YAML"),
        ("a: \ud800", "is not YAML"),
    ],
)
def test_what_is_not_yaml_is_one_sentence(text, words):
    with pytest.raises(InputError, match=f"x .*{words}"):
        parse_yaml(text, "x")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"[" + b"9" * 5_000 + b"]", "a number in it is too long"),
        (b'{"a": "\xff"}', "not UTF-8 text"),
        (b'{"a": ', r"is not JSON\."),
        (b"[[[[[[", "nested"),
        (b"[" + b"[]," * 200 + b"1]", "more than 100 values"),
        (b" " * 100_001, "larger than 0.1 MB"),
    ],
)
def test_what_is_not_json_is_one_sentence(data, words):
    with pytest.raises(InputError, match=words):
        parse_json(data, "x", SMALL)


@pytest.mark.parametrize("text", ["[" * 400_000, "{a: " * 100_000, "- " * 200_000 + "x", '"' * 300_001])
def test_nobody_waits_for_what_is_refused(text):
    started = time.monotonic()
    with pytest.raises(InputError):
        parse_yaml(text, "x")
    with pytest.raises(InputError):
        parse_json(text.encode(), "x")
    assert time.monotonic() - started < 20
