"""Answers that are meant to break whoever reads them, drawn from a seed, in the place of a correct provider's.

What a target says reaches the journal, the terminal and every report. Each seed gives one target, which says the same
things every time: a way of being hostile, where it is hostile, and the texts that it uses.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conformance.domain.messages import Request, Response

MARK = "h0stile"
"""Stands in every text of a hostile answer, so that it is known again where it is shown."""
MARKUP = (
    "<script>document.title='%s'</script>",
    "</script></style></title></textarea></pre></details><script src=//127.0.0.1:9/%s.js></script>",
    "<img src=x onerror=alert('%s')>",
    "<svg/onload=alert('%s')><animate onbegin=alert(1) attributeName=x dur=1s>",
    '"\'><iframe srcdoc="&lt;script>parent.hit=1&lt;/script>" title=%s></iframe>',
    "<a href=javascript:alert(1)>%s</a><a href=data:text/html,x>y</a>",
    "<base href=http://127.0.0.1:9/><link rel=stylesheet href=/%s.css><meta http-equiv=refresh content=0;url=/x>",
    "<style>@import 'http://127.0.0.1:9/%s';*{background:url(http://127.0.0.1:9/y)}</style>",
    "<!--%s--><![CDATA[x]]>]]>--><?xml version='1.0'?><!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]>&y;",
    "{{ 7*7 }}{%% raw %%}${7*7}#{7*7}%s",
    "![%s](http://127.0.0.1:9/p.png) [x](javascript:alert(1)) `code` | **bold** | <!-- \n\n# heading\n::error::x",
    "<form action=http://127.0.0.1:9/%s><input autofocus onfocus=alert(1)><button formaction=/x>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert('%s')>",
    "&lt;b&gt;%s&#60;script&#62;alert(1)&#60;/script&#62;&nbsp",
)
UNSEEN = (
    "%s\x00\x01\x08\x0b\x0c\x0e\x1f\x7f\x80\x9f",
    "\x1b[2J\x1b[31m\x1b]0;%s\x07\x1b]8;;http://127.0.0.1:9/\x1b\\",
    "%s\r\nSet-Cookie: x=1\r\rover\b\b\b\b",
    "\u202e%s\u202d\u2066gnp.live\u2069\u202c\u061c\u200e\u200f",
    "%s\u200b\u2060\ufeff\u00ad\u180e\u034f\u3164\u2028\u2029\u0085",
    "%s\ud800\udfff\ufffe\uffff\U000e0041\ufe0f",
    "ا%sא\u05c1" + "\u0300" * 300,
    "%s" + "\u0e49" * 50 + "ﷺ" * 50,
)
NUMBERS = (
    10**18, -(10**18), 2**63, -(2**64), 10**4300 - 1, 1 - 10**4300, 1e308, -1e-308, 0.1 + 0.2, float("inf"),
    float("-inf"), float("nan"), True, None, [], {}, "1000", [1000], {"value": 1000},
)  # fmt: skip
LETTERS_OF_A_HEADER = "".join(map(chr, (*range(0x20, 0x7F), *range(0x80, 0x100))))
KINDS = ("application/json", "text/html; charset=utf-8", "text/plain", "image/svg+xml", "<b>", "application/json;" * 99)
WHERE = ("all", "cancels", "cancels", "changes", "reads", "control", "tokens", "later", "later", "sometimes")
EARLY = 60
"""Requests that are answered rightly before "later" begins: the target was looked at by then."""

FEW = 8
"""Answers of megabytes that one target gives: more would fill a disk, and show nothing more."""

Way = Callable[["Hostile", Response], Response]


@dataclass
class Hostile:
    """One hostile target: what it does to the answers of a correct one, and how often it was asked."""

    seed: int
    random: random.Random
    way: str
    where: str
    count: int = 0
    large: int = 0

    @property
    def name(self) -> str:
        return f"{self.seed}: {self.way}, {self.where}"

    def answer(self, request: Request, answer: Response) -> Response:
        """Return what is said in the place of a correct answer."""
        self.count += 1
        if not self._here(request) or (self.way in LARGE and self.large >= FEW):
            return answer
        self.large += self.way in LARGE
        return WAYS[self.way](self, answer)

    def _here(self, request: Request) -> bool:
        path = request.path
        control, token = path.startswith("/control"), "oken" in path
        match self.where:
            case "cancels":
                return "cancel" in path or request.method == "DELETE"
            case "changes":
                return request.method != "GET" and not control and not token
            case "reads":
                return request.method == "GET" and not control
            case "control":
                return control
            case "tokens":
                return token
            case "later":
                return self.count > EARLY
            case "sometimes":
                return self.random.random() < 0.2
        return True

    def text(self) -> str:
        """Return some hostile text; the mark is in it."""
        chosen = self.random.sample((*MARKUP, *UNSEEN), self.random.randint(1, 3))
        return " ".join(text % f"{MARK}{self.seed}" for text in chosen)

    def number(self) -> Any:
        return self.random.choice(NUMBERS)


def hostile(seed: int) -> Hostile:
    """Return the target of a seed. The ways take turns, so that a few seeds have them all."""
    chance = random.Random(f"hostile {seed}")
    ways = tuple(WAYS)
    way = ways[seed % len(ways)]
    return Hostile(seed, chance, way, chance.choice(WHERE))


def encoded(value: Any) -> bytes:
    """JSON as a careless library writes it: lone surrogates escaped, and numbers that are none."""
    return json.dumps(value, ensure_ascii=True).encode()


def raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def with_body(answer: Response, body: bytes, kind: str = "") -> Response:
    headers = tuple((name, value) for name, value in answer.headers if name.lower() != "content-type" or not kind)
    return Response(answer.status, (*headers, ("Content-Type", kind)) if kind else headers, body)


def _changed(value: Any, change: Callable[[Any], Any]) -> Any:
    """Change every value in some JSON, and leave its form."""
    if isinstance(value, dict):
        return {name: _changed(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [_changed(item, change) for item in value]
    return change(value)


def _json(answer: Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def added(target: Hostile, answer: Response) -> Response:
    """The right answer, and in every object of it something that nobody asked for."""

    def more(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                **{name: more(each) for name, each in value.items()},
                target.text(): target.text(),
                "x": target.number(),
            }
        return [more(each) for each in value] if isinstance(value, list) else value

    value = _json(answer)
    return with_body(answer, encoded(more(value))) if value is not None else answer


def texts(target: Hostile, answer: Response) -> Response:
    """Hostile texts in the place of all texts."""
    value = _json(answer)
    body = encoded(_changed(value, lambda value: target.text() if isinstance(value, str) else value))
    return with_body(answer, body) if value is not None else with_body(answer, raw(target.text()))


def some_texts(target: Hostile, answer: Response) -> Response:
    """Hostile texts in the place of some texts: the target goes on for longer."""
    value = _json(answer)
    if value is None:
        return answer
    return with_body(
        answer,
        encoded(
            _changed(value, lambda v: target.text() if isinstance(v, str) and target.random.random() < 0.15 else v)
        ),
    )


def numbers(target: Hostile, answer: Response) -> Response:
    """Numbers that no money is, in the place of all numbers."""
    value = _json(answer)
    return with_body(answer, encoded(_changed(value, lambda v: target.number() if isinstance(v, int | float) else v)))


def shapes(target: Hostile, answer: Response) -> Response:
    """Other shapes in the place of some values."""
    value = _json(answer)

    def other(value: Any) -> Any:
        return target.number() if target.random.random() < 0.3 else value

    return with_body(answer, encoded(_changed(value, other)))


def page(target: Hostile, answer: Response) -> Response:
    """A web page in the place of the answer."""
    return with_body(answer, raw(f"<html><body>{target.text()}</body></html>"), target.random.choice(KINDS))


def bytes_of_no_text(target: Hostile, answer: Response) -> Response:
    """Bytes that are no UTF-8."""
    body = bytes(target.random.randrange(256) for _ in range(target.random.randint(1, 5000)))
    return with_body(answer, b"\xff\xfe" + raw(target.text()) + body)


def cut_off(target: Hostile, answer: Response) -> Response:
    """JSON that stops in the middle, of a letter even."""
    return with_body(answer, encoded({"status": target.text()})[:-3] + "é".encode()[:1])


def raw_control(target: Hostile, answer: Response) -> Response:
    """The hostile texts as they are, unescaped, in something like JSON."""
    return with_body(answer, b'{"orderId":"' + raw(target.text()) + b'","a":1,"a":2,\x00"b":NaN}')


def nul(target: Hostile, answer: Response) -> Response:
    """NUL and nothing else."""
    return with_body(answer, b"\x00" * target.random.randint(1, 10_000))


def deep(target: Hostile, answer: Response) -> Response:
    """JSON that is nested a hundred thousand times."""
    depth = target.random.choice((500, 990, 100_000))
    start, end = target.random.choice(((b"[", b"]"), (b'{"a":', b"}")))
    return with_body(answer, start * depth + b"1" + end * depth)


def wide(target: Hostile, answer: Response) -> Response:
    """An object with ten thousand fields."""
    value = _json(answer)
    body = {f"{MARK}{number}": number for number in range(10_000)}
    return with_body(answer, encoded({**body, **value} if isinstance(value, dict) else body))


def five_megabytes(target: Hostile, answer: Response) -> Response:
    """As much as is read, in one text without a space."""
    text = json.dumps({"status": target.text()})[1:-1].encode()
    return with_body(answer, b"{" + text + b',"x":"' + b"A" * (5_000_000 - len(text) - 10) + b'"}')


def more_than_is_read(target: Hostile, answer: Response) -> Response:
    """More than is read."""
    return with_body(answer, b'"' + b"<b>" * 1_700_000 + b'"')


def long_line(target: Hostile, answer: Response) -> Response:
    """A long text in every field, without a place to break the line."""
    value = _json(answer)
    text = target.text() + "W" * 20_000
    return with_body(answer, encoded(_changed(value, lambda v: text if isinstance(v, str) else v)))


def digits(target: Hostile, answer: Response) -> Response:
    """A number that is longer than Python reads."""
    return with_body(answer, b'{"remaining":' + b"9" * target.random.choice((4300, 4301, 200_000)) + b"}")


def headers(target: Hostile, answer: Response) -> Response:
    """Hostile headers, as far as HTTP carries them."""
    chosen = [
        (name, "".join(letter for letter in target.text() if letter in LETTERS_OF_A_HEADER).strip())
        for name in ("Location", "Set-Cookie", "Refresh", "Link", "Content-Security-Policy", "X-Request-Id", "Server")
    ]
    more = [(f"X-{MARK}-{number}", "<b>" * 20) for number in range(target.random.randint(0, 60))]
    return Response(answer.status, (*answer.headers, *chosen, *more), answer.body)


def broken_headers(target: Hostile, answer: Response) -> Response:
    """Headers that HTTP does not carry."""
    bad = target.random.choice((("X-A", "a\x00b"), ("X A", "b"), ("<script>", "x"), ("X-A", "a\rb: c"), ("", "x")))
    return Response(answer.status, (*answer.headers, bad), answer.body)


def kinds(target: Hostile, answer: Response) -> Response:
    """The right answer under a wrong name."""
    return with_body(answer, answer.body, target.random.choice(KINDS))


def statuses(target: Hostile, answer: Response) -> Response:
    """Statuses that say nothing."""
    status = target.random.choice((200, 201, 204, 299, 302, 307, 400, 404, 409, 418, 451, 500, 502, 599, 600, 999))
    return Response(status, (*answer.headers, ("Location", "http://127.0.0.1:9/")), raw(target.text()))


def nothing(target: Hostile, answer: Response) -> Response:
    """An answer without a body."""
    return Response(answer.status, (), b"")


LARGE = ("five_megabytes", "more_than_is_read", "deep", "wide", "digits", "long_line")
WAYS: dict[str, Way] = {
    way.__name__: way
    for way in (
        added, texts, some_texts, numbers, shapes, page, bytes_of_no_text, cut_off, raw_control, nul, deep, wide,
        five_megabytes, more_than_is_read, long_line, digits, headers, broken_headers, kinds, statuses, nothing,
    )
}  # fmt: skip
