"""What kept a run from testing, and what it observed that no rule decides.

The first are exceptions of the user's own code, and the request that was not answered as it should.

All of it is in the journal. The texts are lines for a terminal, a summary and a page alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from conformance.domain.messages import Headers
from conformance.domain.observation import Field
from conformance.domain.order import Market
from conformance.evidence.consistency import RETRY_SUFFIXES, SEQUENTIAL_SUFFIXES
from conformance.evidence.record_parts import Body
from conformance.evidence.records import ActionRecord, ExchangeRecord, FinishRecord, HistoryRecord, JudgementRecord
from conformance.evidence.redaction import REMOVED
from conformance.judging.verdicts import RunVerdict
from conformance.reports.wording.provider import counted, reason_in_words
from conformance.reports.wording.sanitize import body_of, in_one_line
from conformance.results.result import Result
from conformance.results.unexpected import Unexpected

MOST_SHOWN: Final = 3
"""The most different exceptions that are shown; one defect of an adapter shows in many places."""
MOST_LINES: Final = 40
MOST_UNEXPECTED: Final = 8
"""So many observations that no rule decides are shown, the most frequent ones."""
FEW: Final = 0.5
"""An action that succeeds in a smaller share of the histories in which nothing goes wrong seldom succeeds."""
_LONGEST_BODY: Final = 800
_REQUEST_HEADERS: Final = (
    "authorization",
    "ocp-apim-subscription-key",
    "client_id",
    "client_secret",
    "merchant-serial-number",
    "content-type",
    "idempotency-key",
    "x-request-id",
)
_RESPONSE_HEADERS: Final = ("content-type", "location", "retry-after", "www-authenticate", "server", "x-request-id")
_CREDENTIALS: Final = frozenset(_REQUEST_HEADERS[:4])
_PROGRAMMING: Final = frozenset(
    {
        "AssertionError",
        "AttributeError",
        "ImportError",
        "IndexError",
        "KeyError",
        "ModuleNotFoundError",
        "NameError",
        "NotImplementedError",
        "RecursionError",
        "SyntaxError",
        "TypeError",
        "UnboundLocalError",
    }
)
"""Exceptions by which no merchant says that an action did not succeed."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that went wrong: a title without a full stop, and the lines that show it."""

    title: str
    lines: tuple[str, ...]


@dataclass(slots=True)
class _Crash:
    """The same exception, at the same place: its first text, and where it occurred."""

    text: str
    first: str
    times: int = 0
    histories: set[str] = field(default_factory=set)


def troubles(result: Result) -> list[Trouble]:
    """Return what went wrong in a run, the most important first.

    Of a conformant run, those actions of a merchant are shown that seldom succeeded: little of what they do was tested.
    What no rule decides is shown with every verdict.
    """
    if result.verdict is RunVerdict.CONFORMANT:
        seldom = (Trouble(title, _lines(text)) for text, title in _seldom_succeeding(result)[:MOST_SHOWN])
        return [*seldom, *_unexpected(result)]
    return [*_crashes(result), *_failing_exchange(result), *_unexpected(result)]


def _unexpected(result: Result) -> Iterator[Trouble]:
    if not result.unexpected:
        return
    lines = [_unexpected_line(result, each) for each in result.unexpected[:MOST_UNEXPECTED]]
    if more := len(result.unexpected) - MOST_UNEXPECTED:
        lines += [f"… {counted(more, 'more')}, in report.json"] if more > 0 else []
    yield Trouble("Not as expected, and no rule decides", tuple(in_one_line(line, 300) for line in lines))


def _unexpected_line(result: Result, each: Unexpected) -> str:
    where = f"{each.profile.value}, after {each.do}, first in history {each.history}"
    reason = reason_in_words(each.reason, Market(result.run.market).currency)
    about = f" ({', '.join(each.rules)})" if each.rules else ""
    return f"{counted(each.times, 'time')}: {reason}{about}; {where}"


def _crashes(result: Result) -> Iterator[Trouble]:
    finish = result.evidence.last(FinishRecord)
    listed = [*_of_adapter(result), *_of_application(result), *_of_merchant(result)]
    texts = {_kind(text) for text, _ in listed}
    if finish is not None and finish.crash and _kind(finish.crash) not in texts:
        listed.insert(0, (finish.crash, "The failure of the user's own code that ended the run"))
    for text, title in listed[:MOST_SHOWN]:
        yield Trouble(title, _lines(text))


def _of_adapter(result: Result) -> list[tuple[str, str]]:
    """Return the exceptions of a Python adapter, each with a title."""
    crashes: dict[str, _Crash] = {}
    for record in result.evidence.of(JudgementRecord):
        text = record.observed.get(Field.ANSWER_CRASH)
        if isinstance(text, str):
            where = f"step {record.step} ({record.do}) of history {record.history}"
            _add(crashes, text, where, record.history)
    return [
        (
            crash.text,
            f"The adapter raised {_name(crash.text)} {counted(crash.times, 'time')} in "
            f"{counted(len(crash.histories), 'history', 'histories')}, first in {crash.first}",
        )
        for crash in _by_frequency(crashes)
    ]


def _of_application(result: Result) -> list[tuple[str, str]]:
    """Return the exceptions of an application in this process, each with a title."""
    crashes: dict[str, _Crash] = {}
    for record in result.evidence.of(ExchangeRecord):
        if record.crash:
            _add(crashes, record.crash, _request_line(record), record.history)
    return [
        (
            crash.text,
            f"The application raised {_name(crash.text)} in {counted(crash.times, 'request')}, first {crash.first}",
        )
        for crash in _by_frequency(crashes)
    ]


def _of_merchant(result: Result) -> list[tuple[str, str]]:
    """Return what a merchant's code said of actions that never succeeded, or that failed for a programming error.

    A merchant may raise any exception where an action does not succeed: most of them are as they should be.
    """
    in_process = result.run.target.kind == "python"
    return _failures_of_merchant(result, lambda _, text: in_process and _name(text) in _PROGRAMMING)


def _seldom_succeeding(result: Result) -> list[tuple[str, str]]:
    """Return what a merchant's code said of actions that succeeded in few of the histories without a fault."""
    plain = {record.id for record in result.evidence.of(HistoryRecord) if not record.history.get("faults")}
    asked: Counter[str] = Counter()
    done: Counter[str] = Counter()
    endings: dict[tuple[str, str], set[str]] = {}
    for record in result.evidence.of(ActionRecord):
        if record.history in plain:
            endings.setdefault((record.history, record.action), set()).add(record.ended)
    for (_, action), ended in endings.items():
        asked[action] += 1
        done[action] += "returned" in ended
    return _failures_of_merchant(result, lambda action, _: done[action] < FEW * asked[action])


def _failures_of_merchant(result: Result, is_shown: Callable[[str, str], bool]) -> list[tuple[str, str]]:
    """Return the failures of actions that never succeeded, and those shown in any case; the most frequent first."""
    ended: Counter[tuple[str, str]] = Counter()
    crashes: dict[str, _Crash] = {}
    actions: dict[str, str] = {}
    for record in result.evidence.of(ActionRecord):
        ended[record.action, record.ended] += 1
        if record.crash:
            key = f"{record.action} {_kind(record.crash)}"
            actions.setdefault(key, record.action)
            _add(crashes, record.crash, f"step {record.step} of history {record.history}", record.history, key)
    in_process = result.run.target.kind == "python"
    shown = []
    for key, crash in crashes.items():
        action = actions[key]
        calls = sum(number for (name, _), number in ended.items() if name == action)
        if not ended[action, "returned"] or is_shown(action, crash.text):
            how = f"raised {_name(crash.text)}" if in_process else "failed"
            title = f"{action} {how} in {crash.times} of {counted(calls, 'call')}, first in {crash.first}"
            shown.append((crash.times, crash.text, title))
    return [(text, title) for _, text, title in sorted(shown, key=lambda entry: -entry[0])]


def _add(crashes: dict[str, _Crash], text: str, where: str, history: str, key: str = "") -> None:
    crash = crashes.setdefault(key or _kind(text), _Crash(text, where))
    crash.times += 1
    # A history that proved nothing is run again under another id: it is counted once.
    crash.histories.add(history.rstrip(RETRY_SUFFIXES + SEQUENTIAL_SUFFIXES))


def _by_frequency(crashes: dict[str, _Crash]) -> list[_Crash]:
    return sorted(crashes.values(), key=lambda crash: -crash.times)


def _kind(text: str) -> str:
    """Return what is the same of an exception whatever its message is: its name, and where it was raised."""
    first, _, frames = text.partition("\n")
    return f"{_name(first)}\n{frames}"


def _name(text: str) -> str:
    return text.partition("\n")[0].partition(":")[0]


def _lines(text: str) -> tuple[str, ...]:
    """Return the lines of a text, harmless for a terminal, with their indentation."""
    lines = text.splitlines()
    shown = tuple(f"{' ' * (len(line) - len(line.lstrip()))}{in_one_line(line, 300)}" for line in lines[:MOST_LINES])
    return shown if len(lines) <= MOST_LINES else (*shown, f"… {counted(len(lines) - MOST_LINES, 'more line')}")


def _request_line(record: ExchangeRecord) -> str:
    return in_one_line(f"{record.request.method} {record.request.path}", 300)


def _failing_exchange(result: Result) -> Iterator[Trouble]:
    """Yield the request at which a run ended that could not be tested to its end, where an exchange shows that."""
    finish, last = result.evidence.last(FinishRecord), result.evidence.last(ExchangeRecord)
    if result.verdict is not RunVerdict.ENVIRONMENT or finish is None or last is None:
        return
    # What fails first in a history makes the rest of it fail: an order that was never created cannot be read.
    of_history = [record for record in result.evidence.of(ExchangeRecord) if record.history == last.history]
    failing = next(filter(_failed, of_history), last) if last.history else last
    if failing.crash:
        return
    if _failed(failing) or failing.request.path.partition("?")[0] in finish.message:
        yield Trouble("The request that failed, and its response", tuple(_exchange_lines(result, failing)))


def _failed(record: ExchangeRecord) -> bool:
    return record.response is None or record.response.status >= 300


def _exchange_lines(result: Result, record: ExchangeRecord) -> Iterator[str]:
    target = result.run.target
    base = (target.control if record.purpose == "control" else target.name) if target.kind == "url" else ""
    # A merchant's hook is the target there, and the provider double is who was asked.
    base = "" if record.wire is not None else base
    request, response = record.request, record.response
    yield in_one_line(f"{request.method} {base or ''}{request.path}")
    yield from _message_lines(request.headers, _REQUEST_HEADERS, request.body)
    if response is None:
        yield f"was not answered: {in_one_line(record.lost or '')}"
        return
    yield f"was answered {response.status}"
    yield from _message_lines(response.headers, _RESPONSE_HEADERS, response.body)


def _message_lines(headers: Headers, shown: tuple[str, ...], body: Body) -> Iterator[str]:
    for name, value in headers:
        if name.lower() in shown:
            yield f"  {name}: {REMOVED if name.lower() in _CREDENTIALS else in_one_line(value, 200)}"
    text = body_of(body, _LONGEST_BODY)
    if not text.text:
        yield "  (no body)"
    yield from (f"  {line}" for line in _lines(text.text))
    if text.note:
        yield f"  ({text.note} All of it is in the journal.)"
